"""Stored credentials: encrypted with the newest of SECRET_KEYS, or plain without keys.

An encrypted value begins with its key's name; a plain value that looks so gets a mark.
"""

import base64
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypeVar

from crewgate.domain.errors import CrewgateError
from crewgate.domain.parsers import InvalidSetting, parse_text

T = TypeVar("T")

MAKE_KEY: Final = "openssl rand -base64 32 | tr '+/' '-_'"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}=")
_ENCRYPTED: Final = re.compile(r"encrypted:([0-9a-f]{8}):")
_MARK: Final = "plain:"
_NEEDS_MARK: Final = re.compile(f"encrypted:|{_MARK}")
KEY_ENDS: Final = len("encrypted:01234567:")
"""The length of the stored part that names the key."""


def parse_secret_keys(raw: object) -> tuple[str, ...]:
    """Parse keys as `cryptography` makes them for Fernet, comma-separated, the newest first."""
    keys = [one.strip() for one in parse_text(raw).split(",")]
    for number, key in enumerate(keys, start=1):
        if not _KEY.fullmatch(key):
            raise InvalidSetting(
                f"key {number} is not 32 bytes in URL-safe base64; put what `{MAKE_KEY}` prints"
            )
    if len({base64.urlsafe_b64decode(key) for key in keys}) < len(keys):
        raise InvalidSetting("one of its keys is there twice; take one of the two out")
    return tuple(keys)


class Unreadable(CrewgateError):
    """No key opens a value; the exception has the name of the key that encrypted it."""


class Cipher:
    """Encrypts with the first of its keys and decrypts with any; without keys, texts stay plain."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self.names = tuple(sha256(key.encode()).hexdigest()[:8] for key in keys)
        """The names by which stored values tell their key: the beginning of its hash."""
        self._fernet = None
        if keys:
            # This import takes 10 MB of memory, and is not needed without keys.
            from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

            self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, content: str) -> str:
        if self._fernet is None:
            return content
        return f"encrypted:{self.names[0]}:{self._fernet.encrypt(content.encode()).decode()}"

    def decrypt(self, stored: str | bytes) -> str:
        """Return the content of an encrypted value. Raises Unreadable."""
        name = key_of(stored) or ""
        if self._fernet is None:
            raise Unreadable(name)
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  # imported late: see above

        try:
            return self._fernet.decrypt(_text(stored).rpartition(":")[2].encode()).decode()
        except InvalidToken:
            raise Unreadable(name) from None


def key_of(stored: object) -> str | None:
    """Return the name of the key that encrypted a value; None if the value is plain."""
    found = _ENCRYPTED.match(_text(stored)) if isinstance(stored, str | bytes) else None
    return found and found[1]


def mark_plain(content: T) -> T | str | bytes:
    """Return a plain value in its stored form, which never looks encrypted."""
    if not isinstance(content, str | bytes) or not _NEEDS_MARK.match(_text(content)):
        return content
    return _MARK + content if isinstance(content, str) else _MARK.encode() + content


def unmark_plain(stored: T) -> T | str | bytes:
    """Undo `mark_plain`."""
    if not isinstance(stored, str | bytes) or not _text(stored).startswith(_MARK):
        return stored
    return stored[len(_MARK) :]


def _text(stored: str | bytes) -> str:
    return stored if isinstance(stored, str) else stored.decode("latin-1")
