"""A tool gets the approved arguments: by text and by a model's own calls."""

import json
import os
from collections.abc import AsyncIterator

from tests.host.client import Json
from tests.host.real import Real
from tests.host.real_acts import Acting, Call

FORMS = ("exacting", "exacting_natively")
BUYING = ("buying", "buying_natively", "bought")
OTHERS = ("buying_by_others", "buying_by_others_natively")
TARGETS = (*FORMS, *BUYING, *OTHERS)
PATTERNS = (
    *(f"{name}=*_out" for name in FORMS),
    *(f"{name}=*purchase" for name in (*BUYING, *OTHERS)),
)


def got(real: Real, to: str) -> list[Json]:
    """Return the arguments of tools' calls whose `to` begins with this text."""
    taken = [json.loads(line) for line in real.lines("got.txt")]
    return [one for one in taken if str(one.get("to", "")).startswith(to)]


async def shown_arguments_are_what_the_tool_gets(real: Real) -> None:
    for form in FORMS:
        one, to = Acting(real, form), f"{form}-bob"
        given: Json = {"to": to, "amt": "7", "comment": "x", "address": {"street": "Main"}}
        given["copies"] = [{"street": "A", "country": "FR"}, {"street": "B"}]
        await one.begin(["mail_out", {**given, "password": "s3cret"}])
        asked = await one.asked()
        await one.decide(asked)
        await one.outcome(asked)
        call = asked["tool_call"]
        [taken] = got(real, to)

        assert call["arguments"]["to"] == f"{to}@acme.example"
        assert call["arguments"]["amount"] == 7
        assert call["arguments"]["password"] == "s3cret"
        assert call["arguments"]["address"] == {"street": "Main", "country": "DE"}
        nested = {"address.country", "copies.1.country"}
        assert {*call["filled_in"]} == {"bcc", "stamp", *nested}
        assert "comment" not in call["arguments"]
        assert json.loads(asked["task_output"]) == call["arguments"]
        assert taken.pop("tool") == "mail_out"
        stamp = taken.pop("stamp").replace(" ", "T").replace("+00:00", "Z")
        assert {**taken, "stamp": stamp} == call["arguments"]


async def a_validator_that_adds_is_asked_about_with_what_it_adds(real: Real) -> None:
    """Validating its result once more would add again."""
    for form in FORMS:
        one, to = Acting(real, form), f"{form}-adds"
        sealed: Call = ["sealed_out", {"to": to, "code": "s3cret"}]
        await one.begin(["wire_out", {"to": to}], ["plain_out", {"to": to}], sealed)
        asked = await one.asked()
        await one.decide(asked)
        plain = await one.asked(2)
        await one.decide(plain)
        last = await one.asked(3)
        await one.decide(last)
        await one.result()

        assert asked["tool_call"]["arguments"] == {"to": f"{to}.example", "express": True}
        assert last["tool_call"]["arguments"] == sealed[1]
        assert plain["tool_call"]["filled_in"] == ["amount"]
        assert got(real, to) == [
            {"tool": "wire_out", "to": f"{to}.example", "express": True},
            {"tool": "plain_out", "to": to, "amount": 1},
            {"tool": "sealed_out", **sealed[1]},
        ]


async def what_cannot_be_approved_is_refused_before_anybody_is_asked(real: Real) -> None:
    """It does not fit, it is another one each time, or its tool has a way of its own."""
    for form in FORMS:
        one, to = Acting(real, form), f"{form}-refused"
        await one.begin(
            ["mail_out", {"to": to, "amount": "many"}],
            ["plain_out", {"amount": 1}],
            ["dice_out", {"to": to}],
            ["own_out", {"to": to}],
            ["wide_out", {"to": to, "amount": float("nan")}],
            ["shop_buy_out", {"to": to}],
            ["once_out", {"to": to, "items": [1, 2]}],
        )
        result = await one.result()

        assert one.all_asked == []
        assert result.count("its arguments do not fit.") == 4
        assert "its arguments do not fit. amount: Input should be" in result
        assert "input_value" not in result
        assert "nobody can approve what it would get" in result
        assert "its tool has a `run` of its own" in result
        assert "a server that is given as a URL up to three times" in result
        assert got(real, to) == []


