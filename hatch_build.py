"""Hatchling's hook: write the commit into a build, where git or the builder knows it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: By target: a wheel has packages at its top, an archive has the repository's folders.
PLACES = {"wheel": "crewgate/_commit.py", "sdist": "bot/crewgate/_commit.py"}


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own is unbound too
    """Adds `_commit.py`; an editable install has none, for it would soon be wrong."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._folder = tempfile.mkdtemp()
        commit = os.environ.get("CREWGATE_COMMIT") or described(Path(self.root))
        if commit and version != "editable":
            path = Path(self._folder, "_commit.py")
            path.write_text(f"COMMIT = {commit!r}\n", encoding="utf-8")
            build_data["force_include"][str(path)] = PLACES[self.target_name]

    def finalize(self, *_: Any) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def described(root: Path) -> str:
    """Return the commit of a checkout, `-dirty` behind it after changes; empty elsewhere."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    command = [git, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return ran.stdout.strip()
