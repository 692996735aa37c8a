"""The cost of a text from outside: texts made to be slow, and a measure that does not flake."""

import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

LARGEST: Final = 2**20
"""Characters: the largest body that is taken."""

SWEPT: Final = 2**17
"""Characters of one shape repeated: enough that what is not linear takes minutes."""

SECONDS: Final = 6.0
"""Of CPU. Nothing took a tenth of this on an idle machine; what is not linear takes minutes."""

MEMORY: Final = 96 * 2**20

SHAPES: Final = (
    "<", "<a", "< ", "<!--", "<style", "<script>", "</", "&", "&lt;", "@", "@channel", "[", "![",
    "]", "](", "[]", "[[a]]", "[a](", "[a](b", "[](http://a", '[](http://a "', "[a](http://(",
    "http://", "<http://a", "`", "```", "```\n", "`` ` ", "~", "~~~\n", "```x\n", "*", "**a ",
    "*a_ ", "*a*b", "`a`b", "- *a*\n",
    "_a", "***", "~~", "> ", ">", "- ", "1. ", "* * ", "- a\n", "> a\n", "    a\n", "\t",
    " ", "\n", "\r", "\r\n", " \n", "a", "a\n", "a b ", "ab cd\n", "| ", "|a", "|-|-|\n",
    "a|b\n-|-\n", "===\n", "#", "\\", "(", '"', "😀", "👩‍👩‍👧", "e\u0301", "\u0301", "\u200b",
    "a\u200b", "\u200d", "\ufe0f", "\u3164", "\U000e0041", "\U000e0100", "\u202e", "\u200f",
    "א\u200f", "\u2028", "\x00", "\x1b[31m", "\ud800", "{", "{},", "[],", "1,", '"a":', ",",
)  # fmt: skip


def _repeated(shape: str, before: str = "") -> Callable[[], str]:
    return lambda: before + shape * (SWEPT // len(shape))


_NAME: Final = "x" * 20_000

TEXTS: Final[dict[str, Callable[[], str]]] = {
    **{ascii(shape): _repeated(shape) for shape in SHAPES},
    **{f"{shape!a} in a fence": _repeated(shape, "```x\n") for shape in "`\n>"},
    "as long as can be": lambda: "a b. " * (LARGEST // 5),
    "as many lines as can be": lambda: "\n" * LARGEST,
    "a fence with a long name": lambda: f"```{_NAME}\n" + "a\n" * (LARGEST // 2 - 10_010),
    "a fence that is all name": lambda: f"```{'x' * (LARGEST - 4)}\n",
    "a fence with a very long name": lambda: f"```{_NAME * 10}\n" + "ab " * 280_000,
    "a fence deep in quotes": lambda: f"{'> ' * 10_000}```\n" + "> a\n" * 250_000,
    "fences with long names": lambda: f"```{_NAME}\na\n```\n" * (LARGEST // 20_020),
    "indented fences": lambda: "".join(f"{' ' * (one % 90)}```\n" for one in range(20_000)),
    "runs of backticks": lambda: " ".join("`" * length for length in range(1, 1_440)),
    "lists in lists": lambda: "".join("  " * depth + "- a\n" for depth in range(1_000)),
    "quotes in quotes": lambda: "".join("> " * depth + "a\n" for depth in range(1_000)),
    "wide tables": lambda: ("|" * 5_000 + "\n" + "|-" * 5_000 + "\n") * 60,
}


def seconds(work: Callable[[], object], *, below: float = SECONDS) -> float:
    """The least CPU time of three tries; the first that is below the limit is enough."""
    return timed(work, below=below)[0]


def timed(work: Callable[[], T], *, below: float = SECONDS) -> tuple[float, T]:
    """The same, with what came of it."""
    least = float("inf")
    with untraced():
        for _ in range(3):
            began = time.thread_time()
            result = work()
            least = min(least, time.thread_time() - began)
            if least < below:
                break
    return least, result


@contextmanager
def untraced() -> Iterator[None]:
    """Without counting which lines are covered: that takes several times as long as the work."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def memory(work: Callable[[], object]) -> int:
    """The most that is held at a time, in bytes. Counting it makes the work much slower."""
    tracemalloc.start()
    try:
        with untraced():
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
