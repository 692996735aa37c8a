"""The settings of one crew and its rules: fields for the domain, and fields for calls."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from crewgate.domain.crew import Crew
from crewgate.domain.masking import NOTHING, Masking
from crewgate.domain.notification import Given
from crewgate.domain.parsers import metadata_of, parse_url, setting, shown, shown_key
from crewgate.domain.redaction import is_called_secret
from crewgate.domain.rules.conditions import Conditions
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.patterns import has_open_bracket
from crewgate.domain.rules.rule import Decide, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import FEEDBACK_LIMIT
from crewgate.settings import parsers
from crewgate.settings.options import Option, Reader, options_of
from crewgate.settings.sources import TomlFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSettings(Crew):
    """One deployment. Fields here are for calls and authentication; `Crew` has all others."""

    url: str | None = parsers.optional(
        parsers.parse_base_url,
        "the crew's address; without it and `token_env`, whoever asks [fetches the"
        " decision](http.md#fetch-a-decision)",
        example='"https://research-crew.crewai.com"',
    )
    """The URL ends without a slash."""
    token: str | None = parsers.secret(
        parsers.parse_secret,
        "name of the variable with the bearer token the crew expects",
        name="token_env",
        names_variable=True,
        default="required with `url`",
        example='"RESEARCH_CREW_TOKEN"',
    )
    webhook_secret: str = field(
        repr=False,
        metadata=metadata_of(
            parsers.parse_webhook_secret,
            "name of the variable with what the crew must present to this bot, 16 characters"
            " or more; in one with `_PREVIOUS` at its end, what it presented before",
            name="webhook_secret_env",
            names_variable=True,
            missing="the name of the variable with the secret that the crew must present",
            example='"RESEARCH_WEBHOOK_SECRET"',
        ),
    )
    webhook_secret_previous: str | None = field(default=None, repr=False)
    """The secret in the variable with `_PREVIOUS` at its end; accepted during a rotation."""
    # Webhook addresses often carry a secret of their own, so `repr` hides these three.
    task_webhook_url: str | None = parsers.secret(
        parse_url,
        "sent with every resume, unless the execution has another",
        example='"https://hooks.example.com/task"',
    )
    step_webhook_url: str | None = parsers.secret(
        parse_url, "the same for step webhooks", example='"https://hooks.example.com/step"'
    )
    crew_webhook_url: str | None = parsers.secret(
        parse_url, "the same for crew webhooks", example='"https://hooks.example.com/crew"'
    )
    flow_webhook_secret: str | None = parsers.secret(
        parsers.parse_flow_secret,
        "for flows: name of the variable with the secret of the webhook in the"
        " deployment's Human-in-the-Loop settings, whole, with its `whsec_`; in one with"
        " `_PREVIOUS` at its end, the secret before. Such a crew may name no reviewers: then"
        " whom a request assigns may decide, and its operators where it assigns nobody",
        name="flow_webhook_secret_env",
        names_variable=True,
        example='"RESEARCH_FLOW_SECRET"',
    )
    """Verifies requests of the crew's flows; None refuses these requests."""
    flow_webhook_secret_previous: str | None = field(default=None, repr=False)
    flow_callback_hosts: tuple[str, ...] = setting(
        (),
        parsers.parse_hosts,
        "hosts that answers to flows may be sent to besides `crewai.com` and its subdomains, a"
        " list of names without `https://`; by plain `http://` only `localhost` and `127.0.0.1`",
        default="`[]`",
        example="[]",
    )
    redact: Masking = setting(
        NOTHING,
        parsers.parse_redact,
        "what of this crew's texts is masked for people, not for the crew: a list of `email`,"
        " `iban`, `card` and patterns between slashes, see"
        " [Personal data](../SECURITY.md#personal-data)",
        default="`[]`",
        example='["email", "iban", "card", "/AC-[0-9]+/"]',
    )
    places: tuple[str, ...] = ()
    """The place of each rule for messages: file, line, crew, number and name."""


_FIRST: Final = ("url", "token", "webhook_secret")


def _place(option: Option) -> int:
    """Return a sort key that puts required keys first, and tables (rules) last."""
    return 2 if option.field == "rules" else 0 if option.field in _FIRST else 1


