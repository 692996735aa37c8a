"""A Slack and a crew that answer at once: `python -m tests.bench.stand_ins PORT POSTS_A_SECOND`.

One process of its own, so that delivering really happens and costs the bot alone. It notes when it
saw what, by method and mark; the clock is one for all processes of a machine. Where POSTS_A_SECOND
is above 0, more of them in a channel, beyond a short burst, are answered with 429.
"""

import asyncio
import re
import sys
import time
from collections import Counter, defaultdict
from itertools import count
from typing import Final

from aiohttp import web

from tests.bench.requests import TEAM, USER

#: How many posts a channel takes at once after a rest.
#: https://docs.slack.dev/apis/web-api/rate-limits: "short bursts" are allowed.
BURST: Final = 5
_MARK: Final = re.compile(rb"mark-[0-9a-z]+-")
_CHANNEL: Final = re.compile(rb'"channel": ?"(\w+)"')
POST: Final = "chat.postMessage"

_ANSWERS: Final[dict[str, dict[str, object]]] = {
    "auth.test": {"url": "https://bench.slack.com/", "team_id": TEAM, "team": "Bench"}
    | {"user_id": "U0BOT", "bot_id": "B0BOT", "enterprise_id": None},
    "conversations.members": {"members": [USER], "response_metadata": {"next_cursor": ""}},
    "users.info": {
        "user": {"id": USER, "name": "ana", "team_id": TEAM, "deleted": False, "profile": {}}
    },
    "conversations.history": {"messages": [], "has_more": False},
    "conversations.replies": {"messages": [], "has_more": False},
    "views.open": {"view": {"id": "V0BENCH", "hash": "1"}},
    "views.publish": {"view": {"id": "V0HOME", "hash": "1"}},
    "conversations.open": {"channel": {"id": "D0BENCH"}},
}


class StandIns:
    """Both, and what they saw."""

    def __init__(self, posts_a_second: float) -> None:
        self._posts_a_second = posts_a_second
        self._numbers = count(1)
        self._filled: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (BURST, 0.0))
        self._seen: dict[tuple[str, str], float] = {}
        self._waiting: dict[tuple[str, str], asyncio.Future[float]] = {}
        self._posted: list[tuple[float, str]] = []
        self._resumed: set[str] = set()
        self._calls: Counter[str] = Counter()

    def build(self) -> web.Application:
        """Everything on one port."""
        application = web.Application()
        application.router.add_get("/", self.on_alive)
        application.router.add_post("/api/{method}", self.on_slack)
        application.router.add_post("/respond/{name}", self.on_response)
        application.router.add_get("/crew/inputs", self.on_inputs)
        application.router.add_get("/crew/status/{execution}", self.on_status)
        application.router.add_post("/crew/resume", self.on_resume)
        application.router.add_get("/seen/{method}/{mark}", self.on_seen)
        application.router.add_get("/seen", self.on_everything)
        return application

    async def on_alive(self, _: web.Request) -> web.Response:
        return web.Response()

    async def on_slack(self, request: web.Request) -> web.Response:
        method, body = request.match_info["method"], await request.read()
        self._calls[method] += 1
        answer = {"ok": True, **_ANSWERS.get(method, {})}
        if method == "views.publish":
            self._see(method, USER)
        if method in {POST, "chat.update"}:
            found = _CHANNEL.search(body)
            channel = found.group(1).decode() if found else "C0BENCH"
            if method == POST and not self._take(channel):
                self._calls["429"] += 1
                limited = {"ok": False, "error": "ratelimited"}
                return web.json_response(limited, status=429, headers={"Retry-After": "1"})
            marked = self._see_marks(method, body)
            if method == POST:
                self._posted.append((time.monotonic(), marked))
            answer |= {"channel": channel, "ts": f"{next(self._numbers)}.000100"}
        return web.json_response(answer)

    def _take(self, channel: str) -> bool:
        if not self._posts_a_second:
            return True
        left, at = self._filled[channel]
        now = time.monotonic()
        left = min(BURST, left + (now - at) * self._posts_a_second)
        self._filled[channel] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    async def on_response(self, request: web.Request) -> web.Response:
        self._see("respond", request.match_info["name"])
        await request.read()
        return web.Response()

    async def on_inputs(self, _: web.Request) -> web.Response:
        return web.json_response({"inputs": []})

    async def on_status(self, request: web.Request) -> web.Response:
        self._calls["status"] += 1
        if request.match_info["execution"] in self._resumed:
            return web.json_response({"status": "completed", "result": {"output": "Done."}})
        return web.json_response({"status": "running"})

    async def on_resume(self, request: web.Request) -> web.Response:
        self._calls["resume"] += 1
        body = await request.read()
        execution = self._see_marks("resume", body)
        if execution.startswith("mark-stuck"):
            return web.json_response({"status": "error", "message": "Not now."}, status=422)
        self._resumed.add(execution)
        return web.json_response({"status": "resumed", "message": "The crew goes on."})

    async def on_seen(self, request: web.Request) -> web.Response:
        """Return the time at which a mark was seen last; wait until that is later than `after`."""
        key = request.match_info["method"], request.match_info["mark"]
        at = self._seen.get(key, 0.0)
        if at <= float(request.query.get("after", "0")):
            waiting = self._waiting.setdefault(key, asyncio.get_running_loop().create_future())
            at = await asyncio.shield(waiting)
        return web.json_response(at)

    async def on_everything(self, _: web.Request) -> web.Response:
        seen: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for (method, marked), at in self._seen.items():
            seen[method][marked] = at
        return web.json_response({"seen": seen, "calls": self._calls, "posted": self._posted})

    def _see_marks(self, method: str, body: bytes) -> str:
        found = _MARK.search(body)
        marked = found.group().decode() if found else ""
        self._see(method, marked)
        return marked

    def _see(self, method: str, marked: str) -> None:
        self._seen[method, marked] = now = time.monotonic()
        waiting = self._waiting.pop((method, marked), None)
        if waiting is not None:
            waiting.set_result(now)


if __name__ == "__main__":
    port, pace = int(sys.argv[1]), float(sys.argv[2])
    application = StandIns(pace).build()
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)
