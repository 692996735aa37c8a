"""The wheel that `make dist` builds: all that is needed, and nothing else."""

import asyncio
import importlib.metadata
import re
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from crewgate import __version__
from crewgate.demo.hosted.crew import QUIET
from crewgate.demo.servers import ServerProcess, free_port, inherited
from tests.host.client import TOKEN, Api
from tests.host.real import PYTHON, needs_crewai
from tests.repo.files import ROOT, read

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
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


async def run(*command: str | Path, folder: Path = ROOT) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=inherited(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode().strip()


async def build(kind: str, source: Path, into: Path) -> Path:
    await run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", into, folder=source)
    names = {"sdist": "crewgate-{}.tar.gz", "wheel": "crewgate-{}-py3-none-any.whl"}
    return into / names[kind].format(__version__)


async def environment(folder: Path, python: str | Path) -> Path:
    """An empty environment; its Python."""
    await run(python, "-m", "venv", "--without-pip", folder)
    return folder / "bin" / "python"


async def libraries(python: str | Path) -> Path:
    """The folder of its packages."""
    return Path(await run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))


async def install(python: Path, wheel: Path, *more: str) -> Path:
    """Install the wheel beside what is there; its script."""
    await run(*PIP, "--python", python, "install", "--no-deps", *more, wheel)
    return python.with_name("crewgate")


def link(requirements: str, libraries: Path) -> None:
    """Have an environment see these packages of this one, and no others."""
    for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", requirements, re.MULTILINE):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            (libraries / top).symlink_to(Path(str(distribution.locate_file(top))))


def unexpected(names: Sequence[str], *, expected: str) -> list[str]:
    return [name for name in names if not re.fullmatch(expected, name)]


async def test_the_archive_and_the_wheel_made_of_it_play_the_demo_in_an_empty_environment(
    tmp_path: Path,
) -> None:
    archive = await build("sdist", ROOT, tmp_path)
    with tarfile.open(archive) as packed:
        top = f"crewgate-{__version__}"
        names = [name.removeprefix(f"{top}/") for name in packed.getnames()]
        packed.extractall(tmp_path, filter="data")
    code = r"(?:[a-z0-9_]+/)*[A-Za-z0-9_-]+\.(?:py|css|js|html|svg|md|json)"
    also = r"pyproject\.toml|hatch_build\.py|PKG-INFO|(?:README|CHANGELOG)\.md|LICENSE|\.gitignore"
    assert unexpected(names, expected=rf"bot/crewgate/{code}|{also}") == []
    wheel = await build("wheel", tmp_path / top, tmp_path)
    with zipfile.ZipFile(wheel) as packed_wheel:
        names = packed_wheel.namelist()
    about = rf"crewgate-{re.escape(__version__)}\.dist-info/.*"
    assert unexpected(names, expected=rf"crewgate/{code}|{about}") == []

    python = await environment(tmp_path / "venv", sys.executable)
    # `make` has installed them with their hashes; here it matters that nothing is beside them.
    link(read("requirements.txt"), await libraries(python))
    script = await install(python, wheel)
    empty = tmp_path / "empty"
    empty.mkdir()
    commit = await run("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    assert await run(script, "--version", folder=empty) == f"crewgate {__version__} ({commit})"
    printed = await run(script, "manifest", folder=empty)
    assert printed == read("manifests/socket-mode.yaml").strip()
    assert "Every step above was seen" in await run(script, "demo", "--headless", folder=empty)
    assert list(empty.iterdir()) == []
    await run(script, "init", folder=empty)
    assert (empty / ".env").read_text(encoding="utf-8") == read(".env.example")


@needs_crewai
async def test_a_project_with_a_package_bot_is_hosted_from_the_wheel(tmp_path: Path) -> None:
    """In the user's own environment, here with the libraries of .venv-crewai."""
    python = await environment(tmp_path / "venv", PYTHON)
    # Python reads no .pth files of a folder that one names: the editable install stays behind.
    (await libraries(python) / "libraries.pth").write_text(str(await libraries(PYTHON)))
    wheel = await build("wheel", ROOT, tmp_path)
    # The host imports a part of it.
    script = await install(python, wheel, "--ignore-installed", "--no-compile")
    project = tmp_path / "project"
    (project / "bot").mkdir(parents=True)
    (project / "bot" / "__init__.py").write_text('TOPIC = "bots"\n')
    (project / "crew.py").write_text(CREW)
    (project / "model.py").write_text(MODEL)
    host = ServerProcess(
        [str(script), "host", "crew:crew", "--port", str(port := free_port())],
        environment={**QUIET, "HOME": str(project), "CREW_TOKEN": TOKEN, "PYTHONPATH": ""},
        folder=project,
        log="host.log",
        port=port,
    )
    host.start_seconds = 60
    async with host:
        api = Api(host.url)
        assert (await api.until(await api.kick_off({}), "completed"))["result"]["output"] == "said"
