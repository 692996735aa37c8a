"""Evidence files as a test reads, changes and forges them."""

import copy
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crewgate.audit.check_evidence import Contradiction, Unproved, check, opening, read

KEY = "0f" * 32
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEY))
PUBLIC = PRIVATE.public_key().public_bytes_raw().hex()
File = dict[str, Any]


def head_of(file: File) -> str:
    return f"{file['head']['number']}:{file['head']['hash']}"


def written(file: File) -> bytes:
    """The file as it is written, whatever it says."""
    about = {name: value for name, value in file.items() if name != "chain"}
    links = ",\n".join(map(json.dumps, file.get("chain", [])))
    return f"{opening(about)}\n{links}\n]}}\n".encode()


def lines(file: File) -> list[str]:
    return list(check(read(written(file)), head_of(file), PUBLIC))


def lines_of_part(file: File) -> tuple[list[str], str]:
    """The lines of a file that does not prove its beginning, and the reason."""
    said, why = told_of(file, head_of(file), PUBLIC)
    assert why, said
    return said, why


def told_of(file: File, head: str | None, key: str | None) -> tuple[list[str], str]:
    said = []
    try:
        for line in check(read(written(file)), head, key):
            said.append(line)  # noqa: PERF402  # those before it stops
    except Unproved as unproved:
        return said, str(unproved)
    return said, ""


def found_in(raw: bytes, head: str, key: str | None = PUBLIC) -> str | None:
    """Return the reason why a file is not valid, or None if it is."""
    try:
        list(check(read(raw), head, key))
    except Unproved:
        return None
    except Contradiction as wrong:
        return str(wrong)
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        return "a part of the file is not of its form"
    return None


def own_places(file: File) -> list[int]:
    return [at for at, (_, *link) in enumerate(file["chain"]) if len(link) == 1]


def body_at(file: File, at: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(file["chain"][at][1])
    return body


def forged(
    file: File,
    *changes: tuple[str, Callable[[dict[str, Any]], object]],
    without: Callable[[dict[str, Any]], bool] = lambda _: False,
) -> File:
    """The file of somebody who holds the key, and so can make the whole chain anew.

    Each change is made to the bodies of entries with a code; some are left out.
    """
    made = copy.deepcopy(file)
    bodies = {at: body_at(made, at) for at in own_places(made)}
    for code, edit in changes:
        for body in bodies.values():
            if body["code"] == code:
                edit(body)
    for at, body in bodies.items():
        made["chain"][at][1] = json.dumps(
            body, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )
    gone = [at for at, body in bodies.items() if without(body)]
    made["chain"] = [link for at, link in enumerate(made["chain"]) if at not in gone]
    return signed(recounted(made))


def recounted(file: File) -> File:
    """The file with its entries counted anew, from the lowest count of each execution on."""
    counts: dict[bytes, int] = {}
    for nth, *link in file["chain"]:
        tag = link_bytes(link)[:32]
        counts[tag] = min(nth, counts.get(tag, nth))
    chain = []
    for _, *link in file["chain"]:
        tag = link_bytes(link)[:32]
        chain.append([counts[tag], *link])
        counts[tag] += 1
    return file | {"chain": chain}


def signed(file: File) -> File:
    """The file with a head that fits to it."""
    previous, number = bytes.fromhex(file["previous"]), file["first"] - 1
    for nth, *link in file["chain"]:
        number += 1
        tag, digest = link_bytes(link)[:32], link_bytes(link)[32:]
        count = nth.to_bytes(8, "big") if nth else b""
        previous = sha256(previous + number.to_bytes(8, "big") + tag + count + digest).digest()
    signature = PRIVATE.sign(f"crewgate audit head {number}:{previous.hex()}".encode())
    head = {"number": number, "hash": previous.hex(), "key": PUBLIC, "signature": signature.hex()}
    return file | {"head": head}


def link_bytes(link: list[str]) -> bytes:
    """The tag and the digest of a link, without its count."""
    if len(link) > 1:
        return bytes.fromhex("".join(link))
    body = json.loads(link[0])
    tag = sha256(f"{body['crew']}\n{body['execution']}".encode()).digest()
    return tag + sha256(link[0].encode("utf-8", "surrogatepass")).digest()


def changes_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Every small change of a value: a part changed, dropped, doubled, moved or added."""
    match value:
        case dict():
            yield from _of_dict(value)
        case list():
            yield from _of_list(value)
        case str():
            for at in {0, len(value) // 2, len(value) - 1} if value else ():
                other = "0" if value[at] != "0" else "1"
                yield f"{at} changed", value[:at] + other + value[at + 1 :]
            yield "added", f"{value}0"
            yield "added", f"\n{value}"
        case bool():
            yield "changed", not value
        case int():
            yield from (("changed", other) for other in (value + 1, value - 1, float(value)))


def _of_dict(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, one in value.items():
        yield f"{key} dropped", {name: value[name] for name in value if name != key}
        for how, other in changes_of(one):
            yield f"{key} {how}", value | {key: other}
    yield "added", value | {"more": ""}
    yield "moved", dict(reversed(value.items()))


def _of_list(value: list[Any]) -> Iterator[tuple[str, Any]]:
    for at, one in enumerate(value):
        before, after = value[:at], value[at + 1 :]
        yield f"{at} dropped", before + after
        yield f"{at} doubled", [*before, one, one, *after]
        if after and after[0] != one:
            yield f"{at} moved", [*before, after[0], one, *after[1:]]
        for how, other in changes_of(one):
            yield f"{at} {how}", [*before, other, *after]
    yield "added", [*value, ""]
    yield "added", [{}, *value]
