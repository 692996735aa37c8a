"""Check an evidence file of `crewgate audit evidence` without the database, and tell its story.

It needs only Python 3.11: `python -I check_evidence.py FILE --head NUMBER:HASH --key KEY`. The file
proves no more than the head: take the head from a message or the log of the bot.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

FORMAT = "crewgate-evidence-3"
FIELDS = ("format", "crew", "execution", "head", "rules", "texts", "previous", "first", "chain")
NO_FILE = f"this is no evidence file of the form {FORMAT}, or it was changed"
HASH = "[0-9a-f]{64}"
#: The `v` from which on entries are numbered in their execution and hold all that Replay needs.
COUNTED = 3
ENTRY = {"v", "code", "at", "actor", "crew", "execution", "data"}
#: The fields of entries that hold digests: WORDS those of texts, TEXTS also those of names.
WORDS = ("output", "words", "comment", "answer", "error", "why", "label")
TEXTS = (*WORDS, "name", "on_behalf_of_name")
#: The words for verdicts in entries; a call that was refused has "revise".
APPROVE, REVISE, ANSWER = VERDICTS = ("approve", "revise", "answer")
Json = Mapping[str, Any]


class Contradiction(Exception):
    """The file is not valid; the message has the reason."""


class Unproved(Exception):
    """The file is valid, but earlier entries may be missing; the message says which."""

    what = "its beginning is not proved"


class NotKnown(Unproved):
    """The file is valid, but lacks a text that the check needs."""

    what = "not all is known"


def require(holds: object, why: str) -> None:
    if not holds:
        raise Contradiction(why)


def opening(about: Json) -> str:
    return json.dumps(about, indent=1).removesuffix("\n}") + ',\n "chain": ['


def read(raw: bytes) -> dict[str, Any]:
    """Parse an evidence file's bytes. Raises Contradiction unless they have the only valid form."""
    try:
        file = json.loads(raw.decode("ascii"))
        links = ",\n".join(map(json.dumps, file["chain"]))
        about = {name: value for name, value in file.items() if name != "chain"}
        # A value of another type that reads alike, such as "False", is written otherwise then.
        about["rules"] = [{**one, "escalated": one["escalated"] is True} for one in file["rules"]]
        about["texts"] = [{**one, "texts": [*one["texts"]]} for one in file["texts"]]
        is_canonical = f"{opening(about)}\n{links}\n]}}\n".encode() == raw
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        raise Contradiction(NO_FILE) from None
    require(is_canonical, "it is not written as `crewgate audit evidence` writes: it was changed")
    return file  # type: ignore[no-any-return]


def check(file: Json, head: str | None, key: str | None) -> Iterator[str]:
    """Yield the facts that the file proves, a line each; `head` and `key` come from outside.

    Raises Contradiction, and at the end Unproved if first entries, or texts, may be missing.
    """
    require(file.get("format") == FORMAT and tuple(file) == FIELDS, NO_FILE)
    entries = read_chain(file)
    found = f"{file['head']['number']}:{file['head']['hash']}"
    yield f"{len(entries)} entries of execution {file['execution']} lead to the head {found}"
    require(head in (None, found), f"it leads to the head {found}, and not to {head}")
    if head is None:
        yield "! no head from outside was given: a complete rewrite would not be seen"
    yield check_signature(file["head"], found, key)
    texts, withheld = read_texts(file, entries)
    yield f"{len(texts)} texts are those of the entries"
    if withheld:
        yield f"! texts and names of the entries that are not in this file: {withheld}"
    salts = {one["round"]: one["salt"] for one in file["texts"]}
    rules, names = read_rules(file, entries), names_in(entries, texts)
    replay = Replay(entries, StoryFacts(texts, rules, names, tools_in(entries)), salts)
    yield from replay.lines()
    if not replay.is_whole:
        raise Unproved(f"entries of it before {replay.begin.number} may be missing")
    if replay.unknown or replay.lacks:
        raise NotKnown("a text that was decided on, or sent, is not in it")


