"""Messages about a round other than its card, and the report of dead letters.

`NOTICES` has the render function of each plain message.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from crewgate.domain.audit import Published
from crewgate.domain.crew import Crew
from crewgate.domain.effects import EffectKind
from crewgate.domain.people import ReviewerRef
from crewgate.domain.reason import Dismissed, needs_an_operator
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import TimedOut, voices_of
from crewgate.slack.blockkit.blocks import Message, actions, context, push_text, section
from crewgate.slack.blockkit.rich_text import quotation
from crewgate.slack.blockkit.text import escape_mrkdwn, one_line
from crewgate.slack.reviews.buttons import READ, WHAT_CAME, stuck_buttons
from crewgate.slack.words import cards, decisions, names, people, states
from crewgate.slack.words.names import MRKDWN, PLAIN, Voice
from crewgate.slack.words.states import TOPIC_LIMIT
from crewgate.slack.words.subjects import wording
from crewgate.usecases.empty import Empty
from crewgate.usecases.read_models import CardView, DeadLetter, MessageRef

_WHERE_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The data that messages about a round are rendered from."""

    view: CardView
    card: MessageRef | None
    operators: Sequence[ReviewerRef]
    assigned: Sequence[ReviewerRef]
    """The known assignees of a flow's request that waits."""
    added: Sequence[ReviewerRef]
    link: names.Link
    now: datetime

    @property
    def round(self) -> Round:
        return self.view.round

    @property
    def title(self) -> str:
        return names.linked(names.task(self.round), self.card, self.link)

    @property
    def about(self) -> str:
        topic = one_line(self.view.topic, TOPIC_LIMIT)
        return f"{names.bold(self.title)} ({topic})" if topic else names.bold(self.title)


def notice(push: str, *lines: str) -> Message:
    return Message(push_text(push), [section(line) for line in lines])


