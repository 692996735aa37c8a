"""Check an evidence file of `crewgate audit evidence` without the database.

It needs nothing but Python 3.11: `python check_evidence.py FILE --head NUMBER:HASH --key KEY`.
What the file says is only as good as the head: take it from where the bot posted or logged it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FORMAT = "crewgate-evidence-1"


class Wrong(Exception):
    """The file does not hold, and why."""


def check(file: dict[str, Any], head: str | None, key: str | None) -> Iterator[str]:
    """Yield what the file proves, a line each. Raises Wrong where something does not fit."""
    if file.get("format") != FORMAT:
        raise Wrong(f"this is no evidence file of the form {FORMAT}")
    entries = read_chain(file)
    found = f"{file['head']['number']}:{file['head']['hash']}"
    yield f"{len(entries)} entries of execution {file['execution']} lead to the head {found}"
    if head is None:
        yield "! no head from outside was given: a complete rewrite would not be seen"
    elif head != found:
        raise Wrong(f"it leads to the head {found}, and not to {head}")
    yield check_signature(file["head"], found, key)
    texts = {}
    for one in file["texts"]:
        for text in one["texts"]:
            salted = f"{one['salt']}\n{text}".encode("utf-8", "surrogatepass")
            texts[hashlib.sha256(salted).hexdigest()] = text
    known = set(_strings([entry["data"] for _, entry in entries]))
    if strange := [text for digest, text in texts.items() if digest not in known]:
        raise Wrong(f"no entry has the text {strange[0][:80]!r}")
    yield f"{len(texts)} texts are those of the entries"
    yield from Replay(file, entries).lines()


def read_chain(file: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries with their numbers. Raises Wrong where one does not fit."""
    previous, number = bytes.fromhex(file["previous"]), file["first"] - 1
    own = hashlib.sha256(f"{file['crew']}\n{file['execution']}".encode()).digest()
    entries = []
    for link in file["chain"]:
        number += 1
        if isinstance(link, str):
            body = json.loads(link)
            if (body["crew"], body["execution"]) != (file["crew"], file["execution"]):
                raise Wrong(f"entry {number} is of another execution")
            entries.append((number, body))
            tag, digest = own, hashlib.sha256(link.encode()).digest()
        else:
            tag, digest = map(bytes.fromhex, link)
            if tag == own:
                raise Wrong(f"entry {number} is of this execution, and was left out")
        previous = hashlib.sha256(previous + number.to_bytes(8, "big") + tag + digest).digest()
    if (number, previous.hex()) != (file["head"]["number"], file["head"]["hash"]):
        raise Wrong("the entries do not lead to the head: one was changed, left out or moved")
    return entries


def check_signature(head: dict[str, Any], found: str, key: str | None) -> str:
    """Return what the signature proves. Raises Wrong."""
    if not head["key"]:
        if key is not None:
            raise Wrong("the head is not signed")
        return "! the head is not signed"
    if key is not None and key != head["key"]:
        raise Wrong(f"the head is signed by the key {head['key']}, and not by {key}")
    message = f"crewgate audit head {found}".encode()
    if not verify(bytes.fromhex(head["key"]), message, bytes.fromhex(head["signature"])):
        raise Wrong("the signature of the head is not of this key")
    unknown = "" if key is not None else "; compare the key with one from outside"
    return f"the head is signed by the key {head['key']}{unknown}"


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings([*value.values()])
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


# --- the rule, once more --------------------------------------------------------------------------


