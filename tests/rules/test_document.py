"""`docs/rules.md` shows a file that can be copied, and the real answers about it."""

import json
import re
from datetime import timedelta

import pytest

from crewgate.domain.notification import Format, Output
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders, Rule
from tests.builders import a_crew
from tests.repo.files import fences, read
from tests.repo.samples import occurs
from tests.rules.conftest import Told
from tests.standins.workspace import Workspace
from tests.usecases.world import World

(FILE, *_) = re.findall(
    r"^```toml\n(.*?)^```", read("docs/rules.md"), flags=re.MULTILINE | re.DOTALL
)
[(SAMPLE,)] = fences("docs/rules.md", "<!-- sample: rules test -->")
REST = Rule(name="everything else", remind=Reminders(after=Duration.parse("1d"), most=1))
NUMBERED = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4be{}"


@pytest.fixture
def slack(slack: Workspace) -> Workspace:
    """Ben and the lead are in the file's user group."""
    slack.add_user("U0LEAD", "Lea", email="lead@example.com")
    slack.add_group("S0123456789", "legal", ["U0BEN", "U0LEAD"])
    return slack


async def pause(world: World, number: int, eur: int, task: str = "contract_lease") -> None:
    world.clock.advance(timedelta(hours=20))
    execution = NUMBERED.format(number)
    meta = ("what", "Lease, Berlin"), ("started_by", "U0ANA" if number % 4 else "U0BEN")
    await world.kick_off(*meta, crew="legal", execution=execution)
    await world.notify(
        crew="legal",
        execution_id=execution,
        task_id=task,
        task_name=None,
        output=Output(json.dumps({"budget": {"eur": eur}}), Format.JSON),
    )


async def test_the_sample_is_what_is_printed(world: World, told: Told) -> None:
    world.crews["legal"] = a_crew("legal", rules=(REST,))
    for number, eur in enumerate([48_000, 20, 70_000, 30, 60_000]):
        await pause(world, number, eur)
    world.crews["legal"] = a_crew("legal")
    await pause(world, 5, 0, "memo_board")

    status, printed = await told(FILE)
    assert status == 1
    assert occurs(SAMPLE, "\n".join(printed)), "\n".join(printed)
