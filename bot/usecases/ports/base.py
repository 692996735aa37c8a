"""What every use case is handed: the clock, pauses, new ids, the crews."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bot.domain.crew import Crew

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""


Sleep = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


NewId = Callable[[], str]
"""A new unguessable id, safe in URLs and Slack values."""


Crews = Mapping[str, Crew]
