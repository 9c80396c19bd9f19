"""Libraries that only some commands need: the extra `evidence`."""

import contextlib
from collections.abc import Iterator

from lapel.errors import EvidenceError


@contextlib.contextmanager
def extra(purpose: str) -> Iterator[None]:
    """Import libraries of the extra in this block. Raises EvidenceError that says how to install them."""
    try:
        yield
    except ImportError as error:
        install = "pip install '.[evidence]' in Lapel's folder"
        raise EvidenceError(f"{purpose} needs the extra `evidence`: {install} ({error})") from error
