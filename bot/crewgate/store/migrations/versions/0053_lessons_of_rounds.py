"""An index of lessons by their rounds: the end of an execution asks for its rounds' lessons."""

from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    op.create_index("ix_lessons_round_id", "lessons", ["round_id"])
