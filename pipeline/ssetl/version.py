"""The versions: of ssetl, and of what it writes."""

from typing import Final

__version__ = "0.1.0"

SCHEMA_VERSION: Final = 1
"""Version of the columns; raised whenever one is renamed, removed or changes its meaning."""
