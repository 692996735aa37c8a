"""Lessons at a kickoff: the crews that take lessons, and the lessons for each kickoff."""

from datetime import datetime, timedelta
from typing import Final

from crewgate.domain.lessons import INPUT
from crewgate.usecases.ports.base import Clock
from crewgate.usecases.ports.crew import CrewClients
from crewgate.usecases.read_models import CrewUnavailable

#: The time after which a crew is asked again if it takes lessons.
ASK_EVERY: Final = timedelta(minutes=10)


class Takers:
    """The crews that take lessons: their `GET /inputs` names the input."""

    def __init__(self, clients: CrewClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._asked: dict[str, tuple[datetime, bool | None]] = {}

    async def takes(self, crew: str) -> bool | None:
        """Return the crew's last answer, renewed after a while; None without an answer."""
        now, (at, known) = self._clock(), self._asked.get(crew, (None, None))
        if at is None or not at <= now < at + ASK_EVERY:
            client = self._clients.get(crew)
            answer = CrewUnavailable("no url") if client is None else await client.inputs()
            known = known if isinstance(answer, CrewUnavailable) else INPUT in answer
            self._asked[crew] = now, known
        return known
