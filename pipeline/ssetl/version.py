"""The version of ssetl that is installed."""

from importlib import metadata

try:
    __version__ = metadata.version("ssetl")
except metadata.PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+source"
