"""The place of the bot's installation is remembered by its token."""

import pytest
import sqlalchemy as sa

from crewgate.domain.people import Installation
from crewgate.store.tables import installations
from crewgate.usecases.installations import Installations
from tests.usecases.world import World

TOKEN = "xoxb-the-token"
OURS = Installation(url="https://ours.slack.com/", team_id="T0OURS")
ENTERPRISE = Installation(
    url="https://all.enterprise.slack.com/",
    team_id=None,
    enterprise_id="E0OURS",
    whole_enterprise=True,
)


async def test_the_last_answer_is_remembered(world: World) -> None:
    remembered = Installations(world.uow, TOKEN)
    assert await remembered.recall() is None
    for installation in (OURS, ENTERPRISE, OURS):
        await remembered.remember(installation)
        assert await Installations(world.uow, TOKEN).recall() == installation
    assert await Installations(world.uow, "xoxb-another").recall() is None


async def test_the_token_itself_is_neither_kept_nor_shown(world: World) -> None:
    remembered = Installations(world.uow, TOKEN)
    await remembered.remember(OURS)
    async with world.engines.read.connect() as connection:
        rows = (await connection.execute(sa.select(installations))).all()
    assert len(rows) == 1
    assert TOKEN not in f"{rows}{remembered}"


@pytest.mark.parametrize(
    ("installation", "team", "enterprise", "included", "own"),
    [
        (OURS, "T0OURS", None, True, True),
        (OURS, "T0OTHER", None, False, False),
        (OURS, None, None, False, False),
        (ENTERPRISE, "T0ANY", "E0OURS", True, True),
        (ENTERPRISE, "T0ANY", "E0OTHER", False, False),
        (ENTERPRISE, None, None, False, False),
    ],
)
def test_whose_requests_and_people_are_ours(
    installation: Installation, team: str | None, enterprise: str | None, included: bool, own: bool
) -> None:
    assert installation.includes(team, enterprise) is included
    assert installation.is_own_organisation(team, enterprise) is own
