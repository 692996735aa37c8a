"""The oldest tables that this version can migrate; `migrate` makes new databases."""

revision = "0039"
down_revision = None


def upgrade() -> None:
    """Do nothing: an empty database gets the present tables at once."""