# --- the format of the file -----------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """An entry of the chain; `is_own` is True for an entry of the execution itself.

    `nth` is its number in its execution; 0 before entries were counted. `form` is its `v`.
    """

    number: int
    nth: int
    form: int
    _: KW_ONLY
    code: str
    at: datetime
    actor: str
    data: Json
    is_own: bool = True


def entry_of(body: Json, number: int, nth: int = 0, *, is_own: bool = True) -> Entry:
    at = datetime.fromisoformat(body["at"])
    code, actor, data = body["code"], body["actor"], body["data"]
    return Entry(number, nth, body["v"], code=code, at=at, actor=actor, data=data, is_own=is_own)


def expect(value: object, form: str) -> str:
    text = value if isinstance(value, str) else ""
    require(text == value and re.fullmatch(form, text), f"{str(value)[:80]!r} is not of its form")
    return text


def parts(value: object, *names: str) -> list[Any]:
    one = value if isinstance(value, dict) else {}
    require(tuple(one) == names, f"{str(value)[:80]!r} is not of its form")
    return [*one.values()]


def tag_of(crew: str, execution: str) -> str:
    return hashlib.sha256(f"{crew}\n{execution}".encode()).hexdigest()


def read_chain(file: Json) -> list[Entry]:
    """Return the entries whose content is in the file. Raises Contradiction if a link is wrong."""
    crew, execution = expect(file["crew"], r"[^\n]+"), expect(file["execution"], r"(?s:.+)")
    last, head, *signed = parts(file["head"], "number", "hash", "key", "signature")
    require({*map(type, signed)} == {str}, "key and signature are not of their form")
    for number in (file["first"], last):
        require(type(number) is int and 0 < number < 2**53, "a number is not of its form")
    number, previous = file["first"] - 1, bytes.fromhex(expect(file["previous"], HASH))
    require(number or not any(previous), "something is said to come before the first entry")
    entries: list[Entry] = []
    others: dict[str, int] = {}
    counts: dict[str, int] = {}
    for nth, *link in file["chain"]:
        number += 1
        if len(link) == 1:
            body = read_entry(link[0], number)
            tag, digest = tag_of(body["crew"], body["execution"]), hash_of(link[0])
            is_own = tag == tag_of(crew, execution)
            require(is_own or is_related(body, crew), f"entry {number} is of another execution")
            is_counted = nth or body["v"] < COUNTED or not body["execution"]
            require(is_counted, f"entry {number} is not counted")
            entries.append(entry_of(body, number, nth, is_own=is_own))
        else:
            tag, digest = (expect(one, HASH) for one in link)
            others.setdefault(tag, number)
        follows = counts.get(tag, 0) in (0, nth - 1)
        require(type(nth) is int and 0 <= nth < 2**53 and follows, f"entry {number} is miscounted")
        counts[tag] = nth
        count = nth.to_bytes(8, "big") if nth else b""
        message = previous + number.to_bytes(8, "big") + bytes.fromhex(tag) + count
        previous = hashlib.sha256(message + bytes.fromhex(digest)).digest()
    leads = (last, expect(head, HASH)) == (number, previous.hex())
    require(leads, "the entries do not lead to the head: one was changed, left out or moved")
    require_all(entries, others, tag_of(crew, execution))
    return entries


def require_all(entries: Sequence[Entry], others: Mapping[str, int], own: str) -> None:
    """Raise Contradiction if an entry of the story is missing, or an unrelated entry is present."""
    require(any(entry.is_own for entry in entries), "it has no entry of the execution")
    require(own not in others, f"entry {others.get(own)} is of this execution, and was left out")
    absent = {str(one.data["on_behalf_of"]) for one in entries if one.data.get("on_behalf_of")}
    for tag in {tag_of("", person) for person in absent} & others.keys():
        raise Contradiction(f"entry {others[tag]} is about somebody who was away, and was left out")
    for one in entries:
        belongs = one.is_own or one.code == "CG191" or one.actor in absent
        require(belongs, f"entry {one.number} is about {one.actor}, for whom nobody decided")


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_entry(link: str, number: int) -> dict[str, Any]:
    body = json.loads(link)
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    is_entry = canonical == link and set(body) == ENTRY and isinstance(body["data"], dict)
    require(is_entry and body["v"] in range(1, COUNTED + 1), f"entry {number} is not of its form")
    expect(body["at"], r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
    return body  # type: ignore[no-any-return]


def is_related(body: Json, crew: str) -> bool:
    places = {"CG191": (crew, ""), **dict.fromkeys(("CG141", "CG142"), ("", body["actor"]))}
    return (body["crew"], body["execution"]) == places.get(body["code"])


def check_signature(head: Mapping[str, str], found: str, key: str | None) -> str:
    if not head["key"] and not head["signature"]:
        require(key is None, "the head is not signed")
        return "! the head is not signed"
    own, signature = expect(head["key"], HASH), expect(head["signature"], HASH * 2)
    require(key in (None, own), f"the head is signed by the key {own}, and not by {key}")
    message = f"crewgate audit head {found}".encode()
    is_signed = verify(bytes.fromhex(own), message, bytes.fromhex(signature))
    require(is_signed, "the signature of the head is not of this key")
    unknown = "" if key is not None else "; compare the key with one from outside"
    return f"the head is signed by the key {own}{unknown}"


def digests_in(entry: Entry, names: Sequence[str] = TEXTS) -> Iterator[str]:
    for name in names:
        # In entries CG131 to CG139 `answer` is a digest of the crew's reply, which is not stored.
        is_bytes = name == "answer" and entry.code.startswith("CG13")
        if not is_bytes and re.fullmatch(HASH, str(entry.data.get(name))):
            yield entry.data[name]


def read_texts(file: Json, entries: Iterable[Entry]) -> tuple[dict[str, str], int]:
    """Return the texts by digest, and the number of missing ones. Raises Contradiction."""
    known: dict[str, dict[str, None]] = {}
    for entry in (one for one in entries if "round" in one.data):
        known.setdefault(entry.data["round"], {}).update(dict.fromkeys(digests_in(entry)))
    texts: dict[str, str] = {}
    rounds = iter(known)
    for one in file["texts"]:
        round_, salt, some = parts(one, "round", "salt", "texts")
        require(some and round_ in rounds, "texts are of no round, or in another order")
        in_order = iter(known[round_])
        for text in some:
            digest = hash_of(f"{expect(salt, '[A-Za-z0-9_-]{1,64}')}\n{expect(text, '(?s:.*)')}")
            require(digest in in_order, f"no entry has the text {text[:80]!r}, or another order")
            texts[digest] = text
    return texts, len({digest for some in known.values() for digest in some} - texts.keys())


def read_rules(file: Json, entries: Iterable[Entry]) -> dict[str, Json]:
    """Return the rules by their ids: exactly those that entries name. Raises Contradiction."""
    rules: dict[str, Json] = {}
    for one in file["rules"]:
        escalated, text = parts(one, "escalated", "rule")
        rule = rule_of(expect(text, r"\{.*\}"), escalated)
        rules[hash_of(f"{file['crew']}\n{escalated}\n{text}")] = rule
    named = dict.fromkeys(entry.data["rule"] for entry in entries if entry.data.get("rule"))
    is_all = [*rules] == [*named] and len(rules) == len(file["rules"])
    require(is_all, "the rules are not those that the entries name: one was changed or left out")
    return rules


def rule_of(rule: str, escalated: object) -> Json:
    defaults = {"reviewers": None, "self_approval": True, "unknown_starter": True}
    return {**defaults, **json.loads(rule), "escalated": escalated}


def names_in(entries: Iterable[Entry], texts: Mapping[str, str]) -> dict[str, str]:
    data = [{"actor": entry.actor, **entry.data} for entry in entries]
    fields = (("actor", "name"), ("on_behalf_of", "on_behalf_of_name"))
    found = {one.get(who): one.get(name) for who, name in fields for one in data if name in one}
    return {str(who): texts[str(digest)] for who, digest in found.items() if digest in texts}


def tools_in(entries: Iterable[Entry]) -> dict[str, str]:
    return {one.data["round"]: str(one.data["tool"]) for one in entries if "tool" in one.data}


# --- the decisions, checked against the rules -----------------------------------------------------

#: The longest time from a press to its entry, while the bot asks Slack about the person.
ON_ITS_WAY = timedelta(seconds=10)
#: A user id; other names in settings are addresses, groups, and `*`.
USER = re.compile("[UW][A-Z0-9]{2,}")
SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
DECIDES = ("CG124", "CG125", "CG126")
#: The phase that a round has after an entry with this code; other codes leave it as it is.
PHASES = {"CG102": "superseded", "CG106": "superseded", "CG103": "closed", "CG105": "closed"}
PHASES |= dict.fromkeys(DECIDES, "decided")
#: Codes of entries that are possible only while the round waits.
WAITS = {"CG106", "CG112", "CG113", "CG114", "CG118", "CG121", "CG122", "CG123", *DECIDES}
#: Codes of entries after which the crew, or the program that fetches decisions, has the decision.
TAKEN = {"CG132", "CG136", "CG139"}
#: Codes for a look at a round; such an entry may have a rule that the round had before.
SHOWS = {"CG111", "CG115"}


@dataclass
class Round:
    """A round after some entries. Rules' times count from `since`; `before` decided on its call."""

    number: int
    rule: str
    since: datetime
    _: KW_ONLY
    opened: Entry
    before: Round | None = None
    edited: Round | None = None
    """The round whose output or arguments a person's own took the place of."""
    phase: str = "waiting"
    codes: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    votes: dict[str, Entry] = field(default_factory=dict)
    groups: dict[str, Sequence[str]] = field(default_factory=dict)
    last: Entry | None = None
    approved: bool | None = None
    tries: int = 0
    """The tries to tell the crew that were not surely in vain."""

    def follow(self, entry: Entry) -> None:
        code, is_decided = entry.code, self.codes & set(DECIDES)
        require(code not in WAITS or self.phase == "waiting", f"it was {self.phase} before")
        require(code != "CG102" or not is_decided, "it was decided before")
        if code.startswith("CG13"):
            require(is_decided, "nobody had decided what the crew was told")
            is_tried = "CG131" in self.codes or code not in ("CG132", "CG133", "CG134", "CG136")
            require(is_tried, "no try to tell the crew began")
            is_open = self.phase == "decided" and not self.codes & TAKEN
            require(code != "CG131" or is_open, "it was over before")
            self.tries += {"CG131": 1, "CG133": -1, "CG134": -1}.get(code, 0)
        if code == "CG104":
            require(self.phase == "closed", "it was not closed")
            self.phase = "decided" if is_decided else "waiting"
        self.phase = PHASES.get(code, self.phase)
        self.since, self.last = min(self.since, entry.at), entry
        self.codes.add(code)

    def run(self) -> None:
        """Raise Contradiction unless the call may run: approved, the crew was told, and only once.

        The approval in `before` counts, too: people are asked anew when an approval expires.
        """
        is_known, has_run = self.tries or self.codes & TAKEN, "ran" in self.codes
        if self.before is not None and (has_run or not (self.approved and is_known)):
            self.before.run()
            return
        require(self.approved is not None, "it ran, and nobody had decided")
        require(self.approved, "it ran, and was refused")
        require(is_known, "it ran, and its approval was not sent")
        require(not has_run, "it ran twice")
        self.codes.add("ran")


