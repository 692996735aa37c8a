"""The audit trail after a run: it holds, and proves what happened to any execution."""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path

from crewgate.audit.arguments import add_arguments
from crewgate.audit.check_evidence import check_file
from crewgate.audit.run import run_audit
from crewgate.settings.load import Settings
from crewgate.store.audit_reading import AuditReading
from crewgate.store.engine import open_readers


async def audit_problems(url: str, folder: Path, chance: random.Random) -> list[str]:
    """What does not hold: the chain, or the evidence of an execution."""
    settings = Settings(slack_bot_token="xoxb-", database_url=url, crews={})
    engine = open_readers(url)
    assert engine is not None
    try:
        reading = AuditReading(engine)
        for _ in range(20):
            if not await reading.count_unlinked():
                break
            await asyncio.sleep(0.5)
        executions = await reading.executions("")
    finally:
        await engine.dispose()
    _, execution = chance.choice([one for one in executions if one[1]])
    file = str(folder / "evidence.json")
    found = []
    for words in (["verify"], ["evidence", execution, "--output", file]):
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        if await run_audit(settings, parser.parse_args(words)):
            found.append(f"audit {words[0]} says that something is wrong, see above")
    if not found and check_file(file, None, None):
        found.append(f"the evidence of {execution} does not hold, see above")
    return found
