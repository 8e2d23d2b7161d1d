"""Reports: one SQL file each, with a header that names it, describes it and declares its parameters.

    -- name: latency
    -- description: Time to first token and gaps per model.
    -- grain: one row per response_model
    -- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant

The file's stem is the report's name, and its parameters are those that its one SELECT uses as `$name`. Errors
name file and line. Folders given by the user come first: a file there takes the place of a shipped report of
the same name.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from ssetl import parameters, statement
from ssetl.errors import BadParameter, ReportError, UnknownReport
from ssetl.parameters import Parameter, Value
from ssetl.warehouse import Warehouse


class Report(msgspec.Struct, frozen=True):
    """One report: what it says of itself, and its SQL.

    Args:
        name: the stem of its file.
        description: one sentence.
        grain: what one row is.
        parameters: in the order of the header.
        sql: the whole file.
        path: the file.
    """

    name: str
    description: str
    grain: str
    parameters: tuple[Parameter, ...]
    sql: str
    path: Path


def shipped() -> Path:
    """The folder of the reports that come with ssetl: in the wheel, or in the source tree."""
    package = Path(__file__).parent
    installed = package / "queries"
    return installed if installed.is_dir() else package.parent.parent / "queries"


def views() -> dict[str, str]:
    """SQL of the shipped views by name; they build on tables only."""
    return {
        path.stem: path.read_text(encoding="utf-8") for path in sorted((shipped() / "views").glob("*.sql"))
    }


def names(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Files of all reports by name, those in `folders` before the shipped ones.

    Raises:
        UnknownReport: a folder does not exist.
    """
    found: dict[str, Path] = {}
    for folder in (*folders, shipped()):
        if not folder.is_dir():
            raise UnknownReport(f"expected a folder of .sql files, found none at {folder}.")
        for path in folder.glob("*.sql"):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def catalogue(folders: Sequence[Path] = ()) -> list[Report]:
    """All reports by name.

    Raises:
        ReportError: a file breaks a rule.
    """
    return [read(path) for path in names(folders).values()]


def load(name: str, folders: Sequence[Path] = ()) -> Report:
    """The report of that name.

    Raises:
        UnknownReport: there is none.
        ReportError: its file breaks a rule.
    """
    known = names(folders)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."
        raise UnknownReport(f"no report is named {name!r}. {hint} `ssetl reports` describes them.")
    return read(known[name])


def read(path: Path) -> Report:
    """The report in a file.

    Raises:
        ReportError: it breaks a rule.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: expected UTF-8 text; {error.reason} at byte {error.start}.") from None


def parse(sql: str, path: Path) -> Report:
    """The report that the text of a file is.

    Raises:
        ReportError: its header or its SQL breaks a rule.
        QueryError: its SQL is no single SELECT.
    """
    head = _header(sql, path)
    for key in ("name", "description", "grain"):
        if key not in head.texts:
            raise ReportError(f"{path}:1: the header lacks a line `-- {key}: …`.")
    if head.texts["name"] != path.stem:
        found = head.texts["name"]
        raise ReportError(f"{path}:{head.lines['name']}: name is {found!r}, but the file is {path.name}.")
    used = statement.parse(statement.parser(), sql, str(path)).parameters
    for name in sorted(used - head.parameters.keys()):
        line = sql[: sql.find(f"${name}")].count("\n") + 1
        hint = f"Add a line `-- param: {name} TYPE = DEFAULT  what it does` to the header."
        raise ReportError(f"{path}:{line}: ${name} is not declared. {hint}")
    for name in head.parameters:
        if name not in used:
            line = head.lines[f"${name}"]
            raise ReportError(f"{path}:{line}: parameter {name} is not used. Remove its line.")
    return Report(**head.texts, parameters=tuple(head.parameters.values()), sql=sql, path=path)


def run(
    warehouse: Warehouse, report: Report, given: Mapping[str, Value] | None = None
) -> pa.RecordBatchReader:
    """The rows of `report`; parameters that are not given have their defaults.

    Raises:
        BadParameter: a given parameter is not the report's, or has no such type.
        QueryError: the query failed.
    """
    values = bind(report, given or {})
    return warehouse.select(warehouse.parse(report.sql, str(report.path)), values)


def bind(report: Report, given: Mapping[str, Value]) -> dict[str, Value]:
    """Values of all parameters of `report`, texts turned into their types.

    Raises:
        BadParameter: a name is not the report's, or a value has no such type.
    """
    known = {parameter.name for parameter in report.parameters}
    for name in given:
        if name not in known:
            takes = f"It takes {', '.join(sorted(known))}." if known else "It takes none."
            raise BadParameter(f"report {report.name} has no parameter {name!r}. {takes}")
    return {
        parameter.name: parameters.convert(parameter, given.get(parameter.name, parameter.default))
        for parameter in report.parameters
    }


class _Header(msgspec.Struct, frozen=True):
    texts: dict[str, str]
    parameters: dict[str, Parameter]
    lines: dict[str, int]


_LINE: Final = re.compile(r"--\s*(name|description|grain|param)\s*:\s*(.*?)\s*")


def _header(sql: str, path: Path) -> _Header:
    """What the comment lines at the top of a report say, and on which line each name is."""
    head = _Header({}, {}, {})
    for number, line in enumerate(sql.splitlines(), 1):
        if line.strip() and not line.startswith("--"):
            break
        match = _LINE.fullmatch(line)
        if not match:
            continue
        key, text = match.groups()
        if key == "param":
            parameter = parameters.declaration(text, f"{path}:{number}")
            key = f"${parameter.name}"
            head.parameters.setdefault(parameter.name, parameter)
        else:
            head.texts[key] = text
        if key in head.lines:
            raise ReportError(
                f"{path}:{number}: {key} is declared a second time, see line {head.lines[key]}."
            )
        head.lines[key] = number
    return head
