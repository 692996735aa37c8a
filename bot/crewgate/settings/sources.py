"""Where raw settings come from: the environment, `.env` and TOML files."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dotenv.parser import parse_stream

from crewgate.settings.parsers import InvalidSetting, shown_key
from crewgate.settings.setting import Setting

T = TypeVar("T")


class Reader:
    """Takes values by name from one place, and notes what is wrong with them."""

    def __init__(self, found: Mapping[str, object], problems: list[str], prefix: str = "") -> None:
        self.found = found
        self.problems = problems
        self.prefix = prefix

    def __contains__(self, name: str) -> bool:
        return name in self.found

    def take(
        self,
        setting: Setting[T],
        *,
        parse: Callable[[object], T] | None = None,
        needed: bool = True,
    ) -> T:
        """The value, parsed. After a problem, the default stands in until all are known.

        `parse` in place of the setting's own; not `needed`: it may be missing this time.
        """
        name = setting.name
        if name not in self.found:
            if needed and setting.missing is not None:
                self.note(name, f"missing; put here {setting.missing}")
            return setting.default
        try:
            return (parse or setting.parse)(self.found[name])
        except InvalidSetting as wrong:
            self.note(name, str(wrong))
            return setting.default

    def note(self, name: str, problem: str) -> None:
        """Keep one line about a value."""
        self.problems.append(f"{self.prefix}{name}: {problem}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Note every name that nobody would read: a slip of the pen must not pass silently."""
        for name in self.found:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                self.note(shown_key(name), f"unknown; {hint}")


def without_empty(found: Mapping[str, str]) -> dict[str, str]:
    """An empty variable counts as unset."""
    return {name: value.strip() for name, value in found.items() if value.strip()}


def read_dotenv(file: Path, problems: list[str]) -> dict[str, str]:
    """The file's values as written: `${…}` stays, for a secret may well hold it."""
    found: dict[str, str] = {}
    if not file.is_file():
        return found
    try:
        with file.open(encoding="utf-8-sig") as stream:
            for line in parse_stream(stream):
                if line.error:
                    where = f".env, line {line.original.line}"
                    problems.append(f"{where}: not understood; write NAME=value")
                elif line.key is not None:
                    found[line.key] = line.value or ""
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f".env: cannot be read; {_reason(error)}")
    return found


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A TOML file that was read."""

    title: str
    """What people call it."""
    text: str
    content: Mapping[str, object]


def read_toml(file: Path, title: str, problems: list[str]) -> TomlFile | None:
    """None when it is no TOML, which is then noted."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        return TomlFile(title, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{title}: not TOML; {error}")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{title}: cannot be read; {_reason(error)}")
    return None


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
