"""Real flows behind the API, and the traps of their library."""

import json

from tests.host.real import Real, answer

TARGETS = (
    "OuterFlow",
    "ArticleFlow",
    "StreamedFlow",
    "WordsFlow",
    "AwayFlow",
    "LearningFlow",
    "UnnamedModelFlow",
    "TaughtFlow",
    "TaughtModelFlow",
    "BesideFlow",
    "TwinsFlow",
    "TalkFlow",
    "TwoTalksFlow",
    "HurriedFlow",
    "AsideFlow",
    "FailingFlow",
    "declared",
)


async def a_label_is_that_outcome_and_no_model_is_asked(real: Real) -> None:
    """The model would say `needs_revision`, and CrewAI would not find it again."""
    served, before = real.api("ArticleFlow"), real.asked
    for label, result in (("approved", "published draft 1"), ("rejected", "dropped")):
        execution = await served.kick_off({"topic": "coffee"})
        question = await real.question("ArticleFlow", execution)
        assert question["output"] == "Draft 1 on coffee"
        assert question["emit"] == ["approved", "rejected", "needs_revision"]
        assert question["state"]["topic"] == "coffee"
        assert question["metadata"] == {"region": "EU"}
        # As AMP says it, by which rules choose.
        assert question["flow_class"] == "ArticleFlow"
        status, said = await answer(question, label)
        assert (status, said["request"]["outcome"]) == (200, label)
        ended = await served.until(execution, "completed")
        assert ended["result"]["output"] == result
    assert real.asked == before


async def words_are_read_by_the_flows_own_model(real: Real) -> None:
    served = real.api("ArticleFlow")
    execution = await served.kick_off({})
    question, before = await real.question("ArticleFlow", execution), real.asked
    await answer(question, "Please make it shorter.")
    again = await real.question("ArticleFlow", execution, 2)
    spent, _ = await answer(question, "approved")
    await answer(again, "approved")
    ended = await served.until(execution, "completed")

    assert len(real.asked) == len(before) + 1
    assert again["output"] == "Draft 2 on tea"
    assert spent == 409
    assert ended["result"]["output"] == "published draft 2"


async def a_declaration_is_served_as_a_class_is(real: Real) -> None:
    served = real.api("declared")
    execution = await served.kick_off({"topic": "tea"})
    question = await real.question("declared", execution)
    await answer(question, "yes")
    ended = await served.until(execution, "completed")

    assert (question["output"], question["emit"]) == ("Draft on tea", ["yes", "no"])
    assert question["flow_class"] == "Declared"
    assert ended["result"]["output"] == "published tea"


async def an_empty_answer_is_no_approval(real: Real) -> None:
    """CrewAI takes the default outcome for it, which is `approved`."""
    served = real.api("ArticleFlow")
    execution = await served.kick_off({})
    question = await real.question("ArticleFlow", execution)
    for nothing in ("", "  \n"):
        status, _ = await answer(question, nothing)
        assert status == 400
    assert (await served.status(execution))["current_task"] == "review"
    await answer(question, "rejected")
    assert (await served.until(execution, "completed"))["result"]["output"] == "dropped"


async def a_question_without_outcomes_takes_words(real: Real) -> None:
    served = real.api("WordsFlow")
    execution = await served.kick_off({})
    question = await real.question("WordsFlow", execution)
    await answer(question, "Sehr schön.")
    ended = await served.until(execution, "completed")

    assert (question["output"], question["emit"]) == ({"score": 7}, [])
    assert '"said": "Sehr schön."' in ended["result"]["output"]


async def a_flow_that_streams_asks_and_ends(real: Real) -> None:
    """CrewAI's `kickoff` would return a stream, of which nobody reads."""
    served = real.api("StreamedFlow")
    execution = await served.kick_off({})
    await answer(await real.question("StreamedFlow", execution), "One")
    second = await real.question("StreamedFlow", execution, 2)
    await answer(second, "Two")
    ended = await served.until(execution, "completed")

    assert second["output"] == "After One"
    assert ended["result"]["output"] == "ended with Two"


async def words_that_no_model_could_read_are_asked_for_again(real: Real) -> None:
    served = real.api("AwayFlow")
    execution = await served.kick_off({})
    await answer(await real.question("AwayFlow", execution), "Nearly.")
    again = await real.question("AwayFlow", execution, 2)
    await answer(again, "yes")
    ended = await served.until(execution, "completed")

    assert again["message"].startswith("“Nearly.” could not be taken")
    assert again["message"].endswith("\n\nGood?")
    assert ended["result"]["output"] == "done"


