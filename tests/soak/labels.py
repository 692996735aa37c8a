"""The label on each output: which execution, task and output it is, readable wherever it is shown.

The stand-in crews count the outputs of a task by the resumes that took effect, so a resume that was
meant for another output than the one it was applied to shows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from typing_extensions import override

from tests.standins.crew import Task

#: Stands in every output, and in all that reviewers write: neither belongs into a log.
OUTPUT_CANARY: Final = "output-canary"
FEEDBACK_CANARY: Final = "feedback-canary"

#: A rule asks for more where it stands: in some outputs, and in some of what people write.
CARE: Final = "handle-with-care"

#: The outcomes of a flow's question; people choose the first.
OUTCOMES: Final = ("approved", "rejected")

_LABEL: Final = re.compile(r"soak-(\d+)/(\w+)/v(\d+)")
_EDIT: Final = re.compile(r" edited-(\d+)")
_LONG: Final = 8
"""Every so many executions, the outputs are too long for a card and follow as a file."""
_PARAGRAPHS: Final = 60
_CAREFUL: Final = 3
"""Every so many executions, the outputs ask for care."""


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """One output of one task of one execution."""

    number: int
    """The execution's, in the order of starting."""
    task: str
    version: int

    def __str__(self) -> str:
        return f"soak-{self.number}/{self.task}/v{self.version}"


def topic(number: int) -> str:
    """Return the topic that an execution gets as its input."""
    return f"soak-{number}"


def find_label(text: str) -> Label | None:
    """The first label in a text."""
    found = _LABEL.search(text)
    return None if found is None else Label(int(found[1]), found[2], int(found[3]))


def text_of(label: Label) -> str:
    """Return a crew's output."""
    given = topic(label.number)
    count = 1 if label.number % _LONG else _PARAGRAPHS
    lines = [f"{part}. {OUTPUT_CANARY}: what there is to say of {given}." for part in range(count)]
    lines[0] += "" if label.number % _CAREFUL else f" {CARE}"
    return f"{label}\n\n" + "\n\n".join(lines)


def edited(text: str, number: int, *, care: bool) -> str:
    """A person's own text in the place of an output, or of its beginning."""
    label, first, *others = text.split("\n\n")
    first = f"{first.removesuffix(f' {CARE}')}{f' {CARE}' if care else ''} edited-{number}"
    return "\n\n".join((label, first, *others))


def find_edit(text: str) -> int | None:
    """The number of the edit that a text is, if it is one."""
    found = _EDIT.search(text)
    return None if found is None else int(found[1])


def a_script(
    *task_ids: str,
    unreviewed: Sequence[str] = (),
    beside: Sequence[str] = (),
    emit: tuple[str, ...] = (),
) -> tuple[Task, ...]:
    """Tasks with these ids; those in `unreviewed` do not pause.

    Those in `beside` run and wait beside the one before.
    """
    return tuple(
        Task(
            task_id=task_id,
            name=f"The {task_id}",
            description=f"Write the {task_id}.",
            expected_output="Some lines of text",
            agent="Writer",
            needs_review=task_id not in unreviewed,
            produce=partial(_produce, task_id),
            emit=emit,
            beside=task_id in beside,
        )
        for task_id in task_ids
    )


def _produce(
    task_id: str,
    inputs: Mapping[str, object],
    feedbacks: Sequence[str],
    context: Mapping[str, object],
) -> str:
    # Not by the feedbacks: those that ask for exact edits are kept from here.
    before = find_label(str(context.get(task_id, "")))
    number = int(str(inputs["topic"]).rpartition("-")[2])
    label = Label(number, task_id, 1 if before is None else before.version + 1)
    return _Unedited(text_of(label))


class _Unedited(str):
    """An output in which a crew makes no exact edits: a text with one is a person's own."""

    __slots__ = ()

    @override
    def replace(self, *_: object) -> str:
        return self
