"""Modals and Home: within Slack's limits whatever was written, calling nobody, losing nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.demo.workspace.blocks import view_problems
from bot.demo.workspace.text import disguised_links, mentions, pieces
from bot.domain.notes import Claim, Draft, Note
from bot.domain.notification import Format, Output
from bot.domain.review import Round, State
from bot.domain.verdict import Approve, Person, Revise
from bot.slack.blockkit.pagination import pages
from bot.slack.blockkit.rich_text import RICH_TEXT_LIMIT, flat, preformatted, rich_text
from bot.slack.blockkit.text import utf16_length
from bot.slack.errors import render_error_modal
from bot.slack.home.messages import render_home
from bot.slack.notes.payloads import Deleted, Edited, Written, parse_message
from bot.slack.reviews.card import render_card
from bot.slack.reviews.forms import render_approve_form, render_revise_form
from bot.slack.reviews.reader import ReaderPosition, ReaderTab, parse_position, render_reader
from bot.usecases.read_models import CardView, MessageRef, Queue, QueuePart, RoundLine
from tests.builders import ANA, BEN, NOW, a_decision, a_review, a_round

NASTY = (
    "<!channel> ",
    "<@U666>",
    "<https://evil.example|bank>",
    "[bank](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "[ref]: https://evil.example",
    "&lt;!here&gt;",
    "```python\n",
    "```\n",
    "~~~\n",
    "`",
    "# Title\n",
    "| a | b |\n",
    "|---|---|\n",
    "- item\n",
    "  - [x] done\n",
    "3. three\n",
    "> quoted\n",
    "---\n",
    "\n\n",
    "    code\n",
    "**",
    "_",
    "\x00",
    "\u202e",
    "\ud800",
    "😀",
    "שלום ",
    "word ",
)
fragments = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5)), max_size=30)
texts = fragments.map("".join)
long_texts = st.tuples(texts, st.sampled_from([1, 1, 40, 100])).map(lambda made: made[0] * made[1])
outputs = st.builds(Output, long_texts, st.sampled_from(Format))


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def shown(blocks: object) -> str:
    return "".join(piece.text for piece in pieces(blocks))


OURS = "https://demo.slack.com/archives/C1/p1"


def check(view: dict[str, Any], *, may_mention: frozenset[str] = frozenset()) -> None:
    assert view_problems(view) == []
    found = list(pieces(view))
    assert set(mentions(found)) <= may_mention
    assert set(disguised_links(found)) <= {OURS}


def leaves(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if "elements" in block:
            yield from leaves(block["elements"])
        else:
            yield block


def link(_card: MessageRef) -> str | None:
    return OURS


# --- Markdown as rich text -----------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(long_texts)
@example("[a](https://b.example 'title') text")
@example("1. a\n\n   b\n2.\n")
@example("| a |\n|---|\n| b | c |\n")
def test_rich_text_is_within_the_limits_and_calls_nobody(markdown: str) -> None:
    for block in rich_text(markdown):
        assert sum(utf16_length(one["text"]) for one in leaves([block])) <= RICH_TEXT_LIMIT
        assert all(one["type"] == "text" and one["text"] for one in leaves([block]))


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from([one for one in NASTY if "|" not in one]), max_size=40))
def test_rich_text_loses_no_word(made: list[str]) -> None:
    """Tables apart, whose surplus cells Markdown itself drops."""
    numbered = "".join(f"{one}w{number} " for number, one in enumerate(made))

    read = shown(rich_text(numbered))

    assert [f"w{number}" for number in range(len(made)) if f"w{number}" not in read] == []


MARKDOWN = """# Title

