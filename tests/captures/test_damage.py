"""Damaged captures: cut at random places, bytes flipped, bytes gone. Never a raise or a hang.

Point it at any folder: SSETL_DAMAGE_FOLDER=… SSETL_DAMAGE_ROUNDS=… pytest tests/captures/test_damage.py
"""

import os
import random
from io import BytesIO
from pathlib import Path

import pytest

from ssetl.captures.exchange import Exchange, Gap, Leftover, Payload, Read
from ssetl.captures.recognise import open_capture
from ssetl.lines import Line

CAPTURES = Path(__file__).parent.parent.parent / "data" / "captures"
FOLDER = Path(os.environ.get("SSETL_DAMAGE_FOLDER", CAPTURES))
ROUNDS = int(os.environ.get("SSETL_DAMAGE_ROUNDS", "12"))
LARGEST = 1 << 20
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.stat().st_size < LARGEST)


def damaged(text: bytes, rng: random.Random) -> bytes:
    """`text` with something wrong."""
    at = rng.randrange(len(text) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at]
    if kind == 1:
        return text[:at] + text[at + rng.randrange(1, 2000) :]
    if kind == 2:
        return text[:at] + rng.randbytes(rng.randrange(1, 50)) + text[at:]
    flipped = bytearray(text)
    for _ in range(rng.choice([1, 5, 100]) if text else 0):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def payloads(text: bytes) -> list[bytes]:
    """What a capture's bodies hold, piece by piece; checks each piece on the way."""
    found = []
    for exchange in open_capture(BytesIO(text)).exchanges:
        if isinstance(exchange, Leftover):
            assert exchange.reason
            assert 0 <= exchange.offset <= exchange.offset + exchange.size <= len(text)
            continue
        for piece in exchange.body:
            if isinstance(piece, Read):
                found.append(piece.data)
            else:
                assert piece.offset >= 0
                assert piece.size >= 0
            if isinstance(piece, (Line, Payload)):
                found.append(piece.text)
            elif isinstance(piece, Gap):
                assert piece.reason != ""
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_damage_raises_nothing(path: Path) -> None:
    text = path.read_bytes()
    rng = random.Random(path.name)
    for _ in range(ROUNDS):
        payloads(damaged(text, rng))


def exchanges_of(text: bytes) -> tuple[list[bytes], list[Leftover]]:
    bodies, leftovers = [], []
    for each in open_capture(BytesIO(text)).exchanges:
        if isinstance(each, Exchange):
            bodies.append(b"".join(piece.data for piece in each.body if isinstance(piece, Read)))
        else:
            leftovers.append(each)
    return bodies, leftovers


@pytest.mark.parametrize("name", ["vcr.json", "archive.har", "test-proxy.json", "mastra.json"])
def test_of_a_json_document_whole_exchanges_are_kept_and_the_rest_is_one_leftover(name: str) -> None:
    text = (CAPTURES / "containers" / name).read_bytes()
    whole, _ = exchanges_of(text)
    most = 0
    for cut in range(200, len(text) - 1, 97):  # before that it may be anything
        bodies, leftovers = exchanges_of(text[:cut])
        assert bodies == whole[: len(bodies)]
        assert len(bodies) >= most
        assert [each.offset + each.size for each in leftovers] == [cut]
        most = max(most, len(bodies))
    assert most >= len(whole) - 1


def test_of_a_json_array_whole_chunks_are_kept() -> None:
    text = (CAPTURES / "containers" / "array.json").read_bytes()
    for cut in range(500, len(text) - 3, 97):
        exchange, leftover = open_capture(BytesIO(text[:cut])).exchanges
        assert isinstance(exchange, Exchange)
        assert isinstance(leftover, Leftover)
        pieces = list(exchange.body)
        assert all(isinstance(piece, (Gap, Payload)) for piece in pieces)
        assert sum(piece.size for piece in pieces if not isinstance(piece, Read)) == leftover.offset
        assert leftover.offset + leftover.size == cut


@pytest.mark.parametrize("name", ["vcr.yaml", "go-vcr.yaml", "archive.har.yaml", "rig.yaml", "ruby-vcr.yml"])
def test_of_a_yaml_document_exchanges_before_a_cut_are_kept(name: str) -> None:
    """YAML that is cut may still be YAML: then the last body is cut, and nothing is left over."""
    text = (CAPTURES / "containers" / name).read_bytes()
    whole, _ = exchanges_of(text)
    most = 0
    for cut in range(400, len(text) - 1, 97):
        bodies, leftovers = exchanges_of(text[:cut])
        assert bodies[:-1] == whole[: max(len(bodies) - 1, 0)]
        assert len(bodies) + len(leftovers) >= most
        assert [each.offset + each.size for each in leftovers] in ([], [cut])
        most = max(most, len(bodies))
    assert most >= len(whole) - 1


@pytest.mark.parametrize("name", ["docker.log", "ts-epoch.log", "cri.log", "docker-json.log", "python.log"])
def test_logs_keep_each_event_before_a_cut(name: str) -> None:
    text = (CAPTURES / "logs" / name).read_bytes()
    whole = payloads(text)
    rng = random.Random(name)
    for _ in range(ROUNDS):
        cut = rng.randrange(len(text) // 2, len(text))
        kept = payloads(text[:cut])
        sure = max(len(kept) - 2, 0)  # but for the line that was cut, and one that was in pieces
        assert kept[:sure] == whole[:sure]
        assert len(kept) >= len(whole) * cut // len(text) // 2
