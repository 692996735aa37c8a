"""The wheel in the user's own environment, where their project may have a package `bot`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from crewgate import __version__
from crewgate.demo.hosted.process import QUIET
from crewgate.demo.ports import free_port
from crewgate.demo.server_process import ServerProcess, inherited
from tests.host.client import TOKEN, Api
from tests.host.real import PYTHON, needs_crewai
from tests.repo.files import ROOT

pytestmark = [needs_crewai, pytest.mark.timeout(180)]

CREW = """
from bot import TOPIC
from crewai import Agent, Crew, Task

from model import Silent

writer = Agent(role="Writer", goal="Write", backstory="Writes", llm=Silent(model="none"))
task = Task(description=f"Write about {TOPIC}", expected_output="Text", agent=writer)
crew = Crew(agents=[writer], tasks=[task])
"""
MODEL = """
from crewai import BaseLLM


class Silent(BaseLLM):
    def call(self, messages, *args, **kwargs):
        return "Final Answer: said"
"""


async def run(*command: str | Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=inherited(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode().strip()


async def installed(folder: Path) -> str:
    """The script `crewgate` of a wheel in an environment with the libraries of .venv-crewai."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    await run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    await run(PYTHON, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    libraries = Path(await run(python, "-c", where)) / "libraries.pth"
    # Python reads no .pth files of a folder that one names: the editable install stays behind.
    libraries.write_text(await run(PYTHON, "-c", where))
    wheel = folder / f"crewgate-{__version__}-py3-none-any.whl"
    await run(*pip, "--python", python, "install", "--no-deps", "--ignore-installed", wheel)
    return str(folder / "venv" / "bin" / "crewgate")


async def test_a_project_with_a_package_bot_is_hosted_from_the_wheel(tmp_path: Path) -> None:
    script = await installed(tmp_path)
    project = tmp_path / "project"
    (project / "bot").mkdir(parents=True)
    (project / "bot" / "__init__.py").write_text('TOPIC = "bots"\n')
    (project / "crew.py").write_text(CREW)
    (project / "model.py").write_text(MODEL)
    host = ServerProcess(
        [script, "host", "crew:crew", "--port", str(port := free_port())],
        environment={**QUIET, "HOME": str(project), "CREW_TOKEN": TOKEN, "PYTHONPATH": ""},
        folder=project,
        log="host.log",
        port=port,
    )
    host.start_seconds = 60
    async with host:
        api = Api(host.url)
        assert (await api.until(await api.kick_off({}), "completed"))["result"]["output"] == "said"
