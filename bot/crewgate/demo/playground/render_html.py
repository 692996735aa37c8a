"""Renders the texts of blocks to HTML on the server, so that the page parses no markup itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crewgate.demo.playground.markdown import markdown
from crewgate.demo.playground.mrkdwn import Names, mrkdwn, plain
from crewgate.demo.playground.rich_text import rich_text
from crewgate.demo.workspace.text import Json


def render_blocks(blocks: Sequence[Json], names: Names) -> list[Json]:
    """The blocks, with an `html` rendering beside each text."""
    return [_render(block, names) for block in blocks]


def _render(value: Any, names: Names) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if isinstance(value, dict):
        return _text(value, names) or {key: _render(item, names) for key, item in value.items()}
    return [_render(item, names) for item in value] if isinstance(value, list | tuple) else value


def _text(value: Json, names: Names) -> Json | None:
    """A text object with its HTML; None for anything else."""
    match value:
        case {"type": "mrkdwn", "text": str(text)}:
            verbatim = bool(value.get("verbatim"))
            return {"text": text, "html": mrkdwn(text, names, verbatim=verbatim)}
        case {"type": "plain_text", "text": str(text)}:
            return {"text": text, "html": plain(text)}
        case {"type": "markdown", "text": str(text)}:
            return {**value, "html": markdown(text)}
        case {"type": "rich_text"}:
            return {"type": "rich_text", "html": rich_text(value, names)}
        case _:
            return None
