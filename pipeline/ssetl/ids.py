"""Ids: the same bytes give the same ids on any machine, whatever the files are called.

All ids are 128 bits of BLAKE3 in hex, 32 characters.
"""

import struct

from blake3 import blake3


def capture_id(digest: str, n: int) -> str:
    """Id of the capture whose decompressed bytes have `digest` (BLAKE3, hex), `n` equal ones before it."""
    return _id(bytes.fromhex(digest), n)


def source_id(path: str) -> str:
    """Id of the source at an absolute path (as `sources.Source.path` spells it)."""
    return _id(path.encode())


def stream_id(capture_id: str, exchange_index: int, ordinal: int) -> str:
    """Id of a stream: its capture, its exchange there, and its position in the capture; both from 0."""
    return _id(bytes.fromhex(capture_id), exchange_index, ordinal)


def stream_ids(capture_id: str, exchange_index: int, ordinals: range) -> list[str]:
    """Ids of streams of one exchange, by their ordinals."""
    start = bytes.fromhex(capture_id) + struct.pack("<Q", exchange_index)
    pack = struct.Struct("<Q").pack
    return [blake3(start + pack(ordinal)).hexdigest(length=16) for ordinal in ordinals]


def _id(first: bytes, *numbers: int) -> str:
    return blake3(first + struct.pack(f"<{len(numbers)}Q", *numbers)).hexdigest(length=16)
