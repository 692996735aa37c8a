"""The stand-ins of a run, with the bot between them."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from crewgate.demo.environment import connect
from crewgate.demo.servers import COMMAND
from tests.builders import a_secret_key
from tests.soak.beside import Beside
from tests.soak.bots import Bots, one_bot, two_bots
from tests.soak.hosts import Asking, Host, is_flow, is_host
from tests.soak.labels import OUTCOMES, a_script
from tests.soak.ledger import Ledger
from tests.soak.options import Options
from tests.soak.rules import EXCLUDED, GROUP, GROUPS, NAMED, REVIEWER, STARTER, rule_of
from tests.soak.stepped_bot import step
from tests.standins.crew import Crew, FlowWebhook, Style
from tests.standins.workspace import Workspace

REVIEWERS = 400
_TASK_SECONDS = (0.3, 3.0)
_FLOWS = """\
flow_webhook_secret_env = "FLOW_{name}"
flow_callback_hosts = ["127.0.0.1"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that runs."""

    options: Options
    slack: Workspace
    crews: tuple[Crew, ...]
    bots: Bots
    reviewers: tuple[str, ...]
    clock: Path
    """Says how many seconds the bots' clock is ahead."""
    secrets: Mapping[str, str]
    """The texts that must never be seen, by their meaning."""
    ledger: Ledger = field(default_factory=Ledger)

    def chance(self, of: str) -> Random:
        """Chance for one part of the run, the same for the same seed."""
        return Random(f"{self.options.seed} {of}")  # noqa: S311  # nothing is hidden by it


@asynccontextmanager
async def open_world(
    options: Options,
    folder: Path,
    command: Sequence[str] = COMMAND,
    more_settings: Mapping[str, str] | None = None,
    besides: Sequence[Beside] = (),
) -> AsyncIterator[World]:
    """Start the stand-ins and the bot, and end both."""
    chance = Random(f"{options.seed} world")  # noqa: S311  # nothing is hidden by it
    async with AsyncExitStack() as stack:
        slack = Workspace(
            bot_token=f"xoxb-{chance.randbytes(12).hex()}",
            signing_secret=chance.randbytes(16).hex(),
        )
        await stack.enter_async_context(slack)
        crews = tuple(_crew(number, chance) for number in range(options.crews))
        for crew in crews:
            await stack.enter_async_context(crew)
        people = _fill(slack, crews)
        for beside in besides:
            _add_beside(slack, beside)
            await stack.enter_async_context(beside.crew)
        every = (*crews, *(beside.crew for beside in besides))
        hooks = {crew.name: chance.randbytes(16).hex() for crew in every}
        flows = {
            crew.name: f"whsec_{chance.randbytes(16).hex()}" for crew in crews if is_flow(crew.name)
        }
        ledger = Ledger()
        file = folder / "crews.toml"
        tables = [_table(number, crew) for number, crew in enumerate(crews)]
        file.write_text("\n".join([*tables, *(beside.table() for beside in besides)]))
        step(clock := folder / "clock", 0)
        settings = {
            "SOAK_CLOCK": str(clock),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_API_URL": slack.api_url,
            "CREWS_FILE": str(file),
            "LOG_FORMAT": "json",
            "SECRET_KEYS": a_secret_key(1),
            **{f"TOKEN_{crew.name}": crew.token for crew in every},
            **{f"HOOK_{crew.name}": hooks[crew.name] for crew in every},
            **{f"FLOW_{name}": secret for name, secret in flows.items()},
            **(more_settings or {}),
        }
        start = one_bot if options.database == "sqlite" else two_bots
        bots = await stack.enter_async_context(start(settings, folder, command))
        for beside in besides:
            connect(slack, beside.crew, bots.address, hooks[beside.name])
            beside.join(slack, bots.address, ledger)
        for crew in crews:
            connect(slack, crew, bots.address, hooks[crew.name])
            if crew.name in flows:
                url = f"{bots.address}/crews/{crew.name}/flow-request"
                crew.flows.webhook = FlowWebhook(url, flows[crew.name])
                assert isinstance(crew, Asking)
                crew.steps = ledger.steps
        yield World(
            options=options,
            slack=slack,
            crews=crews,
            bots=bots,
            reviewers=people,
            clock=clock,
            ledger=ledger,
            secrets={
                "Slack's bot token": slack.bot_token,
                "the key of credentials": a_secret_key(1),
                "an address to answer a click at": "/respond/",
                "Slack's signing secret": slack.signing_secret,
                **{f"the token of {crew.name}": crew.token for crew in every},
                **{f"the webhook secret of {name}": secret for name, secret in hooks.items()},
                **{f"the flow secret of {name}": secret for name, secret in flows.items()},
            },
        )


def _crew(number: int, chance: Random) -> Crew:
    # Half of them have several tasks: each makes a post more in the channel.
    script = {
        0: a_script("draft", "plan", "report", unreviewed=["plan"]),
        2: a_script("left", "right", "summary", beside=["right"], unreviewed=["summary"]),
    }.get(number % 4, a_script("draft"))
    name = f"crew{number}"
    if is_flow(name):
        script = a_script("draft", emit=OUTCOMES)
    kind = Host if is_host(name) else Asking if is_flow(name) else Crew
    crew = kind(
        now=time.time,
        token=f"crew-token-{chance.randbytes(12).hex()}",
        name=name,
        script=script,
        task_seconds=round(chance.uniform(*_TASK_SECONDS), 2),
    )
    crew.style = Style.RICH if is_host(name) else list(Style)[number % len(Style)]
    return crew


def _fill(slack: Workspace, crews: tuple[Crew, ...]) -> tuple[str, ...]:
    people = tuple(f"{REVIEWER}{number}" for number in range(REVIEWERS))
    for person in (*people, *NAMED):
        slack.add_user(person, person.lower())
    slack.add_group(GROUP, "reviewers", (*people, STARTER))
    for group, member in GROUPS.items():
        slack.add_group(group, group.lower(), (member,))
    for crew in crews:
        members = (*people, *NAMED)
        slack.add_channel(channel_of(crew), f"reviews-{crew.name}", members=members)
        slack.add_channel(_rule_channel(crew), f"rule-{crew.name}", members=members)
    return people


def _add_beside(slack: Workspace, beside: Beside) -> None:
    for person in beside.people:
        slack.add_user(person, person.lower())
    slack.add_channel(beside.channel, beside.name, members=(*beside.people, EXCLUDED))


def channel_of(crew: Crew) -> str:
    """The channel of a crew's own."""
    return f"C0{crew.name.upper()}"


def crew_in(channel: str) -> str:
    """The crew whose channel, or whose rule's channel, this is."""
    return channel[2:].lower()


def is_of_the_load(channel: str) -> bool:
    """Return True for the channels of the load's crews and of their rules."""
    return channel.startswith(("C0", "C1"))


def _rule_channel(crew: Crew) -> str:
    return f"C1{crew.name.upper()}"


def _table(number: int, crew: Crew) -> str:
    reviewers = f'"{GROUP}", "{EXCLUDED}"' if number % 2 else '"*"'
    # One person in private, as many do not fit into Slack's limits for a whole workspace.
    notify = "dm" if number % 4 == 0 else "mention"
    told = ', "U0PERSON0"' if notify == "dm" else ""
    return f"""
[crews.{crew.name}]
url = "{crew.url}"
token_env = "TOKEN_{crew.name}"
webhook_secret_env = "HOOK_{crew.name}"
channel = "{channel_of(crew)}"
{_FLOWS.format(name=crew.name) if is_flow(crew.name) else ""}
reviewers = [{reviewers}{told}]
notify = "{notify}"
{rule_of(crew.name).table(crew.name, _rule_channel(crew))}"""
