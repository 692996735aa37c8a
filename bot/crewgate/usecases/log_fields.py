"""The fields by which each line of the log names the round that it is about."""

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
    """Name this round in every line that the present task logs from now on; return it.

    Each press, form and job is a task of its own.
    """
    bind_contextvars(**fields_of(round_))
    return round_
