"""Threads of our own for what is computed at length: comparing, rendering, reading large JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Final, ParamSpec, TypeVar

from crewgate.usecases.ports.base import OffLoop

P = ParamSpec("P")
T = TypeVar("T")

#: Each takes less than a second for the worst text there is. More would not be faster: they share
#: the interpreter with the event loop, which waits some milliseconds for it at most.
THREADS: Final = 2


@contextmanager
def open_threads() -> Iterator[OffLoop]:
    """Threads that nothing else uses, such as looking up names; at the end none is waited for."""
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="off-loop")

    async def off_loop(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(executor, partial(work, *args, **kwargs))

    try:
        yield off_loop
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
