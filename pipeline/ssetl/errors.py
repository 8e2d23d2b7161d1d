"""What can go wrong, as one tree.

    SsetlError                  every error ssetl raises on purpose; str() is the whole message
    ├── UsageError              the call is wrong: a path, a name, a parameter     (exit status 2)
    │   ├── SourceNotFound      no file, folder or glob match of that name
    │   ├── NoSources           the paths exist and hold no file
    │   ├── UnknownReport       no report of that name
    │   └── BadParameter        a report parameter that is unknown or has no such type
    └── DataError               the data, a dataset or a query is at fault         (exit status 1)
        ├── NotADataset         the folder holds no ssetl dataset
        ├── SchemaVersionError  the dataset was written with another schema
        ├── DatasetDamaged      a plan or a part does not hold what it must
        ├── ReportError         a report file breaks a rule; names file:line
        ├── QueryError          DuckDB refused or failed the SQL; names file:line
        ├── ResultTooLarge      more rows than may be held at once
        └── ExportError         a summary could not be written

A capture that cannot be read is no error: what is wrong with it is a row of `rejects`.
"""


class SsetlError(Exception):
    """Base of all errors that ssetl raises on purpose.

    The message says what was expected, what was found, where, and what to do.
    """

    exit_status = 1


class UsageError(SsetlError):
    """The call itself is wrong."""

    exit_status = 2


class SourceNotFound(UsageError):
    """A path or glob names nothing."""


class NoSources(UsageError):
    """The paths exist, and there is no file in them."""


class UnknownReport(UsageError):
    """There is no report of that name."""


class BadParameter(UsageError):
    """A parameter is unknown, missing or not of its type."""


class DataError(SsetlError):
    """Data, dataset or query at fault."""


class NotADataset(DataError):
    """The folder holds no ssetl dataset."""


class SchemaVersionError(DataError):
    """The dataset was written with another schema version."""


class DatasetDamaged(DataError):
    """A plan or a part does not hold what it must."""


class ReportError(DataError):
    """A report file breaks a rule of its header or its SQL."""


class QueryError(DataError):
    """A query was refused or failed."""


class ResultTooLarge(DataError):
    """A result is larger than what may be held at once; files of rows have no such limit."""


class ExportError(DataError):
    """A summary could not be written."""
