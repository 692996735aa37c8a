"""Calls of tools that people are asked about, and questions of agents, with the real library."""

import json
from collections.abc import AsyncIterator
from typing import Any

from crewgate.demo.environment import ANA
from tests.host.client import TOKEN, Json
from tests.host.real import Real
from tests.journeys.conftest import World
from tests.journeys.people import modal, said, waiting
from tests.standins.workspace import Message, buttons, message_text

TARGETS = (
    "acting",
    "acting_natively",
    "acting_beside",
    "acting_for_others",
    "ActFlow",
    "ElsewhereFlow",
    "OddFlow",
)
Call = list[Any]


def steps(*calls: Call | list[Call]) -> str:
    """A script: a call each, or several at once."""
    return json.dumps([[one] if isinstance(one[0], str) else one for one in calls])


def transfer(to: str, tool: str = "transfer", **more: object) -> Call:
    return [tool, {"to": to, **more}]


class Acting:
    """An execution of one target."""

    def __init__(self, real: Real, target: str) -> None:
        self._real = real
        self._target = target
        self.id = ""

    async def begin(self, *calls: Call | list[Call], **inputs: str) -> "Acting":
        """Kick it off."""
        self.id = await self._real.api(self._target).kick_off(
            inputs or {"steps": steps(*calls)}, **self._real.told("acts")
        )
        return self

    async def asked(self, number: int = 1) -> Json:
        """Return the calls that people are asked about, the oldest first."""
        return (await self._real.listener.until(lambda: self.all_asked[number - 1 :]))[0]

    @property
    def all_asked(self) -> list[Json]:
        """All that people were asked."""
        return [one for one in self._real.pauses(self.id) if "outcome" not in one]

    async def outcome(self, asked: Json) -> Any:
        """Return the outcome of a call."""

        def found() -> list[Json]:
            told = [one for one in self._real.pauses(self.id) if "outcome" in one]
            return [one for one in told if one["task_id"] == asked["task_id"]]

        [told] = await self._real.listener.until(found)
        assert {**told, "outcome": None} == {**asked, "outcome": None}
        return told["outcome"]

    async def decide(self, asked: Json, words: str = "Approved.", **more: object) -> int:
        """Answer, with an approval unless it is said otherwise; the status."""
        body = {"execution_id": self.id, "task_id": asked["task_id"], "human_feedback": words}
        verdict = more if "edited" in more else {"is_approve": True, **more}
        told = self._real.told("acts")
        status, _ = await self._real.api(self._target).call(
            "POST", "/resume", body | told | verdict
        )
        return status

    async def result(self) -> str:
        """Return the results of all calls, once the execution has ended."""
        ended = await self._real.api(self._target).until(self.id, "completed")
        return str(ended["result"]["output"])

    def acts(self, to: str) -> list[str]:
        """The calls that began."""
        return [one for one in self._real.lines("acts.txt") if f" {to} " in one]


async def a_call_runs_once_where_somebody_approved_it(real: Real) -> None:
    """By text and natively, in a flow, by a coroutine, and where it raises."""
    for target in ("acting", "acting_natively", "ActFlow"):
        one = Acting(real, target)
        to = f"{target}-once"
        await one.begin(transfer(to, text="Hé"), transfer(to, "transfer_later"), transfer("raise"))
        asked = await one.asked()
        waiting = await real.api(target).status(one.id)
        assert one.acts(to) == []
        before = len(one.acts("raise"))
        assert await one.decide(asked) == 200
        assert await one.decide(asked) == 400
        later = await one.asked(2)
        assert await one.decide(later) == 200
        raises = await one.asked(3)
        await one.decide(raises)
        result = await one.result()

        arguments = {"to": to, "amount": 1, "text": "Hé", "currency": "EUR"}
        assert json.loads(asked["task_output"]) == arguments
        schema = asked["tool_call"]["schema"]
        assert schema["properties"]["currency"]["enum"] == ["EUR", "USD"]
        assert asked["tool_call"] == {
            "schema": schema,
            "tool": "transfer",
            "arguments": arguments,
            "filled_in": ["amount", "currency"],
            "agent": "Clerk",
            "task": "pay",
            "may_have_run": False,
        }
        assert (asked["task_name"], asked["agent"], asked["crew_name"]) == ("pay", "Clerk", "bank")
        assert asked["task_id"].startswith("transfer-")
        assert asked["resume_extensions"] == ["arguments", "idempotency_key"]
        if target != "ActFlow":
            assert waiting["current_task"] == "pay"
        assert one.acts(to) == [f"transfer {to} 1 EUR", f"transfer_later {to} 1 EUR"]
        assert len(one.acts("raise")) == before + 1
        assert f"Transferred to {to}." in result
        ran = {"state": "ran", "words": f"Transferred to {to}."}
        assert await one.outcome(asked) == await one.outcome(later) == ran
        failed = await one.outcome(raises)
        assert failed["state"] == "failed"
        assert "the bank is away" in failed["words"]


