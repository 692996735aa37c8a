"""`docs/rules.md` shows a file that can be copied, and what is really said of it."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from crewgate.demo.workspace import Workspace
from crewgate.domain.notification import Format, Output
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Reminders, Rule
from crewgate.settings.load import SettingsError, load
from tests.builders import a_crew
from tests.repo.files import fences, read
from tests.repo.samples import occurs
from tests.rules.conftest import CREW, Told
from tests.usecases.world import World

(FILE, *_) = re.findall(
    r"^```toml\n(.*?)^```", read("docs/rules.md"), flags=re.MULTILINE | re.DOTALL
)
SAMPLES = {
    name: text.strip("\n")
    for name, text in fences("docs/rules.md", r"<!-- sample: rules (\w+) -->")
}
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


async def test_the_samples_are_what_is_said(world: World, told: Told) -> None:
    world.crews["legal"] = a_crew("legal", rules=(REST,))
    for number, eur in enumerate([48_000, 20, 70_000, 30, 60_000]):
        await pause(world, number, eur)
    world.crews["legal"] = a_crew("legal")
    await pause(world, 5, 0, "memo_board")

    status, said = await told(FILE)
    assert status == 1
    assert occurs(SAMPLES["test"], "\n".join(said)), "\n".join(said)
    status, said = await told(FILE, explain=NUMBERED.format(0))
    assert status == 0
    assert occurs(SAMPLES["explain"], "\n".join(said)), "\n".join(said)


def test_what_cannot_be_read_is_said_as_it_is_shown(tmp_path: Path) -> None:
    text = CREW.replace("research", "legal") + FILE.replace('"1d", most', '"1 day", most')
    (tmp_path / "crews.toml").write_text(text, encoding="utf-8")
    environ = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_CHANNEL": "#reviews",
        "REVIEWERS": "*",
        "TOKEN": "a-token",
        "SECRET": "a-secret-of-a-crew",
    }
    with pytest.raises(SettingsError) as refused:
        load(environ, tmp_path)
    assert SAMPLES["unreadable"] == f"crewgate: {refused.value}"
