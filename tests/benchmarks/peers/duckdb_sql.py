"""DuckDB: lines by read_csv, `from_json` into typed structs, one row per choice, COPY to zstd Parquet.

python duckdb_sql.py SHAPE OUTPUT_FOLDER INPUT_FOLDER [MANNER]
"""

import sys

import duckdb

_CHAT = """{
    "id": "VARCHAR", "created": "BIGINT", "model": "VARCHAR", "service_tier": "VARCHAR",
    "system_fingerprint": "VARCHAR",
    "choices": [{"index": "INTEGER", "delta": %s, "finish_reason": "VARCHAR"}],
    "usage": {
        "prompt_tokens": "BIGINT", "completion_tokens": "BIGINT", "total_tokens": "BIGINT",
        "prompt_tokens_details": {"cached_tokens": "BIGINT"}
    }
}"""
_EVENT_COLUMNS = """
    event.id as response_id,
    to_timestamp(event.created) as created_at,
    event.model as response_model,
    event.service_tier,
    event.system_fingerprint,
    choice.index as choice_index,
    choice.delta.role,
    choice.finish_reason,
    event.usage.prompt_tokens as input_tokens,
    event.usage.completion_tokens as output_tokens,
"""
# An event without choices (the one with the usage) is a row, too.
_CHOICES = "unnest(if(len(event.choices) = 0, [null], event.choices))"

CHAT = (
    _CHAT % '{"role": "VARCHAR", "content": "VARCHAR", "refusal": "VARCHAR"}',
    _CHOICES,
    f"""{_EVENT_COLUMNS}
    choice.delta.content,
    choice.delta.refusal,
    event.usage.total_tokens,
    event.usage.prompt_tokens_details.cached_tokens as cached_input_tokens""",
)
TOOL_CALLS = (
    _CHAT
    % """{
        "role": "VARCHAR",
        "tool_calls": [
            {"index": "INTEGER", "id": "VARCHAR", "function": {"name": "VARCHAR", "arguments": "VARCHAR"}}
        ]
    }""",
    _CHOICES,
    f"""{_EVENT_COLUMNS}
    choice.delta.tool_calls[1].index as call_index,
    choice.delta.tool_calls[1].id as call_id,
    choice.delta.tool_calls[1].function.name as name,
    choice.delta.tool_calls[1].function.arguments as content""",
)
RESPONSES = (
    """{
        "type": "VARCHAR", "sequence_number": "INTEGER", "item_id": "VARCHAR", "output_index": "INTEGER",
        "content_index": "INTEGER", "delta": "VARCHAR", "item": {"role": "VARCHAR"},
        "response": {
            "id": "VARCHAR", "created_at": "BIGINT", "model": "VARCHAR", "status": "VARCHAR",
            "usage": {"input_tokens": "BIGINT", "output_tokens": "BIGINT", "total_tokens": "BIGINT"}
        }
    }""",
    "null",
    """
    event.type as event_type,
    event.sequence_number,
    event.item_id,
    event.output_index,
    event.content_index,
    event.delta as content,
    event.item.role,
    event.response.id as response_id,
    to_timestamp(event.response.created_at) as created_at,
    event.response.model as response_model,
    event.response.status as finish_reason,
    event.response.usage.input_tokens,
    event.response.usage.output_tokens,
    event.response.usage.total_tokens""",
)
MESSAGES = (
    """{
        "type": "VARCHAR", "index": "INTEGER",
        "message": {
            "id": "VARCHAR", "model": "VARCHAR", "role": "VARCHAR",
            "usage": {
                "input_tokens": "BIGINT", "output_tokens": "BIGINT", "cache_read_input_tokens": "BIGINT",
                "service_tier": "VARCHAR"
            }
        },
        "content_block": {"type": "VARCHAR", "text": "VARCHAR"},
        "delta": {
            "type": "VARCHAR", "text": "VARCHAR", "stop_reason": "VARCHAR", "stop_sequence": "VARCHAR"
        },
        "usage": {"output_tokens": "BIGINT"}
    }""",
    "null",
    """
    event.type as event_type,
    event.index,
    event.message.id as response_id,
    event.message.model as response_model,
    event.message.role,
    event.message.usage.service_tier,
    event.message.usage.input_tokens,
    event.message.usage.cache_read_input_tokens as cached_input_tokens,
    coalesce(event.usage.output_tokens, event.message.usage.output_tokens) as output_tokens,
    event.content_block.type as block_type,
    event.delta.type as delta_type,
    coalesce(event.delta.text, event.content_block.text) as content,
    event.delta.stop_reason as finish_reason,
    event.delta.stop_sequence""",
)
SHAPES = {
    "plain": CHAT,
    "obfuscated": CHAT,
    "escaped": CHAT,
    "interleaved": CHAT,
    "usage_every_chunk": CHAT,
    "tool_calls": TOOL_CALLS,
    "responses": RESPONSES,
    "messages": MESSAGES,
}


MANNERS = {
    "log": (
        "substr(line, 35)",
        "starts_with(substr(line, 29), 'data: {')",
        "substr(line, 1, 27)::timestamptz",
    ),
}
"""Where in a line of a log the event is, which lines have one, and when it came."""


def main(shape: str, output: str, source: str, manner: str = "plain") -> None:
    structure, choices, columns = SHAPES[shape]
    event, is_event, time = MANNERS.get(manner, ("substr(line, 7)", "starts_with(line, 'data: {')", "null"))
    columns += "" if time == "null" else ", received_at"
    duckdb.execute(f"""
        copy (
            with events as (
                select from_json({event}, '{structure}') as event, {time} as received_at
                from read_csv(
                    '{source}/*.sse', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '',
                    escape = '', header = false, auto_detect = false
                )
                where {is_event}
            ),
            chunks as (select event, received_at, {choices} as choice from events)
            select {columns} from chunks
        ) to '{output}/chunks.parquet' (format parquet, compression zstd)
    """)


if __name__ == "__main__":
    main(*sys.argv[1:])
