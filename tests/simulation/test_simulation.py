"""Stories over the whole product: always the same ones, and those that once failed."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.simulation.player import Player, opened
from tests.simulation.story import KEPT, read

STORIES, STEPS = range(1, 9), 50


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with opened() as player:
        yield player


@pytest.mark.no_cover
@pytest.mark.parametrize("number", STORIES)
def test_a_story_holds(player: Player, number: int) -> None:
    story, failure = player.explore(Random(f"always {number}"), STEPS)
    assert failure is None, f"{failure}\n{story}"


@pytest.mark.no_cover
def test_stories_that_once_failed_hold(player: Player) -> None:
    for path in sorted(KEPT.glob("*.json")):
        failure = player.play(read(path))
        assert failure is None, f"{path.name}: {failure}"


@pytest.mark.no_cover
def test_a_story_holds_on_postgresql() -> None:
    with opened("postgresql") as player:
        story, failure = player.explore(Random("always 1"), STEPS // 2)
    assert failure is None, f"{failure}\n{story}"
