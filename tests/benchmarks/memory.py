"""Peak memory of `ssetl ingest` by size of the input: it should be the same for all of them.

    python tests/benchmarks/memory.py --work FOLDER [--gigabytes 2 8] [--line 200]

For each size one file, and 1,000 files with the same streams; then one line of `--line` megabytes. Inputs
are deleted when they have been read. Prints a Markdown table to stdout.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Final

import generate
import run

PAGE_BYTES: Final = 210_000_000
"""Of one page of `plain`."""

HEADER: Final = """\
| input | MB | wall s | CPU s | peak MB | all processes |
|---|--:|--:|--:|--:|--:|"""


def long_line(folder: Path, megabytes: int) -> None:
    """Write one event of so many megabytes."""
    folder.mkdir(parents=True)
    with (folder / "line.sse").open("w", encoding="ascii") as file:
        file.write('data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"')
        for _ in range(megabytes):
            file.write("x" * 1_000_000)
        file.write('"}}]}\n\n')


def row(name: str, source: Path, dataset: Path) -> str:
    """Ingest `source`, remove it, and say what that took."""
    size = sum(path.stat().st_size for path in source.iterdir())
    command = [sys.executable, "-m", "ssetl", "ingest", str(source), "--dataset", str(dataset)]
    cost = run.measure(command, exact=True)
    for folder in (source, dataset):
        shutil.rmtree(folder)
    sizes = (f"{each / 1e6:.0f}" for each in (cost.peak, cost.peak_of_all))
    return f"| {name} | {size / 1e6:.0f} | {cost.wall:.1f} | {cost.cpu:.1f} | {' | '.join(sizes)} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for captures and datasets")
    parser.add_argument("--gigabytes", nargs="*", type=float, default=[2, 8])
    parser.add_argument("--line", type=int, default=200, help="megabytes of the long line")
    given = parser.parse_args()
    source, dataset = given.work / "captures", given.work / "lake"
    print(f"{run.machine({}, [])}.\n\n{HEADER}")
    for gigabytes in given.gigabytes:
        for files in (1, 1000):
            generate.write("plain", source, max(1, round(gigabytes * 1e9 / PAGE_BYTES)), files)
            print(row(f"{files} file{'s' if files > 1 else ''}", source, dataset), flush=True)
    long_line(source, given.line)
    print(row("one line", source, dataset), flush=True)


if __name__ == "__main__":
    main()
