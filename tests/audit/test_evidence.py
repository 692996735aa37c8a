"""An evidence file holds without the database, and shows what the bot must not have done."""

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from crewgate.audit.check_evidence import (
    DECIDES,
    Contradiction,
    NotKnown,
    StoryFacts,
    check,
    entry_of,
    rule_of,
)
from crewgate.domain.audit import Code
from crewgate.settings.load import Settings
from tests.audit import kinds
from tests.audit.conftest import Audit, Make, link
from tests.audit.files import (
    PUBLIC,
    File,
    body_at,
    forged,
    found_in,
    head_of,
    lines,
    lines_of_part,
    own_places,
    recounted,
    signed,
    written,
)
from tests.builders import BEN, a_rule
from tests.databases import both
from tests.usecases.world import World

Body = dict[str, Any]
LACKS = "a text that was decided on, or sent, is not in it"


@both
async def test_a_stranger_is_told_the_story(make: Make) -> None:
    said = lines(await make("two people"))
    story = [line.partition(" UTC · round 1 · ")[2] for line in said if " UTC · " in line]
    rule, both = "rule “contracts”; 2 approvals", "@Ana (U0ANA), @Ben (U0BEN)"
    draft, why = "“It costs 3 euros.”", "2 of 2 approvals: @Ben (U0BEN), @Eve (U0EVE)"
    assert story[:10] == [
        f"The crew put an output up for review: {rule}; it names {both}; task draft; {draft}",
        "The card was posted: 100 % of the output shown",
        "@Ana (U0ANA) asked @Ben (U0BEN) to look: “You know them.”",
        "@Ben (U0BEN) approved: 100 % of the output shown; a text that is not here",
        "@Ben (U0BEN) took back the approval of @Ben (U0BEN): a text that is not here",
        f"More people may decide: {rule}; it names {both}, @Eve (U0EVE)",
        "@Ben (U0BEN) approved: 100 % of the output shown",
        "@Eve (U0EVE) approved: 100 % of the output shown",
        f"@Eve (U0EVE) decided: approve: {rule}; 100 % of the output shown; “Approved.” ({why})",
        "A try to tell the crew began",
    ]
    assert "! texts and names of the entries that are not in this file: 1" in said


async def test_a_delegate_of_two_people_writes_a_text_for_either(make: Make) -> None:
    told = "\n".join(lines(await make("edited by a delegate")))
    assert "@Eve (U0EVE) for @Ben (U0BEN) decided: approve" in told


async def test_a_delegate_is_told_with_the_person_they_decided_for(make: Make) -> None:
    told = "\n".join(lines(await make("delegate")))
    assert "@Ben (U0BEN) went away, and @Eve (U0EVE) decides for them: until 2026-03-03" in told
    assert "@Eve (U0EVE) for @Ben (U0BEN) decided: approve" in told


async def test_a_rule_that_somebodys_words_bring_is_told_and_holds(make: Make) -> None:
    told = "\n".join(lines(await make("words")))
    assert "Its rule changed: rule “contracts + wires”; 3 approvals" in told
    assert "The approval of U0EVE no longer counts" in told
    assert "(3 of 3 approvals: @Ana (U0ANA), @Ben (U0BEN), @Cai (U0CAI))" in told


async def test_what_the_crew_was_taught_is_told(make: Make) -> None:
    told = "\n".join(lines(await make("taught")))
    chose = "The bot chose what the crew was taught at its kickoff"
    assert f"{chose}: lessons l-1; older lessons left out: 2" in told


@both
async def test_once_the_texts_are_removed_it_holds_and_says_how_many(make: Make) -> None:
    said = lines(await make("removed"))
    assert "0 texts are those of the entries" in said
    assert any("U0BEN decided: approve: 100 % of" in line for line in said)
    assert any("The texts were removed" in line for line in said)


async def test_whether_a_changed_call_was_asked_about_anew_is_not_known_without_texts(
    make: Make,
) -> None:
    file = await make("call changed and asked anew")
    with pytest.raises(NotKnown):
        lines(file | {"texts": []})


async def test_without_a_head_or_key_from_outside_it_says_so(make: Make) -> None:
    file = await make("alone")
    said = list(check(file, None, None))
    assert said[1].startswith("! no head from outside")
    assert "compare the key with one from outside" in said[2]
    with pytest.raises(Contradiction, match=r"it leads to the head .*, and not to 1:00"):
        list(check(file, "1:00", None))
    with pytest.raises(Contradiction, match=r"is signed by the key .*, and not by 0f0f"):
        list(check(file, None, "0f0f"))
    unsigned = file | {"head": file["head"] | {"key": "", "signature": ""}}
    with pytest.raises(Contradiction, match="the head is not signed"):
        list(check(unsigned, None, PUBLIC))
    assert "! the head is not signed" in list(check(unsigned, None, None))


