"""The version of ssetl."""

__version__ = "0.1.0"
