"""What every use case is handed: the clock, new ids, the crews."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.domain.crew import Crew

Clock = Callable[[], datetime]
"""The present moment, aware, in UTC."""


NewId = Callable[[], str]
"""A new unguessable id, safe in URLs and Slack values."""


Crews = Mapping[str, Crew]
