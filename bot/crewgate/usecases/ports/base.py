"""The ports that every use case is handed: clock, pauses, threads, new ids, crews."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, ParamSpec, Protocol, TypeVar

from crewgate.domain.crew import Crew

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""


Check = Callable[[], bool]
"""Tells if something is true now."""


Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class OffLoop(Protocol):
    """Computes in a thread of a bounded pool what would hold up the event loop."""

    async def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns, or raise what it raises."""


LARGE: Final = 64 * 2**10
"""Bytes of JSON beyond which it is read off the loop; what is shorter takes milliseconds."""


NewId = Callable[[], str]
"""A new unguessable id, safe in URLs and Slack values."""


Crews = Mapping[str, Crew]
