"""The common parts of two sequences, found while the budget lasts."""

from crewgate.domain.changes import Block, StepBudget, align


def test_what_stands_in_both_in_the_same_order_is_the_same() -> None:
    assert list(align("abcd", "abxd", StepBudget(letters=0))) == [
        Block(same=True, start=0, end=2, new_start=0, new_end=2),
        Block(same=False, start=2, end=3, new_start=2, new_end=3),
        Block(same=True, start=3, end=4, new_start=3, new_end=4),
    ]


def test_where_the_budget_ends_nothing_more_is_found_to_be_the_same() -> None:
    budget = StepBudget(letters=0, steps=4)
    whole = {"start": 0, "end": 2, "new_start": 0, "new_end": 2}
    assert list(align("ab", "ab", budget)) == [Block(same=True, **whole)]
    assert list(align("ab", "ab", budget)) == [Block(same=False, **whole)]
