"""The Ed25519 key that signs the heads of the audit trail: from the settings, or a file."""

import os
import stat
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog

from crewgate.domain.audit import Head, Published, Signature
from crewgate.domain.errors import CrewgateError
from crewgate.settings.dotenv import create_private
from crewgate.settings.load import Settings

log = structlog.get_logger(__name__)

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SEED_BYTES: Final = 32


class KeyUnusable(CrewgateError):
    """The audit key cannot be used; the message has the reason."""


class Signer:
    """Signs heads; without a key, signatures are empty."""

    def __init__(self, seed: bytes | None) -> None:
        self._seed = seed

    def __call__(self, head: Head) -> Signature:
        if self._seed is None:
            return Signature("", "")
        # The import of `cryptography` takes 10 MB of memory, and is needed once a day.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
        )

        key = Ed25519PrivateKey.from_private_bytes(self._seed)
        signature = key.sign(head.signed).hex()
        return Signature(key.public_key().public_bytes_raw().hex(), signature)


def is_signed(published: Published) -> bool:
    """Return False if a head names a key that did not sign the head."""
    if not published.signed.key:
        return True
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(published.signed.key))
        key.verify(bytes.fromhex(published.signed.signature), published.head.signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def open_signer(settings: Settings, *, make: bool) -> Signer:
    """Return this bot's signer; `make` writes a missing key file.

    On PostgreSQL only the settings give a key: no file lies beside the database. Raises
    KeyUnusable.
    """
    if settings.audit_key is not None:
        return Signer(bytes.fromhex(settings.audit_key))
    database = sa.make_url(settings.database_url)
    if database.get_backend_name() != "sqlite" or not database.database:
        return Signer(None)
    path = Path(f"{database.database}.audit-key")
    try:
        if make and not path.exists():
            _make(path)
        return Signer(_read(path))
    except OSError as error:
        raise KeyUnusable(f"the audit key {path} cannot be read or made: {error}") from error


def _make(path: Path) -> None:
    """Write a new key; the file appears whole or not at all."""
    unfinished = Path(f"{path}.part")
    unfinished.unlink(missing_ok=True)
    with create_private(unfinished) as file:
        file.write(f"{os.urandom(_SEED_BYTES).hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    log.info("audit_key_made", path=str(path))


def _read(path: Path) -> bytes | None:
    """Return the key in a file, or None without a file. Raises KeyUnusable."""
    try:
        with path.open(encoding="ascii") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise KeyUnusable(
                    f"others can read the audit key {path}: chmod 600 it; if they may have read it,"
                    " remove it, and the next start makes another"
                )
            seed = bytes.fromhex(file.read().strip())
    except FileNotFoundError:
        return None
    except ValueError:
        seed = b""
    if len(seed) != _SEED_BYTES:
        raise KeyUnusable(f"{path} holds no audit key, which is 32 bytes in hex; remove it")
    return seed