class Replay:
    """Repeats the decisions from the entries alone, and checks them against rules and order."""

    def __init__(self, entries: list[Entry], told: StoryFacts, salts: Mapping[str, str]) -> None:
        self.entries, self.told, self.salts = entries, told, salts
        own = [entry for entry in entries if entry.is_own]
        is_counted = own[0].nth == 1 and all(one.form >= COUNTED for one in own)
        # The entry about lessons is no beginning: it may come before or after the first review.
        self.begin = next((entry for entry in own if entry.code != "CG156"), own[0])
        is_first = self.begin.code == "CG101" and self.begin.data.get("first") is True
        #: True if the file has all entries from the execution's first on.
        self.is_whole = is_counted and is_first
        self.rounds: dict[str, Round] = {}
        self.latest: dict[str, Round] = {}
        self.starts: list[set[str]] = []
        self.deputies: dict[str, str] = {}
        self.ends: dict[str, datetime] = {}
        self.unknown = False  # True: for want of a text, two rounds may be of one call
        #: The texts that were decided on, or sent, and that no entry says were removed.
        self.lacks: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield the story, a line for each entry. Raises Contradiction at an invalid entry."""
        if not self.is_whole:
            yield f"! entries before {self.begin.number} may be missing, or say less than today's"
        for entry in self.entries:
            try:
                why = self._apply(entry) if "round" in entry.data else self._note(entry)
            except Contradiction as wrong:
                round_ = f", round {entry.data['number']}" if "number" in entry.data else ""
                raise Contradiction(f"entry {entry.number}{round_}: {wrong}") from None
            yield f"{self.told.line(entry)}{why and f' ({why})'}"
            if entry.code in ("CG101", *DECIDES):
                self.lacks |= {*digests_in(entry, ("output", "words"))} - self.told.texts.keys()

    def _note(self, entry: Entry) -> str:
        if entry.code == "CG191":
            self.starts.append(set(entry.data["reviewers"]))
        elif entry.code == "CG141":
            self.deputies[entry.actor] = entry.data["delegate"]
            self.ends[entry.actor] = datetime.fromisoformat(entry.data["until"])
        elif entry.code == "CG142":
            self.ends[entry.actor] = min(entry.at, self.ends.get(entry.actor, entry.at))
        elif entry.code == "CG194":
            self.lacks.clear()
        return ""

    def _apply(self, entry: Entry) -> str:
        """Apply an entry to its round; return the reason why it was valid. Raises Contradiction."""
        code, data = entry.code, entry.data
        if code == "CG101":
            self._open(entry)
        round_ = self.rounds.get(data["round"])
        if round_ is None:
            require(not self.is_whole, "nothing says that it was opened")
            return "! what its round was opened with is not known, nor by which right this is"
        require(data["number"] == round_.number, f"it is round {round_.number}")
        self._require_rule(entry, round_)
        round_.follow(entry)
        if code in DECIDES:
            round_.approved = data["verdict"] == APPROVE
            is_answer = data["verdict"] == ANSWER
            is_asked = round_.opened.form < COUNTED or is_answer is ("labels" in round_.opened.data)
            require(is_asked, "an answer is for a question, and a verdict for anything else")
        if code == "CG117" and data["call"] != "closed":
            require("tool" in round_.opened.data, "it ran, and is no call")
            if self.is_whole or round_.number == 1:
                round_.run()
            require("contradicts" not in data, "the bot says that it must not have run")
        elif code == "CG121":
            self._require_right(entry, round_)
            require_other(entry, round_.votes.values(), data, self._rule(round_.rule))
            round_.votes[entry.actor] = entry
            round_.groups |= {entry.actor: data["groups"], **data.get("regrouped", {})}
        elif code in ("CG122", "CG123"):
            require(round_.votes.pop(data["by"], None), f"{data['by']} had not approved")
        elif code == "CG124":
            return self._decision(entry, round_)
        elif code in ("CG125", "CG126"):
            return self._by_rule(entry, round_)
        return ""

    def _open(self, entry: Entry) -> None:
        data, before = entry.data, self.latest.get(entry.data["review"])
        if "reviewers" not in data:
            return
        expected = before.number + 1 if before else 1
        is_next = data["number"] == expected or not (before or self.is_whole)
        require(is_next, f"round {expected} is missing")
        round_ = Round(data["number"], data["rule"], entry.at, opened=entry)
        if before and (is_same := is_same_call(before, entry, self.told.texts)) is not False:
            self.unknown |= is_same is None
            round_.before = before.before if before.approved is None else before
        rule, was_escalated = self._rule(round_.rule), not (before or self.is_whole)
        require(data["approvals"] == needed(rule), "the rule asks for another number of approvals")
        require(before is None or before.phase != "waiting", "the round before still waited")
        if before is not None and entry.actor != "crew":
            edit = before.last or entry
            is_edit = edit.code == "CG106" and edit.actor == entry.actor
            require(is_edit, "nothing says that the output was edited")
            self._require_right(edit, round_)
            require(data.get("tool") == before.opened.data.get("tool"), "an edit has another tool")
            old, round_.since, round_.edited = self._rule(before.rule), before.since, before
            require(needed(old) <= needed(rule), "by an edit, fewer approvals were enough")
            was_escalated = old["escalated"]
        require(was_escalated or not rule["escalated"], "nothing says that more may decide")
        self.rounds[data["round"]] = self.latest[data["review"]] = round_

    def _rule(self, named: str) -> Json:
        return self.told.rules[named] if named else rule_of('{"name": ""}', escalated=False)

    def _require_rule(self, entry: Entry, round_: Round) -> None:
        old, new = self._rule(round_.rule), self._rule(entry.data["rule"])
        round_.rules.add(round_.rule)
        if entry.code in SHOWS and entry.data["rule"] in round_.rules:
            return
        if entry.code == "CG113":
            is_next = not old["escalated"] and new == {**old, "escalated": True}
            require(is_next, "the rule does not let more people decide")
            require_time(entry, round_, new["escalate"]["after"])
        else:
            may_change = entry.code in ("CG114", "CG116") and needed(old) <= needed(new)
            require(old == new or may_change, "its rule is another than the round's")
        round_.rule = entry.data["rule"]

    def _by_rule(self, entry: Entry, round_: Round) -> str:
        rule, data, by_time = self._rule(round_.rule), entry.data, entry.code == "CG125"
        timeout = rule.get("timeout") or {}
        then, feedback = timeout.get("then"), timeout.get("feedback", "")
        if not by_time:
            then = {"allow": APPROVE, "refuse": REVISE}.get(rule.get("decide", ""))
            feedback = rule.get("reason", "")
        require(then and data["verdict"] in (then, ANSWER), "the rule does not decide so")
        if by_time:
            require_time(entry, round_, timeout["after"])
        salt = self.salts.get(data["round"])
        is_said = salt is None or data["words"] == hash_of(f"{salt}\n{feedback}")
        require(data["verdict"] != REVISE or is_said, "the rule has other words")
        return f"the rule decides after {timeout['after']}" if by_time else "the rule decides"

    def _decision(self, entry: Entry, round_: Round) -> str:
        data, rule, votes = entry.data, self._rule(round_.rule), round_.votes
        self._require_right(entry, round_)
        approves = means = data["approval"]
        if data["verdict"] != ANSWER:
            means = data["verdict"] == APPROVE
        elif (labels := round_.opened.data.get("labels")) is not None:
            in_words = needed(rule) > 1 or not rule["self_approval"]
            means = labels.get(data["words"], in_words)
        require(approves is means, "it is not said if it approves")
        require(not approves or rule.get("decide") != "refuse", "the rule refuses this call")
        for vote in [] if not approves else [entry] if needed(rule) == 1 else votes.values():
            require_other(vote, [], data, rule)
        if not approves or needed(rule) == 1:
            require(not approves or set(data["votes"]) <= {entry.actor}, "others' votes count")
            return "who might decide"
        stood = f"{len(votes)} of {needed(rule)} approvals"
        is_enough = set(data["votes"]) == set(votes) and len(votes) >= needed(rule)
        require(is_enough and entry.actor in votes, f"{stood} stood")
        for group, count in rule.get("approvals_from") or []:
            voters = [voter for voter, of in data["votes"].items() if of == group["id"]]
            require(len(voters) >= count, f"{group['id']} had fewer than {count} approvals")
            for voter in voters:
                is_in = group["id"] in round_.groups.get(voter, ()) or round_.opened.form < COUNTED
                require(is_in, f"nothing says that {voter} is in {group['id']}")
        return f"{stood}: {', '.join(map(self.told.who, sorted(votes)))}"

    def _require_right(self, entry: Entry, round_: Round) -> None:
        """Raise Contradiction unless the actor, or whom the actor stands in for, might decide."""
        data, rule = entry.data, self._rule(round_.rule)
        right = data.get("on_behalf_of") or entry.actor
        # A delegate's edit has no `on_behalf_of`: `named` has all for whom the delegate may decide.
        if "on_behalf_of" not in data and right not in data["named"]:
            right = next((of for of in data["named"] if self.deputies.get(of) == right), right)
        names, permitted = data["named"].get(right) or [], set(data["permitted"])
        others = [name for name in names if USER.fullmatch(name) and name != right]
        is_named = names and not others and set(names) <= permitted
        may_decide = is_named and rule.get("naming") != "pending"
        require(may_decide, f"{right} was not among those who might decide")
        of_rule, more = rule["reviewers"], people(escalated_to(rule))
        own = set(round_.opened.data["reviewers"])
        lists = [own, *self.starts] if of_rule is None else [people(of_rule)]
        is_so = any(permitted == some | more for some in lists)
        require(is_so, "others might decide than the rule, or the crew's settings, named")
        if right != entry.actor:
            is_deputy = self.deputies.get(right) == entry.actor
            require(is_deputy, f"nothing says that {entry.actor} decided for {right}")
            require(entry.at < self.ends[right] + ON_ITS_WAY, f"{right} was back before")
            require(rule.get("delegation", True), "the rule lets nobody decide for others")


def is_same_call(before: Round, other: Entry, texts: Mapping[str, str]) -> bool | None:
    """Return True if `other` opened a round for the call of `before`; None: a text is missing."""
    one, edited = before.opened, before.edited
    again = edited is not None and is_same_call(edited, other, texts)
    if other.actor != "crew" or again:
        return True
    if again is None:
        return None
    is_same = all(one.data.get(name) == other.data.get(name) for name in ("tool", "characters"))
    both = {texts.get(of.data["output"]) for of in (one, other)}
    is_told = None not in both or "tool" not in one.data
    return is_same and (len(both) == 1 if is_told else None)


def require_other(vote: Entry, others: Iterable[Entry], data: Json, rule: Json) -> None:
    """Raise Contradiction if the voter is among `others`, or approves against the rule."""
    counted = {voice for other in others for voice in voices(other)}
    require(not counted & voices(vote), f"{vote.actor} counts twice")
    is_own = not vote.data["on_behalf_of"]
    require(is_own or rule.get("delegation", True), "the rule lets nobody decide for others")
    if not rule["self_approval"]:
        starter = set(data["starter"] or ())
        is_known = starter or rule["unknown_starter"]
        require(is_known, "nobody knew who started it, and the rule forbids that")
        require(not voices(vote) & starter, f"{vote.actor} started it, and the rule forbids that")


def require_time(entry: Entry, round_: Round, after: str) -> None:
    """Raise Contradiction unless a rule's duration has passed, without regard to working hours."""
    count, unit = re.fullmatch(r"(\d+) ?w?([dhms])", after).groups()  # type: ignore[union-attr]
    seconds = entry.data.get("set_back", 0)
    require(0 <= seconds <= 7 * SECONDS["d"], "no clock is set back by so much")
    due = round_.since + timedelta(seconds=int(count) * SECONDS[unit] - seconds)
    require(entry.at + ON_ITS_WAY >= due, f"it came before {after} had passed")