async def a_tool_without_a_schema_gets_what_was_shown_or_does_not_run(real: Real) -> None:
    """By text CrewAI gives it nothing, whatever the model wrote."""
    for form, runs in zip(FORMS, (False, True), strict=True):
        one, to = Acting(real, form), f"{form}-wide"
        await one.begin(["wide_out", {"to": to, "more": [1, {"a": None}]}])
        asked = await one.asked()
        await one.decide(asked)
        outcome = await one.outcome(asked)
        await one.result()

        assert asked["tool_call"]["arguments"] == {"to": to, "more": [1, {"a": None}]}
        assert outcome["state"] == ("ran" if runs else "closed")
        assert len(got(real, to)) == runs
        if not runs:
            assert "would have got other arguments" in outcome["words"]


async def changed_arguments_are_taken_only_as_the_tool_would_get_them(real: Real) -> None:
    for form in FORMS:
        one, to = Acting(real, form), f"{form}-changed"
        await one.begin(["mail_out", {"to": "nobody", "address": None}], ["wire_out", {"to": to}])
        asked = await one.asked()
        shown = asked["tool_call"]["arguments"]
        for wrong in ({**shown, "to": to}, {**shown, "amount": "6"}, {"amount": 6}):
            edited = {"arguments": wrong, "is_approve": True}
            assert await one.decide(asked, edited=edited) == 400
        # What was filled in, and is left out, is what people saw.
        good = {
            "to": f"{to}@acme.example",
            "amount": 6,
            "address": {"street": "A", "country": "FR"},
        }
        edited = {"arguments": good, "is_approve": True}
        assert await one.decide(asked, edited=edited) == 200
        adds = await one.asked(2)
        assert asked["resume_extensions"] == ["arguments", "idempotency_key"]
        # It would add to any change, so it takes none.
        assert adds["resume_extensions"] == ["idempotency_key"]
        edited = {"arguments": {"to": f"{to}.example", "express": False}, "is_approve": True}
        assert await one.decide(adds, edited=edited) == 400
        await one.decide(adds, is_approve=False)
        await one.result()
        [taken] = got(real, to)

        assert taken["amount"] == 6
        assert taken["bcc"] == shown["bcc"]
        assert taken["stamp"].replace(" ", "T").replace("+00:00", "Z") == shown["stamp"]


async def a_tool_that_is_replaced_while_people_are_asked_does_not_run(real: Real) -> None:
    for form in FORMS:
        one, ways = Acting(real, form), [f"{form}-tool", f"{form}-function"]
        for to in ways:
            os.mkfifo(real.folder / f"swap-{to}")
        await one.begin(*[["swap_out", {"to": to}] for to in ways[::-1]])
        for number, to in enumerate(ways[::-1], 1):
            asked = await one.asked(number)
            swapped = len(real.lines("swapped.txt"))
            (real.folder / f"swap-{to}").write_text("now")
            while len(real.lines("swapped.txt")) == swapped:
                await real.api(form).status(one.id)
            await one.decide(asked)
            outcome = await one.outcome(asked)
            why = "This call did not run: its tool was replaced while people were asked."
            assert outcome == {"state": "closed", "words": why}
        await one.result()
        assert [got(real, to) for to in ways] == [[], []]


def bought(item: str, **more: object) -> Call:
    return ["purchase", {"item": item, **more}]


async def an_mcp_server_is_sent_what_was_shown_once(real: Real) -> None:
    """By the server's own name for its tool, whatever CrewAI calls it, and as its client cleans."""
    for form in BUYING:
        one, to = Acting(real, form), f"{form}-pen"
        unclean = {"note": None, "tags": [], "sources": ["web"]}
        await one.begin(bought(to, **unclean), bought(f"{to} none left"))
        asked = await one.asked()
        await one.decide(asked)
        assert (await one.outcome(asked)) == {"state": "ran", "words": f"Bought {to}."}
        fails = await one.asked(2)
        await one.decide(fails)
        failed = await one.outcome(fails)
        await one.result()
        call = asked["tool_call"]
        [taken, _] = got(real, to)

        assert "purchase" not in call["tool"]
        assert "purchase" in call["other_names"]
        assert call["arguments"] == {
            "item": to,
            "amount": 5,
            "express": True,
            "sources": [{"type": "web"}],
        }
        assert call["filled_in"] == ["amount", "express"]
        assert taken == call["arguments"] | {
            "tool": "purchase",
            "to": to,
            "note": None,
            "tags": None,
        }
        assert failed["state"] == "failed"
        assert "None left." in failed["words"]
        assert "may have been done" not in failed["words"]


