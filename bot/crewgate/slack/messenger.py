"""Posts and updates messages: `usecases.ports.slack.Messenger` on Slack's Web API.

It renders the messages of every feature, so it stands above the features.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from typing_extensions import override

from crewgate.domain import audit, caveats, notification, review, stats, verdict
from crewgate.domain.crew import Crew
from crewgate.domain.effects import REFERRAL_KEYS, Effect, EffectKind
from crewgate.domain.execution import effect_on, said_starter
from crewgate.domain.outcome import Delivered, Outcome, RefusalKind, Refused
from crewgate.domain.people import Notify, ReviewerRef, Role, User
from crewgate.slack import executions, lessons, morning, notes
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.blockkit.text import clean
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.people import Names, display_name
from crewgate.slack.client.posting import Poster
from crewgate.slack.client.web_api import CallFailed, outcome_of
from crewgate.slack.reviews import card, notices
from crewgate.slack.reviews.people import People
from crewgate.slack.stats import render_posted
from crewgate.slack.words import names, people
from crewgate.slack.words.cards import REVIEWERS_SHOWN
from crewgate.usecases import read_models
from crewgate.usecases.empty import empty_of
from crewgate.usecases.ports.base import Clock, OffLoop
from crewgate.usecases.ports.slack import FILE_NOT_SHARED, About, Messenger, Posted, Thread

_DIRECT: Final = frozenset({EffectKind.DIRECT_MESSAGE, EffectKind.REFRESH_DIRECT_MESSAGE})


class SlackMessenger(Messenger):
    """Renders messages, and has them posted, updated and found."""

    def __init__(
        self, identity: Identity, people: People, *, clock: Clock, off_loop: OffLoop
    ) -> None:
        self._identity = identity
        self._people = people
        self._clock = clock
        self._off_loop = off_loop
        self._poster = Poster(identity.client, clock=clock)
        self._names = Names(identity.client, clock)

    @override
    async def say(
        self,
        effect: Effect,
        about: About,
        *,
        to: Thread | User,
        occasion: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        message = await self._render(effect.kind, about, effect.target, plain=plain)
        if message is None:
            return Delivered("nothing to tell any more")
        key = effect.message_key(occasion)
        quiet = isinstance(about, read_models.Posting) and _is_quiet(about.view)
        return await self._post(key, message, to, posted_since=posted_since, is_quiet=quiet)

    @override
    async def post_card(
        self,
        posting: read_models.Posting,
        *,
        notify: Notify | None,
        channel: str,
        posted_since: datetime | None,
        plain: bool = False,
    ) -> Outcome:
        """Post a card, and mention the people who must know of it.

        The channel shows the card too, unless the review has an earlier card there and people are
        mentioned on this card.
        """
        # The card mentions assignees by their accounts, so Slack is asked now for these accounts.
        assigned = posting.view.round.subject.assignees
        if assigned:
            decide = posting.view.round.rule.reviewers or ()
            await self._people.directory.resolve([ref for ref in assigned if ref in decide])
        view = await self._people.complete(posting.view)
        message = await self._card(posting, notify=notify, plain=plain)
        later = view.round.number > 1 and people.reaches_somebody(view, notify)
        return await self._post(
            view.round.effect(EffectKind.POST).message_key(),
            message,
            Thread(channel, posting.thread_ts),
            posted_since=posted_since,
            broadcast=not later,
            is_quiet=_is_quiet(view),
        )

    @override
    async def update(
        self, kind: EffectKind, about: About, where: read_models.MessageRef, *, plain: bool = False
    ) -> Outcome:
        """Update a message; nobody is notified, whoever it mentions: only new messages notify."""
        message = await self._render(kind, about, "", plain=plain)
        assert message is not None, "a message that is kept up to date always shows something"
        outcome = await outcome_of(self._poster.update(where, message))
        posted = Posted(ref=where, shown=message.shown, no_approver=message.no_approver)
        return posted if isinstance(outcome, Delivered) else outcome

    @override
    async def attach(
        self,
        about: read_models.Posting | read_models.ExecutionPosting,
        *,
        posted_since: datetime | None,
    ) -> Outcome:
        thread, output, name, title = self._file(about)
        return await outcome_of(
            self._poster.upload(
                thread,
                name=name,
                title=title,
                content=await self._off_loop(clean, output.text),
                may_be_there=posted_since is not None,
            )
        )

    @override
    async def find_file(self, about: read_models.Posting | read_models.ExecutionPosting) -> Outcome:
        thread, _, name, _ = self._file(about)
        try:
            is_there = await self._poster.has_file(thread, name)
        except CallFailed as error:
            return error.failure
        if is_there is not False:
            return Delivered()
        why = "Slack took the file and does not show it"
        return Refused(FILE_NOT_SHARED, why, RefusalKind.PERMANENT)

    @override
    async def clear(
        self,
        thread: read_models.MessageRef,
        about: read_models.ExecutionPosting,
        *,
        until: datetime,
    ) -> Outcome:
        end = effect_on(about.execution, EffectKind.POST_RESULT).message_key()
        run_url = self._people.run_url(about.execution)
        instead = {end: executions.render_end(about, self._starter(about), run_url=run_url)}
        instead |= {REFERRAL_KEYS: notices.render_referral_removed(until)}
        return await outcome_of(self._poster.clear(thread, instead, until=until))

    def _file(
        self, about: read_models.Posting | read_models.ExecutionPosting
    ) -> tuple[read_models.MessageRef, notification.Output, str, str]:
        thread: read_models.MessageRef | None
        output: notification.Output | None
        if isinstance(about, read_models.Posting):
            view = about.view
            thread, output = about.card, view.output
            name, title = card.file_name(view), names.which_round(view.round)
        else:
            # The thread exists: the file's job begins once the message with the excerpt is posted.
            thread, output = about.thread, about.execution.result
            name, title = executions.result_file_name(about.execution), executions.RESULT_TITLE
        assert thread is not None, "the caller checked this"
        assert output is not None, "the caller checked this"
        return thread, output, name, title

    @override
    async def name_of(self, user: str) -> str | None:
        return await display_name(self._identity.client, user)

    @override
    async def react(self, note: caveats.Note) -> Outcome:
        return await outcome_of(self._poster.react(note.channel, note.ts, "memo"))

    @override
    async def offer(self, note: caveats.Note, posting: read_models.Posting) -> Outcome:
        message = notes.render_offer(posting.view.round)
        return await self._show_to(note.by, message, note.channel, posting.thread_ts)

    @override
    async def offer_lesson(self, posting: read_models.Posting, writer: verdict.Person) -> Outcome:
        message = lessons.render_offer(posting.view)
        return await self._show_to(writer, message, posting.channel or "", posting.thread_ts)

    async def _show_to(
        self, person: verdict.Person, message: Message, channel: str, thread_ts: str | None
    ) -> Outcome:
        showing = self._poster.post_ephemeral(
            message, channel=channel, thread_ts=thread_ts, user=person.id
        )
        return await outcome_of(showing)

    async def _post(
        self,
        key: str,
        message: Message,
        to: Thread | User,
        *,
        posted_since: datetime | None,
        broadcast: bool = False,
        is_quiet: bool = False,
    ) -> Outcome:
        try:
            if isinstance(to, User):
                to = Thread(await self._poster.open_direct(to.id))
            if to.channel is None:
                return Refused("thread_not_found", "its card is not there", RefusalKind.THREAD_GONE)
            ref, found = await self._poster.post(
                key,
                message,
                channel=to.channel,
                thread_ts=to.ts,
                posted_since=posted_since,
                broadcast=broadcast,
                is_quiet=is_quiet,
            )
        except CallFailed as error:
            return error.failure
        return Posted(
            ref=ref,
            found=found,
            shown=message.shown,
            too_long=message.too_long,
            no_approver=message.no_approver,
        )

    async def _render(  # noqa: C901, PLR0911  # one row a case
        self, kind: EffectKind, about: About, target: str, *, plain: bool
    ) -> Message | None:
        match about:
            case read_models.Posting() if kind is EffectKind.REFRESH:
                # An update after the first vote mentions nobody; an edit's author begins with one.
                round_ = about.view.round
                calls = all(vote.by == round_.edited_by for vote in round_.votes)
                notify = self._people.notify(round_) if calls else None
                return await self._card(about, notify=notify, plain=plain)
            case read_models.Posting() if kind in _DIRECT:
                return await self._direct_message(about, plain=plain)
            case read_models.Posting():
                return notices.render_notice(kind, await self._scene(about))
            case read_models.ExecutionPosting():
                return await self._about_execution(kind, about, target)
            case read_models.DeadLetter():
                return notices.render_report(about, self._people(about.crew, Role.OPERATOR))
            case read_models.LessonView():
                return self._lesson(kind, about)
            case Crew() if kind is EffectKind.NOBODY_LEFT:
                return notices.render_nobody_left(about, empty_of(about, self._people.directory))
            case Crew():
                return notices.render_channel_refuses(about, target)
            case audit.Published():
                return notices.render_audit_head(about)
            case read_models.QueuePart():
                return morning.render_line(about)
            case stats.Stats():
                return render_posted(about, None, now=self._clock(), charts=not plain)
            case _:
                assert_never(about)

    async def _about_execution(
        self, kind: EffectKind, posting: read_models.ExecutionPosting, target: str
    ) -> Message:
        operators = self._people(posting.execution.crew, Role.OPERATOR)
        run_url = self._people.run_url(posting.execution)
        match kind:
            case EffectKind.POST_RESULT:
                return await self._off_loop(
                    executions.render_end, posting, self._starter(posting), run_url=run_url
                )
            case EffectKind.RESULT_FILE_FAILED:
                off = self._identity.lacks("files:write")
                failed = executions.render_result_file_failed(() if off else operators)
                return notices.with_run(failed, run_url)
            case EffectKind.FORWARD_FAILED:
                failed = executions.render_forward_failed(target, operators)
                return notices.with_run(failed, run_url)
            case _:
                waiting = [
                    (one, one.not_voted(self._people(one, Role.REVIEWER)) if calls else ())
                    for one in posting.rounds
                    if one.state is review.State.WAITING
                    for calls in [self._people.notify(one) is not Notify.NONE]
                ]
                return executions.render_progress(
                    posting, self._starter(posting), waiting, run_url=run_url
                )

    def _lesson(self, kind: EffectKind, view: read_models.LessonView) -> Message:
        if kind is EffectKind.TELL_AUTHOR:
            return lessons.render_retired(view.lesson)
        deciders = self._people(view.ballot, Role.REVIEWER)
        # A lesson has no private cards, so its card mentions people also with `notify = "dm"`.
        calls = self._people.notify(view.round) in {Notify.MENTION, Notify.DM}
        return lessons.render_card(view, deciders, link=self._identity.link, calls=calls)

    def _starter(self, posting: read_models.ExecutionPosting) -> ReviewerRef | None:
        execution = posting.execution
        return self._people.known(said_starter(execution.starter, execution.meta))

    async def _scene(self, posting: read_models.Posting) -> notices.Scene:
        view = await self._people.complete(posting.view)
        round_ = view.round
        before = self._people(replace(round_, escalated_at=None), Role.REVIEWER)
        assigned = round_.subject.assignees if round_.state is review.State.WAITING else ()
        await self._people.directory.resolve(assigned)
        if view.is_quiet:
            view, before, assigned = replace(view, reviewers=(), absences=()), (), ()
        return notices.Scene(
            view=view,
            card=posting.card,
            operators=() if view.is_quiet else self._people.operators(view),
            assigned=self._people.directory.in_slack(assigned),
            added=[ref for ref in people.there(view.reviewers, view) if ref not in before],
            link=self._identity.link,
            now=self._clock(),
        )

    async def _card(
        self, posting: read_models.Posting, *, notify: Notify | None, plain: bool
    ) -> Message:
        view = await self._with_names(posting)
        called = None
        if notify is not None:
            called = people.call(view, notify)
            view = replace(view, calls_all=people.calls_all(view, notify))
        message = await self._off_loop(card.render_card, view, now=self._clock(), plain=plain)
        message = self._said_below(message, view, tells_newer=view.shown_round is not view.round)
        return people.below_headline(message, called)

    def _said_below(
        self, message: Message, view: read_models.CardView, *, tells_newer: bool
    ) -> Message:
        operators = () if view.is_quiet else self._people.operators(view)
        below = (
            people.newer(view, self._identity.link, is_told=tells_newer)
            or people.kept(view, operators)
            or people.nobody_left(view, operators)
        )
        return people.below_headline(message, below)

    async def _direct_message(self, posting: read_models.Posting, *, plain: bool) -> Message:
        assert posting.reader is not None, "reader is always set for this kind of effect"
        view = await self._with_names(posting)
        message = await self._off_loop(
            card.render_direct_message,
            view,
            posting.card,
            reader=posting.reader,
            link=self._identity.link,
            now=self._clock(),
            why=() if plain else self._people.why(view, posting.reader),
            plain=plain,
        )
        return self._said_below(message, view, tells_newer=False)

    async def _with_names(self, posting: read_models.Posting) -> read_models.CardView:
        view = await self._people.complete(posting.view, posting.reader)
        starters = tuple(one for one in map(self._people.known, view.started_by) if one)
        view = replace(view, started_by=starters)
        shown = (*view.reviewers[:REVIEWERS_SHOWN], *starters)
        named = [ref.id for ref in shown if isinstance(ref, User)]
        return replace(view, names=tuple((await self._names.of(named)).items()))


def _is_quiet(view: read_models.CardView) -> bool:
    return view.is_quiet or view.round.state is not review.State.WAITING
