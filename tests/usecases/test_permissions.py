"""Who may do what, by role."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.errors import NotAReviewer, NotAStarter, UnknownCrew
from bot.domain.people import Anyone, Role, User, UserGroup
from bot.usecases.permissions import crews_of, may, require
from tests.builders import ANA, BEN, EVE, a_crew, a_review
from tests.usecases.slack_standins import FakeDirectory

DIRECTORY = FakeDirectory()


def test_a_person_reviews_the_crews_that_name_them() -> None:
    crews = {
        "research": a_crew(),
        "open": a_crew("open", reviewers=(Anyone(),)),
        "other": a_crew("other", reviewers=(UserGroup("S0GROUP"),)),
    }
    reviewed = crews_of(ANA.id, Role.REVIEWER, crews=crews, directory=DIRECTORY)
    assert reviewed == ("research", "open")


def test_starters_are_the_reviewers_unless_somebody_is_named() -> None:
    crews = {"research": a_crew()}
    require(ANA.id, Role.STARTER, "research", crews=crews, directory=DIRECTORY)
    with pytest.raises(NotAStarter):
        require(EVE.id, Role.STARTER, "research", crews=crews, directory=DIRECTORY)
    with pytest.raises(UnknownCrew):
        require(ANA.id, Role.STARTER, "nobody", crews=crews, directory=DIRECTORY)

    crews["research"] = replace(crews["research"], starters=(User(EVE.id),))
    require(EVE.id, Role.STARTER, "research", crews=crews, directory=DIRECTORY)
    assert crews_of(BEN.id, Role.STARTER, crews=crews, directory=DIRECTORY) == ()

    crews["research"] = replace(crews["research"], starters=(Anyone(),))
    require(BEN.id, Role.STARTER, "research", crews=crews, directory=DIRECTORY)
    assert crews_of(BEN.id, Role.STARTER, crews=crews, directory=DIRECTORY) == ("research",)


def test_to_start_a_crew_is_not_to_review_it() -> None:
    crews = {"research": a_crew(starters=(User(EVE.id),))}
    assert may(EVE.id, Role.STARTER, "research", crews=crews, directory=DIRECTORY)
    assert not may(EVE.id, Role.REVIEWER, a_review(), crews=crews, directory=DIRECTORY)
    with pytest.raises(NotAReviewer) as caught:
        require(EVE.id, Role.REVIEWER, a_review(), crews=crews, directory=DIRECTORY)
    assert caught.value.permitted == (User(ANA.id), User(BEN.id))


def test_nobody_has_a_role_for_a_crew_that_is_not_there() -> None:
    for role in Role:
        assert not may(ANA.id, role, "gone", crews={}, directory=DIRECTORY)
