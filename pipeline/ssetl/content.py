"""What may become of texts that people wrote: the modes that `privacy` carries out."""

from typing import Final

MODES: Final = ("keep", "hash", "drop")

OPTION: Final = "content"
"""Name of the mode among the options of a part; a part without it keeps texts."""
