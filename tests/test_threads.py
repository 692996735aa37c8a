"""What takes long is computed beside the event loop, which goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading

import pytest

from crewgate.domain.notification import Output
from crewgate.slack.reviews.reader import ReaderPosition, ReaderTab, render_reader
from crewgate.threads import THREADS, open_threads
from crewgate.usecases.read_models import CardView
from tests.builders import a_round
from tests.worst_cases import TEXTS


async def test_the_loop_goes_on_while_the_worst_text_is_rendered() -> None:
    view = CardView(a_round(), Output(TEXTS[ascii("a\u200b")]()))
    position = ReaderPosition("r-1", ReaderTab.WHOLE, 1)
    with open_threads() as off_loop:
        rendering = asyncio.ensure_future(off_loop(render_reader, position, view, []))
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            if not rendering.done():
                loop.call_soon(turn)

        loop = asyncio.get_running_loop()
        loop.call_soon(turn)
        page = await rendering

    assert page.view["type"] == "modal"
    assert turns > 10


async def test_no_more_is_computed_at_once_than_there_are_threads() -> None:
    began, may_end = threading.Semaphore(0), threading.Event()

    def work(number: int, *, name: str) -> tuple[int, str, str]:
        began.release()
        may_end.wait(10)
        return number, name, threading.current_thread().name

    with open_threads() as off_loop:
        works = [asyncio.ensure_future(off_loop(work, one, name="x")) for one in range(6)]
        for _ in range(THREADS):
            await asyncio.to_thread(began.acquire)
        assert not began.acquire(blocking=False)
        may_end.set()
        found = await asyncio.gather(*works)

    assert [(number, name) for number, name, _ in found] == [(one, "x") for one in range(6)]
    assert len({thread for *_, thread in found}) <= THREADS


async def test_what_goes_wrong_is_raised_where_it_is_waited_for() -> None:
    with open_threads() as off_loop, pytest.raises(ValueError, match="invalid literal"):
        await off_loop(int, "x")
