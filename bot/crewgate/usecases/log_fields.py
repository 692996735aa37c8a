"""The subject of the present task: fields of its log lines, and the place of its act in Slack."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

from structlog.contextvars import bind_contextvars

from crewgate.domain.review import Round


def fields_of(round_: Round) -> dict[str, object]:
    """The round, its review, its execution and its crew."""
    return {
        "crew": round_.review.crew,
        "execution": round_.review.execution_id,
        "review": round_.review.id,
        "round_id": round_.id,
        "round_number": round_.number,
    }


def log_about(round_: Round) -> Round:
    """Name this round in every line that the present task logs from now on; return it."""
    bind_contextvars(**fields_of(round_))
    return round_


_PLACE: Final[ContextVar[Mapping[str, str]]] = ContextVar("place")


def acts_at(place: Mapping[str, str]) -> None:
    """Remember where the person acted whose press or form this task carries out."""
    _PLACE.set(place)


def place() -> Mapping[str, str]:
    """Return the place of the act; empty where nobody acts in Slack."""
    return _PLACE.get({})
