"""Flows: their questions, what else they tell, lessons from answers, and what must hold."""

from typing import Any, Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.execution import CrewUpdate, ExecutionUpdate, StepUpdate, TaskUpdate
from crewgate.domain.lessons import LessonState, id_of_drawn
from crewgate.domain.notification import Output, RequestId, Source
from crewgate.domain.people import Email
from crewgate.domain.reason import AnsweredElsewhere
from crewgate.domain.review import State
from crewgate.domain.verdict import Answer, Revise
from crewgate.usecases import lessons
from crewgate.usecases.decide import dismiss
from crewgate.usecases.track import record_update
from tests.simulation.known import MOMENT, Known, Request
from tests.simulation.oracle import Check, require
from tests.simulation.people import People
from tests.simulation.product import EVERYBODY, FLOWS, HOUR, LABELS, REVIEWERS, Product
from tests.simulation.story import Choices
from tests.usecases.crew_standins import DROP, KEEP, RETIRE

LEAD, OTHERS = Email("lead@example.com"), Email("others@example.com")
"""Those whom a request names, and whom its escalation names besides, without accounts in Slack."""
CALLS: Final = EffectKind.CALL_ASSIGNED.value
OVER: Final = (State.RESUMED, State.SUPERSEDED, State.CLOSED)


class Flows(People):
    """Flows that pause at several methods, each by a request of its own."""

    def __init__(self, product: Product) -> None:
        super().__init__(product)
        self.requests = {}
        product.flows.on_taken = self.flow_is_answered

    def open_requests(self) -> list[Request]:
        return [one for one in self.requests.values() if one.is_open]

    async def flow_asks(self, choices: Choices) -> None:
        """A flow pauses at a method; one that paused there before has begun anew."""
        flows = list(
            dict.fromkeys(one.flow for one in self.requests.values() if not one.drawn_from)
        )
        flow = choices.pick([f"flow {len(flows) + 1}", *flows[::-1]])
        method = choices.pick(["review", "publish", "topic"])
        await self.ask_people(flow, method, () if method == "topic" else LABELS)

    async def ask_people(
        self, flow: str, method: str, labels: tuple[str, ...], *, source: Request | None = None
    ) -> None:
        for before in self.open_requests():
            before.is_replaced |= (before.flow, before.method) == (flow, method)
        number = str(len(self.requests) + 1)
        text = f"{method} {number} of <{flow}>"
        drawn_from = None if source is None else source.id
        request = Request(
            flow=flow, method=method, id=number, text=text, labels=labels, drawn_from=drawn_from
        )
        self.requests[request.url] = request
        more: dict[str, Any] = {"message": self.said("Which one", f"{FLOWS} {flow}")}
        if source is not None:
            more["drawn_from"] = Source(keep=KEEP, retire=RETIRE)
            more["source_request"] = RequestId(flow_id=source.flow, request_id=source.id)
        elif len(self.requests) % 2:
            more["assigned"] = request.assigned = (LEAD,)
        received = await self.send(request, **more)
        require(received.accepted, "once", f"{flow} waits at {method}, and nobody is asked")
        request.round_id = received.round.id
        self.texts[request.round_id] = text

    async def send(self, request: Request, **more: Any) -> Any:
        return await self.world.ask(
            request.text,
            crew=FLOWS,
            flow_id=request.flow,
            method=request.method,
            request_id=request.id,
            outcomes=request.labels,
            **{"assigned": ()} | more,
        )

    async def flow_is_answered(self, url: str, feedback: str) -> None:
        """The flow goes on, or does its method again and asks about that."""
        request = self.requests[url]
        request.answer = feedback
        if request.labels == LABELS and feedback not in LABELS[:2]:
            await self.ask_people(request.flow, request.method, request.labels)

    async def flow_asks_again(self, choices: Choices) -> None:
        """A request comes again, perhaps often, and mostly because nobody answered for long."""
        request = choices.pick(list(self.requests.values())[::-1])
        for _ in range(choices.pick([1, 3])):
            self.world.clock.advance(MOMENT)
            await self.request_comes_again(request, choices)

    async def request_comes_again(self, request: Request, choices: Choices) -> None:
        is_escalation = not choices.one_in(3)
        assigned = choices.pick([(), (OTHERS,)])
        waits = self.round(request.round_id).state is State.WAITING
        now, before = self.world.clock(), request.called_at
        received = await self.send(request, assigned=assigned, escalation=is_escalation)
        is_known = not received.accepted and received.round.id == request.round_id
        require(is_known, "once", f"the request {request.id} is asked about as {received.round.id}")
        is_new = not {*assigned} <= {*request.assigned}
        if is_escalation and waits and (is_new or before is None or now - before >= HOUR):
            request.calls, request.called_at = request.calls + 1, now
            request.assigned += assigned if is_new else ()
            named = received.round.subject.assigned
            missing = {*request.assigned} - {*named}
            require(not missing, "told", f"the request {request.id} names {named}, not {missing}")

    async def flow_tells(self, choices: Choices) -> None:
        """A step begins, a task is done or a crew ends inside a flow, whatever waits beside it."""
        flow = choices.pick(list(self.requests.values())[::-1]).flow
        words = self.said("Looking up", f"{FLOWS} {flow}")
        updates: list[ExecutionUpdate] = [
            StepUpdate(doing=words),
            TaskUpdate(title="look up", summary=words),
            CrewUpdate(result=Output(words)),
        ]
        before = self.unfinished(flow)
        await self.tell(flow, choices.pick(updates))
        await self.look()
        after = self.unfinished(flow)
        require(before == after, "truth", f"a crew inside {flow} told, and {before} became {after}")

    def unfinished(self, flow: str) -> dict[str, State]:
        mine = [one for one in self.known if one.review.crew == FLOWS]
        return {
            one.id: one.state
            for one in mine
            if one.review.execution_id == flow and one.state not in OVER
        }

    async def tell(self, flow: str, update: ExecutionUpdate) -> None:
        more: Any = {"uow": self.world.uow, "at": self.world.clock(), "new_id": self.world.new_id}
        await record_update(FLOWS, flow, update, **more)

    async def answered_elsewhere(self, choices: Choices) -> None:
        """Somebody answers in the dashboard of the flow, which goes on."""
        request = choices.pick(self.open_requests())
        if not request.drawn_from:
            self.world.flows.taken[request.url] = "elsewhere"
            request.is_answered_elsewhere = True

    # --- lessons drawn from answers ---

    def teaching_answers(self) -> list[Request]:
        """The requests that people answered in words, from which no lesson was drawn."""
        every = self.requests.values()
        drawn = {one.drawn_from for one in every}
        answered = [one for one in every if one.answer not in {None, *LABELS, KEEP, DROP}]
        return [one for one in answered if one.id not in drawn]

    async def lesson_is_drawn(self, choices: Choices) -> None:
        """The host asks whether to keep what it drew from an answer."""
        source = choices.pick(self.teaching_answers())
        await self.ask_people(f"lesson {source.id}", "lesson", (KEEP, DROP), source=source)

    def drawn_lessons(self) -> list[Request]:
        """The drawn lessons that people decided to keep, and that nobody retired."""
        return [
            one
            for one in self.requests.values()
            if one.drawn_from and is_kept(self, one) and not one.is_retired
        ]

    async def retire_a_drawn_lesson(self, choices: Choices) -> None:
        request, by = choices.pick(self.drawn_lessons()), choices.pick(EVERYBODY)
        act = lessons.retire(by, id_of_drawn(request.round_id), context=self.world.reviews)
        if await self.is_done(act, by, self.round(request.round_id)):
            request.is_retired = True

    # --- the end ---

    async def flows_are_left(self) -> None:
        """Somebody answers each question that waits, and dismisses what is stuck."""
        by = REVIEWERS[0]
        for request in list(self.requests.values()):
            round_ = self.round(request.round_id)
            if round_.state is State.WAITING:
                label = DROP if request.drawn_from else LABELS[1]
                words = Revise(self.said("Nothing", round_.id))
                verdict = Answer(label, is_label=True) if request.labels else words
                self.world.clock.advance(MOMENT)
                await self.decide(round_, Choices(), by=by, verdict=verdict)
            elif round_.state is State.STUCK:
                why = self.said("Nobody needs it", round_.id)
                await dismiss(round_.id, why, by=by, context=self.world.reviews)
                self.dismissed.add(round_.id)
        await self.look()


