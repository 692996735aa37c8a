"""A crew: runs it, and continues it after a restart.

Finished tasks are put back into a crew that is built anew, by CrewAI's own way of resuming (a task
with an output is not run when `checkpoint_kickoff_event_id` is set). CrewAI's checkpoints are not
read: they hold a crew as JSON, without models, tools and callbacks, and are written after the next
task began.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from crewai import Agent, Crew, Process
from crewai.core.providers.human_input import set_provider
from crewai.tasks.task_output import TaskOutput

from crewgate.crew_api.wire import Json, require_inputs
from crewgate.host.engine.agents import replace_once
from crewgate.host.engine.hooks import Hooks
from crewgate.host.engine.reviews import Reviews, text_of
from crewgate.host.records import Finished, Round, TaskRow
from crewgate.host.run import Completed, Run

#: Tools that CrewAI gives to agents by itself.
_GIVEN: Final = {
    *("delegate_work_to_coworker", "ask_question_to_coworker", "add_image_to_content"),
    *("search_memory", "save_to_memory", "read_file", "read_a_deferred_tool_result"),
}
_AS_KEPT: Final = ("description", "name", "expected_output", "raw", "agent")


class CrewTarget:
    """A crew, built anew for each execution."""

    is_flow = False

    def __init__(
        self,
        name: str,
        build: Callable[[], Any],
        defaults: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """`defaults` are inputs that a kickoff may leave out."""
        self.name = name
        self._build = build
        self._defaults = defaults
        crew = build()
        self.inputs: Sequence[str] = sorted(crew.fetch_inputs() - defaults.keys())
        agents = (*crew.agents, *filter(None, [crew.manager_agent]))
        tools = (tool for one in (*agents, *crew.tasks) for tool in one.tools or ())
        self.agents = agents
        self.foreign = [one.role for one in agents if not isinstance(one, Agent)]
        """Agents of other libraries, whose tools CrewAI's hooks do not see."""
        self.tools = [*tools, *_GIVEN]
        """The crew's tools, and the names of CrewAI's own; without the tools of MCP servers."""

    def check(self, inputs: Json) -> None:
        """Raise Refusal if inputs are missing."""
        require_inputs(inputs, self.inputs)

    def run(self, run: Run) -> Completed:
        """Run the crew in the calling thread, to its end."""
        return _Work(self._build(), run).work(self._defaults)