# --- what is hidden or added by somebody without a key --------------------------------------------


def own_tag(file: File) -> str:
    return sha256(f"{file['crew']}\n{file['execution']}".encode()).hexdigest()


def replace_by_digests(file: File) -> None:
    at = own_places(file)[2]
    nth, text = file["chain"][at]
    file["chain"][at] = [nth, own_tag(file), sha256(text.encode()).hexdigest()]


def move_the_border_of_a_link(file: File) -> None:
    replace_by_digests(file)
    at = next(at for at, one in enumerate(file["chain"]) if len(one) > 2)
    nth, tag, digest = file["chain"][at]
    file["chain"][at] = [nth, tag[:-2], tag[-2:] + digest]


def swallow_a_link(file: File) -> None:
    nth, text = file["chain"].pop(0)
    tag, digest = own_tag(file), sha256(text.encode()).hexdigest()
    file["previous"] += f"{file['first']:016x}{tag}{nth:016x}{digest}"
    file["first"] += 1


def move_a_line_into_the_salt(file: File) -> None:
    one = file["texts"][0]
    begin, _, rest = one["texts"][0].partition(" ")
    one["salt"], one["texts"][0] = f"{one['salt']}\n{begin}", rest


def hold_nothing(file: File) -> None:
    file |= {"chain": [], "first": file["head"]["number"] + 1, "previous": file["head"]["hash"]}
    file |= {"rules": [], "texts": []}


def add_a_rule(file: File) -> None:
    file["rules"].append({"escalated": False, "rule": "{}"})


def add_a_text(file: File) -> None:
    file["texts"][0]["texts"].append("Never said.")


def add_a_key(file: File) -> None:
    file["head"]["published"] = True


def be_another(file: File) -> None:
    file["execution"] = "another"


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (replace_by_digests, "of this execution, and was left out"),
        (move_the_border_of_a_link, "is not of its form"),
        (swallow_a_link, "is not of its form"),
        (move_a_line_into_the_salt, "is not of its form"),
        (hold_nothing, "it has no entry of the execution"),
        (add_a_rule, "the rules are not those that the entries name"),
        (add_a_text, "no entry has the text 'Never said.'"),
        (add_a_key, "is not of its form"),
        (be_another, "is of another execution"),
    ],
)
async def test_each_forgery_is_named(make: Make, tamper: Callable[[File], None], says: str) -> None:
    file = await make("two people")
    tamper(file)
    with pytest.raises(Contradiction, match=says):
        lines(file)


async def test_a_file_that_begins_late_says_so(make: Make) -> None:
    """A person who leaves out the beginning cannot say that a later entry is it."""
    file = await make("stuck")
    entries = own_places(file)
    late = {"chain": file["chain"][entries[1] :], "first": file["first"] + entries[1], "texts": []}
    before = signed(file | {"chain": file["chain"][: entries[1]]})
    late["previous"] = before["head"]["hash"]
    said, why = lines_of_part(file | late)
    assert why == f"entries of it before {late['first']} may be missing"
    assert f"! entries before {late['first']} may be missing, or say less than today's" in said
    assert sum("nor by which right this is" in line for line in said) == len(entries) - 1


async def test_an_absence_cannot_be_left_out(make: Make) -> None:
    file = await make("delegate")
    at = next(at for at in own_places(file) if "CG142" in file["chain"][at][1])
    tag, (nth, text) = sha256(b"\nU0BEN").hexdigest(), file["chain"][at]
    file["chain"][at] = [nth, tag, sha256(text.encode()).hexdigest()]
    with pytest.raises(Contradiction, match="is about somebody who was away, and was left out"):
        lines(file)


# --- what the bot itself must not have done ------------------------------------------------------


def data(**changes: Any) -> Callable[[Body], object]:
    return lambda body: body["data"].update(changes)


def at(moment: str) -> Callable[[Body], object]:
    return lambda body: body.update(at=f"{moment}.000000+00:00")


def ends(call: str) -> Callable[[Body], object]:
    """Tell that a call ended so, in the place of anything else."""

    def edit(body: Body) -> None:
        body["code"] = "CG117"
        body["data"]["call"] = call

    return edit


