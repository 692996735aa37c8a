"""The steps from an earlier shape of the database to its present shape."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def index_where(
    where: str, name: str, table: str, columns: Sequence[str], *, unique: bool = False
) -> None:
    """Create an index of the rows for which a condition holds."""
    only = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=only, postgresql_where=only)
