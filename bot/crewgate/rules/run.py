"""`crewgate rules test` and `crewgate rules explain`, beside a running bot."""

import argparse
from collections.abc import Sequence
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncEngine

from crewgate.check.database import address_owners, of_this_version
from crewgate.check.findings import say
from crewgate.check.settings import people_of
from crewgate.check.slack import SlackCheck
from crewgate.crews import build_crews
from crewgate.domain.people import Email, Role, UserGroup
from crewgate.domain.rules.duration import Duration
from crewgate.rules import report
from crewgate.rules.report import Change, Group, replay
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.slack.client.web_api import new_client
from crewgate.store.engine import open_readers
from crewgate.store.executions import ExecutionQueries
from crewgate.store.queries import Queries
from crewgate.store.replay import Replay
from crewgate.usecases.read_models import NO_RULE_ID

CANDIDATES = 5


async def run_rules(settings: Settings, chosen: argparse.Namespace) -> int:
    if chosen.of_rules == "test":
        if chosen.sample is not None:
            since = chosen.since or Duration.parse("366d")
            return await try_sample(settings, chosen.sample, chosen.after, since)
        return await try_rules(settings, chosen.since or Duration.parse("30d"))
    return await explain_rules(settings, chosen.execution, chosen.crew)


async def try_rules(settings: Settings, since: Duration, runtime: Runtime | None = None) -> int:
    """Print the rules' effect on stored rounds; return 1 if nobody could approve some of them."""
    crews = build_crews(settings)
    people = {ref for crew in settings.crews.values() for ref in people_of(crew)}
    slack = SlackCheck(
        client=new_client(token=settings.slack_bot_token, base_url=settings.slack_api_url),
        app_token=None,
        channels={},
        people=dict.fromkeys(people, Role.REVIEWER),
        team=settings.slack_team,
        owners=await address_owners(settings.database_url),
        send_test_card=False,
        clock=(runtime or Runtime()).clock,
    )
    async for _ in slack.findings():
        pass
    known = slack.known
    unknown = [ref for ref in people if isinstance(ref, Email | UserGroup) and ref not in known]
    if unknown:
        say(report.not_asked(sorted(unknown, key=str)))
    begin = (runtime or Runtime()).clock() - since.length
    groups: dict[str, dict[Change, Group]] = {}
    left_out: dict[str, Group] = {}
    async with of_this_version(open_readers(settings.database_url)) as engine:
        async for stored in Replay(engine).since(begin):
            name = stored.round.review.crew
            if name in crews:
                change = replay(stored, crews[name], known)
                groups.setdefault(name, {}).setdefault(change, Group()).add(stored.round)
            else:
                left_out.setdefault(name, Group()).add(stored.round)
    counts = [group.count for found in groups.values() for group in found.values()]
    total = sum(counts) + sum(group.count for group in left_out.values())
    say(report.head(total, begin.date(), str(since)))
    for name in sorted(groups):
        for line in report.crew_lines(name, groups[name]):
            say(line)
    for name, group in sorted(left_out.items()):
        say(report.no_such_crew(name, group.count))
    return int(any(change.obstacle for found in groups.values() for change in found))


async def try_sample(
    settings: Settings, share: Fraction, after: int, since: Duration, runtime: Runtime | None = None
) -> int:
    """Print for each task what reading only a share of its rounds would have missed."""
    begin = (runtime or Runtime()).clock() - since.length
    say(f"Reading {share} of each task's rounds after the first {after}; this decides nothing")
    async with of_this_version(open_readers(settings.database_url)) as engine:
        for crew in settings.crews:
            read = Queries(engine, {})
            rules = [NO_RULE_ID, *(one.id for one in await read.rules((crew,)))]
            found = await read.stats.verdicted({crew: rules}, since=begin)
            for line in report.sample_lines(crew, found, share, after):
                say(line)
    return 0


async def explain_rules(settings: Settings, prefix: str, crew: str | None) -> int:
    """Print for each round of an execution its stored rule, and the rules that match now."""
    async with of_this_version(open_readers(settings.database_url)) as engine:
        crews = [name for name in settings.crews if crew in (None, name)]
        found = await _find(engine, prefix, crews)
        if len(found) != 1:
            lines = report.ambiguous(prefix, found) if found else (report.not_found(prefix),)
            for line in lines:
                say(line)
            return 1
        [(crew, execution_id)] = found
        stored = await Replay(engine).of_execution(crew, execution_id)
    about = settings.crews[crew].redact.cut(stored[0].topic) if stored else "no rounds"
    say(f"Execution {execution_id} of {crew} · {about}")
    for one in stored:
        for line in report.round_lines(one, settings.crews[crew]):
            say(line)
    return 0


async def _find(engine: AsyncEngine, prefix: str, crews: Sequence[str]) -> list[tuple[str, str]]:
    read = ExecutionQueries(engine)
    found = await read.starting_with(prefix, crews=crews, limit=CANDIDATES)
    return [key for key in found if key[1] == prefix] or list(found)
