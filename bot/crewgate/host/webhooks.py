"""Webhooks: their bodies, with CrewAI's names, and their repeated sending."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any, Final, Literal

import httpx
import structlog

from crewgate.crew_api.signature import sign
from crewgate.crew_api.wire import ARGUMENTS, EDITED, KEY, FlowWebhook, Json
from crewgate.domain.outcome import Refused
from crewgate.domain.redaction import MARK, Redactor
from crewgate.host.records import KEEP, RETIRE, Asked, DueWebhook, Execution, NotKept, Webhook
from crewgate.host.store import LONGEST_PAUSE, Store
from crewgate.network.client import Answer, Timeout, open_client, why_lost
from crewgate.network.untrusted_addresses import Lookups, Post, call

log = structlog.get_logger(__name__)

#: The longest that a receiver may take, in seconds; CrewAI names 30 s for its flow webhooks.
TIMEOUT: Final = 30.0
#: Connecting to one address of a receiver may take 5 s, before the next address is tried.
_TIMEOUT: Final = Timeout(connect=5, read=TIMEOUT, total=TIMEOUT)
#: Seconds until the second try; each further pause is twice as long, up to `LONGEST_PAUSE`.
FIRST_PAUSE: Final = 1.0
#: The most tries of a webhook, by kind. A pause is announced until somebody decides. The result of
#: a call is tried for about a day, mostly once in `LONGEST_PAUSE`.
_TRIES: Final = {"human_input": inf, "flow": inf, "outcome": 300}
_OTHER_TRIES: Final = 6
#: The most webhooks that announce pauses and are sent at a time; all other webhooks have as many
#: places of their own. A webhook to a receiver that hangs keeps its place for `TIMEOUT`.
AT_ONCE: Final = 16
#: The most of `AT_ONCE` webhooks that go to one URL, so that one receiver cannot take all places.
TO_ONE_URL: Final = 4

#: The kinds of webhooks that put something to people.
_REVIEWED: Final = frozenset({"human_input", "outcome", "flow"})
#: Fields by which others answer, which stay as they are.
_IDS: Final = frozenset(
    {
        *("execution_id", "task_id", "pause_id", "kickoff_id", "id", "flow_id"),
        *("callback_url", "response_token"),
    }
)


class Sender:
    """Sends due webhooks, in no order, until `run` is cancelled."""

    def __init__(
        self,
        store: Store,
        flow_webhook: FlowWebhook | None,
        lookups: Lookups,
        *,
        redactor: Redactor,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._store = store
        self._flow_webhook = flow_webhook
        self._lookups = lookups
        self._redactor = redactor
        self._pause = pause
        self._changed = asyncio.Event()
        self._looked = asyncio.Event()
        self._sending: dict[int, tuple[asyncio.Task[None], DueWebhook]] = {}
        self._tried: dict[int, Callable[[], None]] = {}
        """Functions that store the result of a try, by webhook, which is not tried again before."""
        self._finishing = False

    def wake(self) -> None:
        """Look for due webhooks; call this in the event loop."""
        self._changed.set()

    async def run(self) -> None:
        """Send until cancelled; unfinished webhooks are sent again at the next start."""
        async with open_client(trust_env=False) as http:
            while True:
                self._changed.clear()
                seconds = self._look(http)
                self._looked.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._changed.wait()

    async def settle(self, seconds: float) -> None:
        """Wait until each due announcement was tried once, but no longer than these seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._looked.clear()
                    self.wake()
                    await self._looked.wait()
                    tries = [task for task, due in self._sending.values() if due.announces]
                    if not tries:
                        return
                    await asyncio.wait(tries)

    async def finish(self, seconds: float) -> None:
        """Begin nothing more, and wait up to `seconds` for webhooks under way."""
        self._finishing = True
        if self._sending:
            await asyncio.wait([task for task, _ in self._sending.values()], timeout=seconds)
        with suppress(NotKept):
            self._keep_tries()

    def _look(self, http: httpx.AsyncClient) -> float | None:
        """Begin sending due webhooks; return the seconds to the next look, if one is planned."""
        now = self._store.now()
        try:
            self._keep_tries()
            for announcing in (True, False):
                self._start_due(http, now, announcing=announcing)
            due_at = self._store.next_due(after=now)
        except NotKept:
            log.exception("webhooks_not_kept", again_in=self._pause)
            return self._pause
        return None if due_at is None else max(0.0, due_at - self._store.now())

    def _keep_tries(self) -> None:
        for webhook_id, keep in list(self._tried.items()):
            keep()
            del self._tried[webhook_id]

    def _start_due(self, http: httpx.AsyncClient, now: float, *, announcing: bool) -> None:
        under_way = [due for _, due in self._sending.values() if due.announces == announcing]
        room = 0 if self._finishing else AT_ONCE - len(under_way)
        for due in self._store.due(
            now,
            announcing=announcing,
            limit=room,
            to_one_url=TO_ONE_URL,
            except_for=[*self._sending, *self._tried],
        ):
            task = asyncio.create_task(self._send(http, due))
            self._sending[due.id] = task, due
            task.add_done_callback(partial(self._ended, due.id))

    def _ended(self, webhook_id: int, _: asyncio.Task[None]) -> None:
        del self._sending[webhook_id]
        self._changed.set()

    async def _send(self, http: httpx.AsyncClient, due: DueWebhook) -> None:
        why = await self._try(http, due)
        about = {"execution": due.execution_id, "kind": due.webhook.kind}
        keep = partial(self._store.remove, due.id)
        if not why:
            log.info("webhook_sent", **about)
        elif due.tries + 1 >= _TRIES.get(due.webhook.kind, _OTHER_TRIES):
            log.warning("webhook_given_up", why=why, **about)
        else:
            pause = min(self._pause * 2 ** min(due.tries, 30), LONGEST_PAUSE)
            log.warning("webhook_not_taken", again_in=pause, why=why, **about)
            keep = partial(self._store.postpone, due.id, self._store.now() + pause)
        self._tried[due.id] = keep

    async def _try(self, http: httpx.AsyncClient, due: DueWebhook) -> str:
        """Send once; return why the webhook was not taken, or nothing."""
        webhook = due.webhook
        shown = await asyncio.to_thread(_leaving, webhook, self._redactor)
        body = json.dumps(shown, ensure_ascii=False).encode()
        headers = {**webhook.headers, "Content-Type": "application/json"}
        if webhook.kind == "flow" and self._flow_webhook is not None:
            headers |= sign(self._flow_webhook.secret, body, at=self._store.now())
        try:
            # One limit holds for the lookup and all addresses together, because a webhook that
            # hangs takes one of AT_ONCE places.
            async with asyncio.timeout(TIMEOUT):
                # The bot is mostly in the host's private network, so private addresses are called.
                answer = await call(
                    http,
                    self._lookups,
                    webhook.url,
                    Post(body, headers, _TIMEOUT, answer_limit=0),
                    owner=due.execution_id,
                    private=True,
                )
        except TimeoutError as late:
            return why_lost(late)
        if isinstance(answer, Answer):
            return "" if answer.is_success else f"answered {answer.status}"
        return answer.words if isinstance(answer, Refused) else answer.why


