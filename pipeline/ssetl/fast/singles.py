"""Units of a block that go the ordinary way: as text, through the parser."""

from ssetl.fast.block import Block
from ssetl.sse import Frame, Parser


class Singles:
    """A parser that reads some units of a block, and knows of the bytes between them."""

    def __init__(self, block: Block, parser: Parser) -> None:
        self._block = block
        self._parser = parser
        self._parsed = 0  # bytes that the parser has read or left out

    def frames(self, unit: int) -> list[Frame]:
        """What the parser finds in a unit; all units before it have been read, by whomever."""
        self.leave_out(self._block.starts.item(unit))
        text = self._block.unit(unit)
        frames = self._parser.feed(text)
        self._parsed += len(text)
        return frames + self._parser.settle() if self._block.is_followed(unit) else frames

    def leave_out(self, place: int) -> None:
        """Bring the parser to a place; what lies before it has been read."""
        if place > self._parsed:
            lines = self._block.lines_before(place) - self._block.lines_before(self._parsed)
            self._parser.skip(place - self._parsed, lines)
            self._parsed = place
