"""Unpacking bodies that were packed by their sender, within a limit."""

import zlib
from typing import Final

_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_PLAIN: Final = frozenset({"", "identity"})


def unpack(content: bytes, encoding: str, limit: int) -> tuple[bytes, bool] | None:
    """So many bytes of what was packed at most, and whether that is all of it.

    `encoding` is a `Content-Encoding`. None when it cannot be unpacked.
    """
    if is_plain(encoding):
        return content[:limit], len(content) <= limit
    if encoding.strip().lower() not in _PACKED:
        return None
    unpacking = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
    try:
        plain = unpacking.decompress(content, limit)
    except zlib.error:
        return None
    return plain, unpacking.eof


def is_plain(encoding: str) -> bool:
    """Return True if a `Content-Encoding` packs nothing."""
    return encoding.strip().lower() in _PLAIN
