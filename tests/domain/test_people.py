"""The names of people, and their roles for a crew."""

from crewgate.domain.people import Anyone, Email, Role, User, UserGroup
from tests.builders import ANA, BEN, EVE, a_crew


def test_people_read_as_the_settings_name_them() -> None:
    named = (User("U0ANA"), UserGroup("S0LEGAL"), Email("ana@example.com"), Anyone())
    assert [str(ref) for ref in named] == ["U0ANA", "S0LEGAL", "ana@example.com", "*"]


def test_the_reviewers_start_a_crew_that_names_no_starters() -> None:
    reviewers = (User(ANA.id), User(BEN.id))
    assert a_crew().permitted(Role.REVIEWER) == reviewers
    assert a_crew().permitted(Role.STARTER) == reviewers
    named = a_crew(starters=(User(EVE.id),))
    assert named.permitted(Role.REVIEWER) == reviewers
    assert named.permitted(Role.STARTER) == (User(EVE.id),)
