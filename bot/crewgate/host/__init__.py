"""Open-source CrewAI behind the documented crew API: `crewgate host`.

The host is a process of its own, in the user's environment and with the user's crewai. The bot
never imports the host. Only the modules in `engine` import `crewai`, once its version is known.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crewgate.host.engine.hooks import ask_people

__all__ = ["ask_people"]


def __getattr__(name: str) -> object:
    """Import `ask_people`, and `crewai` with it, once a user's module asks for it."""
    if name not in __all__:
        raise AttributeError(name)
    from crewgate.host.engine import hooks  # noqa: PLC0415  # takes seconds

    return hooks.ask_people
