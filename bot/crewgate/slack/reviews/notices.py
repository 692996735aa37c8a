"""Messages about a round that are not its card, and the report of dead letters.

`NOTICES` has the render function of every plain message about a round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crewgate.domain.audit import Published
from crewgate.domain.crew import Crew
from crewgate.domain.effects import EffectKind
from crewgate.domain.people import ReviewerRef
from crewgate.domain.reason import Dismissed, needs_an_operator
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import voices_of
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Message, actions, notification, section
from crewgate.slack.reviews import notice_strings, state_strings
from crewgate.slack.reviews.buttons import DISMISS, RETRY, WHAT_CAME
from crewgate.slack.reviews.calls import mentionable, nobody_left, with_operators
from crewgate.slack.reviews.links import Link, linked
from crewgate.slack.reviews.presentation import Closed, Stuck, Waiting, present
from crewgate.slack.strings import PLAIN
from crewgate.usecases.read_models import CardView, DeadLetter, MessageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a message about a round may be rendered from."""

    view: CardView
    card: MessageRef | None
    operators: Sequence[ReviewerRef]
    assigned: Sequence[ReviewerRef]
    """The assignees of a flow's request that Slack knows, while it waits."""
    added: Sequence[ReviewerRef]
    """The reviewers that an escalation has added."""
    link: Link
    now: datetime

    @property
    def round(self) -> Round:
        return self.view.round

    @property
    def title(self) -> str:
        """The task's name, as a link to the card."""
        return linked(shared.task(self.round), self.card, self.link)


def render_stuck_notice(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message | None:
    """Tell the reviewer and the operators that the decision did not reach the crew.

    None when there is nothing to tell any more: somebody pressed Retry, it was taken, or they
    dismissed it themselves.
    """
    shown = present(round_)
    if not isinstance(shown, Stuck | Closed) or shown.decision is None:
        return None
    if isinstance(shown.reason, Dismissed) and shown.decision.is_by(shown.reason.by.id):
        return None
    lines = [state_strings.stuck_notice(shown, shown.decision, round_)]
    if isinstance(shown, Stuck):
        why, people = state_strings.answer(shown), mentionable(operators)
        if needs_an_operator(shown.reason):
            lines[0] += f" {notice_strings.decision_is_kept(shown.decision, people)}"
            lines.append(notice_strings.to_operators(people, why) if people else why)
        else:
            lines[0] += f" {why}"
    text = notification(state_strings.stuck_notice_plain(shown, round_))
    return Message(text, [section(line) for line in lines])


def render_escalation(round_: Round, people: Sequence[ReviewerRef]) -> Message:
    """Call people because a flow asks again for its answer, as far as Slack knows them."""
    text = notification(notice_strings.flow_escalated_plain(round_))
    called = mentionable(round_.not_voted(people))
    return Message(text, [section(notice_strings.flow_escalated(round_, called))])


def render_channel_refuses(crew: Crew, code: str) -> Message:
    return Message(
        notification(notice_strings.channel_refuses_plain(crew)),
        [section(notice_strings.channel_refuses(crew, code))],
    )


def render_audit_head(published: Published) -> Message:
    return Message(
        notification(notice_strings.AUDIT_HEAD), [section(notice_strings.audit_head(published))]
    )


def render_attach_failed(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message:
    text = notification(notice_strings.attach_failed_plain(round_))
    message = Message(text, [section(notice_strings.attach_failed(round_))])
    return with_operators(message, operators, notice_strings.FILES_REFUSED)


def render_refresh_failed(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message | None:
    """Say where a round stands whose card cannot be brought up to date; None while it waits.

    A stuck decision is retried from here: the card has no such button.
    """
    shown = present(round_)
    if isinstance(shown, Waiting):
        return None
    blocks = [section(state_strings.refresh_failed(shown, round_))]
    if isinstance(shown, Stuck):
        blocks.append(actions(RETRY.on(round_.id), DISMISS.on(round_.id)))
    message = Message(notification(state_strings.push(round_, shown)), blocks)
    return with_operators(message, operators, notice_strings.CHANGES_REFUSED)


def render_report(first: DeadLetter, operators: Sequence[ReviewerRef] = ()) -> Message:
    """Say that something of a crew could not be shown. What came is for its operators alone."""
    said, last = notice_strings.not_shown(first), actions(WHAT_CAME.on(first.id))
    if first.dismissed is not None:
        last = section(state_strings.dismissed_with_why(first.dismissed))
    else:
        said += f" {notice_strings.see_what_came(operators, mentionable(operators))}"
    text = notification(notice_strings.not_shown(first, PLAIN))
    return Message(text, [section(f":exclamation: {said}"), last])


def render_reminder(scene: Scene) -> Message | None:
    """Remind the reviewers who have not decided, and their delegates.

    Call the operators too if nobody is left who may approve. Return None once the round no longer
    waits.
    """
    view = scene.view
    said = notice_strings.reminder(view, scene.title, scene.now, _not_voted(view))
    message = _waiting(view, said)
    return message if message is None else _with_nobody_left(message, view, scene.operators)


def render_private_reminder(scene: Scene) -> Message | None:
    return _waiting(scene.view, notice_strings.reminder(scene.view, scene.title, scene.now))


def render_escalated(scene: Scene) -> Message | None:
    """Call the people that an escalation has added; None once the round no longer waits."""
    people = mentionable(scene.round.not_voted(scene.added))
    said = notice_strings.escalated(scene.view, scene.title, people, scene.now)
    return _waiting(scene.view, said)


def render_timed_out(scene: Scene) -> Message:
    """Say what a rule did when time was over; call all again if the round goes on waiting."""
    view = scene.view
    waits = view.round.state is State.WAITING
    sentence = notice_strings.timed_out(view, scene.title, _not_voted(view) if waits else "")
    text = notification(notice_strings.timed_out_plain(view.round))
    return _with_nobody_left(Message(text, [section(sentence)]), view, scene.operators)


def _not_voted(view: CardView) -> str:
    voted = voices_of(view.round.votes)
    away = [one for one in view.absences if not {one.away.id, one.delegate.id} & voted]
    return notice_strings.called(mentionable(view.round.not_voted(view.reviewers)), away)


def _waiting(view: CardView, sentence: str) -> Message | None:
    if view.round.state is not State.WAITING:
        return None
    return Message(notification(notice_strings.reminder_plain(view.round)), [section(sentence)])


def _with_nobody_left(
    message: Message, view: CardView, operators: Sequence[ReviewerRef]
) -> Message:
    line = nobody_left(view, operators)
    return message if line is None else Message(message.text, [*message.blocks, section(line)])


NOTICES: Final[Mapping[EffectKind, Callable[[Scene], Message | None]]] = {
    EffectKind.ATTACH_FAILED: lambda it: render_attach_failed(it.round, it.operators),
    EffectKind.REFRESH_FAILED: lambda it: render_refresh_failed(it.round, it.operators),
    EffectKind.NOTIFY_STUCK: lambda it: render_stuck_notice(it.round, it.operators),
    EffectKind.CALL_ASSIGNED: lambda it: render_escalation(
        it.round, it.assigned or it.view.reviewers
    ),
    EffectKind.POST_REMINDER: render_reminder,
    EffectKind.REMIND_PRIVATELY: render_private_reminder,
    EffectKind.POST_ESCALATED: render_escalated,
    EffectKind.POST_TIMED_OUT: render_timed_out,
}
