"""What each shipped report takes on a dataset: the query alone, and `ssetl report` from start to end.

    python tests/benchmarks/lake.py DATASET
    python tests/benchmarks/reports.py DATASET [--runs 5] [--names gaps stalls]

Prints a Markdown table, medians of the runs; the slowest report is first.
"""

import argparse
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import Final

import run

import ssetl
from ssetl import reports

HEADER: Final = """\
| report | query s | `ssetl report` s | CPU s | peak MB |
|---|--:|--:|--:|--:|"""


def query_seconds(dataset: Path, name: str) -> float:
    """Wall time of a report's query, in a session of its own that is open already."""
    with ssetl.open(dataset) as lake:
        lake.sql_batches("select 1").read_all()
        began = perf_counter()
        lake.report_batches(name).read_all()
        return perf_counter() - began


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--names", nargs="+", default=list(reports.names()))
    given = parser.parse_args()
    rows = []
    for name in given.names:
        command = [sys.executable, "-m", "ssetl", "report", name, "--dataset", str(given.dataset)]
        queries = [query_seconds(given.dataset, name) for _ in range(given.runs)]
        whole = run.median([run.measure(command) for _ in range(given.runs)])
        rows.append((statistics.median(queries), name, whole))
        print(f"{name} {rows[-1][0]:.2f} s", file=sys.stderr, flush=True)
    print(f"{run.machine({}, ['duckdb'])}. Median of {given.runs}.\n\n{HEADER}")
    for query, name, whole in sorted(rows, reverse=True):
        print(f"| {name} | {query:.2f} | {whole.wall:.2f} | {whole.cpu:.2f} | {whole.peak / 1e6:.0f} |")


if __name__ == "__main__":
    main()
