"""Defects of flows that `python -m tests.simulation --mutants` puts back, for stories to find."""

from typing import Final

from tests.mutating import mutant

OF_FLOWS: Final = (
    mutant(
        "a crew inside a flow that waits ends the flow",
        "case CrewUpdate() if execution.is_flow and await tx.unfinished(crew, execution_id):",
        "case CrewUpdate() if execution.is_over:",
    ),
    mutant(
        "each escalation calls, however often it comes",
        "if question.called_at is not None and abs(at - question.called_at) < CALLED_EVERY:",
        "if question.called_at is not None and at < question.called_at:",
    ),
    mutant(
        "an escalation that names nobody new calls nobody",
        "if question.called_at is not None and abs(at - question.called_at) < CALLED_EVERY:",
        "if True:",
    ),
    mutant(
        "two people who choose otherwise decide together",
        "if verdict.choice_of(before) != verdict.choice_of(vote):",
        "if not verdict.choice_of(before):",
    ),
    mutant(
        "one person's words decide where two are asked",
        "return rule.approvals > 1 or not rule.self_approval",
        "return not rule.self_approval",
    ),
    mutant(
        "a lost answer is shown as one of somebody else",
        "case RefusalKind.ANSWERED | RefusalKind.SPENT if in_doubt:",
        "case RefusalKind.SPENT if in_doubt:",
    ),
    mutant(
        "the address of a lesson outlives it",
        "if not round_.may_be_sent:\n            await tx.lessons.forget",
        "if round_.may_be_sent:\n            await tx.lessons.forget",
    ),
    mutant(
        "a host keeps a lesson for ever",
        "valid_until=drawn_lessons[0].expires_at if drawn_lessons else None,",
        "valid_until=None,",
    ),
    mutant(
        "a lesson that people retired stays at its host",
        "by_host = EffectKind.RETIRE_AT_HOST if ended.ended_by else None",
        "by_host = None if ended.ended_by else EffectKind.RETIRE_AT_HOST",
    ),
    mutant(
        "a request that came again is a new question",
        "if not request.escalation or known.state is not State.WAITING:",
        "if not request.escalation and known.state is State.WAITING:",
    ),
)