Some **bold**, *thin*, ~~gone~~ and `code` with a [link](https://a.example).

- one
  - two
    1. three
- [x] done
- [ ] open

3. third

| Vendor | Share |
|---|---|
| North | 41 % |

```python
print("x")
```

> said
"""


def test_markdown_as_an_llm_writes_it() -> None:
    [block] = rich_text(MARKDOWN)
    by_text = {one["text"]: one.get("style", {}) for one in leaves([block])}

    assert by_text["Title"] == {"bold": True}
    assert by_text["bold"] == {"bold": True}
    assert by_text["thin"] == {"italic": True}
    assert by_text["gone"] == {"strike": True}
    assert by_text["code"] == {"code": True}
    assert " (https://a.example)" in by_text
    assert "☑ done" in by_text
    assert "☐ open" in by_text
    assert "Vendor | Share\n-------+------\nNorth  | 41 %" in by_text
    assert by_text["python"] == {"italic": True}
    lists = [one for one in block["elements"] if one["type"] == "rich_text_list"]
    assert [(one["style"], one["indent"]) for one in lists[:3]] == [
        ("bullet", 0),
        ("bullet", 1),
        ("ordered", 2),
    ]
    assert lists[-1]["offset"] == 2
    assert {"rich_text_quote", "rich_text_preformatted"} <= {
        one["type"] for one in block["elements"]
    }
    assert flat("# A\n\n- *b*\n- c") == "A\n b c"


def test_nothing_is_nothing() -> None:
    assert rich_text("") == []
    assert preformatted("") == []


# --- pages ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(long_texts, st.sampled_from([50, 500, 6_000]))
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


# --- modals --------------------------------------------------------------------------------------


def rounds(**changes: Any) -> Round:
    return a_round(review=a_review(task_name="<!channel> *x*"), **changes)


@settings(deadline=None, max_examples=60)
@given(outputs, outputs, st.sampled_from(ReaderTab), st.sampled_from(State), texts)
def test_a_book_is_within_the_limits_on_every_page(
    before: Output, after: Output, book: ReaderTab, state: State, said: str
) -> None:
    previous = rounds(state=State.RESUMED, decision=a_decision(Revise(said[:3_000] or "x")))
    view = CardView(replace(rounds(state=state), number=2), after, previous, before)
    line = RoundLine(previous, None, before.text[:400], len(before.text))
    shut = RoundLine(rounds(state=State.CLOSED), None)

    for page in (0, 1, 10**6):
        made = render_reader(ReaderPosition("r-1", book, page), view, [line, shut], now=NOW)
        check(made, may_mention=frozenset({f"@{ANA.id}"}))


def test_the_first_round_has_nothing_to_compare() -> None:
    view = CardView(rounds(), Output("A draft."))
    made = render_reader(ReaderPosition("r-1", ReaderTab.CHANGES), view, [], now=NOW)
    assert "nothing to compare" in shown(made)


def test_an_empty_output_is_said() -> None:
    view = CardView(rounds(), Output(""))
    assert "empty" in shown(
        render_reader(ReaderPosition("r-1", ReaderTab.WHOLE), view, [], now=NOW)
    )


@pytest.mark.parametrize("metadata", ["", "r-1", "[]", '["a", "whole", {}]', '["a", "b", 1]'])
def test_a_place_that_is_none_of_ours(metadata: str) -> None:
    assert parse_position(metadata) is None


def a_note(text: str, number: int = 0, by: Person = ANA) -> Note:
    return Note(channel="C1", ts=f"1.{number}", round_id="r-1", by=by, text=text, at=NOW)


@settings(deadline=None, max_examples=40)
@given(st.lists(long_texts.map(lambda text: text[:40_000]), max_size=40), texts)
def test_the_form_with_notes_is_within_the_limits(written: list[str], box: str) -> None:
    notes = tuple(a_note(text or "x", number) for number, text in enumerate(written))
    view = CardView(rounds(), Output(box))
    draft = Draft(box[:1_000], notes, overflowed=bool(notes))

    check(render_revise_form(view, draft), may_mention=frozenset({f"@{ANA.id}"}))
    check(render_approve_form(view))
    check(render_error_modal("No."))


# --- Home and cards ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, max_size=20))
def test_home_is_within_the_limits(excerpts: list[str]) -> None:
    ref = MessageRef("C1", "1.0", "1.0")
    lines = tuple(
        RoundLine(replace(rounds(), id=f"r-{number}"), ref, text[:400], len(text))
        for number, text in enumerate(excerpts)
    )
    stuck = RoundLine(rounds(state=State.STUCK, answer="no"), None)
    found = Queue(
        QueuePart(lines, 99), QueuePart((), 0), QueuePart((stuck,), 1), QueuePart((), 0), 1, 3
    )

    check(render_home(found, now=NOW, link=link), may_mention=frozenset({f"@{ANA.id}"}))


def test_a_card_says_who_is_on_it_and_who_wrote() -> None:
    people = tuple(Person(f"U{number}", "x") for number in range(6))
    view = CardView(
        rounds(),
        Output("A draft."),
        notes=7,
        noted_by=people,
        claim=Claim(BEN, NOW),
    )

    at_once, later = (render_card(view, now=NOW + timedelta(minutes=m)) for m in (0, 30))

    assert f"<@{BEN.id}> is on it" in shown(at_once.blocks)
    assert "is on it" not in shown(later.blocks)
    assert "7 notes from <@U0>, <@U1>, <@U2>, <@U3> and 2 more" in shown(at_once.blocks)


def test_a_card_says_that_nothing_changed_since_an_earlier_round() -> None:
    previous = rounds(state=State.RESUMED, decision=a_decision(Approve()))
    view = CardView(replace(rounds(), number=3), Output("Same."), previous, Output("Same."))
    assert "Nothing changed since round 1" in shown(render_card(view, now=NOW).blocks)


# --- messages in threads -------------------------------------------------------------------------


def an_event(**changes: Any) -> dict[str, Any]:
    event = {"channel": "C1", "thread_ts": "1.0", "ts": "2.0", "user": "U1", "text": "Hm."}
    return event | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"thread_ts": None},
        {"thread_ts": "2.0"},
        {"user": None},
        {"text": "  "},
        {"subtype": "message_changed", "message": {"ts": "2.0", "text": "Hm."}},
        {
            "subtype": "message_changed",
            "message": {"ts": "2.0", "edited": {"ts": "3.0"}, "bot_id": "B1"},
        },
    ],
)
def test_what_is_no_note(changes: dict[str, Any]) -> None:
    assert parse_message(an_event(**changes)) is None


def test_what_people_write_change_and_delete() -> None:
    assert parse_message(an_event(subtype="thread_broadcast")) == Written(
        "C1", "1.0", "2.0", Person("U1", "U1"), "Hm."
    )
    edited = {"ts": "2.0", "text": "Oh.", "edited": {"ts": "3.0"}}
    assert parse_message(an_event(subtype="message_changed", message=edited)) == Edited(
        "C1", "2.0", "Oh.", "3.0"
    )
    assert parse_message(an_event(subtype="message_deleted", deleted_ts="2.0")) == Deleted(
        "C1", "2.0"
    )


def test_a_note_reads_as_it_was_typed() -> None:
    typed = (
        "a &lt;b&gt; &amp;amp; <https://x.example> <https://x.example|here> <http://y.example|"
        "y.example> <mailto:a@b.example|a@b.example> <@U1> <@U1|ana> <!here> <#C1|general>"
    )
    written = parse_message(an_event(text=typed))
    assert isinstance(written, Written)
    assert written.text == (
        "a <b> &amp; https://x.example here (https://x.example) y.example a@b.example @U1 @ana "
        "@here #general"
    )