def is_kept(of: Known, request: Request) -> bool:
    decision = of.decisions.get(request.round_id)
    return decision is not None and decision.verdict == Answer(KEEP, is_label=True)


async def a_flow_gets_the_answer_that_people_gave(of: Known) -> None:
    """Word for word; each of several people chose it, and nothing else is sent."""
    for url, feedback in of.world.flows.asked:
        request = of.requests[url]
        if feedback == RETIRE:
            require(request.is_retired, "runs", f"{request.id} was retired, which nobody wanted")
            continue
        decision = of.decisions.get(request.round_id)
        given = decision and decision.verdict
        is_so = isinstance(given, Answer) and given.text == feedback
        require(is_so, "runs", f"{request.id} was answered {feedback!r}, decided was {given}")
        chosen = {vote.answer for vote in decision.votes} if decision else set()
        read = f"{request.id} was answered {feedback!r}, people chose {chosen}"
        require(chosen <= {feedback}, "runs", read)


async def a_flow_that_waits_is_asked_about(of: Known) -> None:
    """Once nothing is due; and what is shown as taken was taken, by this request.

    The end of a drawn lesson is an answer too, and not the one that its round shows.
    """
    sent = {url for url, _ in of.world.flows.asked}
    for url, request in of.requests.items():
        round_ = of.round(request.round_id)
        read = f"{round_.id} {round_.state} {round_.reason}: {request}"
        if request.is_open and round_.id not in of.dismissed:
            is_asked = round_.state in (State.WAITING, State.STUCK)
            require(is_asked or round_.removed_at, "once", read)
        if round_.state is State.RESUMED:
            is_unsure = url in sent and request.is_replaced
            require(request.answer is not None or is_unsure, "truth", read)
        elif request.answer is not None and not request.is_retired:
            require(round_.in_doubt, "truth", read)
        if isinstance(round_.reason, AnsweredElsewhere):
            require(request.is_answered_elsewhere or request.is_retired, "truth", read)


