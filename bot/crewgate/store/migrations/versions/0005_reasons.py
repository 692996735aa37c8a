"""Why a round is where it is: a kind, a code and words, instead of a sentence and a code.

Earlier versions told most kinds apart by the sentences of theirs that stand here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEWER_OUTPUT = "a newer output came before this could be sent"
GONE = "the crew does not know this execution any more"
FAILED = "the execution failed"
FAILED_BECAUSE = f"{FAILED}: "

KIND = """
    UPDATE rounds SET reason = CASE
        WHEN state = 'DECIDED' AND reason_code = 'unknown' THEN 'answer_lost'
        WHEN state = 'DECIDED' AND reason_code <> '' THEN 'not_reached'
        WHEN state = 'RESUMED' AND reason_code = 'inferred' THEN 'inferred'
        WHEN state = 'RESUMED' THEN 'answered'
        WHEN state = 'STUCK' AND reason_code IN ('out_of_patience', 'retries_exhausted')
            THEN 'retries_exhausted'
        WHEN state = 'STUCK' THEN 'refused_by_crew'
        WHEN state = 'CLOSED' AND reason_words = :newer THEN 'never_sent'
        WHEN state = 'CLOSED' AND reason_words = :gone THEN 'execution_gone'
        WHEN state = 'CLOSED' AND reason_words = :failed THEN 'execution_failed'
        WHEN state = 'CLOSED' AND substr(reason_words, 1, :prefix) = :because
            THEN 'execution_failed'
        WHEN state = 'CLOSED' THEN 'execution_ended'
    END
"""
CODE = """
    UPDATE rounds SET reason_code = ''
    WHERE NOT (
        reason = 'refused_by_crew'
        OR (reason = 'answered' AND reason_code IN ('resumed', 'retrying', 'completed'))
    )
    OR reason IS NULL
"""
ERROR = """
    UPDATE rounds SET reason_words = CASE
        WHEN reason_words = :failed THEN '' ELSE substr(reason_words, :prefix + 1)
    END
    WHERE reason = 'execution_failed'
"""
OURS = """
    UPDATE rounds SET reason_words = ''
    WHERE reason IN ('inferred', 'never_sent', 'execution_ended', 'execution_gone')
"""


def upgrade() -> None:
    """Rename, add the kind, and take our own sentences out."""
    op.execute("ALTER TABLE rounds RENAME COLUMN answer TO reason_words")
    op.execute("ALTER TABLE rounds RENAME COLUMN answer_code TO reason_code")
    op.add_column("rounds", sa.Column("reason", sa.Text(), nullable=True))
    failed = {"failed": FAILED, "prefix": len(FAILED_BECAUSE)}
    closed = {"newer": NEWER_OUTPUT, "gone": GONE, "because": FAILED_BECAUSE}
    connection = op.get_bind()
    connection.execute(sa.text(KIND), failed | closed)
    connection.execute(sa.text(CODE))
    connection.execute(sa.text(ERROR), failed)
    connection.execute(sa.text(OURS))
