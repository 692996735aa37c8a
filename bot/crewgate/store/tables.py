"""The tables, for SQLite and PostgreSQL alike. Migrations bring a database to this shape.

The order of columns has no meaning, except that long texts come last in `executions`.
"""

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from crewgate.store.append_only import keep
from crewgate.store.column_types import Bytewise, Instant, Secret, SecretBytes, SecretJson

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: JSON, with Python's None as SQL's null.
Json: Final = sa.JSON(none_as_null=True)
#: A row's number, which the database assigns.
_Counter: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def table(name: str, *columns: sa.schema.SchemaItem, **options: Any) -> sa.Table:
    return sa.Table(name, metadata, *columns, **options)


def keys(kind: Any, *names: str) -> Iterator[sa.Column[Any]]:
    """Yield columns of the primary key."""
    return (sa.Column(name, kind, primary_key=True) for name in names)


def required(kind: Any, *names: str) -> Iterator[sa.Column[Any]]:
    """Yield columns that are never null."""
    return (sa.Column(name, kind, nullable=False) for name in names)


def optional(kind: Any, *names: str) -> Iterator[sa.Column[Any]]:
    """Yield columns that may be null."""
    return (sa.Column(name, kind) for name in names)


def index_where(where: str, name: str, *columns: str, unique: bool = False) -> sa.Index:
    """Return an index of the rows for which a condition holds.

    SQLAlchemy gets the condition when the index is made: `postgresql_where` would load PostgreSQL's
    dialect at every start, which takes 2 MB and 30 ms.
    """

    def tell(index: sa.Index, connection: sa.Connection, **_: Any) -> None:
        index.dialect_options[connection.dialect.name]["where"] = sa.text(where)

    index = sa.Index(name, *columns, unique=unique)
    sa.event.listen(index, "before_create", tell)
    return index


#: `inputs` and `meta` are lists of pairs, and `subject`, the topic, is made of them. `removed_at`
#: is the time when the texts were removed; activity after that sets it to null. Long columns come
#: last, so that a query for the other columns does not read them.
executions = table(
    "executions",
    *keys(Bytewise, "crew", "execution_id"),
    *required(sa.Boolean, "tracked"),
    *required(sa.Text, "state"),
    *required(Instant, "began_at"),
    *required(sa.Integer, "activity_count", "completed_tasks"),
    *optional(Instant, "ended_at", "asked_at", "not_found_since", "removed_at"),
    *optional(sa.Text, "channel", "thread_ts", "progress_channel", "progress_ts"),
    *optional(sa.Text, "starter", "starter_name", "result_format", "current_task"),
    *optional(sa.Integer, "total_tasks", "asked_activity", "not_found_count"),
    *optional(sa.BigInteger, "tokens"),
    *optional(sa.Boolean, "stuck_in_doubt", "is_flow"),
    *required(sa.Text, "step", "error"),
    *required(sa.JSON, "inputs"),
    *optional(sa.Text, "subject", "result"),
    *optional(Json, "meta", "named", "also_started", "lessons"),
    sa.Index(None, "execution_id"),
    index_where("thread_ts IS NOT NULL", "ix_executions_thread", "channel", "thread_ts"),
    sa.Index(None, "crew", "tracked", "state", "began_at"),
    # This index has only ended executions whose texts have not been removed.
    index_where(
        "ended_at IS NOT NULL AND removed_at IS NULL",
        "ix_executions_kept",
        *("crew", "ended_at", "execution_id"),
    ),
)

reviews = table(
    "reviews",
    *keys(sa.Text, "id"),
    *required(Bytewise, "crew", "execution_id", "task_id"),
    *optional(sa.Text, "task_name", "agent", "expected_output"),
    sa.UniqueConstraint("crew", "execution_id", "task_id"),
)

#: Rules as they were when a round opened under them; a row never changes. `id` is a digest of the
#: other columns. A rule that has escalated has a row of its own, because more people may decide.
rules = table(
    "rules",
    *keys(sa.Text, "id"),
    *required(Bytewise, "crew"),
    *required(sa.Boolean, "escalated"),
    *required(sa.Text, "rule"),
    sa.Index(None, "crew"),
)

