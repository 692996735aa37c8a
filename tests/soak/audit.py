"""The audit trail after a run: it holds, and proves what happened to any execution."""

import argparse
import asyncio
import random
from pathlib import Path

from crewgate.audit.arguments import add_arguments
from crewgate.audit.check_evidence import Wrong, check, read
from crewgate.audit.run import run_audit
from crewgate.settings.load import Settings
from crewgate.store.audit_reading import AuditReading
from crewgate.store.engine import open_readers

#: Executions whose evidence is made and checked.
PROVEN = 50


async def audit_problems(url: str, folder: Path, chance: random.Random) -> list[str]:
    """What does not hold: the chain, or the evidence of some executions."""
    settings = Settings(slack_bot_token="xoxb-", database_url=url, crews={})
    engine = open_readers(url)
    assert engine is not None
    try:
        reading = AuditReading(engine)
        for _ in range(20):
            if not await reading.count_unlinked():
                break
            await asyncio.sleep(0.5)
        rows = [(row.crew, row.execution_id) async for row in reading.arrived(None, None, None)]
    finally:
        await engine.dispose()
    found = sorted({key for key in rows if all(key)})
    problems = []
    if await run(settings, "verify"):
        problems.append("audit verify says that something is wrong, see above")
    for crew, execution in chance.sample(found, min(PROVEN, len(found))):
        file = folder / "evidence.json"
        file.unlink(missing_ok=True)
        about = ("evidence", execution, "--crew", crew, "--output", str(file))
        if await run(settings, *about):
            problems.append("audit evidence says that something is wrong, see above")
            continue
        try:
            list(check(read(file.read_bytes()), None, None))
        except (Wrong, LookupError, TypeError, ValueError) as wrong:
            problems.append(f"the evidence of {execution} of {crew} does not hold: {wrong}")
    return problems


async def run(settings: Settings, *words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return await run_audit(settings, parser.parse_args(words))
