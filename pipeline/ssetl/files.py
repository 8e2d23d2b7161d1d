"""Files that appear whole or not at all, and survive a power cut: the steps that the dataset rests on.

A file is written under a temporary name in its own folder, synced, and linked to its name, which fails
if that name exists; then the folder is synced. Temporary names start with a dot and end in `.tmp`, so
that no glob for data finds them. They are locked for as long as they are written, so that what a killed
process left can be told from what another is writing; no clock is asked.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nobody else uses."""
    return path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")


def hold(temporary: Path, *, mode: int = 0o666) -> int:
    """Create a temporary file; it counts as being written until the descriptor given is closed."""
    while True:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
        # Where files cannot be locked, none is ever taken for abandoned either.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # removed by `remove_abandoned` before it could be locked


@contextlib.contextmanager
def held(temporary: Path, *, mode: int = 0o666) -> Iterator[None]:
    """A temporary file for the time of a `with`."""
    descriptor = None
    try:
        descriptor = hold(temporary, mode=mode)  # a signal may come as soon as the file is there
        yield
    finally:
        remove(temporary)
        if descriptor is not None:
            os.close(descriptor)


def is_abandoned(temporary: Path) -> bool:
    """Whether nobody writes a temporary file any more."""
    with _locked(temporary) as is_locked:
        return is_locked


def remove_abandoned(temporary: Path) -> bool:
    """Remove a temporary file unless somebody is writing it; whether it was removed."""
    with _locked(temporary) as is_locked:
        if is_locked:
            temporary.unlink(missing_ok=True)
        return is_locked


def create_once(path: Path, data: bytes) -> bool:
    """Create a file with `data`; False, and nothing changed, if there is one of that name."""
    temporary = temporary_name(path)
    with held(temporary):
        with naming(path):
            temporary.write_bytes(data)
        return publish(temporary, path)


def publish(temporary: Path, path: Path) -> bool:
    """Give a written file its name, durably; False if the name is taken. The temporary name stays."""
    sync_file(temporary)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    sync_folder(path.parent)
    return True


def remove(path: Path) -> None:
    """Remove a temporary file. Failing to do so must not hide why: what is left over does no harm."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the operating system that do not tell the file tell this one: a full disk never does."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def sync_file(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Wait until the folder's names are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Whether the file could be locked, and so has no writer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