async def a_refusal_is_told_once_and_holds_for_the_same_call(real: Real) -> None:
    for target in ("acting", "acting_natively"):
        one, to = Acting(real, target), f"{target}-refused"
        await one.begin(transfer(to), transfer(to), transfer(to, amount=2))
        await one.decide(await one.asked(), "Too early.", is_approve=False)
        other = await one.asked(2)
        await one.decide(other)
        result = await one.result()

        assert result.count("This call was refused, and did not run. Too early.") == 2
        assert len(one.all_asked) == 2
        assert one.acts(to) == [f"transfer {to} 2 EUR"]


async def other_arguments_are_those_that_the_tool_is_given(real: Real) -> None:
    for target in ("acting", "acting_natively"):
        one, to = Acting(real, target), f"{target}-other"
        await one.begin(transfer("nobody", amount=7), ["transfer_all", {}])
        asked = await one.asked()
        good = {"to": to, "amount": 8, "currency": "USD"}
        for wrong in (
            {**good, "amount": "many"},
            {**good, "currency": "GBP"},
            {**good, "colour": "red"},
            {"amount": 8},
        ):
            edited = {"arguments": wrong, "is_approve": True}
            assert await one.decide(asked, edited=edited) == 400
        for wrong_edit in (
            {"output": "yes", "is_approve": True},
            {"arguments": good, "is_approve": False},
        ):
            assert await one.decide(asked, edited=wrong_edit) == 400
        edited = {"arguments": good, "is_approve": True}
        assert await one.decide(asked, edited=edited) == 200
        empty = await one.asked(2)
        nothing = {"arguments": {}, "is_approve": True}
        assert await one.decide(empty, edited=nothing) == 400
        assert await one.decide(empty) == 200
        await one.result()

        assert one.acts(to) == [f"transfer {to} 8 USD"]
        assert empty["resume_extensions"] == ["idempotency_key"]
        assert "schema" not in empty["tool_call"]


async def a_call_that_cannot_be_shown_does_not_run(real: Real) -> None:
    served = real.api("acting")
    unasked = await served.kick_off({"steps": steps(transfer("unasked"))})
    aside = Acting(real, "ElsewhereFlow")
    await aside.begin(transfer("aside"))
    huge = Acting(real, "acting_natively")
    large = "“ü”" * 30_000
    await huge.begin(
        transfer("huge", text="x" * 500_000), [["transfer", {"to": float("nan")}]], transfer("nan")
    )
    last = await huge.asked()
    await huge.decide(last, is_approve=False)
    shown = Acting(real, "acting")
    await shown.begin(transfer("large", text=large))
    asked = await shown.asked()
    await shown.decide(asked)
    await shown.result()
    told = (await served.until(unasked, "completed"))["result"]["output"]
    results = json.loads((await huge.result()).partition("Final Answer: ")[2])

    assert "the kickoff gave no humanInputWebhook, so nobody can be asked" in told
    assert (await aside.result()).count("blocked by hook") == 2
    assert results[0].endswith("its arguments are too large to be shown.")
    assert "its arguments do not fit. " in results[1]
    assert last["tool_call"]["arguments"]["to"] == "nan"
    assert asked["tool_call"]["arguments"]["text"] == large
    done = "\n".join(real.lines("acts.txt"))
    assert [to in done for to in ("unasked", "aside", "huge", "nan", "large")].count(True) == 1


