"""Flows that are written as a declaration, in YAML or JSON, and not as a class."""

from __future__ import annotations

from typing import Any


def maker_of(flow: Any) -> Any:
    """Return what makes flows like this one: its class, or the declaration it was built from."""
    declared = flow._definition  # noqa: SLF001  # no public way
    of_class = type(flow).flow_definition()
    return type(flow) if declared.methods == of_class.methods else _Declaration(flow, declared)


class _Declaration:
    """Used as the class of a flow is."""

    def __init__(self, flow: Any, declared: Any) -> None:
        self.__name__ = declared.name
        self._class = type(flow)
        self._declared = declared

    def __call__(self, **more: Any) -> Any:
        return self._class.from_declaration(contents=self._declared, **more)

    def from_pending(self, flow_id: str, persistence: Any) -> Any:
        """A flow that waits for a person, as it was when it asked."""
        return self._class.from_pending(flow_id, persistence, definition=self._declared)