class Replay:
    """Decides again, from the entries alone, whether each decision was one by the rule."""

    def __init__(self, file: dict[str, Any], entries: list[tuple[int, dict[str, Any]]]) -> None:
        self.crew = file["crew"]
        self.entries = entries
        self.rules = {"": None, **{self._id(one): one for one in file["rules"]}}
        self.numbers: dict[str, int] = {}
        self.votes: dict[str, dict[str, dict[str, Any]]] = {}
        self.decided: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield a line for each decision. Raises Wrong at one that the rule does not allow."""
        for number, entry in self.entries:
            code, data = entry["code"], entry["data"]
            about = f"entry {number}, round {data['number']}" if "round" in data else ""
            if code == "CG101":
                before = self.numbers.get(data["review"], 0)
                if data["number"] != before + 1:
                    raise Wrong(f"{about}: round {before + 1} is missing")
                self.numbers[data["review"]] = data["number"]
                self.votes[data["round"]] = {}
            elif about and data["round"] not in self.votes:
                raise Wrong(f"{about}: nothing says that it was opened")
            elif code == "CG121":
                self._entitled(entry, about)
                self._other_voices(entry, about)
                self.votes[data["round"]][entry["actor"]] = entry
            elif code in ("CG122", "CG123"):
                if self.votes[data["round"]].pop(data["by"], None) is None:
                    raise Wrong(f"{about}: {data['by']} had not approved")
            elif code in ("CG124", "CG125"):
                if data["round"] in self.decided:
                    raise Wrong(f"{about}: it was decided before")
                self.decided.add(data["round"])
                yield self._decision(entry, about)

    def _decision(self, entry: dict[str, Any], about: str) -> str:
        data, rule = entry["data"], self._rule(entry, about)
        told = f"{about}: {data['verdict']} by {entry['actor']}"
        if entry["code"] == "CG125":
            then = ((rule or {}).get("timeout") or {}).get("then")
            if then not in ("approve", "revise") or (then == "revise") != (
                data["verdict"] == "revise"
            ):
                raise Wrong(f"{about}: the rule does not decide so when nobody does")
            return f"{told}, as the rule says when nobody decides in time"
        self._entitled(entry, about)
        votes = self.votes[data["round"]]
        groups = (rule or {}).get("approvals_from") or []
        needed = sum(count for _, count in groups) or (rule or {}).get("approvals", 1)
        if data["verdict"] == "revise" or (needed == 1 and not data["votes"]):
            return f"{told}, who might decide"
        if data["verdict"] == "answer" and not data["votes"]:
            return f"{told}, who might decide"
        if set(data["votes"]) != set(votes) or len(votes) < needed:
            raise Wrong(f"{about}: {len(votes)} of {needed} approvals stood")
        for group, count in groups:
            if list(data["votes"].values()).count(group["id"]) < count:
                raise Wrong(f"{about}: {group['id']} had fewer than {count} approvals")
        return f"{told}, with {len(votes)} of {needed} approvals: {', '.join(sorted(votes))}"

    def _entitled(self, entry: dict[str, Any], about: str) -> None:
        """Raise Wrong unless the person, or the one they stood in for, was among those who may."""
        data, rule = entry["data"], self._rule(entry, about)
        right = data["on_behalf_of"] or entry["actor"]
        names = data["named"].get(right)
        if not names or not set(names) <= set(data["permitted"]):
            raise Wrong(f"{about}: {right} was not among those who might decide")
        if rule is None or not rule.get("reviewers"):
            return
        named = rule["reviewers"] + (
            rule["escalate"]["to"] if rule["escalated"] and rule.get("escalate") else []
        )
        if {"*" if kind == "anyone" else name for kind, name in named} != set(data["permitted"]):
            raise Wrong(f"{about}: others might decide than the rule names")

    def _other_voices(self, entry: dict[str, Any], about: str) -> None:
        """Raise Wrong if somebody counts twice, or approves what they started against the rule."""
        data, rule = entry["data"], self._rule(entry, about)
        voices = {entry["actor"], data["on_behalf_of"]} - {None}
        for vote in self.votes[data["round"]].values():
            if voices & {vote["actor"], vote["data"]["on_behalf_of"]}:
                raise Wrong(f"{about}: {entry['actor']} counts twice")
        starters = set(data.get("starter") or ())
        if rule is not None and not rule["self_approval"] and voices & starters:
            raise Wrong(f"{about}: {entry['actor']} started it, and the rule forbids that")

    def _rule(self, entry: dict[str, Any], about: str) -> dict[str, Any] | None:
        found = entry["data"]["rule"]
        if found not in self.rules:
            raise Wrong(f"{about}: its rule is not in the file, or was changed")
        one = self.rules[found]
        return None if one is None else {**json.loads(one["rule"]), "escalated": one["escalated"]}

    def _id(self, one: dict[str, Any]) -> str:
        return hashlib.sha256(
            f"{self.crew}\n{one['escalated']}\n{one['rule']}".encode()
        ).hexdigest()


# --- Ed25519, verification only: RFC 8032, 5.1.7 --------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    x, y = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    z, t = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = y - x, t - z, t + z, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(count: int, point: Point) -> Point:
    found = (0, 1, 1, 0)
    while count:
        if count & 1:
            found = _add(found, point)
        point, count = _add(point, point), count >> 1
    return found


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (not x and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Return True if the signature of the message is of this public key."""
    if len(key) != 32 or len(signature) != 64:  # noqa: PLR2004  # RFC 8032
        return False
    public, commitment = _point(key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or BASE is None or scalar >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + key + message).digest()
    right = _add(commitment, _times(int.from_bytes(challenge, "little") % ORDER, public))
    left = _times(scalar, BASE)
    same_x = left[0] * right[2] - right[0] * left[2]
    same_y = left[1] * right[2] - right[1] * left[2]
    return not same_x % P and not same_y % P


# --- the command ----------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`FILE [--head NUMBER:HASH] [--key KEY]`."""
    parser.add_argument("file", metavar="FILE", help="as `crewgate audit evidence` wrote it")
    parser.add_argument("--head", metavar="NUMBER:HASH", help="as the bot posted or logged it")
    parser.add_argument("--key", metavar="KEY", help="the public key, as it was posted")


def check_file(path: str, head: str | None, key: str | None) -> int:
    """Print what the file proves; 1 if it does not hold."""
    try:
        file = json.loads(Path(path).read_text(encoding="utf-8"))
        for line in check(file, head, key):
            print(line)  # noqa: T201
    except Wrong as wrong:
        print(f"✗ {wrong}")  # noqa: T201
        return 1
    except OSError as error:
        print(f"✗ {path} cannot be read: {error}")  # noqa: T201
        return 1
    except (AttributeError, LookupError, TypeError, ValueError):
        print("✗ this is no evidence file, or a part of it was changed")  # noqa: T201
        return 1
    print("✓ it holds")  # noqa: T201
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check; the exit status."""
    parser = argparse.ArgumentParser(description="Check an evidence file of Crewgate.")
    add_arguments(parser)
    chosen = parser.parse_args(arguments)
    return check_file(chosen.file, chosen.head, chosen.key)


if __name__ == "__main__":
    sys.exit(main())
