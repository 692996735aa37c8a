"""The fields of log lines about a round, and the place in Slack where a person acts."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

from structlog.contextvars import bind_contextvars

from crewgate.domain.review import Round


def fields_of(round_: Round) -> dict[str, object]:
    return {
        "crew": round_.review.crew,
        "execution": round_.review.execution_id,
        "review": round_.review.id,
        "round_id": round_.id,
        "round_number": round_.number,
    }


def log_about(round_: Round) -> Round:
    """Name this round in all later log lines of this asyncio task, and return the round."""
    bind_contextvars(**fields_of(round_))
    return round_


_PLACE: Final[ContextVar[Mapping[str, str]]] = ContextVar("place")


def acts_at(place: Mapping[str, str]) -> None:
    _PLACE.set(place)


def place() -> Mapping[str, str]:
    return _PLACE.get({})


def press_ts() -> str:
    """Return Slack's time of the press that acts, or that opened the form; "" if it is unknown."""
    return place().get("action_ts", "")
