"""Pages of a long text: short, whole, and cut where a reader would cut."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.blockkit.pagination import pages
from tests.slack.rendering import mid_texts


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


@settings(max_examples=60)
@given(mid_texts, st.sampled_from([50, 500, 6_000]))
def test_pages_lose_nothing_and_are_short(text: str, size: int) -> None:
    made = pages(text, size)

    # A fence that is closed and opened again adds its two lines.
    assert all(len(page) <= 2 * size + 200 for page in made)
    left = "".join(made)
    for word in set(words(text)):
        if len(word) < 10:
            assert word in left


def test_a_fence_across_a_cut_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line {number}" for number in range(40))
    first, *others = pages(f"```python\n{code}\n```\nEnd.", 100)

    assert first.endswith("\n```")
    assert all(page.startswith("```python\n") for page in others[:-1])
    assert "End." in others[-1]


def test_a_page_ends_at_a_paragraph() -> None:
    assert pages("one\n\ntwo two\nthree three", 20) == ["one\n\n", "two two\nthree three"]