#: A row that was stored before a column was added has null in that column.
rounds = table(
    "rounds",
    *keys(sa.Text, "id"),
    sa.Column("review_id", sa.ForeignKey("reviews.id"), nullable=False),
    # The review's crew, repeated so that an index with the state serves lists; never null.
    *optional(Bytewise, "crew"),
    *required(sa.Integer, "number", "version", "activity_before"),
    *required(sa.Text, "state", "digest", "reason_code", "reason_words"),
    *required(Instant, "opened_at"),
    *required(sa.Boolean, "unchanged"),
    *optional(sa.Text, "reason", "pause_id"),
    *optional(Instant, "ended_at", "in_doubt_since", "removed_at"),
    *optional(sa.Integer, "retries"),
    *optional(sa.Boolean, "takes_edits", "takes_key", "is_fetched"),
    sa.Column("was_alone", sa.Boolean, server_default=sa.false()),
    #: The salt of the audit trail's digests of the round's texts; null once the texts are removed.
    *optional(sa.Text, "salt"),
    #: `question` is what a flow or a hook asks, and `call` the call of a tool that people decide
    #: on; both are null for a task's output. `call_result` tells how a call, or a hook's
    #: question, ended.
    *optional(Json, "question", "call", "call_result", "tools_used"),
    # `rule_id` is empty if no rule applied and the crew's own settings count.
    sa.Column("rule_id", sa.Text, nullable=False, server_default=sa.text("''")),
    *optional(Instant, "escalated_at"),
    *optional(sa.Integer, "reminders"),
    # The decision; `votes` are the approvals so far, if several are needed. `presses` has the time
    # of each person's latest press that changed the round; `referrals` the people asked to look.
    *optional(Json, "votes", "presses", "referrals"),
    *optional(sa.Boolean, "is_approve", "masks_unseen"),
    #: True if the answer is one of the question's labels, False if it is free text, else null.
    *optional(sa.Boolean, "is_label"),
    *optional(sa.Text, "feedback", "decided_by", "decided_by_name", "decided_via"),
    *optional(sa.Text, "on_behalf_of", "on_behalf_of_name"),
    *optional(Instant, "decided_at"),
    *optional(sa.Integer, "unsent_notes", "shown_little", "looked_seconds"),
    #: The task that the crew runs after an approval, if its notification names one.
    *optional(sa.Text, "next_task"),
    # A person's text: its author and time, and the round of the crew's output that it replaced.
    # `sent_back` counts the rounds in a row, right before this one, that a rule sent back.
    *optional(Json, "edited_by"),
    *optional(Instant, "edited_at"),
    *optional(sa.Text, "origin_id"),
    *optional(sa.Integer, "sent_back"),
    # The card. `card_shows` is the percentage of the output that it shows; null until it is posted.
    # `card_thread_ts` is set if the card is in another channel than the execution's thread.
    *optional(sa.Text, "card_channel", "card_ts", "card_thread_ts"),
    *optional(sa.Integer, "card_shows", "masked"),
    #: True if, at the card's last update, fewer people could approve than the rule needs.
    *optional(sa.Boolean, "no_approver"),
    #: A digest of the rule and the task or tool.
    *optional(sa.Text, "task_key"),
    #: The time when Slack took the round's card; null until then.
    *optional(Instant, "announced_at"),
    # For the stats alone. `is_act` is True for a call of a tool, else null.
    *optional(sa.Integer, "characters"),
    *optional(sa.BigInteger, "waited_seconds", "made_in_seconds"),
    *optional(sa.Boolean, "is_on_target", "is_act"),
    sa.UniqueConstraint("review_id", "number"),
    index_where("state = 'WAITING'", "ix_rounds_waiting", "task_key", "crew", "opened_at"),
    sa.Index(None, "crew", "rule_id", "state", "opened_at", "id"),
    # The stats read nothing but this index: a row itself costs several times as much. It has no
    # column for a long text: PostgreSQL takes 2,704 bytes for a row of an index.
    index_where(
        "decided_at IS NOT NULL",
        "ix_rounds_decided",
        *("crew", "rule_id", "state", "decided_at", "decided_by", "decided_via"),
        *("number", "is_approve", "opened_at", "characters", "waited_seconds", "made_in_seconds"),
        *("is_on_target", "edited_at", "is_act"),
    ),
    index_where("card_thread_ts IS NOT NULL", "ix_rounds_thread", "card_channel", "card_thread_ts"),
    index_where("no_approver", "ix_rounds_no_approver", "crew", "opened_at"),
    index_where(
        "state = 'WAITING' AND referrals IS NOT NULL", "ix_rounds_referred", "crew", "opened_at"
    ),
)

#: The latest mention of each set of people, by the crew, task and rule of the rounds; `people` is a
#: digest of the set. `job` is the outbox job whose message is on its way; null once Slack took it.
mentions = table(
    "mentions",
    *keys(Bytewise, "crew"),
    *keys(sa.Text, "task_key", "people"),
    *required(Instant, "at"),
    *optional(sa.BigInteger, "job"),
    sa.Index(None, "at"),
)

