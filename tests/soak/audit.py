"""The audit trail after a run: it holds, and proves what happened to any execution."""

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
        found = {row.execution_id async for row in reading.arrived(None, None, None)}
    finally:
        await engine.dispose()
    execution = chance.choice(sorted(found - {""}))
    file = str(folder / "evidence.json")
    problems = []
    for words in (["verify"], ["evidence", execution, "--output", file]):
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        if await run_audit(settings, parser.parse_args(words)):
            problems.append(f"audit {words[0]} says that something is wrong, see above")
    if not problems and check_file(file, None, None):
        problems.append(f"the evidence of {execution} does not hold, see above")
    return problems