def anew(*, since: int = 2, **changes: Any) -> Callable[[Body], object]:
    """Change the opening of the round about which people were asked anew."""
    return lambda body: body["data"].update(changes if body["data"]["number"] >= since else {})


def by(actor: str) -> Callable[[Body], object]:
    return lambda body: body.update(actor=actor)


@pytest.mark.parametrize(
    ("kind", "code", "edit", "says"),
    [
        ("two people", "CG121", data(named={}), "was not among those who might decide"),
        ("two people", "CG121", data(permitted=["U0BEN", "U0EVE", "U0X"]), "others might decide"),
        ("two people", "CG121", data(on_behalf_of="U0ANA"), "U0ANA was not among those"),
        ("two people", "CG124", data(votes={"U0BEN": None}), "2 of 2 approvals stood"),
        ("two people", "CG122", data(by="U0ANA"), "U0ANA had not approved"),
        ("two people", "CG121", data(starter=["U0BEN"]), "the rule forbids that"),
        ("two people", "CG124", data(starter=["U0BEN"]), "the rule forbids that"),
        ("two people", "CG101", data(number=2), "round 1 is missing"),
        ("two people", "CG101", data(round="another"), "nothing says that it was opened"),
        ("two people", "CG124", data(rule="", votes={}), "its rule is another than the round's"),
        ("two people", "CG113", at("2026-03-02T09:30:00"), "it came before 1h had passed"),
        ("delegate", "CG124", by("U0CAI"), "nothing says that U0CAI decided for U0BEN"),
        ("delegate", "CG124", data(on_behalf_of="U0ANA"), "for whom nobody decided"),
        ("delegate", "CG141", data(delegate="U0CAI"), "nothing says that U0EVE decided for U0BEN"),
        ("delegate", "CG141", data(until="2026-03-02T09:30:00+00:00"), "U0BEN was back before"),
        ("alone", "CG124", data(permitted=["U0EVE"], named={"U0ANA": ["U0EVE"]}), "not among"),
        ("alone", "CG124", data(permitted=["*"], named={"U0ANA": ["*"], "U0BEN": ["*"]}), "others"),
        ("alone", "CG124", data(approval=False), "it is not said if it approves"),
        ("other settings", "CG191", data(reviewers=["U0EVE"]), "others might decide than the rule"),
        ("timed out", "CG125", at("2026-03-02T10:00:00"), "it came before 1d had passed"),
        ("timed out", "CG125", data(verdict="approve"), "the rule does not decide so"),
        ("calls", "CG126", data(verdict="revise"), "the rule does not decide so"),
        ("groups", "CG124", data(votes={"U0ANA": "S0LEGAL", "U0BEN": "S0LEGAL"}), "S0FINANCE had"),
        ("edited", "CG106", by("U0EVE"), "nothing says that the output was edited"),
        ("stuck", "CG105", lambda body: body.update(code="CG124"), "it was decided before"),
        ("in doubt", "CG131", lambda body: body.update(code="CG111"), "no try to tell the crew"),
        ("two tasks", "CG102", lambda body: body.update(code="CG111"), "round before still waited"),
        ("two people", "CG101", data(approvals=1), "the rule asks for another number"),
        ("alone", "CG124", data(verdict="answer"), "an answer is for a question"),
        ("question", "CG124", data(verdict="revise"), "an answer is for a question"),
        ("question", "CG101", data(labels={}), "it is not said if it approves"),
        ("flow", "CG124", data(approval=False), "it is not said if it approves"),
        ("groups", "CG121", data(groups=[]), "nothing says that U0(ANA|BEN) is in S0"),
        ("regrouped", "CG121", data(regrouped={}), "nothing says that U0ANA is in S0FINANCE"),
        ("edited", "CG106", data(named={"U0ANA": ["U0EVE"]}), "U0ANA was not among those"),
        ("call changed", "CG106", data(permitted=["U0BEN"]), "U0ANA was not among those"),
        ("call that runs", "CG124", data(verdict="revise", approval=False), "and was refused"),
        ("call that runs", "CG131", lambda body: body.update(code="CG111"), "no try to tell"),
        ("call in doubt", "CG135", lambda body: body.update(code="CG134"), "was not sent"),
        ("call asked anew", "CG124", data(verdict="revise", approval=False), "and was refused"),
        ("call asked anew", "CG135", lambda body: body.update(code="CG134"), "was not sent"),
        ("call asked anew", "CG101", anew(tool="wire_money"), "it ran, and nobody had decided"),
        ("call asked anew", "CG101", anew(characters=7), "it ran, and nobody had decided"),
        ("call changed and asked anew", "CG101", anew(since=3, characters=7), "nobody had decided"),
        ("call refused", "CG132", ends("ran"), "it ran, and was refused"),
        ("call that runs", "CG117", data(contradicts="again"), "it must not have run"),
        ("call asked anew", "CG117", data(contradicts=None), "it must not have run"),
        ("set back", "CG125", data(set_back=10**9), "no clock is set back by so much"),
        ("set back", "CG113", data(set_back=-1), "no clock is set back by so much"),
        ("alone", "CG124", data(votes={"U0ANA": None, "U0BEN": None}), "others' votes count"),
        ("alone", "CG132", ends("ran"), "it ran, and is no call"),
        ("alone", "CG124", lambda body: body.update(v=4), "is not of its form"),
    ],
)
async def test_the_rule_the_order_and_the_time_are_replayed(
    make: Make, kind: str, code: str, edit: Callable[[Body], object], says: str
) -> None:
    file = await make(kind)
    assert lines(forged(file))
    # Its texts are those of other entries then.
    with pytest.raises(Contradiction, match=says):
        lines(forged(file | {"texts": [], "rules": rules_of(file, code, edit)}, (code, edit)))