def needed(rule: Json) -> int:
    return sum(count for _, count in rule.get("approvals_from") or []) or rule.get("approvals", 1)


def people(named: Iterable[Sequence[str]]) -> set[str]:
    return {"*" if kind == "anyone" else name for kind, name in named}


def escalated_to(rule: Json) -> Sequence[Sequence[str]]:
    return ((rule.get("escalate") or {}).get("to") or ()) if rule["escalated"] else ()


def voices(vote: Entry) -> set[str]:
    return {vote.actor, vote.data["on_behalf_of"]} - {None}


# --- the story ------------------------------------------------------------------------------------

STORY = {
    "CG101": "{who} put an output up for review",
    "CG102": "a newer output came before anybody decided",
    "CG103": "it was closed, for nothing was left to decide or to send",
    "CG104": "it was opened again",
    "CG105": "{who} dismissed it",
    "CG106": "{who} put a text of their own in the place of the output",
    "CG111": "the card was posted",
    "CG112": "those who had not decided were reminded",
    "CG113": "more people may decide",
    "CG114": "the flow called its assignees",
    "CG115": "{who} was shown the output without masks",
    "CG116": "its rule changed",
    "CG117": "{who} said how the call ended: {call}",
    "CG118": "{who} asked {to} to look",
    "CG121": "{who} approved",
    "CG122": "{who} took back the approval of {by}",
    "CG123": "the approval of {by} no longer counts",
    "CG124": "{who} decided: {verdict}",
    "CG125": "nobody decided in time, so the rule did: {verdict}",
    "CG126": "the rule decided, without a person: {verdict}",
    "CG131": "a try to tell the crew began",
    "CG132": "the crew took the decision",
    "CG133": "the crew refused the decision",
    "CG134": "the try surely did not reach the crew",
    "CG135": "the answer was lost, so the crew may have taken the decision",
    "CG136": "the crew has gone on, which shows that it took the decision",
    "CG137": "the decision could not be told, and a person must act",
    "CG138": "{who} had the decision sent again",
    "CG139": "whoever asked fetched the decision",
    "CG141": "{who} went away, and {delegate} decides for them",
    "CG142": "{who} was back",
    "CG156": "the bot chose what the crew was taught at its kickoff",
    "CG191": "the bot started",
    "CG194": "the texts were removed",
}
#: The sentences for a call of a tool, where STORY's do not fit, and the words for its verdicts.
CALLS = {
    "CG101": "{who} put a call up for review",
    "CG102": "a newer call took its place",
    "CG106": "{who} put other arguments in the place of the call's",
    "CG115": "{who} was shown the arguments without masks",
}
CALL_VERDICTS = {APPROVE: "the call may run", REVISE: "refused"}
ACTORS = {"crew": "the crew", "rule": "the rule", "operator": "an operator", "crewgate": "the bot"}
#: The words that a line adds for the fields of an entry's `data`.
DETAILS = {
    **{name: f"{name} {{}}" for name in ("task", "until", "code", "lessons")},
    "assigned": "{}",
    "shown": "{} % of the output shown",
    "masked": "masked: {}",
    "unsent_notes": "notes not sent: {}",
    "set_back": "the clock had been set back by {} s",
    "reviewers": "the crew's settings name {}",
    "before": "from before {}",
    "left_out": "older lessons left out: {}",
}


