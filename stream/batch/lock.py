"""One batch at a time in one output: two would write the same files."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from steadypose.errors import InputError
from steadypose.stream.batch.ledger import HIDDEN
from steadypose.stream.batch.places import LocalPlace, Place


@contextlib.contextmanager
def sole_use(place: Place) -> Iterator[None]:
    """Keep other batches out of a folder; the system ends that with this process, however it ends.

    Object stores, Windows, and network folders that know no locks are used without.

    Raises:
        InputError: Another batch is at work there.
    """
    with contextlib.ExitStack() as held:
        if isinstance(place, LocalPlace):
            _lock(place, held)
        yield


def _lock(place: LocalPlace, held: contextlib.ExitStack) -> None:
    try:
        import fcntl
    except ImportError:
        return
    folder = place.root / HIDDEN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = held.enter_context((folder / "lock").open("w"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise InputError(f"{place.root}: another batch is at work there") from error