async def lessons_are_learnt_by_a_model_that_is_named_or_not(real: Real) -> None:
    """With `learn_strict`, people are asked again where nothing could be learnt."""
    named, unnamed = real.api("LearningFlow"), real.api("UnnamedModelFlow")
    first = await named.kick_off({})
    await answer(await real.question("LearningFlow", first), "yes")
    again = await real.question("LearningFlow", first, 2)
    real.listener.answers["/model/chat/completions"] = LEARNT
    await answer(again, "yes")
    ended = await named.until(first, "completed")
    second = await unnamed.kick_off({})
    await answer(await real.question("UnnamedModelFlow", second), "yes")
    await unnamed.until(second, "completed")

    assert again["message"].startswith("“yes” could not be taken: ")
    assert ended["result"]["output"] == "done"
    for flow in ("LearningFlow", "UnnamedModelFlow"):
        await real.lesson(flow, "Be brief.")


async def lessons_wait_for_people_and_kept_ones_alone_are_recalled(real: Real) -> None:
    served = real.api("TaughtFlow")
    first = await served.kick_off({"topic": "tea"})
    await answer(await real.question("TaughtFlow", first), "Cite it. Be brief. Cite  IT.")
    cite = await real.lesson("TaughtFlow", "Cite it.")
    brief = await real.lesson("TaughtFlow", "Be brief.")
    # The flow's own run is not held up, and nothing is recalled meanwhile.
    await served.until(first, "completed")
    second = await served.kick_off({"topic": "rice"})
    undecided = await real.question("TaughtFlow", second)
    unclear, _ = await answer(cite, "Perhaps.")
    again = await real.lesson("TaughtFlow", "Cite it.", 2)
    for question, choice in ((again, "Keep"), (brief, "drop")):
        await answer(question, choice)
        ended = await served.until(question["flow_id"], "completed")
        assert ended["result"]["output"] == choice.title()
    third = await served.kick_off({"topic": "milk"})
    rewritten = await real.question("TaughtFlow", third)
    before = len(real.listener.got)
    await answer(rewritten, "Be brief. Cite it.")
    approved = await served.until(third, "completed")
    await answer(undecided, "yes")
    await served.until(second, "completed")

    assert (cite["emit"], cite["method_name"]) == (["Keep", "Drop"], "write")
    assert (cite["flow_class"], cite["metadata"]) == ("TaughtFlow", {"region": "EU"})
    assert cite["message"].startswith(
        "CrewAI drew this lesson from “Cite it. Be brief. Cite IT.”. Keep it?"
    )
    assert "rewritten" not in undecided
    assert undecided["output"] == "Draft on rice"
    assert unclear == 200
    assert again["message"].startswith("“Perhaps.” is neither Keep nor Drop.\n\n")
    assert rewritten["output"] == "Draft on milk, by - Cite it."
    assert rewritten["rewritten"] == {"original": "Draft on milk", "lessons": ["Cite it."]}
    assert rewritten["metadata"] == {"region": "EU"}
    # What the listeners find is what was approved, and what their author put there.
    assert approved["result"]["output"] == "Draft on milk, by - Cite it. {'region': 'EU'} []"
    # Neither what was kept nor what was dropped is asked about again.
    assert len(real.listener.got) == before
    assert real.lines("lessons.txt") == ["tea is done.", "milk is done.", "rice is done."]


async def a_model_is_rewritten_by_the_lessons_of_its_own_source(real: Real) -> None:
    served = real.api("TaughtModelFlow")
    first = await served.kick_off({"topic": "tea"})
    await answer(await real.question("TaughtModelFlow", first), "One. Two. 3. 4. 5. 6.")
    for words in ("One.", "Two."):
        await answer(await real.lesson("TaughtModelFlow", words), "Keep")
    fifth = await real.lesson("TaughtModelFlow", "5.")
    await served.until((await real.lesson("TaughtModelFlow", "Two."))["flow_id"], "completed")
    second = await served.kick_off({"topic": "rice"})
    question = await real.question("TaughtModelFlow", second)

    assert fifth["flow_id"].startswith("lesson-")
    assert question["output"] == {"text": "Draft by - One. - Two. on rice"}
    assert question["rewritten"] == {
        "original": {"text": "Draft on rice"},
        "lessons": ["One.", "Two."],
    }
    assert not [one for one in real.listener.at("/TaughtModelFlow") if one["output"] == "6."]