def render_stuck_notice(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message | None:
    """Tell that a decision did not arrive; None if taken, retried, or dismissed by its author."""
    decision, reason = round_.decision, round_.reason
    if round_.state not in {State.STUCK, State.CLOSED} or decision is None:
        return None
    if isinstance(reason, Dismissed) and decision.is_by(reason.by.id):
        return None
    lines = [states.stuck_notice(round_, decision)]
    if round_.state is State.STUCK:
        why, mentions = states.answer(round_), people.mentionable(operators)
        if needs_an_operator(reason):
            lines[0] += f" {people.decision_is_kept(decision, mentions, to_decider=True)}"
            lines.append(f"{people.called(mentions)}: {why}" if mentions else why)
        else:
            lines[0] += f" {why}"
    return notice(f"The decision on {names.which_round(round_)} {states.arrival(round_)}", *lines)


def render_escalation(round_: Round, deciders: Sequence[ReviewerRef]) -> Message:
    asks = f"{names.bold(names.task(round_))} still waits for an answer"
    who = names.named(people.mentionable(round_.not_voted(deciders)))
    says = f"{who}: {asks}. CrewAI has escalated it."
    return notice(
        f"Still waiting for an answer: {names.which_round(round_)}",
        f":exclamation: {says if who else f'CrewAI has escalated this: {asks}.'}",
    )


def render_channel_refuses(refused: Crew, code: str) -> Message:
    crew, channel = names.bold(names.crew(refused.name)), names.channel(refused.channel)
    remedy = _FIX_CHANNEL.get(code, "Look at the channel and at the bot's log (`not_delivered`).")
    return notice(
        f"The channel of {names.crew(refused.name, PLAIN)} takes no messages",
        f"Nothing of {crew} can be posted in {channel}: Slack says {names.identifier(code)}."
        f" {remedy} Cards wait and are posted by themselves then.",
    )


def render_nobody_left(crew: Crew, empty: Empty) -> Message | None:
    """Tell an operator of which lists of people nobody is left; None if all have people again."""
    if not empty:
        return None
    whom = names.in_words([names.nobody_in(named) + _under(rule) for named, rule in empty.items()])
    return notice(
        f"Nobody is left who may decide for {names.crew(crew.name, PLAIN)}",
        f":exclamation: {names.bold(names.crew(crew.name))}: {whom}, so reviews that need them wait"
        f" for ever. Put {people.SOMEBODY_IN}",
    )


def _under(rule: str) -> str:
    return f" ({decisions.rule_name(rule)})" if rule else ""


_INVITE: Final = (
    "Invite the bot into the channel, or correct it in the settings and start the bot again."
)
_FIX_CHANNEL: Final = {
    "channel_not_found": _INVITE,
    "not_in_channel": _INVITE,
    "is_archived": "Take the channel out of the archive, or name another one in the settings and "
    "start the bot again.",
    "missing_scope": "Install the app again with the scopes of the manifest.",
    "restricted_action": "Let the bot post in the channel, in the channel's settings.",
}


def render_call_alarm(scene: Scene) -> Message | None:
    """Tell that a call ran which must not have run; None if it might, or did not run."""
    alarm = decisions.ran_although(scene.round)
    if alarm is None:
        return None
    push = f"{names.which_round(scene.round)} {alarm}"
    line = f":exclamation: {scene.about} {alarm}.{decisions.MUST_NOT_HAVE_RUN}"
    return people.with_operators(notice(push, line), scene.operators, people.CALL_RAN)


def render_audit_head(published: Published) -> Message:
    """Tell the head of the audit trail; people verify the database's trail against it."""
    head, signed = "The head of the audit trail", published.signed
    says = f"{head} on {published.at.date()}: `{published.head}`"
    if signed.key:
        return notice(head, f"{says}\nKey `{signed.key}`\nSignature `{signed.signature}`")
    return notice(head, f"{says}. It is not signed: set AUDIT_KEY.")


def render_attach_failed(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message:
    message = notice(
        f"Slack does not take the whole output of {names.which_round(round_)} as a file",
        f"Slack does not take the whole output of round {round_.number} of {names.task(round_)} as "
        f"a file. *{READ.label}* on its card shows all of it.",
    )
    return people.with_operators(message, operators, people.FILES_REFUSED)


def render_refresh_failed(round_: Round, operators: Sequence[ReviewerRef] = ()) -> Message | None:
    """Tell the state of a round whose card is out of date, with Retry; None while it waits."""
    if round_.state is State.WAITING:
        return None
    where = states.push(round_)
    blocks = [
        section(
            "Slack does not let me change this card, so its buttons no longer count. "
            f"{escape_mrkdwn(where, _WHERE_LIMIT)}."
        )
    ]
    if round_.state is State.STUCK:
        blocks.append(actions(*stuck_buttons(round_)))
    message = Message(push_text(where), blocks)
    return people.with_operators(message, operators, people.CHANGES_REFUSED)


def render_report(first: DeadLetter, operators: Sequence[ReviewerRef] = ()) -> Message:
    """Tell that a webhook could not be shown; only operators see its content."""
    sentence, last = _not_shown(first, MRKDWN), actions(WHAT_CAME.on(first.id))
    if first.dismissed is not None:
        last = section(f"{states.dismissed(first.dismissed)}.")
    else:
        others = "Operators" if operators else "Reviewers"
        who = people.called(people.mentionable(operators)) or others
        sentence += f" {who}: *{cards.WHAT_CAME}* shows what is wrong."
    text = push_text(_not_shown(first, PLAIN))
    return Message(text, [section(f":exclamation: {sentence}"), last])


def _not_shown(first: DeadLetter, voice: Voice) -> str:
    crew = names.crew(first.crew, voice)
    if first.count == 1:
        return f"A message of {crew} could not be shown; it may be a task for review."
    many = names.total(first.count)
    return f"{many} messages of {crew} could not be shown; they may be tasks for review."


def render_reminder(scene: Scene) -> Message | None:
    """Remind undecided reviewers, and operators if nobody may approve; None once decided."""
    message = render_private_reminder(scene, _not_voted(scene.view))
    return message if message is None else _with_nobody_left(message, scene)


def render_private_reminder(scene: Scene, mentions: str = "") -> Message | None:
    view, round_ = scene.view, scene.round
    waits_for = wording(round_).waits_for
    given = ""
    if round_.votes:
        given = f" ({decisions.voters(round_.votes, voice=names.CALLS_NOBODY)} approved)"
        waits_for = names.counted(round_.rule.approvals - len(round_.votes), "more approval")
    due = cards.deadline(view, scene.now)
    line = f"{scene.about} still waits for {waits_for}{given}{f'; it {due}' if due else ''}."
    return _waiting(round_, f"{mentions}: {line}" if mentions else line)


def render_referral(scene: Scene) -> Message:
    """Mention a person who is asked to look, above the words of whoever asks."""
    referral = scene.view.referral
    assert referral is not None, "the delivery names it"
    by, to = referral.by, names.person(referral.to)
    asks = f"{names.CALLS_NOBODY.person(by)} asks you to look at {scene.about}"
    push = f"{PLAIN.person(by)} asks somebody to look: {names.which_round(scene.round)}"
    message = notice(push, f"{to}: {asks}. Nobody's rights change.")
    return replace(message, blocks=[*message.blocks, *quotation(referral.text)])


def render_referral_removed(at: datetime) -> Message:
    return notice("The text was removed", names.removed(at))


def render_escalated(scene: Scene) -> Message | None:
    asked = people.mentionable(scene.round.not_voted(scene.added))
    waited = names.duration(scene.now - scene.round.opened_at)
    line = f"{scene.about} has waited for {waited}{_so_far(scene.round)}."
    please = f" {people.please_decide(scene.round, people.called(asked))}" if asked else ""
    more = f" More people may decide now.{please}" if scene.added else ""
    message = _waiting(scene.round, f"{line}{more}")
    return message if message is None else _with_nobody_left(message, scene)


def render_timed_out(scene: Scene) -> Message:
    """Tell what the rule did by time-out; mention the undecided again if the round still waits."""
    round_ = scene.round
    decision = round_.decision
    if decision is not None and isinstance(decision.by, TimedOut):
        what = states.by_time(names.bold(scene.title), round_, decision, decision.by)
        message = notice(
            f"{decisions.did_this(decision, PLAIN)}: {names.which_round(round_)}",
            names.joined(what, one_line(scene.view.topic, TOPIC_LIMIT)),
        )
    else:
        timeout = round_.rule.timeout
        is_left = cards.is_left(round_)
        within = f"within {decisions.how_long(timeout.after)}" if timeout is not None else "in time"
        again = f", and has gone back {cards.times(round_.sent_back)}" if is_left else ""
        line = (
            f"{scene.about} was not decided {within}{again}{_so_far(round_)}. It goes on waiting."
        )
        mentions = _not_voted(scene.view) if round_.state is State.WAITING else ""
        message = notice(
            f"Not decided in time: {names.which_round(round_)}",
            f"{line} {people.please_decide(round_, mentions)}" if mentions else line,
        )
        if is_left:
            message = people.with_operators(message, scene.operators, people.NOBODY_DECIDES)
    return _with_nobody_left(message, scene)


def _so_far(round_: Round) -> str:
    """Name those who have approved, without mentions: they need do nothing more."""
    so_far = cards.so_far(round_, names.CALLS_NOBODY)
    return f" · {so_far}" if so_far else ""


def _not_voted(view: CardView) -> str:
    voted = voices_of(view.round.votes)
    away = [one for one in view.absences if not {one.away.id, one.delegate.id} & voted]
    return people.called(people.mentionable(people.not_voted(view)), away)


def _waiting(round_: Round, sentence: str) -> Message | None:
    if round_.state is not State.WAITING:
        return None
    return notice(f"Still waits for a decision: {names.which_round(round_)}", sentence)


def _with_nobody_left(message: Message, scene: Scene) -> Message:
    line = people.nobody_left(scene.view, scene.operators)
    return message if line is None else replace(message, blocks=[*message.blocks, section(line)])


def with_run(message: Message, url: str) -> Message:
    """Return a notice for operators with a link to the run, if there is one."""
    run = names.run(url)
    return replace(message, blocks=[*message.blocks, context(run)]) if run else message


def render_notice(kind: EffectKind, scene: Scene) -> Message | None:
    message = NOTICES[kind](scene)
    if message is None or kind not in _FOR_OPERATORS:
        return message
    return with_run(message, scene.view.run_url)


NOTICES: Final[Mapping[EffectKind, Callable[[Scene], Message | None]]] = {
    EffectKind.ATTACH_FAILED: lambda it: render_attach_failed(it.round, it.operators),
    EffectKind.REFRESH_FAILED: lambda it: render_refresh_failed(it.round, it.operators),
    EffectKind.NOTIFY_STUCK: lambda it: render_stuck_notice(it.round, it.operators),
    EffectKind.CALL_ALARM: render_call_alarm,
    EffectKind.CALL_ASSIGNED: lambda it: render_escalation(
        it.round, it.assigned or it.view.reviewers
    ),
    EffectKind.POST_REMINDER: render_reminder,
    EffectKind.REMIND_PRIVATELY: render_private_reminder,
    EffectKind.POST_REFERRAL: render_referral,
    EffectKind.POST_ESCALATED: render_escalated,
    EffectKind.POST_TIMED_OUT: render_timed_out,
}
_FOR_OPERATORS: Final = frozenset(
    {
        EffectKind.ATTACH_FAILED,
        EffectKind.REFRESH_FAILED,
        EffectKind.NOTIFY_STUCK,
        EffectKind.CALL_ALARM,
    }
)