def task_webhooks(execution: Execution, task_id: str, output: Mapping[str, Any]) -> list[Webhook]:
    same = ("description", "name", "expected_output", "summary", "agent")
    body = {name: output[name] for name in same}
    body |= {"output": output["raw"], "output_json": output["json"], "task_id": task_id}
    return update_webhooks("task", execution, body)


def update_webhooks(
    kind: Literal["task", "step", "crew"], execution: Execution, body: Json
) -> list[Webhook]:
    """Return the webhook about a task, a step or the crew's end, if its URL is known."""
    url = getattr(execution.kickoff.urls, kind)
    if url is None:
        return []
    return [Webhook(kind, url, {**body, "kickoff_id": execution.id, **_meta(execution)})]


def human_input_webhooks(
    execution: Execution,
    task_id: str,
    body: Json,
    outcome: Json | None = None,
) -> list[Webhook]:
    """Return the notification of a pause, which may be sent repeatedly.

    `outcome` reports the result of a call or a question, under the pause's id.
    """
    address = execution.kickoff.human_input
    if address is None:
        return []
    notice = {"execution_id": execution.id, "task_id": task_id, **body, **_meta(execution)}
    match body:
        case {"tool_call": {"schema": _}}:
            edits = [ARGUMENTS]
        case {"task_output": str()} if "tool_call" not in body and "ask" not in body:
            edits = [EDITED]
        case _:
            edits = []  # an edited text may not fit a model's fields; a question has no output
    notice["resume_extensions"] = [*edits, KEY]
    if outcome is None:
        return [Webhook("human_input", address.url, notice, headers=address.headers, about=task_id)]
    return [Webhook("outcome", address.url, notice | {"outcome": outcome}, headers=address.headers)]


