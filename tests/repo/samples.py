"""The samples of the documents: requests with their answers, and printed lines."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.repo.files import DOCUMENTS, read

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
OWN_ID = r"[\w-]{16}"
INSTANT = r"\d{4}-\d\d-\d\dT[\d:.]+Z"
_CURL = re.compile(
    r"^ *```sh\n(?P<curl> *curl .*?)^ *```\n"
    r"(?:\n<!-- answer: (?P<status>\d+) -->\n```json\n(?P<json>.*?)^```)?",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(kw_only=True)
class Request:
    """A `curl` of a document, and the answer that is shown for it."""

    document: str
    method: str
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    status: int | None
    answer: Any = None


def requests(replace: dict[str, str]) -> Iterator[Request]:
    """Every `curl` of every document, with some of its words replaced."""
    for document in DOCUMENTS:
        for found in _CURL.finditer(read(document)):
            command = found["curl"].replace("\\\n", " ")
            for word, by in replace.items():
                command = command.replace(word, by)
            status = int(found["status"]) if found["status"] else None
            request = Request(document=document, method="GET", status=status)
            request.answer = json.loads(found["json"]) if found["json"] else None
            yield _read(request, shlex.split(command)[1:])


def _read(request: Request, words: list[str]) -> Request:
    while words:
        word = words.pop(0)
        match word:
            case "-X":
                request.method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                request.headers[name] = value
            case "-d":
                request.body = words.pop(0)
            case _:
                assert word.startswith("http"), word
                request.url = word
    return request


def is_like(shown: Any, real: Any) -> bool:
    """Return True if an answer is the shown one, but for its own ids and times."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(is_like(shown[key], real[key]) for key in shown)
    for kind in (UUID, OWN_ID, INSTANT):
        if re.fullmatch(kind, str(shown)):
            return re.fullmatch(kind, str(real)) is not None
    return bool(shown == real)


def occurs(sample: str, printed: str) -> bool:
    """Return True if a sample was printed: `…` is the rest of a line, or alone some lines."""
    lines = [
        "(?s:.*?)" if line == "…" else f"{_line(line)}\n" for line in sample.rstrip().splitlines()
    ]
    return re.search("".join(lines), f"{printed}\n") is not None


def _line(line: str) -> str:
    cut = ".*".join(map(re.escape, line.split("…")))
    return re.sub(UUID, UUID, cut.replace(r"\-", "-"))