async def a_call_does_not_run_where_its_tools_names_cannot_be_told(real: Real) -> None:
    """CrewAI would run it, because it swallows what a hook raises."""
    one, aside = Acting(real, "OddFlow"), Acting(real, "OddFlow")
    await one.begin(transfer("odd"))
    await aside.begin(steps=steps(transfer("odd")), how="aside")

    assert "people were not asked (TypeError)" in await one.result()
    assert "blocked by hook" in await aside.result()
    assert one.acts("odd") == []


async def several_calls_at_once_wait_each_for_itself(real: Real) -> None:
    """Of one answer of a model, and of tasks beside each other."""
    one = Acting(real, "acting_natively")
    await one.begin([transfer("n-1"), transfer("n-2"), transfer("n-2"), ["search", {"words": "n"}]])
    await one.asked(3)
    by_call = sorted(one.all_asked, key=lambda asked: asked["task_id"])
    twice = [asked for asked in by_call if asked["tool_call"]["arguments"]["to"] == "n-2"]
    [first] = [asked for asked in by_call if asked not in twice]
    await one.decide(twice[0])
    await one.decide(first, "Not now.", is_approve=False)
    await one.decide(twice[1], is_approve=False)
    await one.result()

    beside = Acting(real, "acting_beside")
    calls = steps(["search", {"words": "a"}], ["search", {"words": "b"}], transfer("b-end"))
    sides = {side: steps(transfer(f"b-{side}")) for side in ("left", "right")}
    await beside.begin(**sides, end=calls)
    await beside.asked(2)
    for asked in beside.all_asked:
        approve = asked["task_name"] == "left"
        await beside.decide(asked, is_approve=approve)
    await beside.decide(await beside.asked(3))
    review = await beside.asked(4)
    await beside.decide(review, "Again.", is_approve=False)
    again = await beside.asked(5)
    await beside.decide(again)
    await beside.result()

    assert len({asked["task_id"] for asked in by_call}) == 3
    assert [one.acts(to) for to in ("n-1", "n-2")] == [[], ["transfer n-2 1 EUR"]]
    assert [len(beside.acts(f"b-{side}")) for side in ("left", "right", "end")] == [1, 0, 1]
    assert review["tools_used"] == [
        {"tool": "search", "count": 2, "approved": 0},
        {"tool": "transfer", "count": 1, "approved": 1},
    ]
    assert "tools_used" not in again


async def a_hook_of_the_users_comes_first(real: Real) -> None:
    """It may abort before anybody is asked, and people see what it made of the arguments."""
    one = Acting(real, "acting")
    await one.begin(transfer("never"), transfer("hook-typo"), transfer("hidden"))
    asked = await one.asked()
    await one.decide(asked)
    hidden = await one.asked(2)
    await one.decide(hidden, is_approve=False)
    result = await one.result()

    assert "blocked by hook" in result
    assert asked["tool_call"]["arguments"]["to"] == "hook-right"
    # People see what would run, not what a hook puts in its place.
    assert hidden["tool_call"]["arguments"]["to"] == "hidden"
    assert len(one.all_asked) == 2
    assert one.acts("hook-right")


async def agents_of_a_flow_are_asked_about(real: Real) -> None:
    """Also in the flow's own event loop, and without a task."""
    for how in ("natively", "alone"):
        one = Acting(real, "ActFlow")
        await one.begin(steps=steps(transfer(how), transfer(f"{how}-2")), how=how)
        await one.decide(await one.asked())
        await one.decide(await one.asked(2), is_approve=False)
        await one.result()

        assert one.acts(how) == [f"transfer {how} 1 EUR"]
        assert one.all_asked[0]["tool_call"]["task"] == ("pay" if how == "natively" else "Clerk")


