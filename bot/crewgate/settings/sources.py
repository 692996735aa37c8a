"""The sources of raw settings: the environment, `.env` and TOML files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream


def without_empty(found: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in found.items() if value.strip()}


def read_dotenv(file: Path, problems: list[str]) -> dict[str, str]:
    """Return the file's values as written: `${…}` stays, because a secret may contain it."""
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
    """A TOML file and its content."""

    title: str
    """The file's name in messages."""
    text: str
    content: Mapping[str, object]


def read_toml(file: Path, title: str, problems: list[str]) -> TomlFile | None:
    """Return the file's content; None, with a problem noted, if the file is no TOML."""
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
