"""The APIs: which one an event is of, and what its data is before any API looks at it.

An API module turns events into rows and back (`row.flatten`, `row.restore`). Here they are listed, the
certain ones first; an event that none of them claims is for the caller to place: mostly it belongs to the
API of the stream around it, else to `UNKNOWN`.
"""

from typing import Final

from ssetl.apis.assistants import ASSISTANTS
from ssetl.apis.bedrock import CONVERSE_STREAM, unwrap
from ssetl.apis.chat_completions import CHAT_COMPLETIONS
from ssetl.apis.cohere import COHERE_CHAT
from ssetl.apis.completions import COMPLETIONS
from ssetl.apis.error import error_of
from ssetl.apis.generate_content import GENERATE_CONTENT
from ssetl.apis.interactions import INTERACTIONS
from ssetl.apis.members import elements, inner
from ssetl.apis.messages import MESSAGES
from ssetl.apis.ollama import OLLAMA_CHAT, OLLAMA_GENERATE
from ssetl.apis.replicate import REPLICATE, TEXT_EVENTS
from ssetl.apis.responses import RESPONSES
from ssetl.apis.row import Api, Chunk
from ssetl.apis.text_generation import TEXT_GENERATION
from ssetl.apis.transcriptions import TRANSCRIPTIONS
from ssetl.apis.unknown import UNKNOWN
from ssetl.jsontext import NotJson, decode

__all__ = ["APIS", "TEXT_EVENTS", "UNKNOWN", "by_name", "decode_data", "error_of", "recognise"]

APIS: Final[tuple[Api, ...]] = (
    CHAT_COMPLETIONS,
    RESPONSES,
    MESSAGES,
    GENERATE_CONTENT,
    OLLAMA_CHAT,
    OLLAMA_GENERATE,
    COMPLETIONS,
    CONVERSE_STREAM,
    COHERE_CHAT,
    TEXT_GENERATION,
    REPLICATE,
    ASSISTANTS,
    INTERACTIONS,
    TRANSCRIPTIONS,
)
"""All APIs but `UNKNOWN`, in the order in which they are asked: the common ones first."""

MAX_CHOICES: Final = 100_000
"""An event of more choices is refused: each is a row."""

_BY_NAME: Final = {api.name: api for api in (*APIS, UNKNOWN)}
_LISTS: Final = frozenset(api.listed for api in APIS if api.listed)


def recognise(chunk: Chunk, event_type: str | None) -> Api | None:
    """The API that this event is certainly of, or None."""
    return next((api for api in APIS if api.matches(chunk, event_type)), None)


def by_name(name: str) -> Api:
    """The API of that name, as in the column `api`.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def decode_data(data: bytes, event_type: str | None) -> Chunk:
    """The chunk that the data of an event holds: the decoder of `sse.Parser`.

    What is sent as plain text, output and errors, becomes `{"text": …}`; what Bedrock sends in base64 is
    unwrapped.

    Raises:
        NotJson: the data is no JSON object; the message is the reason for `rejects`.
    """
    is_text, may_be_text = event_type in TEXT_EVENTS, event_type in TEXT_EVENTS or event_type == "error"
    try:
        chunk = decode(data)
    except NotJson:
        if not may_be_text:
            raise
        chunk = None
    # An empty object in a text event is two braces that a model wrote.
    if type(chunk) is dict and (chunk or not is_text):
        if len(data) > MAX_CHOICES and _choices(chunk) > MAX_CHOICES:
            raise NotJson("too_many_choices")
        return unwrap(chunk)
    if may_be_text:
        return {"text": data.decode("utf-8", "replace")}
    raise NotJson("not_an_object")


def _choices(chunk: Chunk) -> int:
    """How many rows an event would have at most, whatever its API; Code Assist wraps its events."""
    owners = (chunk, inner(chunk, "response"))
    return max(len(elements(owner, name)) for owner in owners for name in _LISTS)
