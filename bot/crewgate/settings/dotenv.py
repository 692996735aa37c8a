"""`crewgate init`: a `.env` to fill in."""

import os
from pathlib import Path
from typing import Final

from crewgate.domain.errors import CrewgateError
from crewgate.settings.document import render_dotenv

_OWNER_ONLY: Final = 0o600


class NotWritten(CrewgateError):
    """A `.env` exists already, or none can be written here."""


def write_dotenv(folder: Path) -> Path:
    """Write a `.env` to fill in. Raises NotWritten and leaves a present one untouched."""
    file = folder / ".env"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError:
        raise NotWritten(".env is here already and was left as it is") from None
    except OSError as error:
        raise NotWritten(f".env cannot be written here: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(render_dotenv())
    return file
