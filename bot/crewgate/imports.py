"""Importing at a start, without looking for garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_imports() -> Iterator[None]:
    """Look for no garbage while this imports, and later never among what there is at its end.

    What is imported stays. To look again and again for what of it can go takes a seventh of a
    start; later it would make everybody wait who clicks at that moment.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
