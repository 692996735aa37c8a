"""Further mended defects of the core, for stories to find: see `tests.mutants_simulated`."""

from typing import Final

from tests.mutating import mutant

CORE: Final = (
    mutant(
        "what became of a call is never recorded",
        "if known is not None and result.repeats(known):",
        "if result.repeats(known or result):",
    ),
    mutant(
        "nobody is told that a decision is stuck",
        "reason=reason)._refreshed(EffectKind.NOTIFY_STUCK)",
        "reason=reason)._refreshed()",
    ),
    mutant(
        "private messages keep the buttons of a decided round",
        "effects = await refreshes(job.effect, context)\n    if is_latest",
        "effects: list[Effect] = []\n    if is_latest",
    ),
    mutant(
        "Slack keeps the texts that were removed",
        "effects[execution_id].append(round_.effect(EffectKind.REFRESH))",
        "pass",
    ),
    mutant(
        "threads keep files and results",
        "            if ts is not None:\n                clear",
        '            if ts == "":\n                clear',
    ),
    mutant(
        "expected outputs outlive the texts",
        ".values(expected_output=None)",
        ".values(expected_output=reviews.c.expected_output)",
    ),
    mutant(
        "summaries of tasks outlive the texts",
        "    sa.delete(task_updates).where(_of_removed_executions(task_updates)),\n",
        "",
    ),
    mutant(
        "what a caller said of an execution outlives the texts",
        "        meta=None,\n        named=None",
        "        named=None",
    ),
    mutant(
        "webhooks that nobody could read outlive the texts",
        '.values(body=b"", reason="",',
        '.values(reason="",',
    ),
    mutant(
        "rounds of an execution that is back stay closed",
        "for round_ in await tx.closed_as_gone(back.crew, back.execution_id):",
        "for round_ in ():",
    ),
    mutant(
        "the trail does not say who might decide",
        "tx.audit.acts(by, facts)",
        "tx.audit.acts(by)",
    ),
    mutant(
        "the walk begins at its first review again and again",
        "replace(waiting, after=after, without=without)",
        "replace(waiting, without=without)",
    ),
    mutant(
        "lists show what a person has approved",
        "done = await done_by(by, theirs, context=context) if mine else ()",
        "done: tuple[str, ...] = ()",
    ),
    mutant(
        "calls are counted among the outputs",
        "_is_output = _round.is_act.is_(None)",
        "_is_output = _round.is_act.is_(None) | _round.is_approve.is_not(None)",
    ),
    mutant(
        "two approvals of one group are enough",
        "if votes and self.rule.approvals_from:",
        "if votes and self.rule.approvals > 99:",
    ),
    mutant(
        "people are reminded of what is over",
        "    if row.of_waiting and round_.state is not State.WAITING:\n",
        "    if False:\n",
    ),
    mutant(
        "Home lists nothing that is stuck",
        "read_models.Selection(queues=readable, states=(State.STUCK,)),",
        "read_models.Selection(queues=(), states=(State.STUCK,)),",
    ),
    mutant(
        "approvals of the crew's text count for a person's own",
        "        votes=(),\n        reminders=0,\n        edited_by=by,",
        "        reminders=0,\n        edited_by=by,",
    ),
    mutant(
        "the words of an approval bring in no rule",
        "rule_with_words(round_, words_of(verdict), output, crew=crew, tx=tx)",
        'rule_with_words(round_, "", output, crew=crew, tx=tx)',
    ),
    mutant(
        "each of many cards calls people",
        "count_waiting(round_, limit=most + 1) <= most:",
        "count_waiting(round_, limit=most + 1) <= 99 * most:",
    ),
    mutant(
        "reminders mention those who have approved",
        "return tuple(ref for ref in named if ref not in done)",
        "return tuple(ref for ref in named if done or ref not in done)",
    ),
    mutant(
        "kickoffs carry lessons whose time is over",
        ".where(_HOLDS, lessons.c.of_flow.is_(False))",
        ".where(_AT.is_not(None), lessons.c.of_flow.is_(False))",
    ),
    mutant(
        "a press that was taken back counts when it comes again",
        "Decimal(ts) <= Decimal(one.ts) for one in self.presses",
        "Decimal(ts) < 0 for one in self.presses",
    ),
    mutant(
        "nobody is told that a group is empty",
        "return None if members.unresolved else False\n\n\ndef nobody_of",
        "return None\n\n\ndef nobody_of",
    ),
    mutant(
        "words of an earlier run outlive the texts",
        '"question", "call", "reason_words"',
        '"question", "reason_words"',
    ),
    mutant(
        "what an unanswered kickoff named outlives the texts",
        "await tx.removal.forget_kickoffs(crew, before=min(before, clock() - UNCLEAR))",
        "pass",
    ),
    mutant(
        "a result points to a card of another channel",
        "if posting.card is None or posting.card.channel != of.channel:",
        "if posting.card is None:",
    ),
    mutant(
        "an escalated request loses the people whom it named before",
        "tuple(dict.fromkeys((*request.question.assigned, *question.assigned)))",
        "tuple(dict.fromkeys(request.question.assigned))",
    ),
    mutant(
        "time without a bot counts",
        "(_LATER, _BEGAN_SOONER) if lost < timedelta() else (_TIMED_LATER,)",
        "(_LATER, _BEGAN_SOONER) if lost < timedelta() else ()",
    ),
    mutant(
        "a card shows an approval that was taken back",
        "        return replace(self, votes=left)._refreshed()",
        "        return Transition(replace(self, votes=left), ())",
    ),
    mutant(
        "a card shows a claim whose time is over",
        "await tx.enqueue([expire], at=now, due_at=now + CLAIM_LASTS)",
        "pass",
    ),
    mutant(
        "an end is told as often as it is heard",
        "if not before.is_over:\n        await _tell_end",
        "if ended.is_over:\n        await _tell_end",
    ),
    mutant(
        "an author is not told of a lesson's end",
        "is_told = is_retired and by.id != ended.author.id",
        "is_told = is_retired and by.id == ended.author.id",
    ),
    mutant(
        "a rule's time is twice as long",
        "return round_.effect(kind), after.after(start, round_.rule.working_hours)",
        "return round_.effect(kind), after.after(start + after.length, round_.rule.working_hours)",
    ),
    mutant(
        "a task waits no longer once somebody has decided",
        "sa.func.coalesce(_one.c.in_doubt_since, _one.c.ended_at",
        "sa.func.coalesce(_one.c.decided_at, _one.c.ended_at",
    ),
)
