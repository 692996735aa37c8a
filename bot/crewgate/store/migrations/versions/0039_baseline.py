"""The tables that every database has which this version migrates; `migrate` makes new ones."""

revision = "0039"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing: a database without tables gets those of today at once."""
