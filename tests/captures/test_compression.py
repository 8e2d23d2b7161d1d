"""Decompression: all of the bytes, known by the first few; what precedes damage; never too much at once."""

import bz2
import functools
import gzip
import lzma
import os
import random
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssetl.captures import compression
from ssetl.captures.compression import Limits, Reader, open_source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Pack = Callable[[bytes], bytes]

PACK: dict[str, Pack] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
EVENTS = b"".join(b'data: {"id":"chatcmpl-%d","choices":[]}\n\n' % n for n in range(2000))
NOISE = random.Random(7).randbytes(50_000)
KINDS = pytest.mark.parametrize("kind", PACK)


@functools.cache
def pack(kind: str, data: bytes) -> bytes:
    return PACK[kind](data)


def read_all(reader: Reader, size: int = 1 << 20) -> bytes:
    return b"".join(iter(lambda: reader.read(size), b""))


def contents(path: Path, size: int = 1 << 20, **limits: int) -> tuple[bytes, str | None]:
    with open_source(str(path), limits=Limits(**limits)) as reader:
        data = read_all(reader, size)
        assert reader.position == len(data)
        assert reader.read(1) == b""
        return data, reader.damage


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "capture"


@KINDS
@pytest.mark.parametrize("size", [1 << 20, 4096, 7])
def test_a_file_is_known_by_its_bytes_and_read_whole(kind: str, size: int, file: Path) -> None:
    file.write_bytes(pack(kind, EVENTS))
    with open_source(str(file)) as reader:
        assert reader.compression == kind
    assert contents(file, size) == (EVENTS, None)


@pytest.mark.parametrize(
    "data", [b"", b"d", b"data: {}\n\n", b"\x1f\x8b", b"BZh9 is how my log begins", b"\x00" * 20]
)
def test_anything_else_is_plain(data: bytes, file: Path) -> None:
    file.write_bytes(data)
    with open_source(str(file)) as reader:
        assert reader.compression == "none"
    assert contents(file) == (data, None)


@KINDS
def test_all_members_are_read_and_zeros_between_them_passed_over(kind: str, file: Path) -> None:
    members = [pack(kind, data) for data in (EVENTS, b"", NOISE, b"end")]
    file.write_bytes(bytes(70_000).join(members) + bytes(512))
    assert contents(file) == (EVENTS + NOISE + b"end", None)


def test_skippable_frames_of_zstd_are_passed_over(file: Path) -> None:
    skippable = b"\x50\x2a\x4d\x18" + (9).to_bytes(4, "little") + b"seek info"
    file.write_bytes(skippable + pack("zstd", b"one ") + skippable + pack("zstd", b"two"))
    assert contents(file) == (b"one two", None)


@KINDS
def test_what_follows_the_last_member_is_damage(kind: str, file: Path) -> None:
    packed = pack(kind, EVENTS)
    file.write_bytes(packed + b"\0\0and the rest is no member")
    assert contents(file) == (EVENTS, "trailing_bytes")
    with open_source(str(file)) as reader:
        read_all(reader)
        assert reader.damage_offset == len(packed) + 2


@KINDS
def test_two_layers_are_unpacked_once(kind: str, file: Path) -> None:
    file.write_bytes(pack(kind, pack("gzip", EVENTS)))
    assert contents(file) == (pack("gzip", EVENTS), None)


@KINDS
def test_a_truncated_file_gives_all_that_can_be_decoded(kind: str, file: Path) -> None:
    packed = pack(kind, NOISE) + pack(kind, EVENTS)
    file.write_bytes(packed[:-5])
    data, damage = contents(file)
    assert damage == f"truncated_{kind}"
    assert (NOISE + EVENTS).startswith(data)
    assert data.startswith(NOISE)


def test_a_truncated_gzip_loses_only_what_is_not_there(file: Path) -> None:
    file.write_bytes(pack("gzip", EVENTS)[:-8])
    assert contents(file) == (EVENTS, "truncated_gzip")


@KINDS
def test_a_wrong_checksum_costs_at_most_the_last_byte(kind: str, file: Path) -> None:
    packed = bytearray(pack(kind, EVENTS))
    index_of_xz = 4 * (int.from_bytes(packed[-8:-4], "little") + 1)
    place = {"gzip": -8, "zstd": -1, "bzip2": 11, "xz": -12 - index_of_xz - 1}[kind]
    packed[place] ^= 0xFF
    file.write_bytes(pack(kind, NOISE) + packed)
    data, damage = contents(file)
    assert damage == f"corrupt_{kind}"
    assert (NOISE + EVENTS).startswith(data)
    assert len(data) >= len(NOISE + EVENTS) - 1


