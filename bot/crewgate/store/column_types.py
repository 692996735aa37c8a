"""The types of columns: moments, and credentials that are encrypted if the bot has keys."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

import sqlalchemy as sa
import structlog
from typing_extensions import override

from crewgate.domain.notification import UNREADABLE
from crewgate.encryption import Cipher, Unreadable, key_of, mark_plain, unmark_plain
from crewgate.store.unreadable import FIRST_MOMENT, LAST_MOMENT, NO_TIME

log = structlog.get_logger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class Instant(sa.types.TypeDecorator[datetime]):
    """A moment as microseconds since 1970 UTC, which both databases order and compare alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> int | None:
        return None if value is None else (value - _EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, _dialect: Any) -> datetime | None:
        try:
            return None if value is None else _EPOCH + value * MICROSECOND
        except (TypeError, OverflowError):
            return NO_TIME


def is_time(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a moment can be read: SQLite orders texts behind all numbers."""
    return column.between(FIRST_MOMENT, LAST_MOMENT)


class Secret(sa.types.TypeDecorator[Any]):
    """A credential: encrypted if the bot has keys, and never looked up by its value."""

    impl: Any = sa.Text
    cache_ok = True
    cipher: ClassVar = Cipher()
    """The cipher of this process, once it has read its settings."""
    form: ClassVar[tuple[Callable[[Any], str], Callable[[str], Any]]] = (str, str)
    """The conversions of a value to its text, and back."""
    unreadable: ClassVar[Any] = UNREADABLE
    """The value that is read if no key opens the stored value."""

    @override
    def process_bind_param(self, value: Any | None, dialect: Any) -> Any | None:
        if value is None or not self.cipher.names:
            return mark_plain(value)
        text = self.cipher.encrypt(self.form[0](value))
        return text.encode() if isinstance(value, bytes) else text

    @override
    def process_result_value(self, value: Any | None, dialect: Any) -> Any | None:
        try:
            return self.opened(value)
        except Unreadable as lost:
            log.error("credential_unreadable", key=str(lost))  # noqa: TRY400  # a lost key is no bug, so no traceback
            return self.unreadable

    def opened(self, stored: Any | None) -> Any | None:
        """Decrypt a stored value. Raises Unreadable."""
        if stored is None or key_of(stored) is None:
            return unmark_plain(stored)
        return self.form[1](self.cipher.decrypt(stored))


class SecretJson(Secret):
    """A webhook as JSON, encrypted for its credentials."""

    impl = sa.JSON
    cache_ok = True
    form = (json.dumps, json.loads)
    unreadable: ClassVar = {"url": UNREADABLE}


class SecretBytes(Secret):
    """The bytes of a body as received, encrypted."""

    impl = sa.LargeBinary
    cache_ok = True
    form = (partial(str, encoding="latin-1"), partial(bytes, encoding="latin-1"))
    unreadable: ClassVar = b"(encrypted with a key that SECRET_KEYS lacks)"


#: A text that both databases compare byte by byte, so that an index serves "begins with" too.
Bytewise: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
