"""Notifications of changes: waiting for a condition and listening, without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

Listener = Callable[[str, object], None]
"""Gets the kind of a change, and the message, view or execution that it concerns."""


class Changes:
    """Announces changes to listeners."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()

    def announce(self, kind: str, subject: object) -> None:
        for listener in tuple(self.listeners):
            listener(kind, subject)

    async def until(
        self, condition: Callable[[], T], timeout: float, describe: Callable[[], str] = str
    ) -> T:
        """Wait until the condition returns a true value, and return the value.

        The condition is called at each change; its LookupError (no such message yet) counts as
        false. Raises TimeoutError after `timeout` seconds, with the text of `describe`.
        """
        changed = asyncio.Event()

        def listener(_: str, __: object) -> None:
            changed.set()

        self.listeners.add(listener)
        try:
            async with asyncio.timeout(timeout):
                while not (met := _check(condition)):
                    await changed.wait()
                    changed.clear()
                return met
        except TimeoutError:
            # The condition may read state whose changes are not announced here, so it is checked
            # once more at the end.
            if met := _check(condition):
                return met
            raise TimeoutError(f"still not so after {timeout} s\n{describe()}") from None
        finally:
            self.listeners.discard(listener)


def _check(condition: Callable[[], T]) -> T | None:
    try:
        return condition()
    except LookupError:
        return None
