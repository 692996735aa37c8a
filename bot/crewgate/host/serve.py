"""Starting the host, and ending it in order."""

import asyncio
import hmac
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

import structlog
from aiohttp import web

from crewgate.crew_api import wire
from crewgate.domain.redaction import Redactor
from crewgate.host import database, records, webhooks
from crewgate.host.run import Options, Shared, Slots, Target, Waiters
from crewgate.host.runner import Runner
from crewgate.host.store import Store
from crewgate.network.bodies import SMALL
from crewgate.network.connections import listen
from crewgate.network.requests import BodyRefused, Handler, content_of, read_body

log = structlog.get_logger(__name__)

#: The longest that a stop waits for requests and webhooks that are under way, in seconds.
STOP_SECONDS: Final = 5.0


async def serve(targets: Mapping[str, Target], options: Options) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises HostNotStarted."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with hosting(targets, options):
        await stop.wait()


@asynccontextmanager
async def hosting(targets: Mapping[str, Target], options: Options) -> AsyncIterator[str]:
    """Serve during the body of the `async with`; yield the address. Raises HostNotStarted."""
    with (
        _bind(options.host, options.port) as listener,
        closing(database.Database(options.database, options.secret_keys)) as file,
    ):
        url = options.public_url or _url_of(options.host, listener.getsockname()[1])
        store, loop = Store(file), asyncio.get_running_loop()
        sender = webhooks.Sender(
            store,
            options.flow_webhook,
            options.lookups,
            redactor=options.redactor,
            pause=options.first_pause,
        )

        def wake() -> None:
            # A working thread ends only with the process, so it may call this after the event loop
            # was closed, which raises RuntimeError.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(sender.wake)

        slots = Slots(options.workers)
        shared = Shared(
            store=store, options=options, slots=slots, waiters=Waiters(slots), wake=wake, url=url
        )
        runner = Runner(targets, shared)
        application = build_application(runner)
        sending = asyncio.create_task(sender.run())
        try:
            runner.announce_again()
            # Announcements are sent before decisions are taken: sent after the decision on a call,
            # the announcement would ask people about the call once more.
            await sender.settle(STOP_SECONDS)
            async with listen(
                application, listener, limits=options.limits, shutdown_timeout=STOP_SECONDS
            ):
                runner.take_up()
                log.info("started", address=url, serves=", ".join(targets), workers=options.workers)
                yield url
                log.info("stopping")
        finally:
            runner.stop()
            await sender.finish(STOP_SECONDS)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            log.info("stopped")


def leave(status: int) -> None:
    """End the process without waiting for working threads: their work is repeated later."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _bind(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise records.HostNotStarted(f"cannot listen on {host}:{port}: {error}") from error


def _url_of(host: str, port: int) -> str:
    name = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104  # read, not bound
    return f"http://{name}:{port}"


# ---- the documented routes, on aiohttp

T = TypeVar("T")

#: The largest body of a caller with the bearer token, in bytes.
LIMIT: Final = 8 * 2**20
_REDACTOR: Final = web.AppKey("redactor", Redactor)


def build_application(runner: Runner) -> web.Application:
    """Build all routes: one target at the root, or several, each below its name."""
    application = web.Application(middlewares=[_errors])
    application[_REDACTOR] = runner.shared.options.redactor
    application.router.add_get("/", _healthy)

    async def respond(request: web.Request) -> web.Response:
        """Take the answer to a flow's question; the token in the address is the only proof."""
        token = request.query.get("token", "")
        question_id = wire.sendable(request.match_info["request_id"])
        question = await asyncio.to_thread(runner.question, question_id, token)
        call = await _read(request, wire.parse_answer, of=question.target, limit=SMALL)
        return await _answer(request, await asyncio.to_thread(runner.answer, question, call))

    application.router.add_post("/human_feedback_requests/{request_id}/respond", respond)
    alone = len(runner.targets) == 1
    for target in runner.targets.values():
        routes = _Routes(target, runner)
        routes.register(application.router, prefix="" if alone else f"/{target.name}")
    return application


