"""The oldest tables that this version can migrate; `migrate` makes new databases."""

revision = "0039"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing: an empty database gets the present tables at once."""