#: What a model of OpenAI's answers.
LEARNT = {
    "id": "completion-1",
    "object": "chat.completion",
    "created": 0,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": json.dumps({"lessons": ["Be brief."]})},
        }
    ],
}


async def a_question_waits_for_what_works_beside_it(real: Real) -> None:
    """CrewAI would cut it off, and nothing that listens to it would run."""
    served = real.api("BesideFlow")
    execution = await served.kick_off({})
    await answer(await real.question("BesideFlow", execution), "Fine")
    ended = await served.until(execution, "completed")

    assert ended["result"]["output"] == "Fine, 2 done"


async def two_questions_at_the_same_time_end_a_flow_with_a_sentence(real: Real) -> None:
    served = real.api("TwinsFlow")
    said = await served.until(await served.kick_off({}), "error")

    assert "ask people at the same time" in said["error"]
    assert real.listener.at("/TwinsFlow") == []


async def a_question_inside_another_flow_ends_it_with_a_sentence(real: Real) -> None:
    """CrewAI would go on with the pause as what the inner flow gave."""
    served = real.api("OuterFlow")
    said = await served.until(await served.kick_off({}), "error")

    assert "WordsFlow asks people inside another" in said["error"]


async def words_are_asked_for_and_given(real: Real) -> None:
    served = real.api("TalkFlow")
    execution = await served.kick_off({"topic": "talk"})
    first = await real.question("TalkFlow", execution)
    empty, _ = await answer(first, " ")
    taken, said = await answer(first, "Tea.")
    second = await real.question("TalkFlow", execution, 2)
    waiting = await served.status(execution)
    again, _ = await answer(first, "Coffee.")
    await answer(second, "Short.")
    ended = await served.until(execution, "completed")

    assert (first["message"], first["method_name"]) == ("Which topic?", "talk")
    assert (first["emit"], first["output"], first["state"]["topic"]) == ([], None, "talk")
    assert first["metadata"] == {"region": "{'EU'}"}
    assert first["ask"] == {"place": "talk 1", "expires_at": None}
    assert second["ask"]["place"] == "talk 2"
    assert waiting["current_task"] == "talk"
    assert (empty, taken, again) == (400, 200, 409)
    assert said["request"]["outcome"] is None
    assert ended["result"]["output"] == "Tea., Short."


async def two_methods_and_a_flow_inside_ask_for_words_at_once(real: Real) -> None:
    """And `@human_feedback` waits for both."""
    served = real.api("TwoTalksFlow")
    execution = await served.kick_off({})
    asked = [await real.question("TwoTalksFlow", execution, number) for number in (1, 2)]
    by_message = {one["message"]: one for one in asked}
    await answer(by_message["Right?"], "R")
    assert len(real.listener.at("/TwoTalksFlow")) == 2
    await answer(by_message["Left?"], "L")
    last = await real.question("TwoTalksFlow", execution, 3)
    await answer(last, "fine")
    ended = await served.until(execution, "completed")

    assert "ask" not in last
    assert ended["result"]["output"] == "L, R, fine"


async def time_that_is_over_is_no_answer(real: Real) -> None:
    served = real.api("HurriedFlow")
    execution = await served.kick_off({"length": 1})
    question = await real.question("HurriedFlow", execution)
    ended = await served.until(execution, "completed")
    late, said = await answer(question, "Now.")
    in_time = await served.kick_off({"length": 3_600})
    await answer(await real.question("HurriedFlow", in_time), "Now.")

    assert ended["result"]["output"] == "got None"
    assert (late, said["error"]) == (410, "expired")
    assert question["created_at"] < question["ask"]["expires_at"]
    assert (await served.until(in_time, "completed"))["result"]["output"] == "got Now."


async def who_cannot_wait_is_told_before(real: Real) -> None:
    served = real.api("AsideFlow")
    said = await served.until(await served.kick_off({}), "error")

    assert "AsideFlow asks inside a crew, or in a thread" in said["error"]
    assert real.listener.at("/AsideFlow") == []


async def an_error_after_the_answer_is_the_status(real: Real) -> None:
    served = real.api("FailingFlow")
    execution = await served.kick_off({})
    await answer(await real.question("FailingFlow", execution), "Go.")
    said = await served.until(execution, "error")

    assert said["error"] == "LookupError: nothing for Go."


async def inputs_that_the_state_refuses_are_named(real: Real) -> None:
    served = real.api("ArticleFlow")
    status, said = await served.call("POST", "/kickoff", {"inputs": {"length": "long"}})

    assert (status, list(said["details"])) == (422, ["length"])
    assert await served.call("GET", "/inputs") == (200, {"inputs": []})