OPTIONS: Final[tuple[Option, ...]] = tuple(sorted(options_of(CrewSettings), key=_place))


def read_rules(
    raw: Sequence[Mapping[str, object]], crew: Reader, name: str, toml: TomlFile
) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """Return a crew's rules in order, with the place of each; note their mistakes."""
    lines = _lines(toml.text, name)
    rules: list[Rule] = []
    places: list[str] = []
    for number, content in enumerate(raw):
        line = f", line {lines[number]}" if len(lines) == len(raw) else ""
        place = f"{toml.title}{line}: crews.{name}.rules[{number + 1}]"
        if isinstance(content.get("name"), str):
            place += f" {_shown_name(str(content['name']))}"
        reader = Reader(content, crew.problems, f"{place}.")
        rule = _read_rule(reader)
        # People would mistake rules for each other if their names differed in case alone.
        if rule.name and any(one.name.casefold() == rule.name.casefold() for one in rules):
            reader.note("name", "another rule of this crew has it; put a name of its own")
        rules.append(rule)
        places.append(place)
    return tuple(rules), tuple(places)


def _shown_name(name: str) -> str:
    return f'"{name}"' if name.isprintable() and len(name) <= 60 else shown(name)  # noqa: PLR2004 - a bit of a line


def _lines(text: str, crew: str) -> list[int]:
    """Return the line at which each rule of a crew begins; TOML's parser tells no lines."""
    head = (
        rf"""[ \t]*\[\[[ \t]*crews[ \t]*\.[ \t]*["']?{re.escape(crew)}["']?[ \t]*\.[ \t]*rules\b"""
    )
    return [number for number, line in enumerate(text.split("\n"), start=1) if re.match(head, line)]


def _read_rule(reader: Reader) -> Rule:
    before = len(reader.problems)
    values = reader.take_all(Rule)
    if len(reader.problems) > before:
        return Rule(name=values["name"] or "")
    rule = Rule(**values)
    for key, problem in _contradictions(rule):
        reader.note(key, problem)
    if rule.approvals_from:
        groups, counts = zip(*rule.approvals_from, strict=True)
        rule = replace(rule, reviewers=groups, approvals=sum(counts))
    return rule


