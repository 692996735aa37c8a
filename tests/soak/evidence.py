"""The facts of all sides at the end of a run."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from http import HTTPStatus

from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from tests.soak.database import Stored
from tests.soak.labels import OUTCOMES, Label, find_label
from tests.soak.ledger import Ledger, Press
from tests.standins.crew import Call, Crew, Execution, Sent
from tests.standins.workspace import Message

# --- what the crews know: the outputs that they announced, the decisions that took effect

_ACCEPTED = HTTPStatus.ACCEPTED
#: What a crew says that has gone on.
_NOT_PENDING = "not pending human input"


@dataclass(frozen=True, slots=True)
class Applied:
    """A decision that took effect at a crew."""

    label: Label
    """The output that it was applied to."""
    execution_id: str
    is_approve: bool
    feedback: str
    edited: str | None = None
    """The text that took the place of the output."""


@dataclass(slots=True)
class CrewRecords:
    """The records of all crews."""

    executions: dict[str, Execution] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    resumed_at: dict[Label, float] = field(default_factory=dict)
    """The time of the request that was applied to an output."""
    repeated: list[tuple[Label, tuple[float, float]]] = field(default_factory=list)
    """The times of a decision that was taken and answered, and of its repeat that was not taken."""
    announced: dict[Label, float] = field(default_factory=dict)
    """The time when the notification of an output was answered with 202."""
    unannounced: dict[Label, Sent] = field(default_factory=dict)
    """The outputs whose notification was lost, or refused."""
    failed_updates: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    """By execution: the task, step and crew webhooks that were lost, or refused."""


def read_crews(crews: Iterable[Crew]) -> CrewRecords:
    """Read them now."""
    records = CrewRecords()
    for crew in crews:
        records.executions |= {one.id: one for one in crew.executions}
        for sent in crew.webhooks_sent:
            _read_webhook(sent, records)
        _read_resumes(crew, records)
        _read_answers(crew, records)
    return records


def pending_labels(execution: Execution) -> list[Label]:
    """The outputs that an execution waits with."""
    number = int(str(execution.inputs["topic"]).rpartition("-")[2])
    return [Label(number, task, execution.rounds[task]) for task in execution.pending]


def _read_webhook(sent: Sent, records: CrewRecords) -> None:
    if sent.kind == "flow" and sent.status == HTTPStatus.UNAUTHORIZED:
        return  # signed by another time than the bot's
    accepted = sent.status == _ACCEPTED
    if sent.kind not in ("human_input", "flow"):
        if not accepted:
            records.failed_updates[str(sent.body["kickoff_id"])].append(sent)
        return
    label = find_label(sent.raw.decode())
    assert label is not None
    if accepted:
        records.announced[label] = sent.at
    else:
        records.unannounced[label] = sent


def _read_resumes(crew: Crew, records: CrewRecords) -> None:
    versions: dict[tuple[str, str], int] = defaultdict(int)
    for resume in crew.resumes:
        versions[resume.execution_id, resume.task_id] += 1
        records.applied.append(
            Applied(
                _label(crew, resume.execution_id, resume.task_id, versions),
                resume.execution_id,
                resume.is_approve,
                resume.human_feedback,
                resume.edited,
            )
        )
    versions.clear()
    taken: dict[str, list[tuple[Label, Call]]] = defaultdict(list)
    refused: list[tuple[str, Call]] = []
    for call in crew.requests:
        if call.path != "/resume":
            continue
        execution_id, task_id = str(call.body.get("execution_id")), str(call.body.get("task_id"))
        decision = f"{execution_id} {task_id} {call.body.get('human_feedback')}"
        if call.effective:
            versions[execution_id, task_id] += 1
            label = _label(crew, execution_id, task_id, versions)
            records.resumed_at[label] = call.at
            taken[decision].append((label, call))
        elif call.status == HTTPStatus.BAD_REQUEST and _NOT_PENDING in str(call.answer):
            refused.append((decision, call))
    for decision, call in refused:
        # Words of a rule are sent for several outputs: this is about the last one before it.
        before = [one for one in taken[decision] if one[1].at <= call.at]
        for label, first in before[-1:] or taken[decision][:1]:
            if first.status == HTTPStatus.OK and isinstance(first.answer, dict):
                between = (min(first.at, call.at), max(first.at, call.at))
                records.repeated.append((label, between))


def _read_answers(crew: Crew, records: CrewRecords) -> None:
    labels: dict[str, Label] = {}
    for asked in crew.flows.answers:
        label = find_label(str(asked.body["output"]))
        assert label is not None
        assert asked.feedback is not None
        labels[asked.id] = label
        is_approve = asked.feedback == OUTCOMES[0]
        records.applied.append(Applied(label, asked.flow_id, is_approve, asked.feedback))
    for call in crew.requests:
        if call.effective and call.path.endswith("/respond"):
            records.resumed_at[labels[call.path.split("/")[-2]]] = call.at


def _label(
    crew: Crew, execution_id: str, task_id: str, versions: dict[tuple[str, str], int]
) -> Label:
    number = int(str(crew.execution(execution_id).inputs["topic"]).rpartition("-")[2])
    return Label(number, task_id, versions[execution_id, task_id])


# --- the cards as people see them in the channels


@dataclass(frozen=True)
class Card:
    """A message that shows a round."""

    round_id: str
    message: Message

    @cached_property
    def label(self) -> Label | None:
        """The output on it; None where Slack could not show it."""
        return find_label(self.message.shown)

    @cached_property
    def actions(self) -> frozenset[str]:
        """The action ids of its buttons."""
        return frozenset(
            element["action_id"]
            for block in self.message.blocks
            if block["type"] == "actions"
            for element in block["elements"]
        )

    @property
    def waits(self) -> bool:
        """Return True if somebody can decide."""
        return self.approves in self.actions

    @property
    def approves(self) -> str:
        """The action id of the button that approves; of a flow's, that of its first outcome."""
        return next(
            (one for one in (f"{ids.ANSWER}.0",) if one in self.actions), buttons.APPROVE.id
        )

    @property
    def is_stuck(self) -> bool:
        """Return True if somebody can send the decision again."""
        return buttons.RETRY.id in self.actions


def find_card(message: Message) -> Card | None:
    """The card that a message is, if it is one."""
    for block in message.blocks:
        if block.get("accessory", {}).get("action_id") == ids.MENU:
            # What follows says how much of the output the card shows.
            return Card(block["block_id"].partition(".")[0], message)
    return None


# --- all of it


@dataclass(slots=True)
class Evidence:
    """Everything that is known at the end, from all sides."""

    crews: CrewRecords
    stored: Stored
    ledger: Ledger
    cards: dict[str, Card]
    keys: Counter[str]
    """The number of messages with each key in their metadata: one each, as they are posted once."""
    direct: tuple[Card, ...] = ()
    """The direct messages about rounds."""
    excused: Counter[str] = field(default_factory=Counter)
    """Events that no bot could have prevented, by reason; filled in by the checks."""

    @property
    def presses(self) -> list[Press]:
        """The decisions that people sent: those on texts of their own in the rounds of these."""
        opened = {one.edit: one.id for one in self.stored.rounds}
        return [
            replace(press, round_id=opened[press.edit])
            if press.edit is not None and press.edit in opened
            else press
            for press in self.ledger.presses
        ]

    @property
    def known(self) -> set[Label]:
        """The outputs that the bot has a round for."""
        return {round_.label for round_ in self.stored.rounds}
