"""`crewgate purge`: removes texts whose `retention` is over, beside a running bot."""

import argparse
from datetime import datetime, timedelta

from crewgate.check.database import transactions_beside
from crewgate.check.findings import NotDone, say
from crewgate.domain.audit import OPERATOR
from crewgate.runtime import Runtime, utc_now
from crewgate.settings.load import Settings
from crewgate.slack.client.web_api import new_client, time_told
from crewgate.slack.words.names import counted
from crewgate.store.engine import scrub
from crewgate.usecases.ports.base import Clock, Sleep
from crewgate.usecases.removal import Removed, remove_texts

#: A line of progress is printed after this many executions.
_TOLD_EVERY = 1_000


async def purge(
    settings: Settings,
    chosen: argparse.Namespace,
    *,
    clock: Clock = utc_now,
    sleep: Sleep | None = None,
) -> int:
    """Remove texts, or count them, crew by crew. Raises NotDone and StoreUnavailable."""
    if chosen.crew not in {None, *settings.crews}:
        say(f"! the settings name no crew {chosen.crew}: see that this is its name")
    retentions = _retentions(settings, chosen)
    there = await time_told(
        new_client(token=settings.slack_bot_token, base_url=settings.slack_api_url)
    )
    if there is None:
        raise NotDone(
            "Slack does not say what time it is, and a clock here may be wrong: try again later"
        )
    for crew, retention in retentions.items():
        before = min(clock(), there) - retention
        await _purge(
            settings, crew, before, clock, sleep or Runtime().sleep, dry_run=chosen.dry_run
        )
    if not chosen.dry_run and not await scrub(settings.database_url):
        say("! the log beside the database is in use and may have removed texts: run this again")
    return 0


def _retentions(settings: Settings, chosen: argparse.Namespace) -> dict[str, timedelta]:
    if chosen.older_than is not None:
        if chosen.crew is None:
            raise NotDone("--older-than goes with --crew")
        return {chosen.crew: chosen.older_than}
    found = {
        name: crew.retention
        for name, crew in settings.crews.items()
        if crew.retention and chosen.crew in {None, name}
    }
    if not found and chosen.crew is None:
        raise NotDone(
            "no crew has a `retention` in the settings: add one, or say --crew and --older-than"
        )
    if not found:
        raise NotDone(
            f"{chosen.crew} has no `retention` in the settings: say one, as --older-than 90d"
        )
    return found


async def _purge(
    settings: Settings, crew: str, before: datetime, clock: Clock, sleep: Sleep, *, dry_run: bool
) -> None:
    total, tens, began = Removed(), 0, clock()
    async with transactions_beside(settings.database_url, writes=not dry_run) as begin:
        if dry_run:
            async with begin() as tx:
                total.update(await tx.removal.count(crew, before=before))
        else:
            async for removed in remove_texts(
                crew, before=before, begin=begin, clock=clock, by=OPERATOR
            ):
                total += removed
                # The pause, which is as long as the batch was, lets the bot write: without a pause
                # every tenth notification waited for more than a second.
                await sleep(max((clock() - began).total_seconds(), 0))
                began = clock()
                if total["executions"] // _TOLD_EVERY > tens:
                    tens = total["executions"] // _TOLD_EVERY
                    say(f"  {crew}: {total['executions']:,} executions so far")
    parts = [counted(total["executions"], "execution")]
    parts.append(counted(total["dead_letters"], "dead letter"))
    parts += [counted(total["lessons"], "ended lesson")] if total["lessons"] else []
    those = f"from before {before:%Y-%m-%d %H:%M} UTC"
    would = "would lose" if dry_run else "lost"
    say(f"✓ {crew}: {' and '.join(parts)} {those} {would} their texts")