@dataclass(frozen=True)
class StoryFacts:
    """Facts for the story that are not in the entry that is told; `tools` are by round."""

    texts: Mapping[str, str]
    rules: Mapping[str, Json]
    names: Mapping[str, str]
    tools: Mapping[str, str]

    def who(self, actor: object) -> str:
        name = self.names.get(str(actor))
        return f"@{name} ({actor})" if name else ACTORS.get(str(actor), str(actor))

    def line(self, entry: Entry) -> str:
        data, deputy = entry.data, entry.data.get("on_behalf_of")
        who = self.who(entry.actor) + (f" for {self.who(deputy)}" if deputy else "")
        named = ("by", "to", "delegate", "verdict", "call")
        others = {name: self.who(data.get(name)) for name in named}
        story, tool = STORY.get(entry.code, entry.code), self.tools.get(data.get("round", ""))
        if tool is not None:
            story = CALLS.get(entry.code, story)
            others["verdict"] = CALL_VERDICTS.get(others["verdict"], others["verdict"])
        sentence = story.format(who=who, tool=tool, **others)
        words = (self.texts.get(digest) for digest in digests_in(entry, WORDS))
        quoted = ["a text that is not here" if one is None else f"“{one}”" for one in words]
        more = "; ".join([*self._details(entry), *quoted])
        call = f" · {tool}" if tool else ""
        round_ = f"{call} · round {data['number']}" if "round" in data else ""
        at = f"{entry.number or 'not linked yet'} · {entry.at:%Y-%m-%d %H:%M:%S} UTC{round_}"
        return f"{at} · {sentence[0].upper()}{sentence[1:]}{more and f': {more}'}"

    def _details(self, entry: Entry) -> Iterator[str]:
        rule = self.rules.get(entry.data.get("rule", ""))
        if rule is not None and entry.code in ("CG101", "CG113", "CG116", *DECIDES):
            yield f"rule “{rule['name']}”" if rule["name"] else "as the flow asks"
            many = f"{needed(rule)} approvals" if needed(rule) > 1 else "one approval"
            yield f"it {rule['decide']}s without a person" if rule.get("decide") else many
            if rule.get("valid_for"):
                yield f"an approval is valid for {rule['valid_for']}"
        if rule is not None and entry.code == "CG101" and rule.get("when"):
            yield f"that its conditions held is not checked: {rule['when']}"
        names = people([*(rule["reviewers"] or ()), *escalated_to(rule)]) if rule else set()
        if names and entry.code in ("CG101", "CG113", "CG116"):
            yield f"it names {', '.join(map(self.who, sorted(names)))}"
        for name, form in DETAILS.items():
            value = entry.data.get(name)
            if (value or (name == "shown" and value == 0)) and not (name == "reviewers" and names):
                several = ", ".join(map(self.who, value)) if isinstance(value, list) else value
                yield form.format(several)