def without_secrets(body: Json, redactor: Redactor) -> tuple[Json, int]:
    """Return a body without the operator's secrets, and the number of replacements.

    Whatever leaves the host comes through here; what is stored, and may run, keeps its secrets.
    """
    if not redactor:
        return body, 0
    parts = [(one, 0) if name in _IDS else _clean(one, redactor) for name, one in body.items()]
    return dict(zip(body, (one for one, _ in parts), strict=True)), sum(n for _, n in parts)


def _clean(value: Any, redactor: Redactor) -> tuple[Any, int]:  # noqa: ANN401  # JSON
    match value:
        case dict():
            parts = [
                (redactor.counted(name), _clean(part, redactor)) for name, part in value.items()
            ]
            count = sum(of_name + of_part for (_, of_name), (_, of_part) in parts)
            return {name: part for (name, _), (part, _) in parts}, count
        case list():
            cleaned = [_clean(one, redactor) for one in value]
            return [one for one, _ in cleaned], sum(count for _, count in cleaned)
        case str():
            return redactor.counted(value)
        case int() | float() if count := redactor.counted(json.dumps(value))[1]:
            return MARK, count
    return value, 0


def _leaving(webhook: Webhook, redactor: Redactor) -> Json:
    """Return a webhook's body without secrets; where people decide, `erased` counts them.

    Nobody could send back what is missing, so such an output or call takes no edits.
    """
    body, call = webhook.body, webhook.body.get("tool_call")
    # The text of a call is its arguments, which are counted once.
    shown, count = without_secrets(body | {"task_output": ""} if call else body, redactor)
    if not count or webhook.kind not in _REVIEWED:
        return shown if count else body
    if call:
        arguments = shown["tool_call"]["arguments"]
        shown["task_output"] = json.dumps(arguments, indent=2, ensure_ascii=False)
        shown["tool_call"].pop("schema", None)
    if "resume_extensions" in shown:
        shown["resume_extensions"] = [KEY]
    (shown["tool_call"] if call else shown)["erased"] = count
    return shown


def question_webhooks(
    execution: Execution, asked: Asked, question_id: str, *, url: str | None, content: Json
) -> list[Webhook]:
    """Return a flow's request as CrewAI AMP sends it, in its flat shape.

    `told` says where and by when to answer; a question of `Flow.ask()` adds `ask`. The request is
    signed when it is sent; without a `url` there is no request.
    """
    if url is None:
        return []
    body = {
        "event_type": "new_request",
        "id": question_id,
        "status": "pending",
        "flow_id": execution.id,
        "flow_class": asked.flow_class,
        "method_name": asked.method,
        "message": asked.message,
        "output": asked.output,
        "emit": list(asked.emit),
        "state": asked.pending.get("state"),
        "metadata": asked.metadata,
        **content,
        "deployment_id": execution.target,
        "deployment_name": execution.target,
    }
    if asked.place is not None:
        expires = None if asked.expires_at is None else iso(asked.expires_at)
        body["ask"] = {"place": asked.place, "expires_at": expires}
    if asked.rewritten is not None:
        body["rewritten"] = asked.rewritten
    if asked.drawn_from is not None:
        body["drawn_from"] = {**asked.drawn_from, "keep": KEEP, "retire": RETIRE}
    return [Webhook("flow", url, body, about=question_id)]


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _meta(execution: Execution) -> Json:
    return {} if execution.kickoff.meta is None else {"meta": execution.kickoff.meta}
