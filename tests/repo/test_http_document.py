"""`docs/http.md` names every route, every kind of error and every accepted name."""

import re

from crewgate.crewai import wire
from tests.repo.files import calls, literal, rows

#: Named by aiohttp's own reason, or made where the answer is no error by itself.
ELSEWHERE = {("404", "not_found"), ("405", "method_not_allowed"), ("503", "not_ready")}
METHODS = ("add_get", "add_post", "add_put")


def routes(folder: str) -> set[tuple[str, str]]:
    return {
        (name.removeprefix("add_").upper(), path)
        for name, call in calls(folder)
        if name in METHODS and isinstance(path := literal(call, 0), str)
    }


def test_every_route_is_documented_and_no_other() -> None:
    documented = {
        tuple(request.strip("`").split(" ")) for request, *_ in rows("docs/http.md", "routes")
    }
    assert documented == routes("bot") - routes("bot/crewgate/demo") - routes("bot/crewgate/host")


def test_every_kind_of_error_is_documented_and_no_other() -> None:
    """An error is made with its status and its kind; `unavailable` has the status 503."""
    every = (*calls("bot/crewgate/web"), *calls("bot/crewgate/network"))
    made = {
        (str(status), kind)
        for _, call in every
        if isinstance(status := literal(call, 0), int) and isinstance(kind := literal(call, 1), str)
    }
    made |= {("503", str(literal(call, 0))) for name, call in every if name == "unavailable"}
    documented = {(status, kind.strip("`")) for status, kind, *_ in rows("docs/http.md", "errors")}
    assert documented == made | ELSEWHERE


def test_every_accepted_name_of_a_notification_is_documented() -> None:
    documented = {
        what: re.findall(r"`(\w+)`", names.partition(", as ")[0])
        for what, names in rows("docs/http.md", "names")
    }
    assert documented == {
        "execution": wire.EXECUTION_ID.choices,
        "task": wire.TASK_ID.choices,
        "output": list(wire.OUTPUT),
    }
