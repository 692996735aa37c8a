"""Blocks in pages: groups stay together, nothing is lost, any page can be had."""

from hypothesis import given
from hypothesis import strategies as st

from crewgate.slack.blockkit.blocks import Block, section
from crewgate.slack.blockkit.excerpts import PAGE, page_of_blocks

blocks = st.integers(0, 9_000).map(lambda length: section("x" * length))
groups = st.lists(st.lists(blocks, min_size=1, max_size=5), min_size=1, max_size=12)


def pages(found: list[list[Block]], most: int) -> list[list[Block]]:
    total = page_of_blocks(found, 0, most=most).total
    return [page_of_blocks(found, number, most=most).blocks for number in range(total)]


@given(groups, st.integers(1, 8))
def test_every_block_is_on_one_page(found: list[list[Block]], most: int) -> None:
    made = pages(found, most)
    assert [block for page in made for block in page] == [one for group in found for one in group]
    assert all(0 < len(page) <= most for page in made)


@given(groups)
def test_a_group_that_a_page_can_hold_is_on_one(found: list[list[Block]]) -> None:
    named = [
        [block | {"block_id": f"{number}"} for block in group] for number, group in enumerate(found)
    ]
    made = pages(named, 80)
    for number, group in enumerate(named):
        if len(str(group)) < PAGE:
            holding = [page for page in made if any(b["block_id"] == f"{number}" for b in page)]
            assert len(holding) == 1


def test_a_page_that_is_none_is_the_last() -> None:
    found = [[section("x" * PAGE)] for _ in range(6)]
    last = pages(found, 80)[-1]
    assert page_of_blocks(found, 99).blocks == last
    assert page_of_blocks([], 0).total == 1
