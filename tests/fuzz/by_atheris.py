"""Coverage-guided fuzzing of the whole path of a datum; README.md says how."""

import sys

import atheris

with atheris.instrument_imports(include=["ssetl"]):
    from target import check


def feed(data: bytes) -> None:
    check(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, feed)
    atheris.Fuzz()
