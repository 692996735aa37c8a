"""The state of the crew and the workspace, as JSON for the page."""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

from crewgate.demo.crew.deployment import Call, Deployment, Execution, Sent, State
from crewgate.demo.crew.script import Task
from crewgate.demo.crew.wire import text_of
from crewgate.demo.playground.render_html import Names, character, markdown, mrkdwn, render_blocks
from crewgate.demo.workspace.workspace import Workspace
from crewgate.demo.workspace.world import BOT_USER_ID, Channel, File, Message, View

TRAFFIC_SHOWN: Final = 80
"""The highest number of requests, and of webhooks, on the page."""
EXECUTIONS_SHOWN: Final = 12
_BODY_SHOWN: Final = 6_000


def crew_state(crew: Deployment) -> Iterator[tuple[str, str]]:
    """Yield key and JSON of the last executions, requests and webhooks; keys are never reused."""
    for number, execution in enumerate(crew.executions[-EXECUTIONS_SHOWN:]):
        yield f"execution/{execution.id}", _json({"number": number, **_execution(execution)})
    requests, webhooks = len(crew.call_log), len(crew.sent_log)
    calls, sent = crew.requests[-TRAFFIC_SHOWN:], crew.webhooks_sent[-TRAFFIC_SHOWN:]
    for number, call in zip(count(requests - len(calls)), calls, strict=False):
        yield f"traffic/request-{number}", _json(_request(call))
    for number, one in zip(count(webhooks - len(sent)), sent, strict=False):
        yield f"traffic/webhook-{number}", _json(_webhook(one))


def _execution(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "topic": str(execution.inputs.get("topic", "")),
        "state": execution.state.name.lower(),
        "error": execution.error,
        "started": execution.started_at,
        "tasks": [_task(execution, task, at) for at, task in enumerate(execution.script)],
    }


def _task(execution: Execution, task: Task, at: int) -> dict[str, Any]:
    output = execution.outputs.get(task.task_id)
    return {
        "id": task.task_id,
        "name": task.name,
        "agent": task.agent,
        "review": task.needs_review,
        "state": _task_state(execution, task, at),
        "rounds": execution.rounds.get(task.task_id, 0),
        "html": "" if output is None else markdown(text_of(output)),
    }


def _task_state(execution: Execution, task: Task, at: int) -> str:
    if at < execution.position or task.task_id in execution.done:
        return "done"
    if task not in execution.current:
        return "to do"
    if task.task_id in execution.pending:
        return "paused"
    return "failed" if execution.state is State.ERROR else "running"


def _request(call: Call) -> dict[str, Any]:
    return {
        "kind": "request",
        "title": f"{call.method} {call.path}",
        "at": call.at,
        "status": call.status,
        "effective": call.effective,
        "body": _pretty(call.body),
        "answer": _pretty(call.answer),
    }


def _webhook(sent: Sent) -> dict[str, Any]:
    return {
        "kind": "webhook",
        "title": sent.kind,
        "at": sent.at,
        "url": sent.url,
        "status": sent.status,
        "error": sent.error,
        "body": _pretty(sent.body),
        "answer": sent.answer[:_BODY_SHOWN],
    }


def _pretty(value: object) -> str:
    if value in (None, "", {}):
        return ""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= _BODY_SHOWN else f"{text[:_BODY_SHOWN]}\n… {len(text):,} in all"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


MESSAGES_SHOWN: Final = 300
"""The highest number of a channel's messages on the page."""
_PREVIEW: Final = 4_000


class SlackState:
    """Serializes the workspace by key; an unchanged message is serialized once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._world = workspace.world
        self._serialized: dict[tuple[str, str], tuple[Message, str]] = {}

    def of(self, user: str) -> Iterator[tuple[str, str]]:
        """Yield key and JSON of everything that this person sees."""
        names = known_names(self._workspace)
        yield "me", _json({"id": user, "name": names.users[user]})
        for channel in list(self._world.channels.values()):
            if user in channel.members:
                yield f"channel/{channel.id}", _json(_channel(channel))
                yield from self._messages(channel, names)
        for message in self._workspace.ephemerals(user)[-MESSAGES_SHOWN:]:
            yield f"message/{message.channel}/{message.ts}", self._message(message, names)
        for depth, view in enumerate(self._workspace.open_modals(user)):
            yield f"modal/{depth}", _json(self._view(view, names))
        if user in self._world.homes:
            yield "home", _json(self._view(self._world.homes[user], names))

    def _messages(self, channel: Channel, names: Names) -> Iterator[tuple[str, str]]:
        messages = sorted(channel.messages.values(), key=lambda one: one.ts)[-MESSAGES_SHOWN:]
        threads: dict[str, list[Message]] = {}
        for message in messages:
            yield f"message/{channel.id}/{message.ts}", self._message(message, names)
            if message.thread_ts is not None:
                threads.setdefault(message.thread_ts, []).append(message)
        for ts, replies in threads.items():
            users = list(dict.fromkeys(reply.user for reply in replies))
            thread = {"count": len(replies), "users": users, "latest": replies[-1].ts}
            yield f"thread/{channel.id}/{ts}", _json(thread)

    def _message(self, message: Message, names: Names) -> str:
        key = (message.channel, message.ts)
        known = self._serialized.get(key)
        if known is None or known[0] is not message:
            known = (message, _json(_message(message, names)))
            self._serialized[key] = known
        return known[1]

    def _view(self, view: View, names: Names) -> dict[str, Any]:
        plain = {
            name: (view.content.get(name) or {}).get("text", "")
            for name in ("title", "submit", "close")
        }
        return {
            "id": view.id,
            "hash": view.hash,
            "blocks": render_blocks(view.blocks, names),
            **plain,
        }


def known_names(workspace: Workspace) -> Names:
    world = workspace.world
    return Names(
        users={user.id: user.name for user in world.users.values()},
        channels={channel.id: channel.name for channel in world.channels.values()},
    )


def people(workspace: Workspace, roles: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"id": user.id, "name": user.name, "role": roles.get(user.id, "")}
        for user in workspace.world.users.values()
    ]


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "im": channel.im_with is not None,
        "members": len(channel.members) + channel.bot_is_member,
    }


def _message(message: Message, names: Names) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "user": message.user,
        "app": message.user == BOT_USER_ID,
        "html": mrkdwn(message.text, names),
        "blocks": render_blocks(message.blocks, names),
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "edited": message.edited is not None and not message.bot,
        "private": message.only_for is not None,
        "deleted": message.deleted,
        "files": [_file(file) for file in message.files],
        "reactions": [
            {"name": name, "character": character(name), "users": list(users)}
            for name, users in message.reactions.items()
        ],
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title or file.name,
        "size": file.size,
        "preview": (file.content or b"")[: 4 * _PREVIEW].decode(errors="replace")[:_PREVIEW],
    }
