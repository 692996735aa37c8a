"""Crews' acts: tasks, calls, questions whose decisions are fetched, scans, and cases."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from crewgate.domain.acts import Argument, CallResult, CallState, Kind, ToolCall
from crewgate.domain.effects import crew_destination, status_destination
from crewgate.domain.errors import CrewgateError
from crewgate.domain.execution import CrewUpdate, StepUpdate, TaskUpdate
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import User
from crewgate.domain.review import Round, State
from crewgate.domain.verdict import Revise
from crewgate.usecases.delivery.worker import deliver
from crewgate.usecases.read_models import CrewUnavailable
from crewgate.usecases.track import record_update, track
from tests.simulation.known import (
    LOST_KICKOFF,
    MOMENT,
    NONSENSE,
    Call,
    Case,
    Known,
    Question,
    key_of,
)
from tests.simulation.oracle import require
from tests.simulation.product import (
    ASKED,
    HIDDEN,
    HOUR,
    LEGAL,
    NUMBER,
    REVIEWERS,
    SCANS,
    TASKS,
    TOOLS,
    Product,
)
from tests.simulation.story import Choices
from tests.usecases.crew_standins import Resumed
from tests.usecases.simulated_crew import Branch

WORDINGS = (
    *("Hi", "Wire transfer", "wire\ntransfer", "wire  transfer"),
    *("w\u00adire transfer", "wi\u2065re transfer"),
)
RECIPIENTS = ("bob@strasse.de", "bob@stra\u00dfe.de", "eve@bad.example, bob@strasse.de")
ALL = 99


class Crews(Known):
    """Five crews, each of another kind."""

    def __init__(self, product: Product) -> None:
        super().__init__(product)
        product.tools.on_taken = self.tool_is_answered
        product.scans.on_taken = self.scan_is_answered
        product.legal.on_taken = self.case_is_answered

    # --- the crew with tasks ---

    def pick_branch(self, choices: Choices, holds: Callable[[Branch], object]) -> str:
        return choices.pick([one for one in self.crew.branches.values() if holds(one)]).name

    async def crew_begins(self, _: Choices) -> None:
        """Two executions begin, with two tasks each that pause beside each other."""
        for name in self.crew.branches:
            self.crew.finish(name, same=False)
            await self.crew.announce(name)

    async def crew_pauses(self, choices: Choices) -> None:
        name = self.pick_branch(choices, lambda one: one.working)
        self.crew.finish(name, same=choices.one_in(4))
        if not choices.one_in(3):
            await self.crew.announce(name)

    async def notification_arrives(self, choices: Choices) -> None:
        await self.crew.announce(self.pick_branch(choices, lambda one: one.undelivered))

    async def update_arrives(self, choices: Choices) -> None:
        await self.crew.update(self.pick_branch(choices, lambda one: one.updates))

    async def step_arrives(self, choices: Choices) -> None:
        """A task that runs, or another one beside what waits, takes a step."""
        branches = self.crew.branches.values()
        running = sorted({one.id for one in branches if one.working})
        if running:
            execution = choices.pick(running)
            of = [one for one in branches if one.id == execution]
            if not any(one.working and one.last_delivered for one in of):
                # A step names no task: one of a task that no bot knows looks like one of the task
                # that waits.
                for one in of:
                    one.ambiguous |= not (one.working or one.is_hosted)
            await self.world.record(StepUpdate(doing="thinking"), execution)

    async def another_task_is_done(self, choices: Choices) -> None:
        """A task that nobody reviews ends beside one that waits, and its webhook names it."""
        await self.end_another(self.pick_branch(choices, lambda one: one.pauses))

    async def end_another(self, name: str) -> None:
        branch = self.crew.branches[name]
        summary = self.said("Looked up", f"{TASKS} {branch.id}")
        update = TaskUpdate(title="look up", task="look up", summary=summary)
        await self.world.record(update, branch.id)

    # --- the crew with tools ---

    async def agent_calls(self, choices: Choices) -> None:
        call = self.new_call(choices)
        if choices.one_in(2):
            self.world.tools.busy.add((call.execution, call.task))
        await self.announce_call(call)

    def new_call(self, choices: Choices, *, is_hosted: bool | None = None) -> Call:
        self.tool_number += 1
        tool = choices.pick(["send", "list", "pay"])
        execution = choices.pick(["t 1", "t 2"])
        is_hosted = choices.one_in(2) if is_hosted is None else is_hosted
        wording = choices.pick(WORDINGS) if choices.one_in(3) else WORDINGS[0]
        to = choices.pick(RECIPIENTS) if tool == "pay" else "bob"
        arguments: dict[str, object] = {"to": to, "text": f"{wording} {self.tool_number}."}
        if choices.one_in(3):
            arguments["token"] = f"{HIDDEN}{self.tool_number}"
        call = Call(
            execution=execution,
            task=f"{tool} {self.tool_number}",
            tool=tool,
            arguments=arguments,
            is_hosted=is_hosted,
        )
        self.calls[call.execution, call.task] = call
        return call

    async def announce_call(self, call: Call, **changes: Any) -> None:
        text = json.dumps(call.arguments)
        if "call_result" not in changes:
            self.world.tools.pause(text, execution=call.execution, task=call.task)
        received = await self.world.notify(
            crew=TOOLS,
            execution_id=call.execution,
            task_id=call.task,
            task_name="mail",
            output=Output(text, Format.JSON),
            pause_id=f"{call.task} {call.pauses}" if call.is_hosted else None,
            call=ToolCall(
                call.tool,
                may_have_run=call.may_have_run,
                earlier=call.earlier,
                hides="token" in call.arguments,
                arguments=(Argument("to", Kind.TEXT, required=True),),
            ),
            takes_edits=True,
            takes_key=call.is_hosted,
            **changes,
        )
        if received.accepted:
            self.texts[received.round.id] = text

    async def tool_is_answered(self, resumed: Resumed) -> None:
        call = self.calls[resumed.execution_id, resumed.task_id]
        if resumed.decision.is_approve:
            call.ran.append((resumed.output, resumed.decision, self.world.clock()))
            call.is_reported = False

    async def tool_reports(self, choices: Choices) -> None:
        ran = [one for one in self.calls.values() if one.ran and not one.is_reported]
        await self.tell_run(
            choices.pick(ran), CallState.FAILED if choices.one_in(4) else CallState.RAN
        )

    async def tell_run(self, call: Call, state: CallState) -> None:
        call.is_reported = True
        await self.report(call, state)
        await self.look()
        latest = self.latest(TOOLS, call.execution, call.task)
        if latest is not None and latest.decision == call.ran[-1][1]:
            read = f"{latest.id} {latest.state} {latest.reason}, but its tool told that it ran"
            require(latest.state is State.RESUMED, "truth", read)

    async def report(self, call: Call, state: CallState) -> None:
        """The host says what became of a call, in words that are its tool's."""
        words = self.said("Sent as message", f"{TOOLS} {call.execution}")
        await self.announce_call(call, call_result=CallResult(state, words))

    async def tool_runs_again(self, choices: Choices) -> None:
        """A tool runs once more on the approval by which it ran, and says so."""
        await self.run_again(
            choices.pick([one for one in self.calls.values() if one.ran and one.is_reported])
        )

    async def run_again(self, call: Call) -> None:
        latest = self.latest(TOOLS, call.execution, call.task)
        if latest is not None and latest.call_result is not None and not self.may_run(latest):
            await self.report(call, CallState.RAN)
            self.alarms.add(latest.id)

    @staticmethod
    def may_run(round_: Round) -> bool:
        """Return True if an approval of a call, or an earlier one, is not known to be used up."""
        call, decision = round_.subject, round_.decision
        assert isinstance(call, ToolCall)
        is_open = call.was_tried or round_.state is not State.RESUMED
        return is_open and decision is not None and decision.is_approve

    async def call_is_withdrawn(self, choices: Choices) -> None:
        """The agent's task ends, and with it a call that was not let through yet."""
        await self.withdraw(choices.pick(self.calls_that_go_on()))

    def calls_that_go_on(self) -> list[Call]:
        """The calls that did not run, and whose end nobody told."""
        return [one for one in self.calls.values() if not (one.ran or one.is_reported)]

    async def withdraw(self, call: Call) -> None:
        """Let the host say that a call did not run, which does not prove an approval."""
        latest = self.latest(TOOLS, call.execution, call.task)
        if latest is None or call.is_reported:
            return
        call.is_reported = True
        self.world.tools.pending.pop((call.execution, call.task), None)
        await self.report(call, CallState.CLOSED)
        await self.look()
        state, before = self.round(latest.id).state, latest.state
        is_over = state is State.CLOSED or before is state is State.RESUMED
        read = f"{latest.id} was withdrawn, and is {state}, before {before}"
        require(is_over, "truth", read)

    async def tool_runs_unasked(self, choices: Choices) -> None:
        """A call that people refused, or that waits, ran all the same."""
        call = choices.pick(self.calls_that_go_on())
        latest = self.latest(TOOLS, call.execution, call.task)
        if latest is None or latest.state is State.DECIDED or call.is_reported:
            return
        approved = latest.decision is not None and latest.decision.is_approve
        assert isinstance(latest.subject, ToolCall)
        if approved or latest.in_doubt or latest.subject.was_tried:
            return
        call.is_reported = call.ran_unasked = True
        self.world.tools.pending.pop((call.execution, call.task), None)
        await self.report(call, CallState.RAN)
        self.alarms.add(latest.id)
        await self.look()
        if call in self.calls_that_are_over() and not choices.one_in(4):
            await self.restore(call)

    async def host_restarts(self, choices: Choices) -> None:
        """It stopped while a call ran, does not know whether it ran, and asks about it anew."""
        ran = [one for one in self.calls.values() if one.ran and not one.is_reported]
        call = choices.pick(ran)
        if call.is_hosted:
            await self.restart_of(call, is_known=choices.one_in(2))

    async def restart_of(self, call: Call, *, is_known: bool) -> None:
        """Ask anew about a call; the host may know how it ended."""
        call.may_have_run, call.is_reported = True, True
        call.pauses += 1
        if is_known:
            words = self.said("It was sent as", f"{TOOLS} {call.execution}")
            call.earlier = CallResult(CallState.RAN, words)
        await self.announce_call(call)

    async def host_is_restored(self, choices: Choices) -> None:
        """Its copy is of before an answer, or an end, so that the call waits once more."""
        over = self.calls_that_are_over()
        ran = [one for one in over if one.ran or one.ran_unasked]
        await self.restore(choices.pick(ran if ran and choices.one_in(2) else over))

    async def restore(self, call: Call) -> None:
        """Let a host, whose copy knows of no end, ask about a call that is over."""
        before, call.is_reported = len(self.known), bool(call.ran)  # its copy knows of no run
        await self.announce_call(call)
        await self.look()
        read = f"{call.task} waits for people, and nobody is asked"
        require(len(self.known) > before, "once", read)
        again = self.latest(TOOLS, call.execution, call.task)
        assert again is not None
        assert isinstance(again.subject, ToolCall)
        key = key_of(again)
        has_run = call.ran or call.ran_unasked
        unsure = any(one.in_doubt for one in self.known if key_of(one) == key)
        read = f"{again.id} asks about {call.task}, which never ran, as if it had"
        require(has_run or unsure or not again.subject.may_have_run, "truth", read)
        read = f"{again.id} asks about {call.task}, which ran, and does not say so"
        require(again.subject.may_have_run or not has_run, "runs", read)

    def calls_that_are_over(self) -> list[Call]:
        """The calls of hosts that wait for nothing: an answer arrived, or they were closed."""
        latest = {
            (one.execution, one.task): self.latest(TOOLS, one.execution, one.task)
            for one in self.calls.values()
            if one.is_hosted and not one.is_over_unasked
        }
        return [
            self.calls[key]
            for key, round_ in latest.items()
            if round_ is not None and round_.state in (State.RESUMED, State.CLOSED)
            if not round_.removed_at
        ]

    async def crew_forgets(self, choices: Choices) -> None:
        """A crew says for an hour that it knows no execution, and then knows them all again."""
        await self.forget_all(choices.pick([TASKS, SCANS, TOOLS, LEGAL]))

    async def forget_all(self, name: str) -> None:
        client = self.world.clients[name]
        for client.says in (CrewUnavailable("404: not found", gone=True), None):
            for _ in range(6):
                await self.world.pass_time(timedelta(minutes=11))
                for job in await self.world.lease(status_destination(name), limit=99):
                    await deliver(job, self.world.context)
            await self.look()

    # --- the program that fetches ---

    async def program_asks(self, choices: Choices) -> None:
        text = choices.pick(["Deploy?", "Deploy all?", "Deploy?"])
        if choices.one_in(2):
            await self.ask("pay", json.dumps({"to": text}))
        else:
            await self.ask("deploy", text)

    async def ask(self, task: str, text: str) -> None:
        call = None
        if task == "pay":
            call = ToolCall("pay", arguments=(Argument("to", Kind.TEXT, required=True),))
        asked_at = self.world.clock()
        received = await self.world.notify(
            crew=ASKED,
            execution_id="night 1",
            task_id=task,
            output=Output(text, Format.MARKDOWN if call is None else Format.JSON),
            call=call,
            takes_edits=call is not None,
        )
        round_ = received.round
        read = f"it asks, and {round_.id} is {round_.state} {round_.reason}"
        require(round_.state in (State.WAITING, State.DECIDED, State.STUCK), "once", read)
        for one in self.questions:
            is_open = round_.state in (State.WAITING, State.DECIDED)
            if one.round_id in {round_.id, round_.origin_id} and is_open:
                asked_at = one.asked_at  # it asked before, and has no answer yet
        asked = Question(text, task, asked_at, round_.id, round_.number, origin=round_.origin)
        self.questions.append(asked)
        self.texts.setdefault(round_.id, text)

    async def program_starts_again(self, choices: Choices) -> None:
        """The program asks what it asked last, perhaps hours later, and fetches."""
        await self.world.pass_time(choices.pick([2, 0]) * HOUR)
        for job in await self.world.lease(crew_destination(ASKED)):
            await deliver(job, self.world.context)
        await self.ask(self.questions[-1].task, self.questions[-1].text)
        await self.program_fetches(Choices())

    async def program_fetches(self, choices: Choices) -> None:
        """The last asker, or an earlier one, asks for the decision; perhaps of its own round.

        Sometimes nobody is there any more when it is answered.
        """
        question = choices.pick(self.questions[::-1][:3])
        is_last = question is self.questions[-1]
        is_named = choices.one_in(2) or not is_last
        number = question.number if is_named else None
        hangs_up = choices.one_in(4)
        before = {one.id: one.state for one in self.known if one.review.crew == ASKED}
        body = await self.world.fetch(
            await self.world.round(question.round_id), number=number, is_there=not hangs_up
        )
        await self.look()
        if hangs_up:
            after = {one.id: one.state for one in self.known if one.review.crew == ASKED}
            require(after == before, "once", f"nobody was there, and {before} became {after}")
            return
        if body is None or body["state"] != "decided":
            return
        of = [one for one in self.known if one.review.task_id == question.task]
        of = [one for one in of if one.review.crew == ASKED]
        [decided] = [one for one in of if one.number == body["round"]]
        decision = decided.decision
        require(decision is not None, "runs", f"{decided.id} has no decision")
        assert decision is not None
        read = f"asked at {question.asked_at}, it passed by a decision of {decision.at}"
        is_own = question.origin == decided.origin and question.number <= decided.number
        require(is_own or not is_named, "runs", f"{read}, on the round {decided.number}")
        require(decision.at >= question.asked_at or not is_last, "runs", read)
        edited = body.get("edited", body)
        require(edited["is_approve"] == decision.is_approve, "runs", f"{body} of {decision}")
        if question.task == "pay" and decision.is_approve:
            require(self.world.clock() - decision.at < HOUR, "runs", f"{read}, which ended")
            given = edited.get("arguments", json.loads(question.text))
            texts = json.loads(self.texts[decided.id])
            require(given == texts, "runs", f"{given} were let through, approved were {texts}")
        if is_last and not choices.one_in(4):  # else the answer is lost, and it asks again
            question.passed_by = decision

    # --- the crew that is scanned ---

    async def scans_pause(self, choices: Choices) -> None:
        """Many executions pause at once for the same task."""
        for _ in range(choices.pick([12, 3, 14])):
            await self.scan_pauses(choices)

    async def scan_pauses(self, _: Choices) -> None:
        self.scanned += 1
        await self.announce_scan(f"order {self.scanned}", f"Scan <{self.scanned}>: {NUMBER}.")

    async def announce_scan(self, execution: str, text: str) -> None:
        self.world.clock.advance(MOMENT)
        self.world.scans.pause(text, execution=execution, task="scan")
        received = await self.world.notify(
            text, crew=SCANS, execution_id=execution, task_id="scan", task_name="scan"
        )
        self.texts[received.round.id] = text

    async def scan_is_answered(self, resumed: Resumed) -> None:
        execution = resumed.execution_id
        if resumed.decision.is_approve:
            self.world.scans.completed.add(execution)
        else:
            # No card number by itself: a part of it was one in the output before.
            tries = resumed.output.count("again") + 1
            text = f"{resumed.output.partition(':')[0]}: {NUMBER}5{' again' * tries}."
            await self.announce_scan(execution, text)

    async def scans_are_sent_back(self, choices: Choices) -> None:
        """Somebody wants scans that wait again, all of them or a few, and has them."""
        by, many = choices.pick(REVIEWERS), choices.pick([ALL, 2, 2])
        scans = [one for one in self.scans() if one.state is State.WAITING]
        for round_ in scans[:many]:
            self.world.clock.advance(MOMENT)
            with suppress(CrewgateError):
                again = Revise(self.said("Again", round_.id))
                await self.world.decide(round_.id, again, by=by)
        await self.look()
        await self.tell_scans()

    async def tell_scans(self) -> None:
        while jobs := await self.world.lease_of(crew_destination(SCANS)):
            for job in jobs:
                await deliver(job, self.world.context)

    async def scan_ends(self, choices: Choices) -> None:
        """An execution ends, or all of them do whose scan is approved."""
        finished = self.finished_scans()
        for execution in finished if choices.one_in(2) else [choices.pick(finished)]:
            await self.end_scan(execution)

    async def end_scan(self, execution: str) -> None:
        self.ended_scans.add(execution)
        await record_update(
            SCANS,
            execution,
            CrewUpdate(result=Output(f"Result of {execution}")),
            uow=self.world.uow,
            at=self.world.clock(),
            new_id=self.world.new_id,
        )

    # --- the crew whose executions people start ---

    async def case_begins(self, choices: Choices) -> None:
        execution = f"case {len(self.cases) + 1}"
        case = self.cases[execution] = Case(execution, choices.pick(REVIEWERS))
        is_late = choices.one_in(3)
        if not is_late:
            await self.kickoff_is_answered(case)
        await self.announce_case(case, choices.pick(["case", "memo", "deed"]))

    async def starter_turns_up(self, choices: Choices) -> None:
        """The answer to a kickoff comes after its first pause, and says who started it."""
        unknown = [one for one in self.cases.values() if one.known_at is None]
        await self.kickoff_is_answered(choices.pick(unknown))

    async def kickoff_is_answered(self, case: Case) -> None:
        case.known_at = at = self.world.clock()
        execution, about = case.execution, f"{LEGAL} {case.execution}"
        inputs = (("topic", self.said("About", about)),)
        meta = (("reference", self.said("Of", about)),)
        async with self.world.uow.begin() as tx:
            opened = await tx.executions.open(LEGAL, execution, at=at)
            await track(tx, opened, starter=case.starter, inputs=inputs, meta=meta, at=at)

    async def case_pauses(self, choices: Choices) -> None:
        case = choices.pick(list(self.cases.values())[::-1])
        task = choices.pick(["case", "memo", "deed"])
        if (case.execution, task) not in self.world.legal.pending:
            await self.announce_case(case, task)

    async def case_goes_on(self, choices: Choices) -> None:
        """A step begins, or a task that nobody reviews is done: while nobody is waited for."""
        execution = choices.pick(self.running_cases())
        words = self.said("Looking up", f"{LEGAL} {execution}")
        is_done = choices.one_in(2)
        update = TaskUpdate(title="look up", summary=words) if is_done else StepUpdate(doing=words)
        more: Any = {"uow": self.world.uow, "at": self.world.clock(), "new_id": self.world.new_id}
        await record_update(LEGAL, execution, update, **more)

    def running_cases(self) -> list[str]:
        waiting = {execution for execution, _ in self.world.legal.pending}
        return sorted(self.cases.keys() - waiting)

    async def kickoff_is_lost(self, choices: Choices) -> None:
        """The answer to a kickoff that names its reviewer is lost, and no execution turns up."""
        starter = User(choices.pick(REVIEWERS).id)
        named = (("inputs.lead", self.said("The lead", LOST_KICKOFF)),)
        async with self.world.uow.begin() as tx:
            kickoff, at = self.world.new_id(), self.world.clock()
            await tx.executions.record_kickoff(kickoff, SCANS, starter, named=named, at=at)

    async def nonsense_arrives(self, _: Choices) -> None:
        """A webhook that nobody can read."""
        body = self.said(NONSENSE, "")
        self.words[body] = await self.world.store_dead_letter(body.encode(), LEGAL)

    async def announce_case(self, case: Case, task: str) -> None:
        self.world.clock.advance(MOMENT)
        case.drafts += 1
        text = f"{task} {case.drafts} of <{case.execution}>"
        self.world.legal.pause(text, execution=case.execution, task=task)
        received = await self.world.notify(
            text,
            crew=LEGAL,
            execution_id=case.execution,
            task_id=task,
            task_name=task,
            expected_output=self.said("A letter", f"{LEGAL} {case.execution}"),
        )
        self.texts[received.round.id] = text

    async def case_is_answered(self, resumed: Resumed) -> None:
        if not resumed.decision.is_approve:
            await self.announce_case(self.cases[resumed.execution_id], resumed.task_id)