@dataclass
class _Routes:
    """The routes of one target."""

    target: Target
    runner: Runner

    def register(self, router: web.UrlDispatcher, *, prefix: str) -> None:
        if prefix:
            router.add_get(prefix, _healthy)
            router.add_get(f"{prefix}/", _healthy)
        router.add_get(f"{prefix}/inputs", self._inputs)
        router.add_post(f"{prefix}/kickoff", self._kickoff)
        router.add_get(f"{prefix}/status/{{execution_id}}", self._status)
        router.add_post(f"{prefix}/resume", self._resume)

    async def _inputs(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        return await _answer(request, {"inputs": list(self.target.inputs)})

    async def _kickoff(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        kickoff = await _read(request, wire.parse_kickoff, of=self.target.name)
        execution_id = await asyncio.to_thread(self.runner.kick_off, self.target, kickoff)
        return await _answer(request, {"kickoff_id": execution_id})

    async def _status(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        execution_id = wire.sendable(request.match_info["execution_id"])
        store = self.runner.shared.store
        status = await asyncio.to_thread(_status_of, store, execution_id, self.target)
        return await _answer(request, status)

    async def _resume(self, request: web.Request) -> web.Response:
        self._authenticate(request)
        call = await _read(request, wire.parse_resume_of_host, of=self.target.name)
        answer = await asyncio.to_thread(self.runner.resume, self.target, call)
        return await _answer(request, answer)

    def _authenticate(self, request: web.Request) -> None:
        presented = request.headers.get("Authorization", "").encode(errors="replace")
        wanted = f"Bearer {self.runner.shared.options.token}".encode()
        if not hmac.compare_digest(presented, wanted):
            log.warning("wrong_credentials", target=self.target.name)
            raise wire.Refusal(401, "Unauthorized", "Invalid or missing bearer token")


async def _read(
    request: web.Request, parse: Callable[[bytes], T], *, of: str, limit: int = LIMIT
) -> T:
    """Read and parse the body of an authenticated caller. Raises BodyRefused and Refusal."""
    body = await read_body(request, of=of, limit=limit)
    return await asyncio.to_thread(lambda: parse(content_of(body)))


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Healthy")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every refusal with the documented object."""
    try:
        return await handler(request)
    except wire.Refusal as refused:
        refusal = refused
    except BodyRefused as refused:
        message = f"The body cannot be used: {refused.reason}"
        refusal = wire.Refusal.bad_request(message)
        if refused.response.status == HTTPStatus.SERVICE_UNAVAILABLE:
            refusal = wire.Refusal(503, "Service Unavailable", message)
    except web.HTTPException as error:
        message = f"{request.method} {request.path}: {error.reason}"
        refusal = wire.Refusal(error.status, error.reason, message)
    except (Exception, records.NotKept) as error:
        # A crew's own check of its inputs may raise any error; a full disk raises NotKept.
        log.exception("request_failed", path=request.path)
        refusal = wire.Refusal(500, "Internal Server Error", type(error).__name__)
    return await _answer(request, refusal.body, status=refusal.status)


async def _answer(request: web.Request, body: wire.Json, status: int = 200) -> web.Response:
    redactor = request.app[_REDACTOR]
    shown, _ = await asyncio.to_thread(webhooks.without_secrets, body, redactor)
    return web.json_response(shown, status=status)


def _status_of(store: Store, execution_id: str, target: Target) -> wire.Json:
    execution = store.get(execution_id, target.name)
    took = round((execution.ended_at or store.now()) - execution.created_at, 3)
    match execution.state:
        case records.State.COMPLETED:
            result = {"output": execution.result, "tasks": _tasks(store, execution)}
            return {"status": "completed", "result": result, "execution_time": took}
        case records.State.ERROR:
            return {"status": "error", "error": execution.error, "execution_time": took}
    done = {one.position for one in store.finished(execution_id)}
    return {
        "status": "running",
        "current_task": _current(store, execution, done),
        "progress": {"completed_tasks": len(done), "total_tasks": len(execution.tasks)},
    }


def _tasks(store: Store, execution: records.Execution) -> list[wire.Json]:
    return [
        {
            "task_id": execution.tasks[one.position].id,
            "output": one.output["raw"],
            "agent": one.output["agent"],
            "execution_time": round(one.seconds, 3),
        }
        for one in store.finished(execution.id)
    ]


def _current(store: Store, execution: records.Execution, done: set[int]) -> str:
    """Return the task that waits for a person, else the first unfinished one; or a flow's method.

    The task's name is preferred, because people see it.
    """
    waiting = [one.asker or one.task_id for one in store.rounds(execution.id) if one.waits]
    to_do = [task.id for at, task in enumerate(execution.tasks) if at not in done]
    question = store.open_question(execution.id)
    asked = [one.method for one in store.asks(execution.id) if one.answered_at is None]
    asked += [question.method] if question is not None else []
    current = next(iter([*waiting, *asked, *to_do]), "")
    return next((task.name for task in execution.tasks if task.id == current), "") or current
