"""Opening a source: decompressed bytes in bounded pieces, whatever the file is called and however it ends.

Compression is known by the first bytes. All members of a file are read (gzip members, zstd frames, bzip2
and xz streams, zeros between them). When the bytes are damaged or cut short, or inflate beyond the
limits, everything before that place is given, then the end, and `Reader.damage` says why. How many
bytes that is depends on the file and the limits alone, never on the sizes of the reads.

One level only: what is compressed twice comes out compressed once.
"""

import bz2
import errno
import itertools
import lzma
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable
from typing import Final, Protocol, Self

import msgspec

from ssetl.captures.sources import os_path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_RATIO: Final = 250
"""Decompressed bytes per stored byte. Logs of streams reach 20 to 100; bombs 1,000 and far more."""

MAX_BYTES: Final = 1 << 40
"""Decompressed bytes of one source."""

RATIO_FREE_BYTES: Final = 64 << 20
"""So many bytes may come out whatever the ratio: small inputs do no harm."""

MAX_WINDOW_LOG: Final = 27
"""zstd frames that want more memory than 2**27 bytes are refused, as the zstd tool does."""

MAX_XZ_MEMORY: Final = 256 << 20
"""xz streams that want more memory are refused; `xz -9` needs 65 MiB."""

MAX_READ: Final = 1 << 20
"""Most decompressed bytes that one read gives."""

_INPUT_BYTES: Final = 64 << 10
_HEAD_BYTES: Final = 16 << 10  # that are read on opening: all of a small file, with one call of the system


class Limits(msgspec.Struct, frozen=True):
    """How far a compressed source may inflate."""

    max_ratio: int = MAX_RATIO
    max_bytes: int = MAX_BYTES

    @classmethod
    def known(cls, length: int) -> Self:
        """For a source whose first `length` bytes were read before: whatever their ratio, and no more."""
        return cls(sys.maxsize, length)


DEFAULT_LIMITS: Final = Limits()


