"""Stories: steps with their choices, drawn at random, played again, and shortened."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

T = TypeVar("T")
KEPT = Path(__file__).with_name("stories")


@dataclass(frozen=True, slots=True)
class Step:
    """One step by its name, and its choices, each the place of what was chosen."""

    name: str
    choices: tuple[int, ...] = ()


Story = tuple[Step, ...]


@dataclass
class Choices:
    """The choices of one step: those of a story, then random ones, or the first without `random`.

    The first choice is always the plainest, so that a shortened story is a plain one.
    """

    given: Sequence[int] = ()
    random: Random | None = None
    made: list[int] = field(default_factory=list)
    picked: list[object] = field(default_factory=list)
    """The picked items, for the count of the steps that met."""

    def number(self, below: int) -> int:
        at = len(self.made)
        if at < len(self.given):
            number = self.given[at] % below
        else:
            number = 0 if self.random is None else self.random.randrange(below)
        self.made.append(number)
        return number

    def pick(self, items: Sequence[T]) -> T:
        self.picked.append(items[self.number(len(items))])
        return items[self.made[-1]]

    def one_in(self, many: int) -> bool:
        return self.number(many) == many - 1


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a story: the sentence that does not hold, and the read values."""

    sentence: str
    detail: str

    def __str__(self) -> str:
        return f"{self.sentence}: {self.detail}"


Play = Callable[[Story], Failure | None]
"""Plays a story from the beginning."""


def shortened(story: Story, sentence: str, play: Play, go_on: Callable[[], bool]) -> Story:
    """Return a shorter and plainer story that breaks the same sentence, as long as time lasts."""

    def breaks(other: Story) -> bool:
        failure = play(other)
        return failure is not None and failure.sentence == sentence

    length = len(story) // 2
    while length and go_on():
        at = 0
        while at < len(story) and go_on():
            shorter = story[:at] + story[at + length :]
            if breaks(shorter):
                story = shorter
            else:
                at += length
        length //= 2
    for at, step in enumerate(story):
        for place, number in enumerate(step.choices):
            if number and go_on():
                choices = (*step.choices[:place], 0, *step.choices[place + 1 :])
                plainer = (*story[:at], Step(step.name, choices), *story[at + 1 :])
                story = plainer if breaks(plainer) else story
                step = story[at]  # noqa: PLW2901  # its other choices follow
    return story


def written(story: Story, about: str) -> str:
    """Return a story as JSON, a step a line."""
    lines = ",\n".join(f"    {json.dumps([one.name, *one.choices])}" for one in story)
    return (
        f'{{\n  "about": {json.dumps(about, ensure_ascii=False)},\n  "story": [\n{lines}\n  ]\n}}\n'
    )


def read(path: Path) -> Story:
    found = json.loads(path.read_text(encoding="utf-8"))["story"]
    return tuple(Step(name, tuple(choices)) for name, *choices in found)
