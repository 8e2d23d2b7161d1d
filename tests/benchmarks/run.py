"""ssetl beside its peers on the same captures: whole processes, in alternation, median of several runs.

    python tests/benchmarks/run.py --work FOLDER [--shapes plain messages] [--scales 1 4 16] [--files 3000]
        [--runs 5] [--peers duckdb polars] [--python chdb=PATH]

Prints Markdown tables to stdout and what it is doing to stderr. Each run of ssetl is `ssetl ingest` into a
fresh dataset; a peer flattens the chunks to zstd Parquet of 14 columns. All read from the page cache. That
a peer wrote as many rows, with as many bytes of text, as ssetl did is checked after its first run.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import duckdb
import generate

HERE: Final = Path(__file__).parent
CHAT: Final = ("plain", "obfuscated", "escaped", "interleaved", "usage_every_chunk")
SSETL: Final = "ssetl"
BASE: Final = "duckdb"
SAMPLE_SECONDS: Final = 0.02
"""Between two looks at the memory of a process and its children."""


class Peer(NamedTuple):
    """Another way to do the work: a script in `peers/`, the library it needs, the shapes it can read."""

    script: str
    library: str
    shapes: Sequence[str]


PEERS: Final = {
    "duckdb": Peer("duckdb_sql.py", "duckdb", tuple(generate.SHAPES)),
    "polars": Peer("polars_frames.py", "polars", CHAT),
    "chdb": Peer("chdb_sql.py", "chdb", CHAT),
    "orjson": Peer("orjson_lines.py", "orjson", CHAT),
    "msgspec": Peer("msgspec_structs.py", "msgspec", CHAT),
}


class Cost(NamedTuple):
    """What one run took: seconds, and bytes of memory at the peak, of the largest process and of all."""

    wall: float
    cpu: float
    peak: int
    peak_of_all: int


def measure(command: Sequence[str], *, exact: bool = False) -> Cost:
    """Run a command to its end.

    Memory is sampled. That of several processes is the sum of their resident sets, so pages that they share
    count for each of them; if `exact`, once, but then looking takes time.

    Raises:
        SystemExit: it failed; its stderr is shown.
    """
    began = perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    ended = threading.Event()
    peak = peak_of_all = 0

    def sample() -> None:
        nonlocal peak, peak_of_all
        while not ended.wait(SAMPLE_SECONDS):
            now = [_memory(pid) for pid in _family(child.pid)]
            # Not `ru_maxrss`: that begins with what this process had when it started the child.
            peak = max(peak, *(most for most, _ in now))
            of_all = sum(map(_share, _family(child.pid))) if exact else sum(resident for _, resident in now)
            peak_of_all = max(peak_of_all, of_all, 0 if exact else peak)

    sampler = threading.Thread(target=sample)
    sampler.start()
    with child.stderr:
        errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = perf_counter() - began
    ended.set()
    sampler.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {child.returncode}:\n{errors.decode()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak, peak_of_all)


def _family(pid: int) -> Iterator[int]:
    """A process and all below it, as far as they still live."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes of a process: the most so far, and now; nothing of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith("Vm")}
    return sizes.get("VmHWM", 0), sizes.get("VmRSS", 0)