class Reader:
    """The decompressed bytes of one source. A context manager; made by `open_source`.

    Attributes:
        descriptor: the open file.
        compression: none, gzip, zstd, bzip2 or xz.
        position: decompressed bytes given or skipped so far.
        damage: null until the end; then why it came early, if it did: `truncated_gzip`, `corrupt_zstd`
            (with any name of a compression), `trailing_bytes`, `window_too_large`, `decompression_ratio`,
            `decompressed_size`.
        damage_offset: the stored byte at which that was noticed.
    """

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._head = os.pread(descriptor, _HEAD_BYTES, 0)
        self.compression = recognise(self._head)
        self.position = 0
        self.damage: str | None = None
        self.damage_offset: int | None = None
        self.descriptor = descriptor
        self._limits = limits
        self._careful_from: int | None = None
        if self.compression != "none":
            self._start(0)

    def read(self, size: int) -> bytes:
        """The next bytes: at most `size`, and none only at the end (or for a size of 0).

        Raises:
            OSError: the file cannot be read.
        """
        if not size:
            return b""  # the decoders take 0 as no limit
        if self.compression == "none":
            data = self._head[self.position : self.position + size]
            data = data or os.pread(self.descriptor, size, self.position)
            self.position += len(data)
            return data
        size = min(size, MAX_READ)
        if self._careful_from is None:
            return self._inflate(size)
        return b"".join(itertools.islice(iter(lambda: self._inflate(1), b""), size))

    def at(self, offset: int, size: int) -> bytes:
        """So many bytes of an uncompressed file from an offset on; fewer only at its end.

        Raises:
            OSError: the file cannot be read.
        """
        pieces = []
        while size and (data := os.pread(self.descriptor, size, offset)):  # it may give what it has at hand
            pieces.append(data)
            offset, size = offset + len(data), size - len(data)
        return b"".join(pieces)

    def seek_to(self, offset: int) -> None:
        """Go forward to a decompressed offset, or to the end if that comes before it."""
        if self.compression == "none":
            self.position = offset
        while self.position < offset and self.read(min(MAX_READ, offset - self.position)):
            pass

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, skip: int) -> None:
        """Begin at the first byte, and skip what has been given already."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        self._decoder: _Decoder | None = _DECODERS[self.compression]()
        self._pending = b""
        self._fed = 0
        self._skip = skip

    def _inflate(self, size: int) -> bytes:
        while self._decoder is not None:
            careful = self._careful_from is not None
            wanted = min(self._skip, MAX_READ) or (1 if careful else min(size, max(self._room(), 1)))
            try:
                data = self._decode(self._decoder, wanted)
            except _CORRUPT as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # the disk's word; bz2 reports corruption as an OSError without a number
                self._corrupted(str(error))
                continue
            if self._skip:
                self._skip -= len(data)
            elif data and self._room() <= 0:
                big = self.position >= self._limits.max_bytes
                self._end("decompressed_size" if big else "decompression_ratio")
            elif data:
                self.position += len(data)
                return data
        return b""

    def _decode(self, decoder: "_Decoder", size: int) -> bytes:
        if decoder.eof:
            self._next_member(decoder.unused_data)
            return b""
        if data := decoder.decompress(b"", size):
            return data
        stored = self._pending or self._feed()
        self._pending = b""
        if not stored:
            self._end(f"truncated_{self.compression}")
            return b""
        return decoder.decompress(stored, size)

    def _next_member(self, stored: bytes) -> None:
        """Go on behind the end of a member: zeros, then another member, or the end."""
        while len(stored := stored.lstrip(b"\0")) < _MAGIC_BYTES and (more := self._feed()):
            stored += more
        if stored and recognise(stored) == self.compression:
            self._decoder, self._pending = _DECODERS[self.compression](), stored
        else:
            self._end("trailing_bytes" if stored else None, len(stored))

    def _feed(self) -> bytes:
        """The next stored bytes, in pieces whose borders do not depend on the reads."""
        careful = self._careful_from is not None and self._fed >= self._careful_from
        stored = os.read(self.descriptor, 1 if careful else _INPUT_BYTES)
        self._fed += len(stored)
        return stored

    def _corrupted(self, message: str) -> None:
        if self._careful_from is None:
            # A decoder that finds damage throws away what that call had given before: decode once more,
            # and go byte by byte where it happened.
            self._careful_from = max(0, (self._fed - 1) // _INPUT_BYTES - 1) * _INPUT_BYTES
            self._start(self.position)
        else:
            self._end("window_too_large" if "memory" in message.lower() else f"corrupt_{self.compression}")

    def _end(self, damage: str | None, unread: int = 0) -> None:
        self._decoder = None
        if damage:
            self.damage, self.damage_offset = damage, self._fed - unread

    def _room(self) -> int:
        pieces = -(-self._fed // _INPUT_BYTES)
        by_ratio = max(RATIO_FREE_BYTES, self._limits.max_ratio * pieces * _INPUT_BYTES)
        return min(self._limits.max_bytes, by_ratio) - self.position


def recognise(head: bytes) -> str:
    """Compression of a file that begins with `head`: none, gzip, zstd, bzip2 or xz."""
    found = _MAGIC.match(head)
    return (found and found.lastgroup) or "none"


def open_source(path: str, *, limits: Limits = DEFAULT_LIMITS) -> Reader:
    """A reader at the first decompressed byte of a source; `path` as `sources.Source` spells it.

    Raises:
        OSError: it cannot be opened, or is no regular file (any more).
    """
    # Without O_NONBLOCK, a named pipe that took the file's place would block for ever.
    descriptor = os.open(os_path(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return Reader(descriptor, limits)
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise OSError(errno.EINVAL, "no regular file any more", path)


class _Decoder(Protocol):
    """One member of a compressed file; bz2, lzma and zstd of the standard library agree on this."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """One gzip member, with the interface of the others."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


def _new_zstd() -> _Decoder:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG})


def _new_xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)


_CORRUPT: Final = (zlib.error, OSError, EOFError, lzma.LZMAError, zstd.ZstdError)
_MAGIC_BYTES: Final = 10
_DECODERS: Final[dict[str, Callable[[], _Decoder]]] = {
    "gzip": _Gzip,
    "zstd": _new_zstd,
    "bzip2": bz2.BZ2Decompressor,
    "xz": _new_xz,
}
_MAGIC: Final = re.compile(
    rb"(?P<gzip>\x1f\x8b\x08)"
    rb"|(?P<zstd>\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"
    rb"|(?P<bzip2>BZh[1-9](?:1AY&SY|\x17rE8P\x90))"
    rb"|(?P<xz>\xfd7zXZ\0)"
)