@KINDS
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damage_never_raises_and_read_sizes_do_not_change_what_precedes_it(
    kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    packed = bytearray(pack(kind, NOISE[:3000] + EVENTS[:60_000]) + pack(kind, EVENTS[:300]))
    for _ in range(data.draw(st.integers(0, 3), label="flips")):
        packed[data.draw(st.integers(10, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    file = tmp_path_factory.getbasetemp() / "damaged"
    file.write_bytes(packed[: data.draw(st.integers(10, len(packed)), label="cut")])
    sizes = st.sampled_from([1, 13, 1000, 4096, 65_536])
    assert contents(file) == contents(file, data.draw(sizes, label="size"))


@KINDS
@settings(max_examples=40, deadline=None)
@given(cut=st.integers(10, 200_000))
def test_a_cut_anywhere_gives_a_beginning_of_the_original(
    kind: str, tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "cut"
    file.write_bytes((pack(kind, NOISE) + pack(kind, EVENTS))[:cut])
    data, _ = contents(file)
    assert (NOISE + EVENTS).startswith(data)
    if cut > len(pack(kind, NOISE)):
        assert data.startswith(NOISE)


BOMB = 40 << 20


def bomb(kind: str) -> bytes:
    return pack(kind, bytes(BOMB))


@KINDS
def test_a_bomb_ends_at_the_ratio(kind: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "RATIO_FREE_BYTES", 1 << 20)
    file.write_bytes(bomb(kind))
    with open_source(str(file), limits=Limits(max_ratio=20)) as reader:
        length = sum(map(len, iter(lambda: reader.read(1 << 20), b"")))
        assert reader.damage == "decompression_ratio"
    assert length <= (1 << 20) + 20 * ((64 << 10) + len(bomb(kind)))
    assert length < BOMB


@KINDS
def test_a_bomb_takes_no_memory(kind: str, file: Path) -> None:
    file.write_bytes(bomb(kind))
    tracemalloc.start()
    with open_source(str(file), limits=Limits(max_ratio=1 << 30)) as reader:
        assert sum(map(len, iter(lambda: reader.read(1 << 30), b""))) == BOMB
        assert reader.damage is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


@KINDS
@pytest.mark.parametrize("size", [7, 1000, 1 << 20])
def test_the_size_limit_is_exact(kind: str, size: int, file: Path) -> None:
    file.write_bytes(pack(kind, EVENTS))
    assert contents(file, size, max_bytes=len(EVENTS)) == (EVENTS, None)
    assert contents(file, size, max_bytes=len(EVENTS) - 1) == (EVENTS[:-1], "decompressed_size")


def test_limits_do_not_concern_plain_files(file: Path) -> None:
    file.write_bytes(EVENTS)
    assert contents(file, max_bytes=10) == (EVENTS, None)


def test_a_frame_that_wants_too_much_memory_is_refused(file: Path) -> None:
    wide = {zstd.CompressionParameter.window_log: compression.MAX_WINDOW_LOG + 1}
    packer = zstd.ZstdCompressor(options=wide)
    file.write_bytes(packer.compress(EVENTS) + packer.flush())
    assert contents(file) == (b"", "window_too_large")


@KINDS
@pytest.mark.parametrize("offset", [0, 1, 5000, len(EVENTS) - 1])
def test_seeking_passes_over_what_comes_before(kind: str, offset: int, file: Path) -> None:
    for data in (EVENTS, pack(kind, EVENTS)):
        file.write_bytes(data)
        with open_source(str(file)) as reader:
            reader.seek_to(offset)
            assert reader.position == offset
            assert read_all(reader) == EVENTS[offset:]


def test_a_pipe_in_place_of_the_file_is_an_error_and_no_wait(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(OSError, match="no regular file"):
        open_source(str(file))


def test_an_error_of_the_disk_is_no_damage(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(pack("bzip2", EVENTS))

    def fail(_descriptor: int, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    with open_source(str(file)) as reader:
        monkeypatch.setattr(compression.os, "read", fail)
        with pytest.raises(OSError, match="Input/output"):
            reader.read(10)


def test_bytes_of_a_place_are_all_there_though_they_come_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(100)))
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, size, offset: pread(descriptor, min(size, 7), offset))
    with compression.open_source(str(path)) as reader:
        assert reader.at(10, 50) == bytes(range(10, 60))
        assert reader.at(90, 50) == bytes(range(90, 100))
        assert reader.at(100, 50) == b""
