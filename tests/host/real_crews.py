"""Real crews behind the API."""

from tests.host.real import Real

TARGETS = ("crew", "make", "Project", "defaulted", "priced", "managed", "failing")


async def a_crew_is_reviewed_from_its_kickoff_to_its_end(real: Real) -> None:
    """One in a module, one that a function makes, and one of a project's class."""
    for name in ("crew", "make", "Project"):
        await _reviewed(real, name)


async def _reviewed(real: Real, name: str) -> None:
    served, told = real.api(name), real.told(name)
    assert await served.call("GET", "/inputs") == (200, {"inputs": ["topic"]})
    missing, said = await served.call("POST", "/kickoff", {"inputs": {}})
    assert (missing, said["details"]) == (422, {"missing_inputs": ["topic"]})

    execution = await served.kick_off({"topic": name}, meta={"id": 1}, **told)
    first = await real.listener.pause(1, f"/{name}/pause")
    await served.resume(execution, first["task_id"], "Shorter.", approve=False)
    second = await real.listener.pause(2, f"/{name}/pause")
    await served.resume(execution, first["task_id"], approve=True, **told)
    third = await real.listener.pause(3, f"/{name}/pause")
    at_third = await served.status(execution)
    await served.resume(execution, third["task_id"], approve=True, **told)
    ended = await served.until(execution, "completed")
    tasks = await real.listener.until(
        lambda: found if len(found := real.listener.at(f"/{name}/task")) == 3 else []
    )
    [crew] = await real.listener.until(lambda: real.listener.at(f"/{name}/crew"))

    assert first["task_output"] == f"Draft on {name}"
    assert (first["task_name"], first["agent"], first["crew_name"]) == ("draft", "Writer", "shop")
    assert (first["next_task"], third["next_task"]) == ("plan", "")
    assert first["task_description"] == f"Draft on {name}"
    assert first["meta"] == {"id": 1}
    assert second["task_output"] == f"Draft on {name}, Shorter."
    assert second["task_id"] == first["task_id"]
    assert third["task_output"] == f"Report on {name}"
    assert at_third["progress"] == {"completed_tasks": 2, "total_tasks": 3}
    outputs = [one["output"] for one in ended["result"]["tasks"]]
    assert outputs == [f"Draft on {name}, Shorter.", f"Plan for {name}", f"Report on {name}"]
    assert [one["output"] for one in tasks] == outputs
    assert crew["result"] == ended["result"]["output"] == f"Report on {name}"
    assert set(crew["token_usage"]) == {"total_tokens", "prompt_tokens", "completion_tokens"}


async def a_text_of_a_person_is_the_tasks_output(real: Real) -> None:
    served, told = real.api("make"), real.told("edited")
    execution = await served.kick_off({"topic": "tea"}, **told)
    first = await real.listener.pause(1, "/edited/pause")
    body = {"execution_id": execution, "task_id": first["task_id"], "human_feedback": "Good."}
    revised = {"edited": {"output": "Theirs.", "is_approve": False}}
    await served.call("POST", "/resume", body | revised | told)
    await real.listener.pause(2, "/edited/pause")
    approved = {"edited": {"output": "Theirs again.", "is_approve": True}}
    status, _ = await served.call("POST", "/resume", body | approved | told)
    third = await real.listener.pause(3, "/edited/pause")
    await served.resume(execution, third["task_id"], approve=True, **told)
    ended = await served.until(execution, "completed")

    assert (status, first["resume_extensions"]) == (200, ["edited", "idempotency_key"])
    assert ended["result"]["tasks"][0]["output"] == "Theirs again."
    tasks = await real.listener.until(lambda: real.listener.at("/edited/task")[2:])
    assert tasks
    assert real.listener.at("/edited/task")[0]["output"] == "Theirs again."


async def inputs_that_are_left_out_have_the_crews_defaults(real: Real) -> None:
    served, told = real.api("defaulted"), real.told("defaulted")
    assert await served.call("GET", "/inputs") == (200, {"inputs": []})
    for inputs, topic in (({}, "milk"), ({"topic": "tea"}, "tea")):
        pause = await real.pause(await served.kick_off(inputs, **told))
        assert pause["task_output"] == f"Draft on {topic}"


async def executions_at_the_same_time_keep_apart(real: Real) -> None:
    served = real.api("make")
    names = ["a", "b", "c", "d", "e", "f"]
    ids = {n: await served.kick_off({"topic": n}, **real.told(f"apart-{n}")) for n in names}
    for name in names:
        pause = await real.listener.pause(1, f"/apart-{name}/pause")
        assert (pause["execution_id"], pause["task_output"]) == (ids[name], f"Draft on {name}")


async def an_output_that_is_a_model_is_json(real: Real) -> None:
    served, told = real.api("priced"), real.told("priced")
    execution = await served.kick_off({}, **told)
    pause = await real.listener.pause(1, "/priced/pause")
    await served.resume(execution, pause["task_id"], approve=True, **told)
    await served.until(execution, "completed")
    [crew] = await real.listener.until(lambda: real.listener.at("/priced/crew"))
    [task] = await real.listener.until(lambda: real.listener.at("/priced/task"))
    await real.listener.until(
        lambda: [one for one in real.listener.at("/priced/step") if one["tool"] == "look"]
    )

    assert pause["task_output"] in ({"name": "tea", "euros": 3}, '{"name": "tea", "euros": 3}')
    assert crew["result_json"] == {"name": "tea", "euros": 3}
    assert task["agent"] == "Seller"
    # CrewAI reports steps of agents with tools alone.
    assert not real.listener.at("/make/step")


async def a_crew_with_a_manager_is_reviewed(real: Real) -> None:
    served, told = real.api("managed"), real.told("managed")
    execution = await served.kick_off({"topic": "tea"}, **told)
    pause = await real.listener.pause(1, "/managed/pause")
    status, _ = await served.resume(execution, pause["task_id"], approve=True, **told)
    ended = await served.until(execution, "completed")

    assert status == 200
    assert len(ended["result"]["tasks"]) == 1


async def an_error_of_the_model_is_the_status(real: Real) -> None:
    served = real.api("failing")
    said = await served.until(await served.kick_off({}), "error")

    assert "the model is away" in said["error"]
    assert "failed" in real.process.log.read_text()
