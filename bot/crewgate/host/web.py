"""The documented routes, on aiohttp."""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import structlog
from aiohttp import web

from crewgate.crew_api.wire import (
    Json,
    Refusal,
    parse_answer,
    parse_kickoff,
    parse_resume_of_host,
    sendable,
)
from crewgate.host.records import Execution, State
from crewgate.host.runner import Runner
from crewgate.host.store import Store
from crewgate.host.target import Target
from crewgate.network.refusals import Handler
from crewgate.network.request_body import SMALL, BodyRefused, content_of, read_body

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: The largest body of a caller with the bearer token, in bytes.
LIMIT: Final = 8 * 2**20


def build_application(
    targets: Mapping[str, Target],
    runner: Runner,
    store: Store,
    *,
    token: str,
    now: Callable[[], float],
) -> web.Application:
    """Build all routes: one target at the root, several each below its name."""
    application = web.Application(middlewares=[_errors])
    application.router.add_get("/", _healthy)
    application.router.add_post(
        "/human_feedback_requests/{request_id}/respond", _Callbacks(runner).respond
    )
    alone = len(targets) == 1
    for target in targets.values():
        routes = _Routes(target, runner, store, token=token, now=now)
        routes.register(application.router, prefix="" if alone else f"/{target.name}")
    return application


class _Routes:
    """The routes of one target."""

    def __init__(
        self,
        target: Target,
        runner: Runner,
        store: Store,
        *,
        token: str,
        now: Callable[[], float],
    ) -> None:
        self._target = target
        self._runner = runner
        self._store = store
        self._authorization = f"Bearer {token}".encode()
        self._now = now

    def register(self, router: web.UrlDispatcher, *, prefix: str) -> None:
        """Add the routes below a prefix."""
        if prefix:
            router.add_get(prefix, _healthy)
            router.add_get(f"{prefix}/", _healthy)
        router.add_get(f"{prefix}/inputs", self._inputs)
        router.add_post(f"{prefix}/kickoff", self._kickoff)
        router.add_get(f"{prefix}/status/{{execution_id}}", self._status)
        router.add_post(f"{prefix}/resume", self._resume)

    async def _inputs(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return web.json_response({"inputs": list(self._target.inputs)})

    async def _kickoff(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        kickoff = await _read(request, parse_kickoff, limit=LIMIT)
        execution_id = await asyncio.to_thread(self._runner.kick_off, self._target, kickoff)
        return web.json_response({"kickoff_id": execution_id})

    async def _status(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        execution_id = sendable(request.match_info["execution_id"])
        answer = await asyncio.to_thread(
            _status_of, self._store, execution_id, self._target, now=self._now()
        )
        return web.json_response(answer)

    async def _resume(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        call = await _read(request, parse_resume_of_host, limit=LIMIT)
        return web.json_response(await asyncio.to_thread(self._runner.resume, self._target, call))

    def _authenticate(self, request: web.Request) -> None:
        presented = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(presented, self._authorization):
            log.warning("wrong_credentials", target=self._target.name)
            raise Refusal(401, "Unauthorized", "Invalid or missing bearer token")


class _Callbacks:
    """The route that answers a flow's question; the token in the address is the only proof."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def respond(self, request: web.Request) -> web.Response:
        token = request.query.get("token", "")
        question_id = sendable(request.match_info["request_id"])
        asked = await asyncio.to_thread(self._runner.question, question_id, token)
        call = await _read(request, parse_answer, limit=SMALL)
        return web.json_response(await asyncio.to_thread(self._runner.answer, *asked, call))


async def _read(request: web.Request, parse: Callable[[bytes], T], *, limit: int) -> T:
    """Read the body of an authenticated caller. Raises BodyRefused and Refusal."""
    body = await read_body(request, limit=limit)
    return await asyncio.to_thread(lambda: parse(content_of(body)))


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Healthy")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every refusal with the documented object."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return web.json_response(refusal.body, status=refusal.status)
    except BodyRefused as refused:
        unusable = Refusal.bad_request(f"The body cannot be used: {refused.reason}")
        return web.json_response(unusable.body, status=unusable.status)
    except web.HTTPException as error:
        body = {
            "error": error.reason,
            "message": f"{request.method} {request.path}: {error.reason}",
        }
        return web.json_response(body, status=error.status)
    except Exception as error:
        # A crew's own check of its inputs raises anything; so does a disk that is full.
        log.exception("request_failed", path=request.path)
        failed = Refusal(500, "Internal Server Error", type(error).__name__)
        return web.json_response(failed.body, status=failed.status)


def _status_of(store: Store, execution_id: str, target: Target, *, now: float) -> Json:
    """Return the status of an execution of this target. Raises Refusal (404)."""
    execution = store.get(execution_id, target.name)
    took = round((execution.ended_at or now) - execution.created_at, 3)
    match execution.state:
        case State.COMPLETED:
            result = {"output": execution.result, "tasks": _tasks(store, execution)}
            return {"status": "completed", "result": result, "execution_time": took}
        case State.ERROR:
            return {"status": "error", "error": execution.error, "execution_time": took}
    done = {one.position for one in store.finished(execution_id)}
    return {
        "status": "running",
        "current_task": _current(store, execution, done),
        "progress": {"completed_tasks": len(done), "total_tasks": len(execution.tasks)},
    }


def _tasks(store: Store, execution: Execution) -> list[Json]:
    return [
        {
            "task_id": execution.tasks[one.position].id,
            "output": one.output["raw"],
            "agent": one.output["agent"],
            "execution_time": round(one.seconds, 3),
        }
        for one in store.finished(execution.id)
    ]


def _current(store: Store, execution: Execution, done: set[int]) -> str:
    """Return the task that waits for a person, else the first not done; or a flow's method.

    By its name, which people are shown, where it has one.
    """
    waiting = [one.asker or one.task_id for one in store.rounds(execution.id) if one.waits]
    to_do = [task.id for at, task in enumerate(execution.tasks) if at not in done]
    question = store.open_question(execution.id)
    asked = [one.method for one in store.asks(execution.id) if one.answered_at is None]
    asked += [question.method] if question is not None else []
    current = next(iter([*waiting, *asked, *to_do]), "")
    return next((task.name for task in execution.tasks if task.id == current), "") or current