@pytest.mark.parametrize(
    ("kind", "code"), [("timed out", "CG125"), ("call refused by its rule", "CG126")]
)
async def test_a_rules_words_are_compared_where_their_text_is_left_out(
    make: Make, kind: str, code: str
) -> None:
    file = await make(kind)
    [of_round] = file["texts"]
    left = of_round["texts"][:1]
    assert len(of_round["texts"]) > 1
    partly = forged(file | {"texts": [of_round | {"texts": left}]})
    said, why = lines_of_part(partly)
    assert "the rule decides" in "\n".join(said)
    assert why == LACKS
    for words in (None, sha256(b"Something else.").hexdigest()):
        with pytest.raises(Contradiction, match="the rule has other words"):
            lines(forged(partly, (code, data(words=words))))


def rules_of(file: File, code: str, edit: Callable[[Body], object]) -> list[Any]:
    """The rules that are still named."""
    made = forged(file, (code, edit))
    named = [body_at(made, at)["data"].get("rule") for at in own_places(made)]
    return [one for one in file["rules"] if rule_id(file, one) in named]


def rule_id(file: File, one: dict[str, Any]) -> str:
    return sha256(f"{file['crew']}\n{one['escalated']}\n{one['rule']}".encode()).hexdigest()


def test_the_checker_knows_each_code_that_decides() -> None:
    """The script imports nothing of the bot, so it has a copy."""
    assert set(DECIDES) == {code for code in Code if code.decides}


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("alone", "CG124", "nobody had decided what the crew was told"),
        ("two people", "CG113", "its rule is another than the round's"),
        ("delegate", "CG141", "nothing says that U0EVE decided for U0BEN"),
        ("named", "CG116", "its rule is another than the round's"),
        ("edited", "CG106", "the round before still waited"),
        ("groups", "CG121", "0 of 2 approvals stood"),
        ("other settings", "CG191", "others might decide than the rule, or the crew's settings"),
    ],
)
async def test_an_entry_that_never_was_is_missed(
    make: Make, kind: str, code: str, says: str
) -> None:
    file = await make(kind)
    made = forged(file | {"texts": []}, without=lambda body: body["code"] == code)
    with pytest.raises(Contradiction, match=says):
        lines(made)


@pytest.mark.parametrize("kind", ["call that runs", "call asked anew"])
async def test_one_approval_lets_a_call_run_once(make: Make, kind: str) -> None:
    file = await make(kind)
    ran = next(file["chain"][at] for at in own_places(file) if "CG117" in file["chain"][at][1])
    twice = file | {"chain": [*file["chain"], ran]}
    with pytest.raises(Contradiction, match="it ran twice"):
        lines(signed(recounted(twice)))


async def test_a_call_that_ran_with_a_persons_arguments_was_approved(make: Make) -> None:
    told = "\n".join(lines(await make("call changed and asked anew")))
    assert "round 3 · The crew said how the call ended: ran" in told


