"""Notifications of crews that pause, and the requests of flows: their values and questions."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from crewgate.domain.acts import CallResult, ToolCall, UsedTool
from crewgate.domain.asked import Asked
from crewgate.domain.people import Email
from crewgate.domain.redaction import Redactor
from crewgate.domain.verdict import Person, Reading, reading_of

Given = tuple[tuple[str, str], ...]
"""Names and values that a caller gave at kickoff, in order."""


@dataclass(frozen=True, slots=True)
class HiddenValue:
    """A value for rules only, never shown."""

    text: str | None = None
    """The value; None if it is unknown."""


CallerValues = tuple[tuple[str, str | HiddenValue], ...]
"""All values of a caller; an empty name stands for unknown further values."""
UNKNOWN: Final[CallerValues] = (("", HiddenValue()),)


def shown(came: CallerValues) -> Given:
    return tuple((name, value) for name, value in came if isinstance(value, str))


def keep_asked(came: CallerValues, names: Collection[str]) -> CallerValues:
    """Return the values; hidden ones whose name no rule asks for become unknown."""
    return tuple(
        (name, value if isinstance(value, str) or name in names else HiddenValue())
        for name, value in came
    )


def part_of(found: object, path: str) -> object:
    """Return what JSON has at a path, such as `items.0.price`; HiddenValue if it has nothing."""
    for step in path.split("."):
        match found:
            case dict() if step in found:
                found = found[step]
            case list() if step.isdecimal() and len(step) < 8 and int(step) < len(found):  # noqa: PLR2004 - no list is longer
                found = found[int(step)]
            case _:
                return HiddenValue()
    return found


def value_of(came: CallerValues, name: str) -> str | HiddenValue | None:
    """Return a value by its name; None: it was not given, HiddenValue: it is unknown."""
    values = dict(came)
    found = values.get(name, values.get(""))
    text = found.text if isinstance(found, HiddenValue) else found
    return found if text is None else text


#: The longest optional text, such as a task's name, in characters; a longer text is cut.
TEXT_LIMIT: Final = 500
#: The longest line of a crew's own words, in characters; a longer line is stored cut, with "…".
WORDS_LIMIT: Final = 300
#: Stands for a stored address or token that no key of the bot decrypts.
UNREADABLE: Final = ""


class Format(StrEnum):
    """The format of an output."""

    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The text of a flow before CrewAI rewrote it, and the lessons that CrewAI followed."""

    original: str
    lessons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """An agent's text, never trusted. `JSON` outputs are pretty-printed text already."""

    text: str
    format: Format = Format.MARKDOWN
    rewritten: Rewritten | None = None
    erased: int = 0
    """The number of replacements of secrets that the bot knows, in the names beside it too."""

    @property
    def digest(self) -> str:
        """A value that is equal for equal outputs, to compare rounds without reading outputs."""
        return hashlib.sha256(f"{self.format}\n{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class HumanInputWebhook:
    """The address where a crew announces its next pause, with the credentials to present."""

    url: str
    strategy: str | None = None
    token: str | None = field(default=None, repr=False)
    _: KW_ONLY
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def has_credentials(self) -> bool:
        match self.strategy:
            case "bearer":
                return _is_readable(self.token)
            case "basic":
                return self.username is not None and _is_readable(self.password)
        return False

    @property
    def without_unreadable(self) -> "HumanInputWebhook":
        """The webhook, without credentials if they cannot be read."""
        return self if self.has_credentials else HumanInputWebhook(self.url)

    @property
    def secret(self) -> str | None:
        return self.password if self.strategy == "basic" else self.token


#: Words in the place of a secret that somebody hid, or that was never filled in.
_PLACEHOLDERS: Final = frozenset(
    {"", "basic", "bearer", "hidden", "masked", "none", "null", "redacted", "undefined"}
)
_SCHEME: Final = re.compile(r"\s*(?:basic|bearer)\s+", re.IGNORECASE)
#: Marks of a hidden secret, also of one that is hidden in part: `abc***`.
_MASK: Final = re.compile(r"[*\N{BULLET}]{3}|\N{HORIZONTAL ELLIPSIS}|\A[xX]+\Z")


def _is_readable(secret: str | None) -> bool:
    if secret is None:
        return False
    bare = _SCHEME.sub("", secret, count=1)
    word = "".join(one for one in bare if one.isalnum()).lower()
    return word not in _PLACEHOLDERS and _MASK.search(bare) is None


@dataclass(frozen=True, slots=True)
class WebhookUrls:
    """The URLs that a crew forgets at every pause, so that each resume carries them."""

    task: str | None = None
    step: str | None = None
    crew: str | None = None
    human_input: HumanInputWebhook | None = None

    def __bool__(self) -> bool:
        return any((self.task, self.step, self.crew, self.human_input))

    @property
    def is_readable(self) -> bool:
        human_input = self.human_input and self.human_input.url
        return UNREADABLE not in (self.task, self.step, self.crew, human_input)

    @property
    def addresses(self) -> tuple[str, ...]:
        human_input = None if self.human_input is None else self.human_input.url
        return tuple(filter(None, (self.task, self.step, self.crew, human_input)))

    @property
    def token(self) -> str:
        """The secret that the crew presents at the human-input webhook; empty if it has none."""
        human_input = self.human_input
        return (human_input and human_input.has_credentials and human_input.secret) or ""

    def or_else(self, other: "WebhookUrls") -> "WebhookUrls":
        """Return these URLs, each missing one replaced by that of `other`.

        A human-input webhook without credentials counts as missing if the other has credentials.
        """
        mine, theirs = self.human_input, other.human_input
        bare = mine is not None and not mine.has_credentials
        better = bare and theirs is not None and theirs.has_credentials
        return WebhookUrls(
            task=self.task or other.task,
            step=self.step or other.step,
            crew=self.crew or other.crew,
            human_input=theirs if better else mine or theirs,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question of `Flow.ask()` or a hook; its text is the round's output, any words answer it."""

    place: str
    """The method and the number of the call; a flow that starts again repeats both."""
    choices: tuple[str, ...] = ()
    """Answers to choose from, sent back exactly as received."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The crew's human-input webhook, parsed."""

    VERBATIM: ClassVar = ("execution_id", "task_id", "pause_id", "webhooks", "ask")
    """Fields that are sent back exactly as received."""

    execution_id: str
    task_id: str
    output: Output
    task_name: str | None = None
    expected_output: str | None = None
    agent: str | None = None
    inputs: CallerValues | None = None
    meta: CallerValues = ()
    webhooks: WebhookUrls = WebhookUrls()
    ask: Ask | None = None
    """The question of a hook in the middle of the task; None: the output is the task's."""
    pause_id: str | None = None
    """The id of the pause, which a repeated notification repeats."""
    takes_edits: bool = False
    call: ToolCall | None = None
    """The waiting call, whose arguments are the output; None: a task's output."""
    call_result: CallResult | None = None
    """The end of a call or a question that was announced before."""
    tools_used: tuple[UsedTool, ...] = ()
    next_task: str | None = None
    """The task that the crew runs after an approval."""
    is_fetched: bool = False
    """The sender fetches the decision, so the crew is not resumed."""
    takes_key: bool = False


def without_secrets(came: Notification, clean: Notification, redactor: Redactor) -> Notification:
    """Return a notification without the operator's secrets; `erased` counts the replacements.

    `clean` was read from the body without secrets, so that no cut text ends in half a secret. A
    name with a secret is unreadable; a choice with one is not offered. Each counts once.
    """
    shown = redactor.fields(clean, keep=Notification.VERBATIM)
    task_name = _readable(came.task_name, shown.task_name)
    agent = _readable(came.agent, shown.agent)
    call = came.call and _without_secrets(came.call, shown.call or ToolCall(""))
    choices = () if came.ask is None else _without_any(came.ask.choices, redactor)
    left_out = 0 if came.ask is None else len(came.ask.choices) - len(choices)
    unreadable = (task_name != came.task_name) + (agent != came.agent)
    if call is not None and came.call is not None:
        pairs = zip(call.names(exactly=False), came.call.names(exactly=False), strict=True)
        unreadable += sum(name != before for name, before in pairs)
    return replace(
        came,
        output=_counted(came.output, shown.output, redactor, more=unreadable + left_out),
        task_name=task_name,
        expected_output=shown.expected_output,
        agent=agent,
        inputs=came.inputs and unless_erased(came.inputs, shown.inputs or ()),
        meta=unless_erased(came.meta, shown.meta),
        ask=came.ask and replace(came.ask, choices=choices),
        call=call,
        call_result=shown.call_result,
        tools_used=shown.tools_used,
        next_task=shown.next_task,
    )


def _readable(came: str | None, shown: str | None) -> str | None:
    """Return a name; it is empty if redaction changed it."""
    return came if came == shown else ""


def _without_secrets(came: ToolCall, shown: ToolCall) -> ToolCall:
    others = tuple(one if one in shown.other_names else "" for one in came.other_names)
    return replace(
        shown,
        tool=came.tool if came.tool == shown.tool else "",
        other_names=others,
        may_have_run=came.may_have_run,
        erased=came.erased,
    )


def _without_any(choices: tuple[str, ...], redactor: Redactor) -> tuple[str, ...]:
    """Return the choices without a secret: another could not be sent back unchanged."""
    return tuple(one for one in choices if redactor.text(one) == one)


def _counted(came: Output, shown: Output, redactor: Redactor, *, more: int) -> Output:
    # An output is never cut, so its secrets are found, and counted, in the text as it came.
    text, count = redactor.counted(came.text)
    erased = came.erased + count + more
    return Output(text, came.format, rewritten=shown.rewritten, erased=erased)


def unless_erased(before: CallerValues, after: CallerValues) -> CallerValues:
    """Return a caller's values after redaction; values that it changed are unknown to rules.

    People are shown the rest of a changed value, so it is listed twice: rules read the last entry.
    """
    came = dict(before)
    changed = (name for name, value in after if came.get(name, value) != value)
    return (*after, *((name, HiddenValue()) for name in changed))


ASSIGNED_LIMIT: Final = 50
#: An escalation of a flow's request may come again and again, so it mentions people once in this
#: time, unless it names somebody new.
CALLED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A person's answer from which CrewAI drew a lesson, and the labels that keep or end it."""

    keep: str
    """The label that keeps the lesson."""
    retire: str
    """The label that ends the lesson later."""
    round_id: str = ""
    """Empty for an answer that did not come through this bot."""
    by: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Asked):
    """The question of a flow: a text and, mostly, labels to choose from."""

    stored_as: ClassVar = "question"
    takes_answers: ClassVar = True
    has_text: ClassVar = False
    has_arguments: ClassVar = False
    is_act: ClassVar = False

    request_id: str
    """Empty for the question of a crew's hook, which `/resume` answers."""
    message: str = ""
    outcomes: tuple[str, ...] = ()
    """The flow's labels in its order; sent back exactly as received."""
    left_off: int = 0
    assigned: tuple[Email, ...] = ()
    """The assignees; they decide if the settings name no reviewers."""
    called_at: datetime | None = None
    host_refused: bool = False
    """The settings forbade the callback's host when the request came."""
    ask: Ask | None = None
    drawn_from: Source | None = None
    """The answer in which `crewgate host` found a lesson: the question is whether to keep it."""

    @property
    def author(self) -> Person | None:
        return None if self.drawn_from is None else self.drawn_from.by

    @property
    def approval(self) -> str | None:
        """The first label that reads as an approval."""
        labels = (one for one in self.outcomes if reading_of(one) is Reading.APPROVAL)
        return next(labels, None)

    @property
    def is_of_crew(self) -> bool:
        """True for the question of a hook, in the middle of a crew's task."""
        return not self.request_id

    @property
    def is_of_flow(self) -> bool:
        return not self.is_of_crew

    @property
    def labels(self) -> tuple[str, ...]:
        return self.outcomes

    @property
    def assignees(self) -> tuple[Email, ...]:
        return self.assigned

    @property
    def waits_until(self) -> datetime | None:
        return None if self.ask is None else self.ask.expires_at


@dataclass(frozen=True, slots=True)
class Callback:
    """The address that takes the answer: anybody with the address can answer, once."""

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def is_readable(self) -> bool:
        return self.url != UNREADABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestId:
    """The ids of a flow's request."""

    flow_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequest:
    """A flow's parsed webhook: a question of a paused method, or its urgent repetition."""

    VERBATIM: ClassVar = ("flow_id", "method", "question", "callback", "source_request")
    """Fields that are sent back exactly as received, as a whole or in part."""

    flow_id: str
    """The execution's id, equal in all its pauses."""
    method: str
    question: Question
    output: Output
    callback: Callback
    flow_name: str | None = None
    meta: CallerValues = ()
    """The caller's values, or the flow's state."""
    escalation: bool = False
    """The request is repeated, because nobody has answered for long."""
    source_request: RequestId | None = None
    """The request whose answer the lesson was drawn from; `question.drawn_from` is set too."""


def request_without_secrets(
    came: FlowRequest, clean: FlowRequest, redactor: Redactor
) -> FlowRequest:
    """Return a flow's request without secrets in what people see, as `without_secrets` does."""
    shown = redactor.fields(clean, keep=FlowRequest.VERBATIM)
    question = came.question
    outcomes = _without_any(question.outcomes, redactor)
    flow_name = _readable(came.flow_name, shown.flow_name)
    more = redactor.counted(question.message)[1] + (flow_name != came.flow_name)
    return replace(
        came,
        question=replace(
            question,
            message=redactor.text(clean.question.message),
            outcomes=outcomes,
            left_off=question.left_off + len(question.outcomes) - len(outcomes),
        ),
        output=_counted(came.output, shown.output, redactor, more=more),
        flow_name=flow_name,
        meta=unless_erased(came.meta, shown.meta),
    )