def _contradictions(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield each key of a rule that contradicts another, or needs another, with advice."""
    if rule.working_hours is None:
        for key, duration in _durations(rule):
            if duration.working:
                hint = f"{duration} needs working_hours; give the rule some, or put hours (h)"
                yield key, hint
    if rule.decide is Decide.ALLOW and not rule.when.names_tool:
        yield "decide", '"allow" needs tools by name; put when = { tool = "search" } or the like'
    if rule.valid_for is not None and not rule.when.names_tool:
        hint = 'it is for approvals of calls; put when = { tool = "purchase" } or the like'
        yield "valid_for", hint
    if rule.decide is Decide.REFUSE and not rule.reason:
        yield "reason", 'missing; put what the agent is told by decide = "refuse"'
    if rule.decide is None and rule.reason:
        yield "reason", "it is told with decide only; put that, or take it out"
    if len(rule.reason) > FEEDBACK_LIMIT:
        yield "reason", f"it has {len(rule.reason)} characters; put {FEEDBACK_LIMIT} at most"
    if rule.timeout is not None:
        yield from _contradicting_timeout(rule, rule.timeout)


def _contradicting_timeout(rule: Rule, out: TimeOut) -> Iterator[tuple[str, str]]:
    if out.then is TimeoutAction.REVISE and not out.feedback:
        yield "timeout.feedback", 'missing; put what the crew is told by then = "revise"'
    if len(out.feedback) > FEEDBACK_LIMIT:
        over = f"it has {len(out.feedback)} characters; put {FEEDBACK_LIMIT} at most"
        yield "timeout.feedback", over
    if out.then is not TimeoutAction.REVISE and out.feedback:
        yield "timeout.feedback", 'it is sent with then = "revise" only; put that, or take it out'
    if out.then is not TimeoutAction.LEAVE:
        for key, duration in _durations(rule):
            if key in {"remind.after", "escalate.after"} and not _is_before(duration, out.after):
                yield key, f"it must come before the time-out ({out.after}); put a shorter one"


def _is_before(one: Duration, other: Duration) -> bool:
    """Return True if `one` is shorter, or if only one of both is in working hours."""
    return one.working != other.working or one.length < other.length


def _durations(rule: Rule) -> Iterator[tuple[str, Duration]]:
    each = {
        "target": rule.target,
        "remind.after": rule.remind.after if rule.remind else None,
        "remind.every": rule.remind.every if rule.remind else None,
        "escalate.after": rule.escalate.after if rule.escalate else None,
        "timeout.after": rule.timeout.after if rule.timeout else None,
        "valid_for": rule.valid_for,
    }
    yield from ((key, duration) for key, duration in each.items() if duration is not None)


def doubtful(crew: CrewSettings) -> Iterator[tuple[str, str]]:
    """Yield the place of each doubtful rule, with the reason and advice.

    A rule is doubtful if an earlier rule takes all of its reviews, if it approves by itself, or if
    one of its keys has no effect.
    """
    places = dict(zip(crew.rules, crew.places, strict=True))
    for at, (rule, place) in enumerate(places.items()):
        before = [one for one in crew.rules[:at] if one.when in (Conditions(), rule.when)]
        if before:
            why = (
                f"it never counts: every review that it is for is one of {places[before[0]]}"
                " already; put it before that one, or take it out"
            )
            yield place, why
    for rule, place in places.items():
        for why in chain(_pointless(rule), _worded(rule.when)):
            yield place, why
        out = rule.timeout
        if out is not None and out.then is TimeoutAction.APPROVE:
            why = (
                f"after {out.after} it approves although nobody has;"
                ' put then = "leave" or "revise" there if that is not meant'
            )
            yield place, why


def _pointless(rule: Rule) -> Iterator[str]:
    if rule.self_approval and not rule.unknown_starter:
        yield (
            'unknown_starter = "deny" bars nobody where everybody may approve what they started;'
            " put self_approval = false there too, or take it out"
        )
    _, _, named = (rule.reviewers_from or "").partition(".")
    if is_called_secret(named):
        yield (
            f"reviewers_from asks for {shown_key(named)}, which sounds like a secret and is not"
            " kept, so the usual reviewers decide; ask for another one"
        )
    if "." in named:
        yield (
            f"reviewers_from asks for what is called {shown_key(named)}, with its dots, and not"
            " for a value inside of another; have the kickoff send it by a name of its own"
        )
    for key, values in (("inputs", rule.when.inputs), ("meta", rule.when.meta)):
        for name, _ in values:
            if is_called_secret(name):
                yield (
                    f"when.{key} asks for {shown_key(name)}, which sounds like a secret and is not"
                    " kept, so the strictest rule that may match counts wherever it is given; ask"
                    " for another one"
                )
    for key, pattern in _globs(rule.when):
        if has_open_bracket(pattern):
            yield (
                f"when.{key} has a [ that nothing closes, so it stands for itself; put [[] there"
                " if that is meant, or close it"
            )


def _worded(when: Conditions) -> Iterator[str]:
    """Yield a sentence for each condition on a value that looks like a comparison in words."""
    for key, pattern in _globs(when):
        found = _WORDED.fullmatch(pattern)
        if found is not None and key.startswith(("arguments.", "json.")):
            better = f"{_SIGNS[found[1].lower()]} {found[2].replace(',', '')}"
            yield f"when.{key}: {shown(pattern)} is a text; for a number put '{better}' there"


_SIGNS: Final = {
    "over": ">",
    "above": ">",
    "more than": ">",
    "at least": ">=",
    "under": "<",
    "below": "<",
    "less than": "<",
    "at most": "<=",
    "up to": "<=",
}
_WORDED: Final = re.compile(rf"({'|'.join(_SIGNS)}) +(-?[0-9][0-9,]*(?:\.[0-9]+)?)", re.IGNORECASE)


def _globs(when: Conditions) -> Iterator[tuple[str, str]]:
    yield "tool", when.tool or ""
    yield "task", when.task or ""
    yield "agent", when.agent or ""
    for key in ("arguments", "json", "inputs", "meta"):
        values: Given = getattr(when, key)
        for name, pattern in values:
            yield f"{key}.{shown_key(name)}", pattern
