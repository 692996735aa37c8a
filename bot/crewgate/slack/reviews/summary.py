"""One round in a line or a few: for lists, history and Home."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from crewgate.domain.caveats import Share
from crewgate.domain.notification import Format
from crewgate.domain.review import Round, State
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit import excerpts
from crewgate.slack.blockkit.text import date, escape_mrkdwn, one_line
from crewgate.slack.phrases import because
from crewgate.slack.reviews import state_strings, strings
from crewgate.slack.reviews.links import Link, linked
from crewgate.usecases.read_models import RoundLine


def decision_and_answer(round_: Round) -> tuple[str, str]:
    """The decision with its time, and the crew's answer; without the reviewer's words."""
    decision = round_.decision
    if decision is None or round_.state in {State.WAITING, State.SUPERSEDED}:
        return state_strings.in_full(round_), ""
    waited = strings.waited(round_, decision)
    decided = f"{phrases.sentence(decision)} {date(decision.at)}, after {waited}"
    unsent, approved = strings.unsent_notes(decision), strings.had_approved(round_, decision)
    said = shared.joined(decided, unsent, approved)
    return said, state_strings.outcome(round_)


def detail(line: RoundLine) -> str:
    """The same below a line of a list: output, feedback, how long it waited, the answer."""
    round_ = line.round
    lines = [preview(line)[0]]
    decision = round_.decision
    if decision is not None:
        lines.append(f"decided after {strings.waited(round_, decision)}")
        if written := state_strings.written(decision):
            lines.append(
                shared.quoted(written, strings.EARLIER_FEEDBACK_SHOWN).replace("> ", "“", 1) + "”"
            )
        if round_.state is State.RESUMED and because(round_.reason):
            lines.append(state_strings.outcome(round_))
    return "".join(f"\n{line}" for line in lines)


def headline(line: RoundLine, link: Link) -> str:
    """A round's first line in a list: its state, its task with a link to the card, its subject."""
    title = shared.bold(linked(shared.task(line.round), line.card, link))
    about = one_line(line.subject, shared.TITLE_LIMIT)
    return f"{state_strings.icon(line.round)} {shared.joined(title, about)}"


def claim_and_notes(line: RoundLine, *, now: datetime) -> Iterator[str]:
    """The approvals, the claim and the notes of a waiting round, in a list."""
    needed = line.round.approvals
    if needed > 1 and line.round.state is State.WAITING:
        yield strings.so_far(line.round) or f"needs {needed:,} approvals"
    if line.claim is not None and line.claim.holds(now):
        yield strings.on_it(line.claim)
    if line.notes:
        yield strings.notes(line.notes, line.noted_by)


def preview(line: RoundLine) -> tuple[str, Share]:
    """The beginning of an output in one line, without its marks, and how much of it that is."""
    if line.round.removed_at is not None:
        return shared.removed(line.round.removed_at), Share(0, 0)
    found = excerpts.preview(
        line.excerpt,
        is_json=line.format is Format.JSON,
        characters=line.characters,
        limit=_SHORT if line.characters <= _SHORT else _LINE,
    )
    words = escape_mrkdwn(found.words) or "_The output is empty._"
    return f"{words}{strings.not_in_line(found.rows, found.code_lines)}", found.share


_LINE: Final = 160
#: An output of so many characters is whole.
_SHORT: Final = 400
