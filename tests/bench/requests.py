"""The requests of crews and Slack, ready for the wire.

A mark in each lets the stand-ins know it again.
"""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

from crewgate.slack import ids
from crewgate.slack.reviews import buttons
from crewgate.web.credentials import Credentials, EventKind
from tests.bench.connection import request

SECRET = "bench-secret-of-this-machine-alone"
TEAM = "T0BENCH"
USER = "U0BENCH"
CHANNEL = "C0BENCH"
EVENTS = "/slack/events"
_OUTPUT = "A paragraph of what the crew wrote about home batteries. " * 5


def mark(number: object) -> str:
    """The mark that the stand-ins look for: an execution's id."""
    return f"mark-{number}-"


def notification(number: object, execution: str = "") -> bytes:
    """A crew pauses: the execution is new for each number, or this one, with a task for each."""
    body = {
        "execution_id": execution or mark(number),
        "task_id": f"task {number}" if execution else "market_research",
        "task_output": f"{mark(number)} {_OUTPUT}",
    }
    return _of_crew("human-input", body, {"Authorization": f"Bearer {SECRET}"})


def task_done(number: object) -> bytes:
    """A crew tells that a task of this number's execution is done, so its progress is shown."""
    key = Credentials("crew", (SECRET,), SECRET).event_keys(EventKind.TASK)[0]
    body = {"execution_id": mark(number), "task_id": "plan", "output": "Done."}
    return _of_crew(f"events/task/{key}", body, {})


def _of_crew(path: str, body: dict[str, str], headers: dict[str, str]) -> bytes:
    as_json = {"Content-Type": "application/json"} | headers
    return request(f"/crews/crew/{path}", json.dumps(body).encode(), as_json)


def click(round_id: str, slack_port: int) -> bytes:
    """Somebody presses Approve on the card of a round."""
    return _interaction(
        {
            "type": "block_actions",
            "api_app_id": "A0BENCH",
            "token": "none",
            "trigger_id": "1.2.3",
            "user": {"id": USER, "username": "ana", "name": "ana", "team_id": TEAM},
            "team": {"id": TEAM, "domain": "bench"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": CHANNEL, "name": "reviews"},
            "container": {"type": "message", "message_ts": "1.2", "channel_id": CHANNEL},
            "response_url": _response_url(slack_port, "click"),
            "actions": [
                {
                    "type": "button",
                    "action_id": buttons.APPROVE.id,
                    "block_id": round_id,
                    "text": {"type": "plain_text", "text": "Approve"},
                    "value": round_id,
                    "action_ts": "1.3",
                }
            ],
        }
    )


def command(text: str, slack_port: int, number: object) -> bytes:
    """Somebody types `/crew …`; the answer goes to the stand-in, which knows it by its mark."""
    form = {
        "command": ids.COMMAND,
        "text": text,
        "user_id": USER,
        "user_name": "ana",
        "team_id": TEAM,
        "channel_id": CHANNEL,
        "trigger_id": "1.2.3",
        "response_url": _response_url(slack_port, mark(number)),
    }
    return signed(urlencode(form).encode())


def home_opened() -> bytes:
    """Somebody opens the app's Home."""
    body = {
        "type": "event_callback",
        "team_id": TEAM,
        "api_app_id": "A0BENCH",
        "event_id": f"Ev{time.monotonic_ns()}",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": TEAM, "user_id": "U0BOT", "is_bot": True}],
        "event": {"type": "app_home_opened", "user": USER, "tab": "home", "channel": "D0BENCH"},
    }
    return signed(json.dumps(body).encode(), "application/json")


def signed(body: bytes, content_type: str = "application/x-www-form-urlencoded") -> bytes:
    """As Slack signs it (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    now = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={digest}",
    }
    return request(EVENTS, body, headers)


def _interaction(payload: dict[str, Any]) -> bytes:
    return signed(urlencode({"payload": json.dumps(payload)}).encode())


def _response_url(slack_port: int, name: str) -> str:
    return f"http://127.0.0.1:{slack_port}/respond/{name}"
