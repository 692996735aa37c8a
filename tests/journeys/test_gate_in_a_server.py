"""`docs/example/mail_server.py`: an MCP server of somebody's own runs what people approved."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from crewgate.demo.environment import ANA, WEBHOOK_SECRET
from tests.host.real import PYTHON, needs_crewai
from tests.journeys.conftest import MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import modal, said
from tests.journeys.test_gate import CREWS
from tests.repo.files import ROOT

# MCP's own client calls the tool twice, as an agent's would.
CLIENT = """
import asyncio, os, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    server = StdioServerParameters(
        command=sys.executable, args=["mail_server.py"], env=dict(os.environ)
    )
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        for name in ("ann", "bob"):
            call = {"to": f"{name}@example.com", "text": f"Hi, {name}."}
            result = await session.call_tool("send_email", call)
            print(result.content[0].text, flush=True)


asyncio.run(main())
"""


def sent(folder: Path) -> list[Path]:
    return list(folder.glob("to *"))


@asynccontextmanager
async def an_agent(world: World, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program in `folder` whose MCP server is the example, with `gate.py` beside it."""
    shutil.copy(ROOT / "docs" / "example" / "mail_server.py", folder)
    shutil.copy(ROOT / "docs" / "gate.py", folder)
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), "-c", CLIENT),
        stdout=asyncio.subprocess.PIPE,
        cwd=folder,
        env={
            "CREWGATE_URL": f"{world.url}/crews/research",
            "CREWGATE_SECRET": WEBHOOK_SECRET,
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@needs_crewai
async def test_an_mcp_server_of_ones_own_runs_what_people_approved(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    async with (
        make_world(crews_file=CREWS, **ENVIRONMENT) as world,
        an_agent(world, tmp_path) as process,
    ):
        assert process.stdout is not None
        await world.slack.click(ANA, await said(world, "Hi, ann."), "Approve")
        assert await process.stdout.readline() == b"Sent to ann@example.com.\n"
        await world.slack.click(ANA, await said(world, "Hi, bob."), "Refuse")
        await modal(world, ANA, "Why not?")
        assert (await world.slack.submit(ANA, {"feedback": "Not to him."})).ok
        assert await process.stdout.readline() == b"Not to him.\n"
    assert [mail.name for mail in sent(tmp_path)] == ["to ann@example.com.txt"]
