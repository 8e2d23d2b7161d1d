"""What Chat Completions and Completions share: the event around the choices, and usage."""

from collections.abc import Sequence

from ssetl.apis.error import error_members, error_of
from ssetl.apis.members import count, counted, elements, epoch, first, inner, known, seconds, text
from ssetl.apis.row import Chunk, Json, Row, Usage


def event_row(chunk: Chunk, event_type: str | None) -> Row:
    """What the event says as a whole."""
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    return Row(
        response_id=text(chunk, "id"),
        created_at=epoch(chunk, "created"),
        response_model=text(chunk, "model"),
        service_tier=text(chunk, "service_tier"),
        system_fingerprint=text(chunk, "system_fingerprint"),
        usage=_usage(chunk),
        error_type=error_type,
        error_message=error_message,
    )


def event_skeleton(rows: Sequence[Row], named: str, choices: list[Json]) -> Chunk:
    """The chunk around `choices`, `object` being `named`; an event that is nothing but an error is bare."""
    row = rows[0]
    error = error_members(row)
    if not choices and row.response_id is None and row.response_model is None and row.usage is None:
        return error
    return {
        "id": row.response_id,
        "object": named,
        "created": seconds(row.created_at),
        "model": row.response_model,
        "service_tier": row.service_tier,
        "system_fingerprint": row.system_fingerprint,
        "choices": choices,
        "usage": None if row.usage is None else usage_members(row.usage),
        **error,
    }


def usage_members(usage: Usage) -> Chunk:
    """`usage` as OpenAI's servers write it."""
    return known(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        prompt_tokens_details=known(
            cached_tokens=usage.cached_input_tokens,
            audio_tokens=usage.audio_input_tokens,
        )
        or None,
        completion_tokens_details=known(
            reasoning_tokens=usage.reasoning_output_tokens,
            audio_tokens=usage.audio_output_tokens,
            accepted_prediction_tokens=usage.accepted_prediction_tokens,
            rejected_prediction_tokens=usage.rejected_prediction_tokens,
        )
        or None,
    )


def _usage(chunk: Chunk) -> Usage | None:
    """The usage of the event: its own, else Groq's, else a choice's (Moonshot)."""
    found = counted_usage(chunk.get("usage")) or counted_usage(inner(chunk, "x_groq").get("usage"))
    if found is None:
        for choice in elements(chunk, "choices"):
            if type(choice) is dict and (found := counted_usage(choice.get("usage"))) is not None:
                break
    return found


def counted_usage(usage: Json) -> Usage | None:
    """`usage` as columns; None if it holds no number that has a column."""
    if type(usage) is not dict:
        return None
    prompt, completion = inner(usage, "prompt_tokens_details"), inner(usage, "completion_tokens_details")
    return counted(
        input_tokens=count(usage, "prompt_tokens"),
        output_tokens=count(usage, "completion_tokens"),
        total_tokens=count(usage, "total_tokens"),
        cached_input_tokens=first(
            count(prompt, "cached_tokens"),
            count(usage, "prompt_cache_hit_tokens"),
            count(usage, "cached_tokens"),
        ),
        reasoning_output_tokens=first(
            count(completion, "reasoning_tokens"),
            count(usage, "reasoning_tokens"),
        ),
        audio_input_tokens=count(prompt, "audio_tokens"),
        audio_output_tokens=count(completion, "audio_tokens"),
        accepted_prediction_tokens=count(completion, "accepted_prediction_tokens"),
        rejected_prediction_tokens=count(completion, "rejected_prediction_tokens"),
    )