async def a_limit_and_a_cache_hold_for_approved_calls(real: Real) -> None:
    one = Acting(real, "acting_natively")
    once = [transfer(f"limit-{number}", "transfer_once") for number in (1, 2)]
    await one.begin(*once, *[transfer("cached", "transfer_cached")] * 2)
    for number in (1, 2, 3, 4):
        await one.decide(await one.asked(number))
    result = await one.result()

    assert "usage limit of 1" in result
    assert result.count("Transferred to cached.") == 2
    acts = [one.acts(to) for to in ("limit-1", "limit-2", "cached")]
    assert [len(each) for each in acts] == [1, 0, 1]
    failing = await Acting(real, "acting").begin(transfer("fail"))
    await failing.decide(await failing.asked())
    assert (await failing.outcome(await failing.asked()))["state"] == "failed"
    limit, ran, cached = [await one.outcome(asked) for asked in one.all_asked[1:]]
    assert "usage limit of 1" in limit["words"]
    assert [each["state"] for each in (limit, ran, cached)] == ["closed", "ran", "closed"]
    assert cached["words"] == "CrewAI answered in its place: Transferred to cached."


async def no_tool_runs_in_the_place_of_another_of_its_name(real: Real) -> None:
    """By text CrewAI runs the first, and shows its hooks the last; else the second is `twin_2`."""
    for target, names in (("acting", ["twin"]), ("acting_natively", ["twin", "twin_2"])):
        one = Acting(real, target)
        await one.begin(*[transfer("both", name) for name in names])
        result = await one.result()
        assert result.count("two tools of its agent have this name") == len(names)
        assert not one.all_asked
    assert not one.acts("both")


async def the_work_of_a_coworker_is_asked_about(real: Real) -> None:
    one = Acting(real, "acting_for_others")
    work = {"task": f"Act {steps(transfer('coworker'))}", "context": "None", "coworker": "Clerk"}
    await one.begin(["delegate_work_to_coworker", work])
    delegates = await one.asked()
    await one.decide(delegates)
    acts = await one.asked(2)
    await one.decide(acts)
    await one.result()

    assert (delegates["agent"], acts["agent"]) == ("Boss", "Clerk")
    assert one.acts("coworker") == ["transfer coworker 1 EUR"]
    assert (await one.outcome(acts))["state"] == (await one.outcome(delegates))["state"] == "ran"


async def an_agent_asks_people(real: Real) -> None:
    for target in ("acting", "acting_natively"):
        one = Acting(real, target)
        colours: Json = {"question": "Which colour?", "choices": ["red", "blue"]}
        asks = [["ask_people", {"question": f"Is it {number}?"}] for number in range(1, 6)]
        await one.begin(["ask_people", colours], *asks[:1], ["ask_people", colours], *asks[1:])
        first = await one.asked()
        assert await one.decide(first, " ") == 400
        await one.decide(first, "blue, please")
        await one.decide(await one.asked(2), "Too late.", is_approve=False)
        for number in (3, 4, 5):
            await one.decide(await one.asked(number), f"answer {number}")
        result = await one.result()

        assert first["task_output"] == "Which colour?"
        assert first["ask"] == {
            "place": "pay: ask_people",
            "expires_at": None,
            "choices": ["red", "blue"],
        }
        assert first["task_id"].startswith("ask-people-")
        assert first["resume_extensions"] == ["idempotency_key"]
        assert result.count("blue, please") == 2
        assert "Nobody answered." in result
        assert "answer 5" in result
        assert "People were asked 5 times already: ask no more" in result
        assert len(one.all_asked) == 5


