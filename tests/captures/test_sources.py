"""Finding sources: each file once, nothing that is no file, and any name."""

import io
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import sources
from ssetl.captures.sources import find, os_path, spool, spooled, status, text_path
from ssetl.errors import NoSources, SourceNotFound


def write(path: Path, data: bytes = b"data: {}\n\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def paths(*named: str | Path) -> list[str]:
    return [source.path for source in find(named).sources]


def test_a_source_tells_what_stat_tells(tmp_path: Path) -> None:
    file = write(tmp_path / "a.sse", b"12345")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    stat = file.stat()
    [source] = find([file]).sources
    assert source.path == str(file)
    assert source.inode == f"{stat.st_dev}:{stat.st_ino}"
    assert (source.size, source.mtime_ns) == (5, 1_700_000_000_123_456_789)
    assert status(source.path) == source


def test_folders_are_searched_to_the_bottom_and_sorted(tmp_path: Path) -> None:
    names = ["b/x/1.log", "a.sse", "b/0", "b/x/y/z.gz"]
    for name in names:
        write(tmp_path / name)
    assert paths(tmp_path) == sorted(str(tmp_path / name) for name in names)
    assert paths(tmp_path / "b", tmp_path / "a.sse", tmp_path / "b/x") == paths(tmp_path)


def test_hidden_names_and_datasets_are_passed_over_but_may_be_named(tmp_path: Path) -> None:
    write(tmp_path / "a")
    hidden = write(tmp_path / ".hidden" / "b")
    write(tmp_path / ".c")
    write(tmp_path / "lake" / "_plan" / "00000001.json")
    write(tmp_path / "lake" / "captures" / "00000001-0000.parquet")
    assert paths(tmp_path) == [str(tmp_path / "a")]
    assert paths(hidden.parent) == [str(hidden)]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in" / "a")
    write(tmp_path / "b")
    monkeypatch.chdir(tmp_path / "in")
    assert paths(".", "../b") == [str(tmp_path / "b"), str(tmp_path / "in" / "a")]


def test_globs_that_no_shell_has_expanded(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "c.txt", "d/e.log"):
        write(tmp_path / name)
    assert paths(f"{tmp_path}/*.log") == [str(tmp_path / "a.log"), str(tmp_path / "b.log")]
    assert len(paths(f"{tmp_path}/**/*.log")) == 3
    literal = write(tmp_path / "what[1]?.log")
    assert paths(literal) == [str(literal)]


def test_links_are_followed_and_nothing_comes_twice(tmp_path: Path) -> None:
    real = write(tmp_path / "b" / "file")
    (tmp_path / "a-link").symlink_to(real)
    (tmp_path / "b" / "hard").hardlink_to(real)
    (tmp_path / "b" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "z").symlink_to(tmp_path / "b", target_is_directory=True)
    assert paths(tmp_path) == [str(tmp_path / "a-link")]


def test_what_is_no_file_is_rejected_and_never_opened(tmp_path: Path) -> None:
    write(tmp_path / "fine")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        found = find([tmp_path, "/dev/null"])
    assert [source.path for source in found.sources] == [str(tmp_path / "fine")]
    assert {Path(path).name: reason for path, reason in found.rejected} == {
        "fifo": "named pipe",
        "gone": "symbolic link to nothing",
        "null": "character device",
        "self": "too many levels of symbolic links",
        "socket": "socket",
    }


def test_a_folder_that_may_not_be_read_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "fine")
    closed = write(tmp_path / "closed" / "x").parent
    scandir = os.scandir

    def refuse(folder: str) -> object:  # root may read everything, so the refusal is made up
        if folder == str(closed):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(sources.os, "scandir", refuse)
    found = find([tmp_path])
    assert [source.path for source in found.sources] == [str(tmp_path / "fine")]
    assert found.rejected == [(str(closed), "permission denied")]


def test_missing_paths_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match=r"nothing at .*nowhere"):
        find([tmp_path / "nowhere"])
    with pytest.raises(SourceNotFound, match=r"matches .*\*\.log"):
        find([f"{tmp_path}/*.log"])
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(NoSources, match=str(tmp_path / "a")):
        find([tmp_path / "a"])


@pytest.mark.parametrize(
    "name", [b"new\nline", b"\x1b[31mred\x1b[0m", b"caf\xe9.log", b"\xff\xfe", "\ufffdff".encode()]
)
def test_any_file_name_becomes_text_and_comes_back(name: bytes, tmp_path: Path) -> None:
    file = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 - a name that no Path takes as bytes
    with open(file, "wb") as stream:  # noqa: PTH123 - as above
        stream.write(b"x")
    [source] = find([tmp_path]).sources
    source.path.encode()
    assert os.fsencode(os_path(source.path)) == file
    assert status(source.path) == source


@given(st.binary(min_size=1))
def test_paths_as_text_are_unique_and_reversible(name: bytes) -> None:
    path = os.fsdecode(name)
    text = text_path(path)
    assert text.encode().decode() == text
    assert os_path(text) == path
    if path.isprintable() and "\ufffd" not in path:
        assert text == path


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def read(self, size: int = -1, /) -> bytes:
        taken, self._rest = self._rest[:3], self._rest[3:]
        return taken


def test_standard_input_is_kept_once_under_the_name_of_its_content(tmp_path: Path) -> None:
    first = spool(Trickle(b"data: {}\n\n"), tmp_path)
    assert Path(first.path).read_bytes() == b"data: {}\n\n"
    assert spool(io.BytesIO(b"data: {}\n\n"), tmp_path) == first
    other = spool(io.BytesIO(b""), tmp_path)
    assert spooled(tmp_path) == sorted([first, other])
    assert sorted(path.name for path in (tmp_path / "_spool").iterdir()) == sorted(
        Path(source.path).name for source in (first, other)
    )


def test_a_broken_stream_leaves_nothing(tmp_path: Path) -> None:
    class Broken(Trickle):
        def read(self, size: int = -1, /) -> bytes:
            if not self._rest:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input"):
        spool(Broken(b"123456"), tmp_path)
    assert list((tmp_path / "_spool").iterdir()) == []
