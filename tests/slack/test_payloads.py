"""Messages in a thread: which are notes, and what they say."""

from typing import Any

import pytest

from crewgate.domain.caveats import NOTHING_SEEN, Seen, Share, Unseen
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.metadata import asked, parse_asked
from crewgate.slack.payloads import (
    Deleted,
    Edited,
    Written,
    parse_command,
    parse_edit_form,
    parse_kickoff_form,
    parse_message,
    parse_place,
    parse_submission,
)
from crewgate.usecases.log_fields import acts_at
from crewgate.usecases.read_models import MessageRef


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
        MessageRef("C1", "2.0", "1.0"), Person("U1", "U1"), "Hm."
    )
    edited = {"ts": "2.0", "text": "Oh.", "edited": {"ts": "3.0"}}
    assert parse_message(an_event(subtype="message_changed", message=edited)) == Edited(
        "C1", "2.0", "Oh.", "3.0"
    )
    assert parse_message(an_event(subtype="message_deleted", deleted_ts="2.0")) == Deleted(
        "C1", "2.0"
    )


def test_a_command_reads_as_it_was_typed_and_keeps_whom_it_names() -> None:
    text = "kickoff <http://research.ai|research.ai> <@U0BEN|ben>"
    command = parse_command({"user_id": "U1", "text": text})
    assert command.arguments == ("kickoff", "research.ai", "@ben")
    assert command.text == text


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


def test_every_text_that_people_write_can_be_stored() -> None:
    typed, stored = "a\0b \ud83d \N{PARTY POPPER}", "a\ufffdb \ufffd \N{PARTY POPPER}"

    def sent(block: str, field: str) -> dict[str, Any]:
        view = {"private_metadata": asked("r-1", NOTHING_SEEN, "mark"), "id": "V1", "hash": "1"}
        values = {block: {field: {"value": typed}}}
        return {"user": {"id": "U1"}, "view": view | {"state": {"values": values}}}

    note = parse_message(an_event(text=typed))
    changed = {"ts": "2.0", "text": typed, "edited": {"ts": "3.0"}}
    edit = parse_message(an_event(subtype="message_changed", message=changed))
    assert isinstance(note, Written)
    assert isinstance(edit, Edited)
    form = parse_edit_form(sent(f"{ids.EDITED}.0.0", ids.EDITED))
    kickoff = parse_kickoff_form(sent(f"{ids.KICKOFF_INPUT}.topic", ids.KICKOFF_INPUT))
    command = parse_command({"user_id": "U1", "text": typed})
    assert parse_submission(sent(ids.FEEDBACK, ids.FEEDBACK)).feedback == stored
    assert (form.written, kickoff.values) == ((stored,), {"topic": stored})
    assert (note.text, edit.text, command.text) == (stored, stored, stored)
    assert " ".join(command.arguments) == stored


@pytest.mark.parametrize("behind", ["", "\n2 7 0"])
@pytest.mark.parametrize("seen", [NOTHING_SEEN, Seen(unseen=frozenset(Unseen), share=Share(1, 2))])
def test_a_form_acts_at_the_time_of_the_press_that_opened_it(seen: Seen, behind: str) -> None:
    press = {"actions": [{"action_ts": "1700000000.000100"}]}
    assert parse_place(press) == {"action_ts": "1700000000.000100"}
    acts_at(parse_place(press))
    metadata = asked("r-1", seen, "mark") + behind
    acts_at({})
    assert parse_place({"view": {"private_metadata": metadata}}) == parse_place(press)
    assert parse_asked(asked("r-1", seen)) == ("r-1", seen)
    opened_before = {"view": {"private_metadata": asked("r-1", seen) + behind}}
    assert parse_place(opened_before) == {}


@pytest.mark.parametrize(
    "ts", ["", "NaN", "1e5", "-1.0", "1700000000", None, 7, ["1.0"], "\u0661.0"]
)
def test_an_odd_time_of_a_press_is_not_known(ts: object) -> None:
    assert parse_place({"actions": [{"action_ts": ts}]}) == {}