async def an_mcp_server_that_does_not_answer_is_asked_once(real: Real) -> None:
    for form in BUYING[:2]:
        one, to = Acting(real, form), f"{form}-late"
        await one.begin(bought(to))
        asked = await one.asked()
        await one.decide(asked)
        outcome = await one.outcome(asked)
        await one.result()

        assert outcome["state"] == "failed"
        assert outcome["words"].startswith("It may have been done: ")
        assert len(got(real, to)) == 1


async def a_server_behind_a_tool_of_another_class_is_asked_once(real: Real) -> None:
    """A subclass that sends as CrewAI does; one that adds its own; and an adapter's tool."""
    for form in OTHERS:
        one, to = Acting(real, form), f"{form}-ink"
        unclean = {"note": None, "sources": ["web"]}
        await one.begin(
            ["own_purchase", {"item": to, **unclean}],
            ["own_purchase", {"item": f"{to} gone"}],
            ["signed_purchase", {"item": f"{to} signed"}],
            ["signed_purchase", {"item": f"{to} signed gone"}],
            ["purchase", {"item": f"{to} none left"}],
        )
        outcomes = []
        for number in range(1, 6):
            asked = await one.asked(number)
            await one.decide(asked)
            outcomes.append(await one.outcome(asked))
        await one.result()
        own, own_late, signed, signed_late, adapted = outcomes
        shown = [asked["tool_call"]["arguments"] for asked in one.all_asked]
        cleaned = {"amount": 5, "express": True, "sources": [{"type": "web"}]}
        [bought] = got(real, f"{to}")[:1]

        assert own == {"state": "ran", "words": f"Bought {to}."}
        assert shown[0] == {"item": to, **cleaned}
        assert bought == shown[0] | {"tool": "purchase", "to": to, "note": None, "tags": None}
        assert signed == {"state": "ran", "words": f"Bought {to} signed."}
        assert [one["note"] for one in got(real, f"{to} signed")] == ["signed"] * 2
        for late in (own_late, signed_late):
            assert late["state"] == "failed"
            assert late["words"].startswith("It may have been done: ")
        assert adapted["state"] == "ran"
        assert adapted["unsure"] is True
        assert "None left." in adapted["words"]
        assert len(got(real, to)) == 5


async def a_secret_of_the_host_is_not_shown(real: Real) -> None:
    one, to = Acting(real, FORMS[0]), "of-nobody@acme.example"
    await one.begin(["plain_out", {"to": to, "amount": 1}])
    asked = await one.asked()
    await one.decide(asked)
    await one.result()

    assert "of-nobody" not in json.dumps(asked["tool_call"])
    assert asked["tool_call"]["erased"] == 1
    assert len(got(real, to)) == 1


CASES = (
    a_secret_of_the_host_is_not_shown,
    a_tool_that_is_replaced_while_people_are_asked_does_not_run,
    a_server_behind_a_tool_of_another_class_is_asked_once,
    an_mcp_server_is_sent_what_was_shown_once,
    an_mcp_server_that_does_not_answer_is_asked_once,
    shown_arguments_are_what_the_tool_gets,
    a_validator_that_adds_is_asked_about_with_what_it_adds,
    what_cannot_be_approved_is_refused_before_anybody_is_asked,
    a_tool_without_a_schema_gets_what_was_shown_or_does_not_run,
    changed_arguments_are_taken_only_as_the_tool_would_get_them,
)


async def arguments_hold(real: Real) -> AsyncIterator[None]:
    """A default of now is the one that people saw, also after a restart."""
    several = [
        await Acting(real, form).begin(["mail_out", {"to": f"{form}-kept"}]) for form in FORMS
    ]
    asked = [await one.asked() for one in several]
    yield
    yield
    yield

    for one, call in zip(several, asked, strict=True):
        await one.decide(call)
        await one.result()
        [taken] = got(real, call["tool_call"]["arguments"]["to"])
        stamp = call["tool_call"]["arguments"]["stamp"]
        assert taken["stamp"].replace(" ", "T").replace("+00:00", "Z") == stamp
        assert len({json.dumps(each) for each in one.all_asked}) == 1
