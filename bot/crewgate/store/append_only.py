"""Triggers by which the database refuses to change or remove entries of the audit trail."""

from typing import Final

import sqlalchemy as sa

_ENTRIES: Final = "audit_entries"
_HEADS: Final = "audit_heads"
_WHY: Final = "audit entries are never changed or removed"
_CHANGED: Final = "OLD.number IS NOT NULL OR {}".format(
    " OR ".join(
        f"NEW.{name} IS DISTINCT FROM OLD.{name}"
        for name in ("id", "at", "crew", "execution_id", "body")
    )
)
_EXISTS: Final = "EXISTS (SELECT 1 FROM {} WHERE {})"
_SAME_LINK: Final = "number = NEW.number OR number IS NOT NULL AND previous = NEW.previous"
_TAKES_LINK: Final = _EXISTS.format(_ENTRIES, _SAME_LINK)
_TAKES_PLACE: Final = _EXISTS.format(_ENTRIES, f"id = NEW.id OR {_SAME_LINK}")
_TAKES_HEAD: Final = _EXISTS.format(_HEADS, "number = NEW.number")
#: The triggers by dialect and table: a name, an act, and the condition for refusing that act.
#: INSERT OR REPLACE in SQLite removes a row without running its DELETE trigger, so a trigger
#: refuses such an INSERT.
_REFUSED: Final = {
    ("sqlite", _ENTRIES): (
        ("audit_kept", "DELETE", "TRUE"),
        ("audit_linked_once", "UPDATE", f"{_CHANGED} OR {_TAKES_LINK}"),
        ("audit_not_replaced", "INSERT", _TAKES_PLACE),
    ),
    ("sqlite", _HEADS): (
        ("audit_heads_kept", "DELETE", "TRUE"),
        ("audit_heads_unchanged", "UPDATE", "TRUE"),
        ("audit_heads_not_replaced", "INSERT", _TAKES_HEAD),
    ),
    ("postgresql", _ENTRIES): (
        ("audit_kept", "DELETE", "TRUE"),
        ("audit_linked_once", "UPDATE", _CHANGED),
        ("audit_not_emptied", "TRUNCATE", ""),
    ),
    ("postgresql", _HEADS): (
        ("audit_heads_kept", "UPDATE OR DELETE", "TRUE"),
        ("audit_heads_not_emptied", "TRUNCATE", ""),
    ),
}
_FUNCTION: Final = (
    "CREATE OR REPLACE FUNCTION audit_entries_kept() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{_WHY}'; END $$"
)


def keep(connection: sa.Connection, table: str) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.exec_driver_sql(_FUNCTION)
    for name, act, refused in _REFUSED[connection.dialect.name, table]:
        each = f"FOR EACH ROW WHEN ({refused})" if refused else "FOR EACH STATEMENT"
        does = (
            f"BEGIN SELECT RAISE(ABORT, '{_WHY}'); END"
            if is_sqlite
            else "EXECUTE FUNCTION audit_entries_kept()"
        )
        # SQLite has IS DISTINCT FROM only since 3.39; its IS NOT compares nulls in the same way.
        when = each.replace("IS DISTINCT FROM", "IS NOT") if is_sqlite else each
        trigger = f"CREATE TRIGGER {name} BEFORE {act} ON {table} {when} {does}"
        connection.exec_driver_sql(trigger)
