"""The reason of a decision that the bot itself did not send."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell it from the refusals of crews, by the codes that only the bot has."""
    op.execute(
        "UPDATE rounds SET reason = 'not_called' WHERE reason = 'refused_by_crew'"
        " AND reason_code IN ('unreadable', 'host_not_allowed', 'plain_http', 'private_address',"
        " 'bad_url', 'empty')"
    )