def _share(pid: int) -> int:
    """Bytes of memory of a process, of what it shares its share only."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def written(name: str, folder: Path) -> tuple[int, int]:
    """Rows in the chunks that a contender wrote, and bytes of answers and tool arguments in them."""
    text, where = "strlen(content)", folder / "*.parquet"
    if name == SSETL:
        calls = "list_sum(list_transform(tool_calls, lambda call: strlen(call.arguments)))"
        text, where = f"coalesce({text}, 0) + coalesce({calls}, 0)", folder / "chunks" / "*.parquet"
    return duckdb.sql(f"select count(*), sum({text})::bigint from '{where}'").fetchall()[0]


def compare(shape: str, scale: int, peers: Sequence[str], work: Path, given: argparse.Namespace) -> list[str]:
    """Run all contenders on one input; the rows of the table that says what they took."""
    files = scale * given.files
    source = work / "captures" / f"{shape}-{scale}-{files}-{given.manner}"
    if not source.exists():
        _say(f"{shape} x{scale}: generating")
        generate.write(shape, source, scale, files, given.manner)
    size = sum(_warm(path) for path in source.iterdir())
    can_read = [
        name for name in peers if (shape in PEERS[name].shapes and given.manner != "log") or name == BASE
    ]
    contenders = [SSETL, *can_read]
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    rows: dict[str, tuple[int, int]] = {}
    for run in range(given.runs):
        for name in contenders:
            output = work / "output"
            shutil.rmtree(output, ignore_errors=True)
            output.mkdir()
            costs[name].append(measure(_command(name, shape, source, output, given)))
            _say(f"{shape} x{scale} run {run + 1}: {name} {costs[name][-1].wall:.2f} s")
            if name not in rows:
                rows[name] = written(name, output / "lake" if name == SSETL else output)
                if rows[name] != rows[SSETL]:
                    _say(f"MISMATCH {shape} x{scale}: {name} wrote {rows[name]}, ssetl {rows[SSETL]}")
    shutil.rmtree(work / "output")
    middle = {name: median(runs) for name, runs in costs.items()}
    amount = f"{scale}x in {files}" + ("" if given.manner == "plain" else f", {given.manner}")
    return [_row(shape, amount, name, size, cost, base=middle.get(BASE)) for name, cost in middle.items()]


def _command(name: str, shape: str, source: Path, output: Path, given: argparse.Namespace) -> list[str]:
    if name == SSETL:
        lake = str(output / "lake")
        return [sys.executable, "-m", "ssetl", "ingest", str(source), "--dataset", lake]
    python = given.python.get(name, sys.executable)
    command = [python, str(HERE / "peers" / PEERS[name].script), shape, str(output), str(source)]
    return [*command, given.manner] if name == BASE else command


def _warm(path: Path) -> int:
    """Read a file into the page cache; give its size."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
        return file.tell()


def median(runs: Sequence[Cost]) -> Cost:
    """Each cost by itself."""
    return Cost(*map(statistics.median, zip(*runs, strict=True)))


def _row(shape: str, amount: str, name: str, size: int, cost: Cost, *, base: Cost | None) -> str:
    faster = ("", "") if base is None else (f"{base.wall / cost.wall:.2f}", f"{base.cpu / cost.cpu:.2f}")
    cells = (
        shape,
        amount,
        name,
        f"{cost.wall:.2f}",
        f"{cost.cpu:.2f}",
        f"{size / cost.wall / 1e6:.0f}",
        f"{cost.peak / 1e6:.0f}",
        f"{cost.peak_of_all / 1e6:.0f}",
        *faster,
    )
    return f"| {' | '.join(cells)} |"


HEADER: Final = f"""\
| shape | pages in files | | wall s | CPU s | MB/s | peak MB | all processes | {BASE} / wall | {BASE} / CPU |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|"""


def machine(pythons: dict[str, str], peers: Sequence[str]) -> str:
    """The machine and the versions, in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = sorted({"pyarrow", *(PEERS[name].library for name in peers)})
    versions = ", ".join(f"{name} {_version(name, pythons)}" for name in libraries)
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB; {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {versions}"
    )


def _version(library: str, pythons: dict[str, str]) -> str:
    if library not in pythons:
        return version(library)
    asked = f"from importlib.metadata import version; print(version({library!r}))"
    return subprocess.check_output([pythons[library], "-c", asked], text=True).strip()


def _is_installed(name: str, pythons: dict[str, str]) -> bool:
    command = [pythons.get(name, sys.executable), "-c", f"import {PEERS[name].library}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for captures (kept) and outputs")
    parser.add_argument("--shapes", nargs="+", choices=generate.SHAPES, default=list(generate.SHAPES))
    parser.add_argument("--scales", nargs="+", type=int, default=[1], help="pages of 3,000 streams")
    parser.add_argument("--files", type=int, default=1, help="files of a page; with 3,000 each is one stream")
    parser.add_argument("--manner", choices=generate.MANNERS, default="plain", help="how streams are written")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--python", nargs="*", default=[], metavar="PEER=PATH", help="interpreter of a peer")
    given = parser.parse_args()
    given.python = dict(each.split("=", 1) for each in given.python)
    peers = [name for name in given.peers if _is_installed(name, given.python)]
    for name in set(given.peers) - set(peers):
        _say(f"without {name}: {PEERS[name].library} is not installed; see --python")
    print(f"{machine(given.python, peers)}. Median of {given.runs}.\n\n{HEADER}")
    for shape in given.shapes:
        for scale in given.scales:
            print("\n".join(compare(shape, scale, peers, given.work, given)), flush=True)


if __name__ == "__main__":
    main()
