"""The README says which test shows each promise: those tests exist."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
README = (HERE.parent / "README.md").read_text(encoding="utf-8")


def promises() -> list[tuple[str, list[tuple[str, str]]]]:
    """What is promised, and file and name of each test that shows it."""
    section = README.partition("\n## Promises\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:3] for row in section.splitlines() if row.startswith("|")][2:]
    return [(promise.strip(), re.findall("`(.+?)::(.+?)`", shown)) for promise, shown in rows]


def names_in(file: str) -> set[str]:
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def test_each_promise_is_shown_by_tests_that_exist() -> None:
    assert len(promises()) > 10
    for promise, shown in promises():
        assert shown, promise
        for file, name in shown:
            assert name in names_in(file), f"{file}::{name}"
