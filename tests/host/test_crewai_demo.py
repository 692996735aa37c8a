"""`make demo-crewai`: the demo's story with the real library."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.demo.bot_process import inherited
from tests.host.real import PYTHON, needs_crewai
from tests.repo.files import ROOT

pytestmark = [needs_crewai, pytest.mark.timeout(120)]


async def test_the_demo_plays_its_whole_story_with_the_real_library(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-m", "bot", "demo", "--headless", "--crewai"),
        cwd=tmp_path,
        env={**inherited(), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    said = out.decode()

    assert process.returncode == 0, said
    assert "The real CrewAI 1." in said
    assert "round 2 of “Market research”" in said
    assert "Every step above was seen" in said