async def test_an_approval_of_other_arguments_lets_no_call_run(make: Make) -> None:
    file = await make("call asked anew")
    [first, second] = file["texts"]
    other = second["texts"][0].replace("bob", "eve")
    texts = [first, second | {"texts": [other, *second["texts"][1:]]}]
    output = sha256(f"{second['salt']}\n{other}".encode()).hexdigest()
    with pytest.raises(Contradiction, match="it ran, and nobody had decided"):
        lines(forged(file | {"texts": texts}, ("CG101", anew(output=output))))


async def test_a_file_that_begins_after_an_approval_does_not_say_that_there_was_none(
    make: Make,
) -> None:
    file = await make("call asked anew")
    places = own_places(file)
    anew = next(at for at in places if body_at(file, at)["data"].get("number") == 2)
    before = signed(file | {"chain": file["chain"][:anew]})
    late = {"chain": file["chain"][anew:], "first": file["first"] + anew, "texts": []}
    _, why = lines_of_part(signed(file | late | {"previous": before["head"]["hash"]}))
    assert why == f"entries of it before {late['first']} may be missing"


async def test_a_call_runs_only_as_its_rule_decides(make: Make) -> None:
    file = await make("call that runs")
    undecided = forged(
        file | {"texts": []}, without=lambda body: body["code"] in ("CG124", "CG131", "CG132")
    )
    with pytest.raises(Contradiction, match="it ran, and nobody had decided"):
        lines(undecided)

    refused = await make("call refused by its rule")
    approve = data(
        verdict="approve", approval=True, permitted=["U0ANA"], named={"U0ANA": ["U0ANA"]}
    )
    rule = json.loads(refused["rules"][0]["rule"])
    assert rule["decide"] == "refuse"
    changes = (("CG126", approve), ("CG101", data(reviewers=["U0ANA"])), ("CG126", by("U0ANA")))
    decided = ("CG126", lambda body: body.update(code="CG124"))
    with pytest.raises(Contradiction, match="the rule refuses this call"):
        lines(forged(refused | {"texts": []}, *changes, decided))


async def test_a_story_of_a_call_says_that_it_is_one(make: Make, audit: Audit) -> None:
    told = "\n".join(lines(await make("call changed")))
    assert " UTC · send_it · round 1 · The crew put a call up for review: task send-1" in told
    assert " UTC · send_it · round 2 · @Ana (U0ANA) put a call up for review" in told
    assert "@Ana (U0ANA) put other arguments in the place of the call's" in told
    assert "@Ana (U0ANA) decided: the call may run" in told
    assert "The crew said how the call ended: ran: “Sent.”" in told
    assert '“{"to": "bob"}”' in told
    assert '"to": "ann"' in told
    await make("call refused")
    assert "@Ana (U0ANA) decided: refused" in (await audit("show", "call refused"))[1]


async def test_conditions_are_named_as_not_checked(make: Make) -> None:
    told = "\n".join(lines(await make("calls")))
    checked = "that its conditions held is not checked"
    alone = "it allows without a person"
    assert f"rule “allow”; {alone}; {checked}: {{'tool': 'send_*'}}" in told


async def test_a_rule_that_decides_alone_is_told_as_that(make: Make) -> None:
    said = "\n".join(lines(await make("call refused by its rule")))
    assert "refused: rule “never”; it refuses without a person" in said
    assert "one approval" not in said


def test_how_long_an_approval_of_a_call_holds_is_told() -> None:
    rule = rule_of('{"name": "mails", "valid_for": "2h"}', escalated=False)
    opened = {"round": "r-1", "number": 1, "rule": "mails"}
    body = {"v": 3, "code": "CG101", "at": "2026-03-02T09:00:00.000000+00:00", "actor": "crew"}
    facts = StoryFacts({}, {"mails": rule}, {}, {"r-1": "send_email"})
    said = facts.line(entry_of({**body, "data": opened}, 7))
    assert said.endswith("rule “mails”; one approval; an approval is valid for 2h")


def change_to_text(file: File) -> None:
    file["rules"][-1]["escalated"] = str(file["rules"][-1]["escalated"])


def change_to_names(file: File) -> None:
    file["texts"][0]["texts"] = dict.fromkeys(file["texts"][0]["texts"])


def change_to_nothing(file: File) -> None:
    file["head"] |= {"key": None, "signature": 0}


@pytest.mark.parametrize("change", [change_to_text, change_to_names, change_to_nothing])
async def test_a_value_of_another_type_is_a_change(
    make: Make, change: Callable[[File], object]
) -> None:
    file = await make("words")
    assert found_in(written(file), head_of(file)) is None
    change(file)
    assert found_in(written(file), head_of(file), None)