async def a_call_of_others_is_on_its_way(of: Known) -> None:
    """Nothing takes back what calls people to a request, while it waits."""
    jobs = {row.subject for row in await of.world.everything() if row.kind == CALLS}
    for request in of.requests.values():
        if not request.calls or of.round(request.round_id).state is not State.WAITING:
            continue
        is_called = bool(of.world.slack.keyed(f"escalated request {request.round_id}"))
        read = f"{request.round_id} was escalated {request.calls} times, and nobody is called"
        require(is_called or request.round_id in jobs, "told", read)


async def an_escalation_calls_while_it_waits(of: Known) -> None:
    """People are called for each escalation that is to call them, and for no more."""
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
    for request in of.requests.values():
        round_ = of.round(request.round_id)
        called = len(of.world.slack.keyed(f"escalated request {round_.id}"))
        read = f"{round_.id} was called {called} times for {request.calls} escalations"
        require(called <= request.calls, "silent", read)
        is_missed = request.calls and not called and round_.state is State.WAITING
        is_there = bool(of.world.slack.keyed(f"card {round_.id}")) and round_.id not in aside
        require(not (is_missed and is_there), "told", read)


async def an_address_is_kept_until_the_answer_is_given(of: Known) -> None:
    """That of a lesson is kept until the lesson ends."""
    jobs = await of.world.everything()
    retiring = {row.subject for row in jobs if row.kind == EffectKind.RETIRE_AT_HOST}
    for request in of.requests.values():
        round_ = of.round(request.round_id)
        lesson_id = id_of_drawn(round_.id)
        is_lesson = bool(request.drawn_from) and is_kept(of, request)
        if is_lesson:
            lesson, _ = await of.world.uow.read.lessons.find(lesson_id)
            is_lesson = lesson.state is LessonState.KEPT or lesson_id in retiring
        is_wanted = round_.state not in OVER or is_lesson
        has_address = await of.world.uow.read.callback(round_.id) is not None
        read = f"{round_.id} {round_.state}, its address is there: {has_address}; {request}"
        require(has_address == is_wanted, "address", read)


async def a_host_has_the_lessons_that_are_kept(of: Known) -> None:
    """Each one that people decided to keep, unless somebody retired it; and no other."""
    now, at_host = of.world.clock(), of.world.flows.lessons
    aside = {row.subject for row in await of.world.everything() if row.set_aside_at is not None}
    for url, request in of.requests.items():
        if not request.drawn_from:
            continue
        round_, lesson_id = of.round(request.round_id), id_of_drawn(request.round_id)
        has = url in at_host
        read = f"{request}: {round_.state}, the host has it: {has}"
        if request.is_retired:
            require(not has or lesson_id in aside, "truth", read)
        elif not is_kept(of, request):
            require(not has, "truth", read)
        elif round_.state is State.RESUMED:
            lesson, _ = await of.world.uow.read.lessons.find(lesson_id)
            require(has and at_host[url] == lesson.expires_at, "truth", f"{read}: {lesson}")
            in_force = lesson.expires_at is not None and now < lesson.expires_at
            is_so = (lesson.state is LessonState.KEPT) == in_force
            require(is_so, "truth", f"{lesson} at {now}")


OF_FLOWS: Final[tuple[Check, ...]] = (
    a_flow_gets_the_answer_that_people_gave,
    a_call_of_others_is_on_its_way,
)
FLOWS_IN_THE_END: Final[tuple[Check, ...]] = (
    a_flow_that_waits_is_asked_about,
    an_escalation_calls_while_it_waits,
    an_address_is_kept_until_the_answer_is_given,
    a_host_has_the_lessons_that_are_kept,
)
