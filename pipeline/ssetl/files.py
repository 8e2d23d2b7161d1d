"""Files that appear whole or not at all, and survive a power cut: the steps that the dataset rests on.

A file is written under a temporary name in its own folder, synced, and linked to its name, which fails
if that name exists; then the folder is synced. Temporary names start with a dot and end in `.tmp`, so
that no glob for data finds them.
"""

import contextlib
import os
import secrets
from pathlib import Path


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nobody else uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def create_once(path: Path, data: bytes) -> bool:
    """Create a file with `data`; False, and nothing changed, if there is one of that name."""
    temporary = temporary_name(path)
    try:
        with temporary.open("xb") as file:
            file.write(data)
        return publish(temporary, path)
    finally:
        remove(temporary)


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


def sync_file(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Wait until the folder's names are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
