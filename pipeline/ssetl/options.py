"""Options that several commands have."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

DEFAULT_DATASET: Final = "data/lake"
FILE_FORMATS: Final = ("csv", "json", "jsonl", "markdown", "parquet", "xlsx")

Command = TypeVar("Command", bound=Callable[..., Any])


def several(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator for several options."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


dataset = click.option(
    "-d",
    "--dataset",
    default=DEFAULT_DATASET,
    envvar="SSETL_DATASET",
    metavar="DIR",
    show_default=True,
    show_envvar=True,
    help="The dataset's folder.",
)
queries = click.option(
    "--queries", multiple=True, metavar="DIR", help="Folder of your own reports; repeatable."
)
pairs = click.option("--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable.")
raw = click.option("--raw", is_flag=True, help="Leave texts as they are, though a spreadsheet may run them.")
parameters = several(
    click.option(
        "--since", metavar="TIME", help="Only streams that started then or later: 2025-04-21, 7d, …"
    ),
    click.option("--until", metavar="TIME", help="Only streams that started before."),
    click.option("--model", metavar="MODEL", help="Only streams that asked for this model, or got it."),
    pairs,
)
output = several(
    click.option(
        "--format", "form", type=click.Choice(("table", *FILE_FORMATS)), default="table", show_default=True
    ),
    click.option(
        "-o", "--output", metavar="FILE", help="Write FILE, whole or not at all, instead of stdout."
    ),
    raw,
)