def printable(text: str) -> str:
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


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
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (sign and not x):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    if len(key) != 32 or len(signature) != 64:  # noqa: PLR2004  # RFC 8032
        return False
    public, commitment = _point(key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if public is None or commitment is None or BASE is None or scalar >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + key + message).digest()
    right = _add(commitment, _times(int.from_bytes(challenge, "little") % ORDER, public))
    left = _times(scalar, BASE)
    return not any((left[at] * right[2] - right[at] * left[2]) % P for at in (0, 1))


# --- the command ----------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="FILE", help="as `crewgate audit evidence` wrote it")
    parser.add_argument("--head", metavar="NUMBER:HASH", help="as the bot posted or logged it")
    parser.add_argument("--key", metavar="KEY", help="the public key, as it was posted")


def check_file(path: str, head: str | None, key: str | None) -> int:
    """Print the facts that the file proves; return 1 if it is not valid, 3 if not all is known."""
    wrong = ""
    try:
        for line in check(read(Path(path).read_bytes()), head, key):
            print(printable(line))  # noqa: T201
    except OSError as error:
        wrong = f"{path} cannot be read: {error}"
    except Contradiction as error:
        wrong = str(error)
    except Unproved as unproved:
        print(printable(f"! what is here fits, but {unproved.what}: {unproved}"))  # noqa: T201
        return 3
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        wrong = "a part of the file is not of its form"
    print(printable(f"✗ {wrong}" if wrong else "✓ it holds"))  # noqa: T201
    return int(bool(wrong))


def main() -> int:
    parser = argparse.ArgumentParser(description="Check an evidence file of Crewgate.")
    add_arguments(parser)
    return check_file(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
