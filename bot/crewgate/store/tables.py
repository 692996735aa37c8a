"""The tables, for SQLite and PostgreSQL alike. Migrations bring a database to this shape."""

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


#: `inputs` and `meta` are pairs; `subject`, the topic, is made of them. Long columns come last:
#: reading the other columns does not read long ones.
executions = sa.Table(
    "executions",
    metadata,
    sa.Column("crew", Bytewise, primary_key=True),
    sa.Column("execution_id", Bytewise, primary_key=True),
    sa.Column("tracked", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("began_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("activity_count", sa.Integer, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("thread_ts", sa.Text),
    sa.Column("progress_channel", sa.Text),
    sa.Column("progress_ts", sa.Text),
    sa.Column("starter", sa.Text),
    sa.Column("starter_name", sa.Text),
    sa.Column("completed_tasks", sa.Integer, nullable=False),
    sa.Column("total_tasks", sa.Integer),
    sa.Column("tokens", sa.BigInteger),
    sa.Column("asked_at", Instant),
    sa.Column("asked_activity", sa.Integer),
    sa.Column("not_found_since", Instant),
    sa.Column("not_found_count", sa.Integer),
    sa.Column("stuck_in_doubt", sa.Boolean),
    sa.Column("result_format", sa.Text),
    sa.Column("current_task", sa.Text),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("meta", sa.JSON(none_as_null=True)),
    sa.Column("is_flow", sa.Boolean),
    sa.Column("named", sa.JSON(none_as_null=True)),
    sa.Column("also_started", sa.JSON(none_as_null=True)),
    sa.Column("lessons", sa.JSON(none_as_null=True)),
    #: The time when the execution's texts were removed; null again after any news.
    sa.Column("removed_at", Instant),
    sa.Index(None, "execution_id"),
    sa.Index(None, "channel", "thread_ts"),
    sa.Index(None, "crew", "tracked", "state", "began_at"),
    # The index has only ended executions with texts.
    index_where(
        "ended_at IS NOT NULL AND removed_at IS NULL",
        "ix_executions_kept",
        *("crew", "ended_at", "execution_id"),
    ),
)

reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", Bytewise, nullable=False),
    sa.Column("execution_id", Bytewise, nullable=False),
    sa.Column("task_id", Bytewise, nullable=False),
    sa.Column("task_name", sa.Text),
    sa.Column("agent", sa.Text),
    sa.Column("expected_output", sa.Text),
    sa.UniqueConstraint("crew", "execution_id", "task_id"),
)

#: Rules as they were when a round opened under them; never changed. `id` is made of the rest. An
#: escalated rule has a row of its own: other people may decide.
rules = sa.Table(
    "rules",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", Bytewise, nullable=False),
    sa.Column("escalated", sa.Boolean, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Index(None, "crew"),
)

#: `crew` is the review's, and never null: beside the state, so that one index serves the lists.
#: `card_shows` is the percentage of the output on the card; null before the post. `rule_id` is
#: empty if the crew's settings count. `card_thread_ts` is the thread of a card in another channel
#: than the execution's thread.
_OF_FLOOD = ("gathered_by", "state", "card_ts", "opened_at", "id")
_HAS_CARD = "gathered_by IS NOT NULL AND card_ts IS NOT NULL"
rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("review_id", sa.ForeignKey("reviews.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("unchanged", sa.Boolean, nullable=False),
    sa.Column("is_approve", sa.Boolean),
    sa.Column("feedback", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_by_name", sa.Text),
    sa.Column("decided_at", Instant),
    sa.Column("decided_via", sa.Text),
    sa.Column("unsent_notes", sa.Integer),
    sa.Column("shown_little", sa.Integer),
    sa.Column("masks_unseen", sa.Boolean),
    sa.Column("looked_seconds", sa.Integer),
    sa.Column("in_doubt_since", Instant),
    sa.Column("activity_before", sa.Integer, nullable=False),
    sa.Column("was_alone", sa.Boolean, server_default=sa.false()),
    #: The value is null in rows that are older than this column.
    sa.Column("retries", sa.Integer),
    sa.Column("reason", sa.Text),
    sa.Column("reason_code", sa.Text, nullable=False),
    sa.Column("reason_words", sa.Text, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("card_channel", sa.Text),
    sa.Column("card_ts", sa.Text),
    sa.Column("crew", Bytewise),
    sa.Column("card_shows", sa.Integer),
    sa.Column("masked", sa.Integer),
    #: True if too few people may approve the round, as of its card's last update.
    sa.Column("no_approver", sa.Boolean),
    sa.Column("rule_id", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("votes", sa.JSON(none_as_null=True)),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("on_behalf_of_name", sa.Text),
    sa.Column("escalated_at", Instant),
    sa.Column("reminders", sa.Integer),
    sa.Column("card_thread_ts", sa.Text),
    #: The question of a flow; null for a crew's task.
    sa.Column("question", sa.JSON(none_as_null=True)),
    #: True if an answer to a flow is one of its own labels; null for any other verdict.
    sa.Column("is_label", sa.Boolean),
    #: The salt of the digests of the round's texts in the audit trail; null once they are wiped.
    sa.Column("salt", sa.Text),
    sa.Column("pause_id", sa.Text),
    sa.Column("takes_edits", sa.Boolean),
    sa.Column("takes_key", sa.Boolean),
    #: The value is None if the round opened before this column; read as False.
    sa.Column("is_fetched", sa.Boolean),
    #: The author of the text, if it is not the crew's own.
    sa.Column("edited_by", sa.JSON(none_as_null=True)),
    sa.Column("edited_at", Instant),
    #: The value is None if the round opened before this column; read as never.
    sa.Column("sent_back", sa.Integer),
    #: The round of the crew's output that the text replaced.
    sa.Column("origin_id", sa.Text),
    # These columns are for the stats alone; null in rounds that are older than the columns.
    sa.Column("characters", sa.Integer),
    sa.Column("waited_seconds", sa.BigInteger),
    sa.Column("made_in_seconds", sa.BigInteger),
    sa.Column("is_on_target", sa.Boolean),
    sa.Column("removed_at", Instant),
    sa.Column("call", sa.JSON(none_as_null=True)),
    sa.Column("call_result", sa.JSON(none_as_null=True)),
    sa.Column("tools_used", sa.JSON(none_as_null=True)),
    #: For the stats alone: True for a call of a tool, else null.
    sa.Column("is_act", sa.Boolean),
    #: For the stats alone: the number of its kickoff's lessons; 0: by lot none; null: not counted.
    sa.Column("lessons", sa.Integer),
    #: A digest of a first round's task or tool, and of its rule: floods are counted by this digest.
    sa.Column("task_key", sa.Text),
    #: The first round of the round's flood: itself, or another round.
    sa.Column("gathered_by", sa.Text),
    #: When Slack took its card or, before that, the first card of another round that counts it.
    sa.Column("announced_at", Instant),
    #: The task after an approval, if the crew says so.
    sa.Column("next_task", sa.Text),
    sa.UniqueConstraint("review_id", "number"),
    index_where("state = 'WAITING'", "ix_rounds_waiting", "task_key", "crew", "opened_at"),
    index_where("gathered_by IS NOT NULL", "ix_rounds_gathered_by", *_OF_FLOOD),
    index_where(_HAS_CARD, "ix_rounds_flood_cards", "gathered_by", "announced_at"),
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
    index_where(
        "lessons IS NOT NULL",
        "ix_rounds_lessons",
        *("crew", "rule_id", "decided_at", "lessons", "decided_via", "is_approve"),
        *("number", "edited_at"),
    ),
    sa.Index(None, "card_channel", "card_thread_ts"),
    index_where("no_approver", "ix_rounds_no_approver", "crew", "opened_at"),
)

absences = sa.Table(
    "absences",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("delegate_id", sa.Text, nullable=False),
    sa.Column("delegate_name", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False),
    sa.Index(None, "delegate_id"),
    sa.Index(None, "until"),
)

#: Wishes for a line each day; `told` is the ordinal of the date of the last.
mornings = sa.Table(
    "mornings",
    metadata,
    sa.Column("user_id", sa.Text, primary_key=True),
    *(sa.Column("minute", sa.Integer, nullable=False), sa.Column("zone", sa.Text, nullable=False)),
    sa.Column("told", sa.Integer, nullable=False),
)

#: People who have turned to the last page of a round's output, or revealed its masked passages;
#: `pages` and `seconds` are of people who turned faster than anybody reads; the times, of a `Look`.
read_to_end = sa.Table(
    "read_to_end",
    metadata,
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("at_end", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("unmasked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("pages", sa.Integer),
    sa.Column("seconds", sa.Integer),
    sa.Column("began_at", Instant),
    sa.Column("enough_at", Instant),
)

#: Outputs are apart from the rounds, so that moving a round never rewrites half a megabyte.
outputs = sa.Table(
    "outputs",
    metadata,
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    #: The text as a reviewer wants it, if the crew was asked for exactly that.
    sa.Column("edited", sa.Text),
    #: The text before CrewAI rewrote it by lessons, and these lessons.
    sa.Column("rewritten", sa.JSON(none_as_null=True)),
    sa.Column("erased", sa.Integer),
)

#: The webhook URLs of an execution. `origin` is REGISTERED, or the id of the round whose
#: notification carried them.
webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("crew", Bytewise, primary_key=True),
    sa.Column("execution_id", Bytewise, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("task_url", Secret),
    sa.Column("step_url", Secret),
    sa.Column("crew_url", Secret),
    sa.Column("human_input", SecretJson),
)

REGISTERED: Final = "registered"

#: Jobs not yet done; a row is deleted when its job is done. `began_at` is set during a try with an
#: unknown outcome. `failing_since` is the first of its own failures, not its destination's. A job
#: that is set aside is not tried any more, and stays for people to see.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ordering_key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("crew", sa.Text, nullable=False),
    sa.Column("execution_id", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("began_at", Instant),
    sa.Column("lease_until", Instant),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("failing_since", Instant),
    sa.Column("set_aside_at", Instant),
    sa.Column("set_aside_why", sa.Text),
    #: The channel of a round's card, if its thread is another than the execution's.
    sa.Column("channel", sa.Text),
    sa.Index(None, "destination", "priority", "due_at", "id"),
    sa.Index(None, "ordering_key", "id"),
    sa.Index(None, "subject", "kind"),
    # Jobs that are tried or set aside, and the executions that have such jobs.
    sa.Index(None, "set_aside_at", "execution_id"),
    sqlite_autoincrement=True,
)

#: Rates that all processes share, such as a channel's, each with the time up to which it is paid
#: for, in microseconds by the clock of leases.
budgets = sa.Table(
    "budgets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("paid_until", Instant, nullable=False),
)

#: The time up to which time has counted for rules, by crew; "" for all else.
heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("crew", sa.Text, primary_key=True),
    sa.Column("at", Instant, nullable=False),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("body", SecretBytes, nullable=False),
    sa.Column("report_channel", sa.Text),
    sa.Column("report_ts", sa.Text),
    sa.Column("dismissed_by", sa.Text),
    sa.Column("dismissed_by_name", sa.Text),
    sa.Column("dismissed_why", sa.Text),
    sa.Column("dismissed_at", Instant),
    #: The time when the dead letter's body was removed.
    sa.Column("removed_at", Instant),
    sa.Index(None, "crew", "received_at", "report_ts", "dismissed_at"),
    index_where("removed_at IS NULL", "ix_dead_letters_kept", "crew", "received_at"),
)

#: Completed tasks, for their lines in the progress message.
task_updates = sa.Table(
    "task_updates",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", Bytewise, nullable=False),
    sa.Column("execution_id", Bytewise, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("agent", sa.Text),
    #: The task's name in a webhook, and the execution's activity count with that webhook.
    sa.Column("task", sa.Text),
    sa.Column("activity", sa.Integer),
    sa.Index(None, "crew", "execution_id", "received_at", "id"),
)

#: The owners of reviewers' e-mail addresses; `address` in lower case.
email_owners = sa.Table(
    "email_owners",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("moved_to", sa.Text),
)

#: The bot's latest installation as Slack told it, by a digest of its token, which is not stored.
installations = sa.Table(
    "installations",
    metadata,
    sa.Column("token_digest", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("team_id", sa.Text),
    sa.Column("enterprise_id", sa.Text),
    sa.Column("whole_enterprise", sa.Boolean, nullable=False),
)

#: Webhooks that are forwarded to a caller; a row is deleted when the forwarding is done.
forwarded_webhooks = sa.Table(
    "forwarded_webhooks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", sa.Text, nullable=False),
    sa.Column("execution_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

#: The forms that were sent to start a crew: each form starts one execution, however often it comes.
kickoff_forms = sa.Table(
    "kickoff_forms",
    metadata,
    sa.Column("form", sa.Text, primary_key=True),
    sa.Column("crew", sa.Text, nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
)

#: Kickoffs without a known answer, with their starter: a user id or an e-mail address, or empty if
#: only the reviewer that they name matters. `named` is as in `executions`.
unclear_kickoffs = sa.Table(
    "unclear_kickoffs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("crew", sa.Text, nullable=False),
    sa.Column("starter", sa.Text, nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
    sa.Column("named", sa.JSON(none_as_null=True)),
    sa.Index(None, "crew", "sent_at"),
)

#: Notes: messages of people in threads, by the round of the crew's output that they are about. A
#: deleted note keeps its row: Slack may repeat its message.
notes = sa.Table(
    "notes",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("ts", sa.Text, primary_key=True),
    sa.Column("round_id", sa.ForeignKey("rounds.id"), nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("author_name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("edited_ts", sa.Text, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Index(None, "round_id", "at"),
)

direct_messages = sa.Table(
    "direct_messages",
    metadata,
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("ts", sa.Text, nullable=False),
)

#: Requests of flows, for recognising a repeated request, and for its answer. An address or a token
#: lets its holder answer: both are null once the round takes no answer.
flow_requests = sa.Table(
    "flow_requests",
    metadata,
    sa.Column("crew", Bytewise, primary_key=True),
    sa.Column("execution_id", Bytewise, primary_key=True),
    sa.Column("request_id", Bytewise, primary_key=True),
    sa.Column("round_id", sa.ForeignKey("rounds.id"), nullable=False),
    sa.Column("callback_url", Secret),
    sa.Column("token", Secret),
    sa.Index(None, "round_id"),
)

#: The latest claim of each round.
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("round_id", sa.ForeignKey("rounds.id"), primary_key=True),
    sa.Column("claimed_by", sa.Text, nullable=False),
    sa.Column("claimed_by_name", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: The audit trail; `id` is the order of arrival. `body` is canonical JSON, and has the columns
#: before it too. The last three columns are filled once, when the entry is linked.
audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("crew", Bytewise, nullable=False),
    sa.Column("execution_id", Bytewise, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("number", sa.BigInteger),
    sa.Column("previous", sa.LargeBinary),
    sa.Column("hash", sa.LargeBinary),
    sa.Column("nth", sa.BigInteger),  # within its execution
    # The indexes have only linked entries: a decision writes two indexes less.
    *(
        index_where("number IS NOT NULL", f"uq_audit_entries_{name}", name, unique=True)
        for name in ("number", "previous")
    ),
    sa.Index(None, "execution_id", "id"),
    index_where("number IS NULL", "ix_audit_entries_unlinked", "id"),
    sqlite_autoincrement=True,
)

#: The published heads of the chain.
audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
)

for _table in (audit_entries, audit_heads):
    sa.event.listen(_table, "after_create", lambda table, on, **_: keep(on, table.name))

#: The keys that credentials may be encrypted with, and a text that each of these keys encrypted.
secret_keys = sa.Table(
    "secret_keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("canary", sa.Text, nullable=False),
)

#: The version of the Crewgate that wrote here last, in its only row.
written_by = sa.Table("written_by", metadata, sa.Column("version", sa.Text, primary_key=True))