def without_texts_of(file: File, *numbers: int) -> File:
    """The file without the outputs of these rounds."""
    left_out = {
        data["output"]
        for data in (body_at(file, at)["data"] for at in own_places(file))
        if "output" in data and data["number"] in numbers
    }
    texts = [
        {**one, "texts": kept}
        for one in file["texts"]
        if (
            kept := [
                text
                for text in one["texts"]
                if sha256(f"{one['salt']}\n{text}".encode()).hexdigest() not in left_out
            ]
        )
    ]
    return file | {"texts": texts}


@pytest.mark.parametrize("kind", ["call asked anew", "call changed", "edited"])
@pytest.mark.parametrize("numbers", [(1,), (2,), (1, 2)])
async def test_a_file_without_a_text_that_was_decided_on_is_not_known(
    make: Make, kind: str, numbers: tuple[int, ...]
) -> None:
    partly = without_texts_of(await make(kind), *numbers)
    said, why = lines_of_part(partly)
    assert why == LACKS
    assert any("are not in this file" in line for line in said)


async def test_once_texts_are_removed_nobody_knows_if_a_call_is_the_same(make: Make) -> None:
    """An entry says that they were removed, so the file lacks nothing; a call may be another."""
    gone = ("CG103", lambda body: body.update(code="CG194", data={}))
    made = forged((await make("call asked anew")) | {"texts": []}, gone)
    said, why = lines_of_part(made)
    assert any("The texts were removed" in line for line in said)
    assert why == LACKS


async def test_what_an_earlier_version_recorded_is_no_forgery(make: Make) -> None:
    """Its openings lacked reviewers, and nothing was counted."""
    file = await make("two people")

    def older(body: Body) -> None:
        body["v"] = 1
        for name in ("reviewers", "first"):
            body["data"].pop(name, None)

    codes = {body_at(file, at)["code"] for at in own_places(file)}
    made = forged(file, *((code, older) for code in codes))
    made["chain"] = [[0, *link] for _, *link in made["chain"]]
    said, why = lines_of_part(signed(made))
    assert why == f"entries of it before {file['first']} may be missing"
    assert any("U0BEN) approved" in line for line in said)
    newer = copy.deepcopy(made)
    newer["chain"][-1] = [0, newer["chain"][-1][1].replace('"v":1', '"v":3')]
    with pytest.raises(Contradiction, match="is not counted"):
        lines(signed(newer))


async def test_a_count_that_skips_an_entry_is_found(make: Make) -> None:
    file = await make("alone")
    nth, *link = file["chain"][own_places(file)[2]]
    file["chain"][own_places(file)[2]] = [nth + 1, *link]
    with pytest.raises(Contradiction, match="is miscounted"):
        lines(signed(file))


async def test_an_approval_for_somebody_away_must_be_right_when_it_decides(make: Make) -> None:
    file = await make("delegate lapsed")
    stood = dict.fromkeys(("U0EVE", "U0ANA", "U0CAI"))
    made = forged(file, ("CG124", data(votes=stood)), without=lambda body: body["code"] == "CG123")
    with pytest.raises(Contradiction, match="the rule lets nobody decide for others"):
        lines(made)


async def test_a_decision_after_the_crew_took_one_is_found(make: Make) -> None:
    file = await make("alone")
    decided, taken = (
        next(at for at in own_places(file) if code in file["chain"][at][1])
        for code in ("CG124", "CG132")
    )
    file["chain"].insert(taken + 1, file["chain"][decided])
    with pytest.raises(Contradiction, match="it was decided before"):
        lines(signed(recounted(file)))


async def test_who_started_it_cannot_approve_it_alone(
    world: World, settings: Settings, audit: Audit, tmp_path: Path
) -> None:
    """A rule that asks for one approval refuses the starter too."""
    rule = a_rule(self_approval=False)
    await world.start("own")
    await world.decide(await kinds.opened(world, "own", rule), by=BEN)
    await link(world, settings)
    await audit("evidence", "own")
    file = json.loads((tmp_path / "evidence-own.json").read_bytes())
    assert lines(file)
    named = {"U0ANA": ["U0ANA"]}
    made = forged(file, ("CG124", data(named=named)), ("CG124", by("U0ANA")))
    with pytest.raises(Contradiction, match="U0ANA started it, and the rule forbids that"):
        lines(made)
