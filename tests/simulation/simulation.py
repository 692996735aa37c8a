"""People, crews, Slack and time act on the whole product; `oracle` says what must hold."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from crewgate.domain.effects import (
    SLACK,
    TIMER,
    EffectKind,
    crew_destination,
    status_destination,
)
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.notification import Output
from crewgate.domain.outcome import Refused
from crewgate.domain.review import State
from crewgate.usecases.delivery.context import GRACE
from crewgate.usecases.delivery.worker import LEASE, deliver
from crewgate.usecases.notes import claim
from crewgate.usecases.queries import queue
from crewgate.usecases.track import record_update
from tests.simulation.both_ways import BOTH_WAYS, home_has_its_other_parts
from tests.simulation.calls import Calls
from tests.simulation.cases import Cases
from tests.simulation.files import FILES, purge
from tests.simulation.flows import FLOWS_IN_THE_END, OF_FLOWS, Flows
from tests.simulation.in_the_end import (
    AFTER_A_MONTH,
    IN_THE_END,
    a_message_is_posted_once,
    is_to_do,
    whoever_may_decide_was_told,
)
from tests.simulation.known import MOMENT, key_of
from tests.simulation.looks import LOOKS, the_trail_proves_each_execution
from tests.simulation.office import OFFICE, SATURDAY
from tests.simulation.oracle import (
    ALWAYS,
    require,
    waits_for,
    what_waits_is_in_home,
)
from tests.simulation.product import (
    ASKED,
    EVERYBODY,
    FLOWS,
    HOUR,
    LEGAL,
    REVIEWERS,
    SCANS,
    TASKS,
    TOOLS,
)
from tests.simulation.recounts import RECOUNTS
from tests.simulation.shown import SHOWN, a_waiting_card_says_what_is_so, an_end_is_told_once
from tests.simulation.story import Choices
from tests.usecases.faults import AWAY, LOST, Crashed, Fault
from tests.usecases.simulated_crew import Lead

FAULTS = (
    Fault(AWAY),
    Fault(LOST),
    Fault(LOST, after=True),
    Fault(LOST, after=True),
    Fault(Crashed),
    Fault(Crashed, after=True),
    Fault(Refused("401", "no")),
)
WHILES = (timedelta(0), GRACE, LEASE, timedelta(minutes=11), HOUR, timedelta(hours=25))
STRIDE = timedelta(minutes=21)
MOST_WAIT = 25
"""As many rounds wait when no more scans come."""
FEW_ROUNDS = 15
"""After a story with more rounds and no lesson, no month passes: it would take too long."""
HOME_EVERY = 4
"""Home is read after so many steps: it takes longer than all other checks together."""
Act = Callable[[Choices], Awaitable[None]]
EACH_STEP = (*ALWAYS, *BOTH_WAYS, *RECOUNTS, *OF_FLOWS, a_waiting_card_says_what_is_so)


class Simulation(Calls, Cases, Flows):
    """A story: its steps, two bots, and its end."""

    # --- a story ---

    def likely(self) -> dict[str, int]:
        """The steps that are possible now, by name, and how often each is chosen."""
        return {name: int(weight) for name, weight in self.steps().items() if weight}

    def steps(self) -> dict[str, int]:
        """Every step by name, and how often it is chosen now."""
        waits, stuck = self.some(State.WAITING), self.some(State.STUCK)
        decided = self.some(State.DECIDED)
        branches = self.crew.branches.values()
        began = any(one.pauses for one in branches)
        calls = self.calls.values()
        reports = any(one.ran and not one.is_reported for one in calls)
        shown = self.visible()
        unseen = any(one not in shown for one in self.scans() if one.state is State.WAITING)
        scans = any(one.state is State.WAITING for one in self.scans())
        few = len(self.in_state(State.WAITING)) < MOST_WAIT
        return {
            "press": 12 * waits,
            "press_in_home": 3 * waits,
            "edit": 5 * waits,
            "edit_too_late": 1 * any(one.state is not State.WAITING for one in self.known),
            "two_at_once": 2 * waits,
            "take_back": waits,
            "write_a_note": 2 * bool(shown),
            "change_a_note": 2 * bool(self.written),
            "delete_a_note": bool(self.written),
            "read_to_end": waits,
            "claim": waits,
            "ask_somebody": 3 * waits,
            "approvals_meet": 4 * bool(self.of_several()),
            "absent_takes_back": bool(self.of_several()),
            "press_comes_again": bool(self.of_several()),
            "approval_comes_beside": 2 * bool(self.of_several()),
            "card_is_gone_before_it_is_known": 3 * waits,
            "two_find_a_card_deleted": bool(self.cards_to_delete()),
            "others_are_called_in_vain": 2 * bool(self.to_escalate()),
            "claim_grows_old": 2 * waits,
            "notes_are_sent_back": 2 * waits,
            "approve_with_words": waits,
            "two_crews_teach": 2 * bool(self.teachable()),
            "clocks_change_soon": 3 * (not self.known),
            "office_opens": bool(self.deeds()),
            "go_away": 1,
            "come_back": any(one.id in self.away for one in REVIEWERS),
            "lawyers_change": 2 * bool(self.cases),
            "lists_are_looked_at": 2 * bool(self.cases),
            "somebody_is_a_guest": bool(self.was_away),
            "wish_for_mornings": 1,
            "retry": 2 * stuck,
            "dismiss": stuck,
            "slack_works": 5,
            "both_bots_work": 1,
            "people_press_while_bots_work": 2 * bool(shown),
            "worker_stands_still": 3,
            "another_takes_over": bool(self.standing),
            "worker_goes_on": 2 * bool(self.standing),
            "channels_refuse": 1 + 4 * unseen,
            "crew_works": 8 * decided,
            "retried_in_doubt": 3 * any(map(self.is_told, self.in_state(State.DECIDED))),
            "no_decision_arrives": 2 * decided,
            "answers_are_lost": 2 * decided,
            "time_passes": 2,
            "calm_down": 1,
            "status_is_asked": 1,
            "restart": 1,
            "nobody_serves": 1,
            "entries_are_linked": 1,
            "delete_a_card": 1,
            "approvers_are_missing": 1,
            "crew_begins": not began,
            "crew_pauses": 4 * (began and any(one.working for one in branches)),
            "notification_arrives": 2 * any(one.undelivered for one in branches),
            "update_arrives": any(one.updates for one in branches),
            "step_arrives": began,
            "another_task_is_done": began,
            "agent_calls": 4,
            "tool_reports": 6 * reports,
            "tool_runs_unasked": 3 * bool(self.calls_that_go_on()),
            "tool_runs_again": any(one.ran and one.is_reported for one in calls),
            "call_is_withdrawn": bool(self.calls_that_go_on()),
            "host_restarts": 4 * reports,
            "host_is_restored": 3 * bool(self.calls_that_are_over()),
            "approval_is_lost": 4 * bool(self.waiting_calls()),
            "call_runs_once_more": 2 * any(one.is_hosted for one in calls if one.ran),
            "change_is_refused": 6 * bool(self.waiting_calls("pay")),
            "question_comes_late": 1,
            "program_asks": 4,
            "program_starts_again": 4 * bool(self.questions),
            "program_fetches": 6 * bool(self.questions),
            "case_begins": 2 * few,
            "starter_approves_unknown": 3 * bool(self.of_unknown_starters()),
            "starter_turns_up": 6 * any(one.known_at is None for one in self.cases.values()),
            "case_goes_on": 2 * bool(self.running_cases()),
            "nonsense_arrives": 1,
            "kickoff_is_lost": 1,
            "crew_forgets": 1,
            "crew_forgets_whom_people_know": 2 * bool(self.to_remind()),
            "case_pauses": 2 * (few and bool(self.cases)),
            "scans_pause": few,
            "scans_pause_for_hours": 2 * (0 < self.scanned <= FEW_ROUNDS),
            "scan_pauses": 1,
            "scans_are_sent_back": 2 * scans,
            "scans_are_approved": 3 * scans,
            "scan_ends": 4 * bool(self.finished_scans()),
            "flow_asks": 3,
            "flow_asks_again": 2 * bool(self.requests),
            "flow_tells": 2 * bool(self.requests),
            "answered_elsewhere": bool(self.open_requests()),
            "lesson_is_drawn": 4 * bool(self.teaching_answers()),
            "retire_a_drawn_lesson": 2 * bool(self.drawn_lessons()),
            "propose": 6 * bool(self.teachable()),
            "keep": 6 * bool(self.proposed),
            "drop_a_lesson": 2 * bool(self.proposed),
            "replace_a_lesson": 2 * bool(self.kept),
            "kick_off": 2 * bool(self.proposed),
            "texts_are_removed": 1 + 2 * bool(self.world.scans.completed),
        }

    async def take(self, name: str, choices: Choices) -> None:
        """Take one step, and see whether everything holds that always holds."""
        self.world.clock.advance(MOMENT)
        await getattr(self, name)(choices)
        await self.look()
        self.met.step(name, choices.picked, self.known)
        self.looks += 1
        for check in EACH_STEP:
            await check(self)
        if self.looks % HOME_EVERY == 0:
            await what_waits_is_in_home(self)
            await home_has_its_other_parts(self)

    async def scans_are_approved(self, choices: Choices) -> None:
        """Somebody approves scans that wait, those that came again first."""
        by, many = choices.pick(REVIEWERS), choices.pick([2, 5])
        scans = [one for one in self.scans() if one.state is State.WAITING]
        for round_ in sorted(scans, key=lambda one: -one.number)[:many]:
            self.world.clock.advance(MOMENT)
            await self.decide(round_, Choices(), by=by)
        await self.look()
        await self.tell_scans()

    # --- the bots, Slack and time ---

    async def work(self, destination: str, choices: Choices, *, faults: Any) -> None:
        context = choices.pick([self.world.context, self.world.beside])
        faults.extend(choices.pick(FAULTS) for _ in range(choices.number(3)))
        jobs = await self.world.lease(destination, limit=choices.pick([8, 1, 3]))
        with suppress(Crashed):  # what else was leased is left behind too
            await self.deliver(jobs, context)
        faults.clear()

    async def slack_works(self, choices: Choices) -> None:
        await self.world.pass_time(choices.pick(WHILES))
        slack = self.world.slack
        slack.long_results = slack.excerpts = choices.one_in(4)
        slack.unshared = int(choices.one_in(4))
        await self.work(SLACK, choices, faults=slack.faults)

    async def channels_refuse(self, choices: Choices) -> None:
        """No channel takes anything for a while, and all else goes on."""
        for _ in range(3):
            await self.world.pass_time(choices.pick(WHILES[2:5]))
            self.world.slack.faults.extend([Fault(Refused("is_archived", "archived"))] * 99)
            await self.carry_out()
            self.world.slack.faults.clear()

    async def crew_works(self, choices: Choices) -> None:
        await self.world.pass_time(choices.pick(WHILES))
        self.crew.delivers_on_status, self.crew.same = choices.one_in(2), choices.one_in(4)
        self.crew.lead = choices.pick(list(Lead))
        decided = {one.review.crew for one in self.in_state(State.DECIDED)}
        name = choices.pick(sorted(decided)) if decided else TASKS
        faults = self.world.answering(name).faults
        await self.work(crew_destination(name), choices, faults=faults)
        self.crew.delivers_on_status, self.crew.lead = False, Lead.NONE

    async def no_decision_arrives(self, choices: Choices) -> None:
        """A proxy answers in the place of a crew, which goes on with what else it can do."""
        await self.world.pass_time(LEASE)
        for name in (*self.world.clients, FLOWS):
            faults = self.world.answering(name).faults
            faults.extend([Fault(LOST)] * 9)
            for job in await self.world.lease(crew_destination(name)):
                await deliver(job, self.world.context)
            faults.clear()
        for name in self.crew.branches:
            match choices.number(4):
                case 1 | 2:
                    self.crew.finish(name, same=False)
                    await self.crew.update(name)
                    await self.crew.announce(name)
                case 3 if self.crew.branches[name].pauses:
                    await self.end_another(name)

    async def answers_are_lost(self, choices: Choices) -> None:
        """A crew takes decisions, its answers are lost, and it is asked again."""
        decided = sorted({one.review.crew for one in self.in_state(State.DECIDED)})
        name = choices.pick([one for one in decided if one != ASKED] or [TASKS])
        faults = self.world.answering(name).faults
        for lost in (9, 0):
            faults.extend([Fault(LOST, after=True)] * lost)
            for job in await self.world.lease(crew_destination(name)):
                await deliver(job, self.world.context)
            faults.clear()
            await self.world.pass_time(LEASE)

    async def time_passes(self, choices: Choices) -> None:
        await self.world.pass_time(choices.pick([*WHILES[2:], timedelta(days=8)]))
        await self.deliver(await self.world.lease(TIMER), self.world.context)

    async def status_is_asked(self, choices: Choices) -> None:
        await self.ask_for_status(choices.pick([TASKS, SCANS, TOOLS, LEGAL]))

    async def ask_for_status(self, name: str) -> int:
        jobs = await self.world.lease(status_destination(name))
        for job in jobs:
            await deliver(job, self.world.context)
        return len(jobs)

    async def restart(self, _: Choices) -> None:
        await self.stop()
        await self.world.outbox.release(due_at=self.world.clock() + GRACE)
        self.begin_bots()

    async def entries_are_linked(self, _: Choices) -> None:
        await self.world.linking.link()

    async def delete_a_card(self, choices: Choices) -> None:
        if there := self.world.slack.deletable():
            choices.pick(there).deleted = True

    async def approvers_are_missing(self, _: Choices) -> None:
        """From now on, or no longer, cards say that too few are left who may approve."""
        self.world.slack.no_approver = not self.world.slack.no_approver

    async def texts_are_removed(self, choices: Choices) -> None:
        if choices.one_in(2):
            for execution in self.finished_scans():
                await self.end_scan(execution)
            await self.calm_down(choices)
            await self.pass_a_month()
            await self.calm_down(choices)
        await self.remove_texts()

    async def remove_texts(self) -> None:
        await purge(self)

    # --- the end ---

    async def calm_down(self, _choices: Choices) -> None:
        """Nothing fails for less than any rule waits, and longer than a mention is on its way."""
        for _ in range(12):
            await self.world.pass_time(LEASE)
            while await self.carry_out():
                await self.look()
        await whoever_may_decide_was_told(self)

    async def end_well(self) -> None:
        """Nothing fails and every webhook arrives: then nothing is left to do."""
        slack = self.world.slack
        slack.no_approver = slack.long_results = slack.excerpts = False
        await self.all_workers_go_on()
        for name in (*self.world.clients, FLOWS):
            self.world.answering(name).faults.clear()
        for name, branch in self.crew.branches.items():
            while branch.undelivered:
                await self.crew.announce(name)
        await self.bring_cards_back()
        await self.calm_down(Choices())
        await self.settle(strides=100)
        checks = (*ALWAYS, *IN_THE_END, *FLOWS_IN_THE_END, *OFFICE, *LOOKS, *FILES, *SHOWN)
        for check in checks:
            await check(self)
        for by in EVERYBODY[::3]:
            await what_waits_is_in_home(self, by)
        await self.let_mornings_come()
        if self.proposed or len(self.known) <= FEW_ROUNDS:
            await self.let_a_month_pass()

    async def bring_cards_back(self) -> None:
        """The next update of a round brings back its card, which somebody deleted.

        If nobody is left in the group, the reviewers are in it again.
        """
        cards, self.is_ending = self.world.slack.cards(), True
        for round_ in self.in_state(State.WAITING):
            if round_.id in cards and cards[round_.id].deleted:
                if not any(self.may_decide(one, round_) for one in EVERYBODY):
                    self.let_in(frozenset(one.id for one in REVIEWERS))
                by = next(one for one in EVERYBODY if self.may_decide(one, round_))
                await claim(round_.id, by=by, context=self.world.reviews)

    async def let_mornings_come(self) -> None:
        """A person who wants a line has one at its time, if anything waits for them."""
        left = set(self.mornings)
        while left:
            lines = await self.send_lines()
            user = min(left, key=lambda one: (lines[one], one))
            due_at, zone = lines[user], self.mornings[user]
            await self.world.pass_time(due_at - self.world.clock())
            home = await queue(user, page=0, context=self.world.reviews)
            following = (await self.send_lines())[user]
            day = due_at.astimezone(zone).date()
            key = f"morning {user} {day}"
            is_told = bool(self.world.slack.keyed(key))
            if not is_told and following.astimezone(zone).date() == day:
                continue  # a later wish is for a later moment of this day
            read = f"{home.mine.total} wait, and there is no {key}"
            require(is_told or not home.mine.total or not self.is_work(user, day), "told", read)
            left.remove(user)
            later = due_at + HOUR
            if is_told and later.astimezone(zone).date() == day:
                await self.wish_for(user, later, zone)
        await self.world.pass_time(HOUR)
        await self.send_lines()
        await a_message_is_posted_once(self)

    def is_work(self, user: str, day: date) -> bool:
        """Return True unless all that waits for somebody is done in an office, which is closed."""
        by = next(one for one in EVERYBODY if one.id == user)
        waiting = [self.round(one) for one in waits_for(self, by)]
        return day.weekday() < SATURDAY or any(one.rule.working_hours is None for one in waiting)

    async def send_lines(self) -> dict[str, datetime]:
        """Carry out what is due in Slack; return when the next line of each person is due."""
        while jobs := await self.world.lease(SLACK):
            await self.deliver(jobs, self.world.context)
        every = await self.world.everything()
        due = {one.subject: one.due_at for one in every if one.kind == EffectKind.MORNING_LINE}
        left = self.mornings.keys() - due.keys()
        require(not left, "told", f"{left} want a morning line, and none is planned")
        return due

    async def let_a_month_pass(self) -> None:
        """The executions that are left end, nobody does anything, and texts are removed."""
        left = [one for one in self.known if one.removed_at is None]
        await self.flows_are_left()
        await self.settle(strides=10)
        for name, execution in dict.fromkeys(key_of(one)[:2] for one in left):
            approved = [one for one in left if one.review.execution_id == execution]
            texts = [self.text_of(one) for one in approved if one.state is State.RESUMED]
            # The result may be what was approved last.
            result = Output(texts[-1] if texts else self.said("A result", f"{name} {execution}"))
            update, at = CrewUpdate(result=result), self.world.clock()
            more: Any = {"uow": self.world.uow, "at": at, "new_id": self.world.new_id}
            await record_update(name, execution, update, **more)
        await self.settle(strides=10)
        await self.pass_a_month()
        await self.settle(strides=10)
        await self.remove_texts()
        await self.settle(strides=10)
        await self.look()
        proved = (the_trail_proves_each_execution, *FILES)
        for check in (*AFTER_A_MONTH, *proved, an_end_is_told_once):
            await check(self)

    async def pass_a_month(self) -> None:
        await self.all_workers_go_on()
        await self.world.pass_time(timedelta(days=31))
        for name in self.world.crews:
            while await self.ask_for_status(name):
                pass

    async def settle(self, *, strides: int) -> None:
        """Carry out what is due and let time pass, until nothing but people is waited for."""
        for _ in range(strides):
            while await self.carry_out():
                await self.look()
            due_at = [one.due_at for one in await self.world.everything() if is_to_do(one)]
            if not due_at:
                return
            # What waits for an office to open is due days later.
            await self.world.pass_time(max(STRIDE, min(due_at) - self.world.clock()))
        left = [(one.kind, one.subject) for one in await self.world.everything()]
        require(False, "jobs", f"still to do: {left}")  # noqa: FBT003
