"""Finding sources: files, folders, globs, standard input. No file is opened here.

A path is kept as text that any column can hold. File names are bytes; those that are no UTF-8 are spelt
with U+FFFD and two hex digits for each odd byte, and `os_path` gives the name back.
"""

import glob
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from blake3 import blake3

from ssetl import files
from ssetl.errors import NoSources, SourceNotFound

DATASET_MARKER: Final = "_plan"
"""A folder that holds one of this name is a dataset: nothing to ingest."""

SPOOL_FOLDER: Final = "_spool"
"""Where a dataset keeps standard input until it is ingested."""

_SPOOL_READ: Final = 1 << 20


class Source(msgspec.Struct, frozen=True, order=True, gc=False):
    """A regular file, as it was listed.

    Args:
        path: absolute, as text (see `os_path`).
        inode: device and inode number, `2049:131`.
        size: stored bytes.
        mtime_ns: last change, nanoseconds since 1970.
    """

    path: str
    inode: str
    size: int
    mtime_ns: int


class Found(msgspec.Struct, frozen=True):
    """What `find` found.

    Args:
        sources: sorted by path; one of several names of a file may stand for it.
        rejected: paths that hold no bytes to read, and why.
    """

    sources: list[Source]
    rejected: list[tuple[str, str]]


def find(paths: Iterable[str | Path]) -> Found:
    """The sources that files, folders (with all below them) and globs name.

    In folders, names that begin with a dot and datasets are passed over. Symbolic links are followed,
    and each folder is read once.

    Raises:
        SourceNotFound: a path names nothing, or a glob matches nothing.
        NoSources: there is no file in the folders.
    """
    search = _Search()
    named = [str(path) for path in paths]
    for path in named:
        for match in _matches(path):
            search.visit(os.path.normpath(Path(match).absolute()))
    if not search.sources and not search.rejected:
        where = ", ".join(map(text_path, named))
        raise NoSources(
            f"expected files to ingest in {where}, and there are none (hidden files and datasets are passed"
            " over): name another path."
        )
    return Found(sorted(search.sources.values()), sorted(search.rejected))


def spool(stream: BinaryIO, dataset: Path) -> Source:
    """Keep a stream as a file of the dataset, named by its content, and give that as a source.

    Memory is bounded. Whatever name the stream had, equal content is one file.
    """
    folder = dataset / SPOOL_FOLDER
    folder.mkdir(exist_ok=True)
    temporary = files.temporary_name(folder / "stdin")
    digest = blake3()
    with files.held(temporary):
        with temporary.open("wb") as file:
            while data := stream.read(_SPOOL_READ):
                digest.update(data)
                file.write(data)
        path = folder.absolute() / digest.hexdigest(length=16)
        source = None
        while source is None:  # another ingest of the same bytes may be done with them, and remove them
            files.publish(temporary, path)
            source = status(text_path(str(path)))
        return source


def spooled(dataset: Path) -> list[Source]:
    """What came by standard input and is not known to be in whole parts."""
    paths = (path for path in (dataset.absolute() / SPOOL_FOLDER).glob("*") if path.name[0] != ".")
    return sorted(filter(None, (status(text_path(str(path))) for path in paths)))


def status(path: str) -> Source | None:
    """The source of that path as it is now; None if there is none."""
    try:
        found = os.stat(os_path(path))  # noqa: PTH116 - asked for each capture, as in `_Search.visit`
    except OSError:
        return None
    return _source(os_path(path), found) if stat.S_ISREG(found.st_mode) else None


def text_path(path: str) -> str:
    """A path of the operating system as text."""
    if path.isascii():
        return path
    return _ODD.sub(lambda odd: "".join(f"\ufffd{byte:02x}" for byte in os.fsencode(odd[0])), path)


def os_path(path: str) -> str:
    """The path of the operating system that `text_path` spelt so."""
    if path.isascii():
        return path
    return os.fsdecode(_SPELT.sub(lambda spelt: bytes([int(spelt[1], 16)]), path.encode()))


_ODD: Final = re.compile("[\ud800-\udfff\ufffd]")
_SPELT: Final = re.compile("\ufffd([0-9a-f]{2})".encode())


class _Search:
    """One run of `find`: what it found, and the folders it has been to."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.rejected: list[tuple[str, str]] = []
        self._folders: set[str] = set()

    def visit(self, path: str) -> None:
        """Take a file, or a folder with all below it."""
        waiting = [path]
        while waiting:
            path = waiting.pop()
            try:
                status = os.stat(path)  # noqa: PTH116 - a Path for each of 100,000 files takes as long again
                if stat.S_ISDIR(status.st_mode):
                    if _inode(status) not in self._folders:
                        self._folders.add(_inode(status))
                        waiting += reversed(_below(path))
                elif stat.S_ISREG(status.st_mode):
                    self._add(_source(path, status))
                else:
                    self._reject(path, f"{_KINDS.get(stat.S_IFMT(status.st_mode), 'no regular file')}")
            except FileNotFoundError:
                if Path(path).is_symlink():
                    self._reject(path, "symbolic link to nothing")
            except OSError as error:
                self._reject(path, (error.strerror or str(error)).lower())

    def _add(self, source: Source) -> None:
        known = self.sources.get(source.inode, source)
        self.sources[source.inode] = min(known, source)

    def _reject(self, path: str, reason: str) -> None:
        self.rejected.append((text_path(path), reason))


_KINDS: Final = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


def _below(folder: str) -> list[str]:
    """Paths directly below a folder, sorted; none if it is a dataset."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    if DATASET_MARKER in names:
        return []
    return [f"{folder}/{name}" for name in names if not name.startswith(".")]


def _matches(path: str) -> list[str]:
    """The path itself if it exists, else what it matches as a glob."""
    if os.path.lexists(path):
        return [path]
    if not glob.has_magic(path):
        raise SourceNotFound(f"expected a file, a folder or a glob, and found nothing at {text_path(path)}.")
    # Path.glob takes no absolute pattern.
    if not (matches := sorted(glob.glob(path, recursive=True))):  # noqa: PTH207
        raise SourceNotFound(f"no file or folder matches {text_path(path)}.")
    return matches


def _source(path: str, status: os.stat_result) -> Source:
    return Source(text_path(path), _inode(status), status.st_size, status.st_mtime_ns)


def _inode(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}"
