"""What an execution is about, in one line, and what its caller said about it."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LIMIT = 60

executions = sa.table(
    "executions",
    sa.column("crew", sa.Text),
    sa.column("execution_id", sa.Text),
    sa.column("inputs", sa.JSON),
    sa.column("subject", sa.Text),
)


def upgrade() -> None:
    """Add the columns, and name the executions that were started on something.

    The others have none: the beginning of their id stands for it.
    """
    op.add_column("executions", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("executions", sa.Column("meta", sa.JSON(), nullable=True))
    connection = op.get_bind()
    named = sa.select(executions.c.crew, executions.c.execution_id, executions.c.inputs).where(
        sa.cast(executions.c.inputs, sa.Text) != json.dumps([])
    )
    subjects = [
        {"of_crew": crew, "of_execution": execution_id, "new": subject}
        for crew, execution_id, inputs in connection.execute(named)
        if (subject := _subject(inputs))
    ]
    if subjects:
        connection.execute(
            sa.update(executions)
            .where(
                executions.c.crew == sa.bindparam("of_crew"),
                executions.c.execution_id == sa.bindparam("of_execution"),
            )
            .values(subject=sa.bindparam("new")),
            subjects,
        )


def _subject(inputs: list[list[str]]) -> str | None:
    """The first value that is a short text."""
    lines = (" ".join(value.split()) for _, value in inputs if len(value) <= LIMIT)
    return next(filter(None, lines), None)