absences = table(
    "absences",
    *keys(sa.Text, "user_id"),
    *required(sa.Text, "user_name", "delegate_id", "delegate_name"),
    *required(Instant, "since", "until"),
    sa.Index(None, "delegate_id"),
    sa.Index(None, "until"),
)

#: People who want a line each day; `told` is the ordinal of the date on which the last was sent.
mornings = table(
    "mornings",
    *keys(sa.Text, "user_id"),
    *required(sa.Integer, "minute", "told"),
    *required(sa.Text, "zone"),
)

#: People who have turned to the last page of a round's output, or revealed its masked passages.
#: `pages` and `seconds` are set if a person turned the pages faster than anybody reads. Nobody
#: can have read the last pages, which were shown at `began_at`, before `enough_at`.
read_to_end = table(
    "read_to_end",
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    *keys(sa.Text, "user_id"),
    sa.Column("at_end", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("unmasked", sa.Boolean, nullable=False, server_default=sa.false()),
    *optional(sa.Integer, "pages", "seconds"),
    *optional(Instant, "began_at", "enough_at"),
)

#: Outputs are apart from the rounds, so that a change of a round never rewrites half a megabyte.
#: `edited` is the text that a reviewer's revision asked the crew for, word by word. `rewritten` has
#: a flow's text from before CrewAI rewrote it, and the lessons that CrewAI followed. `erased` is
#: the number of secrets that the bot took out.
outputs = table(
    "outputs",
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    *required(sa.Text, "format", "text"),
    *optional(sa.Text, "edited"),
    *optional(Json, "rewritten"),
    *optional(sa.Integer, "erased"),
)

#: The webhook URLs of an execution. `origin` is REGISTERED, or the id of the round whose
#: notification carried them.
webhooks = table(
    "webhooks",
    *keys(Bytewise, "crew", "execution_id"),
    *keys(sa.Text, "origin"),
    *optional(Secret, "task_url", "step_url", "crew_url"),
    *optional(SecretJson, "human_input"),
)

REGISTERED: Final = "registered"

#: Jobs not yet done; a row is deleted when its job is done. `began_at` is set during a try, and
#: stays if that try's outcome is unknown. `failing_since` is the time of the first failure of the
#: job itself, and not of its destination. A job that is set aside is not tried any more, and stays
#: for people to see. `channel` is set if a round's card is in another channel than the execution's
#: thread.
outbox = table(
    "outbox",
    sa.Column("id", _Counter, primary_key=True),
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    *required(sa.Text, "destination", "ordering_key", "kind", "subject", "crew", "execution_id"),
    *required(Instant, "created_at", "due_at"),
    *required(sa.Integer, "tries"),
    *optional(Instant, "began_at", "lease_until", "failing_since", "set_aside_at"),
    *optional(sa.Text, "set_aside_why", "channel"),
    sa.Index(None, "destination", "priority", "due_at", "id"),
    sa.Index(None, "ordering_key", "id"),
    sa.Index(None, "subject", "kind"),
    # This index finds the jobs that are set aside or not, and the executions that have such jobs.
    sa.Index(None, "set_aside_at", "execution_id"),
    sqlite_autoincrement=True,
)

#: The budgets of limited rates, such as a channel's, which all processes share. `paid_until` is the
#: time up to which a budget is spent, by the database's clock if it is PostgreSQL.
budgets = table("budgets", *keys(sa.Text, "name"), *required(Instant, "paid_until"))

#: The time when a bot last served each crew: timers are put off by the time without a bot. The crew
#: "" stands for jobs of no crew.
heartbeat = table("heartbeat", *keys(sa.Text, "crew"), *required(Instant, "at"))

#: `removed_at` is the time when the body was removed.
dead_letters = table(
    "dead_letters",
    *keys(sa.Text, "id"),
    *required(sa.Text, "crew", "reason"),
    *required(Instant, "received_at"),
    *required(SecretBytes, "body"),
    *optional(sa.Text, "report_channel", "report_ts"),
    *optional(sa.Text, "dismissed_by", "dismissed_by_name", "dismissed_why"),
    *optional(Instant, "dismissed_at", "removed_at"),
    sa.Index(None, "crew", "received_at", "report_ts", "dismissed_at"),
    index_where("removed_at IS NULL", "ix_dead_letters_kept", "crew", "received_at"),
)

#: Completed tasks, for their lines in the progress message. `task` is the task's name in a webhook,
#: and `activity` the execution's activity count with that webhook.
task_updates = table(
    "task_updates",
    *keys(sa.Text, "id"),
    *required(Bytewise, "crew", "execution_id"),
    *required(Instant, "received_at"),
    *required(sa.Text, "title", "summary"),
    *optional(sa.Text, "agent", "task"),
    *optional(sa.Integer, "activity"),
    sa.Index(None, "crew", "execution_id", "received_at", "id"),
)

#: The accounts that reviewers' e-mail addresses belong to; `address` is in lower case.
email_owners = table(
    "email_owners",
    *keys(sa.Text, "address"),
    *required(sa.Text, "user_id"),
    *optional(sa.Text, "moved_to"),
)

#: The latest answer of Slack about the bot's installation; of its token only a digest is stored.
installations = table(
    "installations",
    *keys(sa.Text, "token_digest"),
    *required(sa.Text, "url"),
    *optional(sa.Text, "team_id", "enterprise_id"),
    *required(sa.Boolean, "whole_enterprise"),
)

#: Webhooks that are forwarded to a caller; a row is deleted when the forwarding is done.
forwarded_webhooks = table(
    "forwarded_webhooks",
    *keys(sa.Text, "id"),
    *required(sa.Text, "crew", "execution_id", "kind", "content_type"),
    *required(sa.LargeBinary, "body"),
)

#: The submitted kickoff forms, by id: none starts two executions, even if Slack sends it twice.
kickoff_forms = table(
    "kickoff_forms",
    *keys(sa.Text, "form"),
    *required(sa.Text, "crew"),
    *required(Instant, "sent_at"),
)

#: Kickoffs without a clear answer of the crew. `starter` is a user id or an e-mail address; it is
#: empty if the kickoff is stored only because one of its values, in `named`, names a reviewer.
unclear_kickoffs = table(
    "unclear_kickoffs",
    *keys(sa.Text, "id"),
    *required(sa.Text, "crew", "starter"),
    *required(Instant, "sent_at"),
    *optional(Json, "named"),
    sa.Index(None, "crew", "sent_at"),
)

#: Notes: messages of people in threads, by the round of the crew's output that they are about. A
#: deleted note keeps its row: Slack may repeat its message.
notes = table(
    "notes",
    *keys(sa.Text, "channel", "ts"),
    sa.Column("round_id", sa.ForeignKey("rounds.id"), nullable=False),
    *required(sa.Text, "author", "author_name", "text", "edited_ts"),
    *required(Instant, "at"),
    *required(sa.Boolean, "deleted"),
    sa.Index(None, "round_id", "at"),
)

direct_messages = table(
    "direct_messages",
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    *keys(sa.Text, "user_id"),
    *required(sa.Text, "channel", "ts"),
)

#: Requests of flows, so that a repeated one is recognised, and the answer can be sent. An address
#: or a token lets its holder answer: both are null once the round takes no answer.
flow_requests = table(
    "flow_requests",
    *keys(Bytewise, "crew", "execution_id", "request_id"),
    sa.Column("round_id", sa.ForeignKey("rounds.id"), nullable=False),
    *optional(Secret, "callback_url", "token"),
    sa.Index(None, "round_id"),
)

#: The latest claim of each round.
claims = table(
    "claims",
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    *required(sa.Text, "claimed_by", "claimed_by_name"),
    *required(Instant, "at"),
)

#: The audit trail; `id` is the order of arrival. `body` is canonical JSON, and repeats the columns
#: before `body`. The columns after `body` are filled once, when the entry is linked; `nth` is the
#: entry's number within its execution.
audit_entries = table(
    "audit_entries",
    sa.Column("id", _Counter, primary_key=True),
    *required(Instant, "at"),
    *required(Bytewise, "crew", "execution_id"),
    *required(sa.LargeBinary, "body"),
    *optional(sa.BigInteger, "number"),
    *optional(sa.LargeBinary, "previous", "hash"),
    *optional(sa.BigInteger, "nth"),
    # Two indexes have only entries in the hash chain: storing a decision's entry writes to neither.
    *(
        index_where("number IS NOT NULL", f"uq_audit_entries_{name}", name, unique=True)
        for name in ("number", "previous")
    ),
    sa.Index(None, "execution_id", "id"),
    index_where("number IS NULL", "ix_audit_entries_unlinked", "id"),
    sqlite_autoincrement=True,
)

#: The published heads of the audit trail's chain.
audit_heads = table(
    "audit_heads",
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    *required(sa.LargeBinary, "hash"),
    *required(Instant, "at"),
    *required(sa.Text, "key", "signature"),
)

for _table in (audit_entries, audit_heads):
    sa.event.listen(_table, "after_create", lambda made, on, **_: keep(on, made.name))

#: The keys that credentials may be encrypted with; `canary` is a text that the key encrypted.
secret_keys = table("secret_keys", *keys(sa.Text, "name"), *required(sa.Text, "canary"))

#: The version of Crewgate that wrote to this database last; the table has one row.
written_by = table("written_by", *keys(sa.Text, "version"))
