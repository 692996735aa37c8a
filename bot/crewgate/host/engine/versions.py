"""Whether crewai is there, and new enough. Nothing is imported for that: it would take seconds."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Final

from crewgate.host.errors import HostNotStarted

OLDEST: Final = (1, 15, 30)
NEWER_MAJOR: Final = 2
_HOW: Final = "pip install 'crewgate[host]'"


def require_crewai() -> str:
    """The version of crewai. Raises HostNotStarted."""
    try:
        version = metadata.version("crewai")
    except metadata.PackageNotFoundError as error:
        raise HostNotStarted(
            f"crewgate host needs crewai, which is not installed in this Python: {_HOW}"
        ) from error
    check_version(version)
    return version


def check_version(version: str) -> None:
    """Raises HostNotStarted where the host does not know this version."""
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    oldest = ".".join(map(str, OLDEST))
    if found < OLDEST:
        raise HostNotStarted(
            f"crewai {version} is too old for crewgate host, which needs {oldest} or newer: {_HOW}"
        )
    if found[0] >= NEWER_MAJOR:
        raise HostNotStarted(
            f"crewai {version} is newer than crewgate host knows ({oldest} to 1.x): {_HOW}"
        )
