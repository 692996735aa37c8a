"""Sentences of the reader: its tabs, changes, the history."""

from typing import Final

from crewgate.domain.answering import approves
from crewgate.domain.changes import Changes, Fate, PassageKind
from crewgate.domain.edits import EditsFate
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Answer, Decision, Revise, TimedOut
from crewgate.slack import phrases
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import one_line

READ: Final = "Read all"
CHANGES: Final = "Changes"
HISTORY: Final = "History"
NOTHING_BEFORE: Final = "This is the first round, so there is nothing to compare it with."
NOT_READABLE: Final = "You may not read the round before, so there is nothing to compare it with."
UNMASKED: Final = (
    "Nothing is masked here. Only you see this, and the audit trail tells that you did."
)
MORE_MASKED: Final = "More is masked on pages that you have not turned to."
MAY_NOT_UNMASK: Final = "Only who may decide can have this shown."
#: The longest text of what a task was to bring, in characters.
_EXPECTED: Final = 500
NOBODY_ASKED: Final = "a newer output came before anybody decided"


def expected(text: str) -> str:
    """What a task was to bring, in its crew's words."""
    return f"The task: {one_line(text, _EXPECTED)}"


def is_unasked(previous: Round) -> bool:
    """True if the crew replaced the round right before while nobody had decided it."""
    return previous.state is State.SUPERSEDED and previous.reason is None


def asked(previous: Round) -> str | None:
    """The revision request in a round before; None if there was none. The words follow."""
    decision = previous.decision
    if decision is None or asked_for(decision) is None:
        return None
    by_rule = isinstance(decision.by, TimedOut)
    if not isinstance(decision.verdict, Answer):
        did = phrases.rule_did(decision) if by_rule else phrases.clause(decision, most=None)
        return f"In round {previous.number} {did}:"
    did = phrases.clause(decision, most=None)
    ends = "." if decision.verdict.is_label else ":"
    return f"In round {previous.number}{':' if by_rule else ''} {did}{ends}"


def asked_for(decision: Decision) -> str | None:
    """The words of a revision request; None where the decision asks for none.

    An answer to a flow that does not approve asks for some if the flow asks the same again.
    """
    match decision.verdict:
        case Revise(feedback):
            return phrases.revision(decision, feedback)
        case Answer(text, is_label):
            return None if approves(decision.verdict) else "" if is_label else text
        case _:
            return None


def nothing_changed(previous: Round, *, may_hide: bool) -> str:
    """Word for word the same, asked for or not, unless masks `may_hide` what changed."""
    if may_hide:
        return "*Only masked passages changed.*"
    decision = previous.decision
    asked = decision is not None and isinstance(decision.verdict, Revise)
    although = ", although a revision was asked for" if asked else ""
    return f":exclamation: *Nothing changed.* Word for word the same as before{although}."


def edits_in(fate: EditsFate) -> str:
    """What the crew made of the edits: `all 3 were made, and 1 other passage changed`."""
    others = (
        f"{shared.counted(fate.others, 'other passage') if fate.others else 'nothing else'} changed"
    )
    if fate.asked == 1:
        return f"the edit was {'' if fate.taken else 'not '}made, and {others}"
    made = "all" if fate.taken == fate.asked else f"{fate.taken:,}" if fate.taken else "none"
    of = f"{fate.asked:,}" if made == "all" else f"of {fate.asked:,}"
    return f"{made} {of} {'was' if made in {'1', 'none'} else 'were'} made, and {others}"


_NOUNS: Final = {
    PassageKind.PARAGRAPH: ("passage", "passages"),
    PassageKind.ROW: ("row", "rows"),
    PassageKind.HEADER: ("table header", "table headers"),
    PassageKind.CODE: ("line of code", "lines of code"),
    PassageKind.VALUE: ("value", "values"),
}


def amount(changes: Changes) -> str:
    """The amount of changes: `3 passages changed, 2 added, 1 row added`."""
    if changes.too_long:
        return "much of it changed"
    said: list[list[str]] = []
    for unit, (one, many) in _NOUNS.items():
        counts = [(fate, changes.amounts.get((unit, fate), 0)) for fate in Fate]
        words = [
            f"{count:,} {one if count == 1 else many} {fate}" for fate, count in counts if count
        ]
        # The noun stands once.
        words[1:] = [f"{count:,} {fate}" for fate, count in counts if count][1:]
        said += [words] if words else []
    between = ", " if all(len(words) == 1 for words in said) else "; "
    return between.join(", ".join(words) for words in said)
