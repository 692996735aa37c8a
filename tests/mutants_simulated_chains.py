"""Further mended defects, which stories find by their chains: see `tests.mutants_simulated`."""

from typing import Final

from tests.mutating import mutant

CHAINED: Final = (
    mutant(
        "a call that did not run is evidence for its approval",
        "case State.DECIDED | State.STUCK | State.CLOSED if may_be_taken and not never_ran:",
        "case State.DECIDED | State.STUCK | State.CLOSED if may_be_taken:",
    ),
    mutant(
        "a call that ran is told as one that a newer output replaced",
        "reasons.Inferred() if not (in_doubt or has_run):",
        "reasons.Inferred() if not in_doubt:",
    ),
    mutant(
        "a call that was closed is never asked about again",
        "return latest.can_reopen or (is_call and latest.version > 1)",
        "return latest.can_reopen",
    ),
    mutant(
        "a call that ran unapproved is asked about as one that never ran",
        "if not (is_approved or has_run or before.may_have_run):",
        "if not (is_approved or before.may_have_run):",
    ),
    mutant(
        "a question that comes after the end of its call is asked",
        "return latest.can_reopen or (is_call and latest.version > 1)",
        "return latest.can_reopen or is_call",
    ),
    mutant(
        "a refusal of changed arguments is sent with the arguments",
        "if round_.subject.has_arguments and is_refused:",
        "if False and is_refused:",
    ),
    mutant(
        "a round's new time deletes its waiting messages",
        "await tx.cancel_timers(round_.id)",
        "await tx.cancel(round_.id)",
    ),
    mutant(
        "a private message that came beside an approval shows none",
        "if round_.state is not State.WAITING or round_.version != posting.view.round.version:",
        "if round_.state is not State.WAITING:",
    ),
    mutant(
        "a late update forgets the card that was posted anew",
        "                tables.rounds.c.card_ts.is_not_distinct_from(card and card.ts),\n",
        "",
    ),
    mutant(
        "others are not called again once their round is back",
        "return reopened._refreshed(*(EffectKind.POST_ESCALATED,) * is_called)",
        "return reopened._refreshed()",
    ),
    mutant(
        "people are mentioned once, and never after an hour",
        "if found.job is None and abs(at - found.at) < every:",
        "if found.job is None:",
    ),
    mutant(
        "evidence holds against the bot's own alarm",
        'require("contradicts" not in data, "the bot says that',
        'require(True, "the bot says that',
    ),
    mutant(
        "the vote of a starter who became known later counts",
        "lapsed = access.drop_lapsed_votes(drop_votes_of(starter, round_))",
        "lapsed = access.drop_lapsed_votes(round_)",
    ),
    mutant(
        "evidence that lacks a text holds",
        "if replay.unknown or replay.lacks:",
        "if replay.unknown:",
    ),
    mutant(
        "the purge foretells executions that are still in use",
        "select_from(executions).where(*_REMOVABLE)",
        "select_from(executions).where(*_KEPT)",
    ),
    mutant(
        "the status of an execution leaves out its latest round",
        "rounds = tuple(line for line in found_rounds if line.round.id in readable)",
        "rounds = tuple(line for line in found_rounds[:-1] if line.round.id in readable)",
    ),
)
