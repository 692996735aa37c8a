"""Morning lines: the minute of the day at which a person wants one."""

from dataclasses import asdict
from typing import Final

import sqlalchemy as sa

from crewgate.domain.morning import Morning
from crewgate.store.engine import Changing, Reading
from crewgate.store.statements import insert_over
from crewgate.store.tables import mornings

_MORNING: Final = sa.select(mornings).where(mornings.c.user_id == sa.bindparam("user"))


class MorningQueries(Reading):
    """Reads wishes for a morning line."""

    _of_user = _MORNING

    async def find(self, user: str) -> Morning | None:
        found = await self._rows(self._of_user, {"user": user})
        return Morning(**found[0]._mapping) if found else None


class Mornings(Changing, MorningQueries):
    """Changes wishes for morning lines in a transaction; reading a wish locks its row."""

    _of_user = _MORNING.with_for_update()

    async def put(self, wish: Morning) -> None:
        await insert_over(self._connection, mornings, asdict(wish))

    async def remove(self, user: str) -> None:
        await self._connection.execute(sa.delete(mornings).where(mornings.c.user_id == user))
