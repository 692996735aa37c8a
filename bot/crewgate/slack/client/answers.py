"""Looking into Slack's answers.

One of another shape than documented says nothing of what happened: it is an unknown outcome, like
one that was lost, and never an error that nobody foresaw.
"""

from collections.abc import Mapping
from typing import Any

from crewgate.domain.outcome import Unknown
from crewgate.slack.client.web_api import MALFORMED, CallFailed


def text_at(answer: Mapping[str, Any], *path: str) -> str:
    """The text at the end of a path of names. Raises CallFailed."""
    found: object = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise malformed(*path)
    return found


def list_at(answer: Mapping[str, Any], name: str) -> list[object]:
    """The list of this name. Raises CallFailed."""
    found = answer.get(name)
    if not isinstance(found, list):
        raise malformed(name)
    return found


def object_in(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What is optional: the object of this name, or an empty one."""
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def objects_in(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """What is optional: the objects in the list of this name."""
    parts = found.get(name)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def next_cursor(answer: Mapping[str, Any]) -> str:
    """Where the next page of a list begins; empty on the last one. Raises CallFailed."""
    metadata = answer.get("response_metadata") or {}
    cursor = (metadata.get("next_cursor") or "") if isinstance(metadata, dict) else None
    if not isinstance(cursor, str):
        raise malformed("next_cursor")
    return cursor


def malformed(*path: str) -> CallFailed:
    """What a part of an answer that is not as documented means."""
    return CallFailed(Unknown(f"{MALFORMED}: {'.'.join(path)}"))