class _Work:
    """One execution of a crew."""

    def __init__(self, crew: Crew, run: Run) -> None:
        self._crew = crew
        self._run = run
        self._tasks: list[Any] = list(crew.tasks)
        rows = [TaskRow(str(task.id), task.name or "", task.key) for task in self._tasks]
        # A crew that is built anew gives its tasks new ids: `begin` returns the first ids, which
        # people know.
        self._ids = [row.id for row in run.begin(rows)]
        by_task = {id(task): known for task, known in zip(self._tasks, self._ids, strict=True)}
        self._hooks = Hooks(run, lambda task: by_task.get(id(task), ""))
        self._reviews = Reviews(run, self._hooks, lambda task: by_task.get(id(task), str(task.id)))

    def work(self, defaults: Mapping[str, Any]) -> Completed:
        self._take_time()
        self._go_back()
        set_provider(self._reviews)
        self._crew.stream = False
        self._listen()
        inputs = {**defaults, **self._run.execution.kickoff.inputs}
        with self._hooks.taking_part():
            result: Any = self._crew.kickoff(inputs=inputs)
        usage = ("total_tokens", "prompt_tokens", "completion_tokens")
        model = _json_of(result.pydantic)
        more = {
            "result_json": result.json_dict if model is None else model,
            "token_usage": {name: getattr(result.token_usage, name) for name in usage},
        }
        return Completed(str(result.raw), more)

    def _take_time(self) -> None:
        """Remove time limits: people's time would count, and end the execution with an error.

        CrewAI raises that error even if the agent has answered by then.
        """

        def take(agent: Any) -> None:
            agent.max_execution_time = None

        approves = self._run.approves
        for task in self._tasks:
            if task.human_input or approves:
                self._with_agent(task, take)
        # Agents that only do delegated work have no task, so the loop above leaves them out.
        for agent in self._crew.agents if approves else ():
            take(agent)

    def _with_agent(self, task: Any, use: Callable[[Any], None]) -> None:
        """Call `use` with a task's agent, or with the crew's manager once CrewAI has made it."""
        if self._crew.process != Process.hierarchical:
            use(task.agent)
            return
        create = self._crew._create_manager_agent  # noqa: SLF001  # no public way

        def create_manager() -> None:
            create()
            use(self._crew.manager_agent)

        self._crew.__dict__["_create_manager_agent"] = create_manager

    # ---- after a restart

    def _go_back(self) -> None:
        """Restore the work done before a restart."""
        finished = self._run.finished()
        for one in finished:
            self._put_back(one)
        shown: dict[str, list[Round]] = {}
        for round_ in self._run.rounds():
            shown.setdefault(round_.task_id, []).append(round_)
        done = {one.position for one in finished}
        for position, task_id in enumerate(self._ids):
            if task_id in shown and position not in done:
                self._take_up(position, task_id, shown[task_id])

    def _put_back(self, one: Finished) -> None:
        self._crew.checkpoint_kickoff_event_id = self._run.execution.id
        task = self._tasks[one.position]
        model = task.output_pydantic
        stored = one.output["pydantic"]
        task.output = TaskOutput(
            **{name: one.output[name] for name in _AS_KEPT},
            json_dict=one.output["json"],
            pydantic=model.model_validate(stored) if model and stored is not None else None,
        )
        if task.async_execution:
            # CrewAI resumes at the first task without an output and runs all later tasks:
            # `_give_back` keeps an async task that has ended from running again.
            _give_back(task, task.output)
        for skipped in self._tasks[: one.position]:
            # A skipped conditional task has no output, so CrewAI would resume at the skipped task.
            if skipped.output is None and hasattr(skipped, "get_skipped_task_output"):
                skipped.output = skipped.get_skipped_task_output()

    def _take_up(self, position: int, task_id: str, rounds: list[Round]) -> None:
        """Wait for a decision on an output from before a restart, before its task runs again.

        An approved output stays the task's output, word for word: another run could end otherwise,
        and nobody would have seen that.
        """
        task, newest = self._tasks[position], rounds[-1]

        def approved() -> str | None:
            decision = newest.decision or self._run.wait(task_id)
            decided = replace(newest, decision=decision)
            self._reviews.remember(task_id, [*rounds[:-1], decided])
            return decided.decided if decision.approve else None

        self._with_agent(task, lambda agent: replace_once(agent, task, approved))

    # ---- reports of tasks and steps while the crew works

    def _listen(self) -> None:
        theirs = self._crew.task_callback

        def on_task(output: Any) -> Any:
            for position, task in enumerate(self._tasks):
                if task.output is output:
                    seconds = task.execution_duration
                    self._run.finish_task(position, _kept(output), seconds=seconds)
            return theirs(output) if theirs else None

        self._crew.task_callback = on_task
        # An agent's own callback replaces the crew's, so both are wrapped. An agent without tools
        # sends no step webhooks, because CrewAI reports no steps of it.
        for one in (self._crew, *self._crew.agents):
            if one is self._crew or getattr(one, "step_callback", None):
                one.step_callback = self._on_step(one.step_callback)

    def _on_step(self, theirs: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        def on_step(step: Any) -> Any:
            output = getattr(step, "output", None)
            result = getattr(step, "result", None) if output is None else text_of(output)
            names = ("thought", "tool", "tool_input")
            body = {"prompt": getattr(step, "text", ""), "result": result or ""}
            self._run.step(body | {name: getattr(step, name, "") for name in names})
            return theirs(step) if theirs else None

        return on_step


def _kept(output: Any) -> Json:
    return {name: getattr(output, name) for name in (*_AS_KEPT, "summary")} | {
        "agent": output.agent.strip(),
        "json": output.json_dict,
        "pydantic": _json_of(output.pydantic),
    }


def _json_of(model: Any) -> Any:
    return None if model is None else json.loads(model.model_dump_json())


def _give_back(task: Any, output: Any) -> None:
    """Let an async task return this output at once, without its callbacks."""
    done: Future[Any] = Future()
    done.set_result(output)
    task.__dict__["execute_async"] = lambda **_: done
