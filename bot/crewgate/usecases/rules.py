"""The rule of a round, by its output and by what people send along with it."""

from crewgate.domain.answering import rule_for
from crewgate.domain.crew import Crew
from crewgate.domain.execution import Execution
from crewgate.domain.notification import Output
from crewgate.domain.people import Role
from crewgate.domain.review import Review, Round
from crewgate.domain.rules.choose import choose, stricter
from crewgate.domain.rules.conditions import Facts
from crewgate.domain.rules.rule import Rule
from crewgate.usecases.ports.store import Tx


def choose_rule(
    crew: Crew, execution: Execution, review: Review, output: Output, *, words: str = ""
) -> Rule | None:
    """Return the rule for a new round, chosen by facts without secrets.

    `words` are sent with the output.
    """
    facts = Facts(
        task_id=review.task_id,
        task_name=review.task_name,
        agent=review.agent,
        output=output,
        inputs=execution.inputs,
        meta=execution.meta,
        words=words,
    )
    found = choose(crew.rules, facts)
    return None if found is None else crew.rule_for_round(found)


async def rule_with_words(
    round_: Round, words: str, edited: Output | None, *, crew: Crew, tx: Tx
) -> Rule | None:
    """Return the stricter of a round's rule and that for what a person makes of its output.

    `edited` is their own text in its place; their words with an approval are read by `contains`.
    """
    output = edited
    if output is None:
        if not words or not any(rule.when.contains for rule in crew.rules):
            return round_.rule
        output = await tx.output(round_.id)
        words = "\n".join((*(vote.comment or "" for vote in round_.votes), words))
    execution = await tx.executions.find(crew.name, round_.review.execution_id)
    assert execution is not None  # noqa: S101  # each round has one
    chosen = choose_rule(crew, execution, round_.review, output, words=words)
    usual = crew.permitted(Role.REVIEWER)
    if round_.question is not None:
        chosen = rule_for(round_.question, chosen, reviewers=True)
        if round_.rule is not None and round_.rule.reviewers and not crew.reviewers:
            usual = round_.rule.reviewers  # assignees, and after an escalation operators too
    return stricter(round_.rule, chosen, usual)
