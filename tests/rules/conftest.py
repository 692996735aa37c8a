"""`crewgate rules` beside a database with rounds, and a workspace with people."""

from collections.abc import AsyncIterator, Awaitable, Callable
from fractions import Fraction
from pathlib import Path

import pytest

from crewgate.demo.environment import people
from crewgate.domain.rules.duration import Duration
from crewgate.rules.run import explain_rules, try_rules, try_sample
from crewgate.runtime import Runtime
from crewgate.settings.load import load
from tests.standins.workspace import Workspace
from tests.usecases.world import World

CREW = """
[crews.research]
url = "https://research.example.com"
token_env = "TOKEN"
webhook_secret_env = "SECRET"
"""


def rule(name: str, text: str = "") -> str:
    return f'[[crews.research.rules]]\nname = "{name}"\n{text}\n'


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        people(workspace)
        workspace.add_group("S0LEGAL", "legal", ["U0BEN", "U0CARL"])
        yield workspace


Told = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def told(
    world: World,
    slack: Workspace,
    database_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Told:
    """Return the exit status and the lines of `test` or `explain` with these rules in the file.

    `after`: of a sample that reads so many of each task, and next to none of the others.
    """

    async def told(
        rules: str,
        *,
        explain: str | None = None,
        of_crew: str | None = None,
        since: str = "30d",
        after: int | None = None,
        **changes: str,
    ) -> tuple[int, list[str]]:
        crew = CREW.replace("research", "legal") if "crews.legal" in rules else CREW
        (tmp_path / "crews.toml").write_text(crew + rules, encoding="utf-8")
        environ = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_API_URL": slack.api_url,
            "SLACK_CHANNEL": "C0REVIEWS",
            "REVIEWERS": "U0ANA,U0BEN",
            "DATABASE_URL": database_url,
            "TOKEN": "a-token",
            "SECRET": "a-secret-of-a-crew",
        } | changes
        settings = load(environ, tmp_path)
        if after is not None:
            runtime = Runtime(clock=world.clock)
            every = Fraction(1, 10**9)
            status = await try_sample(settings, every, after, Duration.parse(since), runtime)
        elif explain is None:
            runtime = Runtime(clock=world.clock)
            status = await try_rules(settings, Duration.parse(since), runtime)
        else:
            status = await explain_rules(settings, explain, of_crew)
        return status, capsys.readouterr().out.splitlines()

    return told
