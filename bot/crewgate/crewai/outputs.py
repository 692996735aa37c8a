"""Reads an agent's output from a crew's payload, which has it under one of several names."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from crewgate.crewai.fields import TOO_DEEP, clean, pretty, read_count
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import Format, Output
from crewgate.domain.redaction import MARK, hide_credentials, is_credential

#: The fields of CrewAI's output object that say something about the output, and are not part of it.
_ABOUT_ITSELF: Final = frozenset(
    {"agent", "description", "expected_output", "messages", "name", "output_format", "summary"}
)
_FENCED: Final = re.compile(r"(?is)```(?:json)?[ \t]*\n(.*)\n[ \t]*```")
_NUMBER: Final = "\ue000"
"""Stands for a number inside a text: a character that no output has."""
_HEADER: Final = re.compile(r"(?i)\s*(bearer|basic)\s+\S+\s*")


def read_output(value: object) -> Output:
    """Read an output: a text, an object with the text in `raw`, or other JSON, indented.

    Raises Malformed if the output is nested too deeply.
    """
    match value:
        case None:
            return Output("")
        case str(text):
            return _read_text(text)
        case {"raw": str(text)} if text.strip() or is_empty_output(value):
            return _read_text(text)
        case {"raw": str(), **rest}:
            value = {name: part for name, part in rest.items() if not _is_blank(part)}
    return Output(clean(pretty(value)), Format.JSON)


def _read_text(text: str) -> Output:
    """Read a text; if it is JSON, perhaps in a fence, indent it and keep its numbers as written.

    JSON that cannot be indented without a loss stays as it is.
    """
    found = _FENCED.fullmatch(text.strip())
    written = text.strip() if found is None else found[1]
    if not written.startswith(("{", "[")) or _NUMBER in written:
        return Output(clean(text))
    try:
        value = json.loads(
            written,
            object_pairs_hook=_each_name_once,
            parse_int=_NUMBER.__add__,
            parse_float=_NUMBER.__add__,
            parse_constant=_NUMBER.__add__,
        )
        laid_out = re.sub(f'"{_NUMBER}([^"]+)"', r"\1", pretty(value))
    except (ValueError, RecursionError, Malformed):
        return Output(clean(text))
    return Output(clean(laid_out), Format.JSON)


def _each_name_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError
    return made


def find_output(
    fields: Mapping[str, object], names: Sequence[str], *, known: Collection[str]
) -> Output | None:
    """Return the first non-empty output under these names.

    If all are empty, the fields that are not `known` are the output, so that no text of an agent is
    lost; without such fields the first, empty output, or None if there is none. Raises Malformed.
    """
    found = [fields[name] for name in names if fields.get(name) is not None]
    for value in found:
        if not is_empty_output(value):
            return read_output(value)
    rest = {
        name: value
        for name, value in fields.items()
        if name not in names and name not in known and not _is_blank(value)
    }
    if rest:
        return read_without_credentials(rest)
    return read_output(found[0]) if found else None


def with_erased(output: Output, members: Mapping[str, object]) -> Output:
    """Return an output with the passages that `crewgate host` says it took out."""
    return replace(output, erased=output.erased + read_count(members.get("erased")))


def is_empty_output(value: object) -> bool:
    """Return True if an output has no text; numbers and booleans count as text."""
    if isinstance(value, dict):
        about = _ABOUT_ITSELF if "raw" in value else ()
        return all(name in about or _is_blank(part) for name, part in value.items())
    return _is_blank(value)


def _is_blank(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value in ([], {})


def read_without_credentials(value: object) -> Output:
    """Read JSON as an output, without the values that are secret by their name or their form.

    Raises Malformed if the JSON is nested too deeply.
    """
    try:
        shown, erased = _hide(value)
        return replace(read_output(shown), erased=erased)
    except RecursionError:
        raise Malformed(*TOO_DEEP) from None


def _hide(value: object) -> tuple[object, int]:
    """Return JSON without credentials, and the number of texts, lists and objects that had one."""
    match value:
        case dict():
            # A number is no secret, even if its name looks like one: `total_tokens`.
            parts = [
                (MARK, 1)
                if isinstance(part, str | dict | list) and is_credential(name)
                else _hide(part)
                for name, part in value.items()
            ]
            found = dict(zip(value, (one for one, _ in parts), strict=True))
            return found, sum(count for _, count in parts)
        case list():
            parts = [_hide(part) for part in value]
            return [one for one, _ in parts], sum(count for _, count in parts)
        case str():
            shown = MARK if _HEADER.fullmatch(value) else hide_credentials(value)
            return shown, int(shown != value)
    return value, 0