async def calls_hold(real: Real) -> AsyncIterator[None]:
    """A kill lets nothing through; what was approved runs once, unless somebody says otherwise."""
    waits, runs, changes, refused = [
        await Acting(real, target).begin(*calls)
        for target, calls in (
            ("acting", [transfer("k-waits")]),
            ("acting_natively", [transfer("k-runs")]),
            ("acting", [transfer("k-changes-$pid")]),
            ("acting", [transfer("k-refused"), transfer("k-refused-then")]),
        )
    ]
    asked = {one: await one.asked() for one in (waits, runs, changes, refused)}
    await refused.decide(asked[refused], "Never.", is_approve=False)
    await refused.asked(2)
    question = await Acting(real, "acting").begin(
        ["ask_people", {"question": "Which?"}], transfer("k-asked")
    )
    await question.decide(await question.asked(), "That.")
    await question.asked(2)
    yield

    # The tool has begun, and nobody will know how far it came.
    await runs.decide(asked[runs])
    while not runs.acts("k-runs"):
        await real.api("acting_natively").status(runs.id)
    yield
    yield

    again, other = await runs.asked(2), await changes.asked(2)
    closed = await changes.outcome(asked[changes])
    late = await changes.decide(asked[changes])
    good = {"to": "k-waits-2", "amount": 2}
    assert await waits.decide(asked[waits], edited={"arguments": good, "is_approve": True}) == 200
    await runs.decide(again, "It is done already.", is_approve=False)
    await changes.decide(other)
    await refused.decide(refused.all_asked[1])
    await question.decide(question.all_asked[1])
    results = [await one.result() for one in (waits, runs, changes, refused, question)]

    assert (again["task_id"], again["tool_call"]["may_have_run"]) != (asked[runs]["task_id"], False)
    assert other["tool_call"]["may_have_run"] is False
    assert closed == {"state": "closed", "words": "The agent, started again, makes another call."}
    assert late == 400
    # What waits keeps its card, and what people said holds.
    assert [len(one.all_asked) for one in (waits, refused, question)] == [1, 2, 2]
    assert "Never." in results[3]
    assert "That." in results[4]
    acts = [len(runs.acts(f"k-{to}")) for to in ("waits", "waits-2", "runs", "refused")]
    assert acts == [0, 1, 1, 0]
    assert [len(runs.acts(f"k-{to}")) for to in ("refused-then", "asked")] == [1, 1]
    stopped = Acting(real, "acting")
    await stopped.begin(transfer("stopped"))
    await stopped.asked()


async def a_call_is_approved_in_slack(real: Real, world: World) -> AsyncIterator[None]:
    """The whole way, with an approval that is given while the host is gone."""
    status, begun = await world.post(
        "/crews/bank/kickoff",
        json.dumps({"inputs": {"steps": steps(transfer("slack-1"), transfer("slack-2"))}}).encode(),
        Authorization=f"Bearer {TOKEN}",
        Content_Type="application/json",
    )
    assert status == 200, begun
    first = await _waiting(world, "slack-1")
    assert buttons(first)[:3] == ["Approve", "Refuse", "Change"]
    yield
    yield

    await world.slack.click(ANA, first, "Approve")
    yield

    world.patience = 60
    await world.shown(first, "It ran and returned: “Transferred to slack-1.”")
    second = await _waiting(world, "slack-2")
    await world.slack.click(ANA, second, "Change")
    await modal(world, ANA, "Change the arguments")
    assert (await world.slack.submit(ANA, {"argument.0.0": "slack-3"})).ok
    ended = await real.api("acting").until(begun["kickoff_id"], "completed")
    await said(world, "It ran and returned: “Transferred to slack-3.”")
    acts = real.lines("acts.txt")
    counts = [acts.count(f"transfer slack-{number} 1 EUR") for number in (1, 2, 3)]
    assert counts == [1, 0, 1]
    assert "Transferred to slack-3." in ended["result"]["output"]


async def _waiting(world: World, to: str) -> Message:
    """The card of a call with this argument."""

    def found() -> list[Message]:
        return [one for one in waiting(world) if f"to: \n{to}" in message_text(one)]

    return (await world.slack.until(found, timeout=world.patience))[-1]
