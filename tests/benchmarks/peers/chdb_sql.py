"""chdb: lines as strings, `JSONExtract` into typed tuples, arrayJoin, zstd Parquet. Chat chunks only.

python chdb_sql.py SHAPE OUTPUT_FOLDER INPUT_FOLDER
"""

import sys

import chdb

_CHOICE = """Tuple(
    index Nullable(Int32),
    delta Tuple(role Nullable(String), content Nullable(String), refusal Nullable(String)),
    finish_reason Nullable(String)
)"""
_EVENT = f"""Tuple(
    id Nullable(String), created Int64, model Nullable(String), service_tier Nullable(String),
    system_fingerprint Nullable(String), choices Array({_CHOICE}),
    usage Tuple(
        prompt_tokens Nullable(Int64), completion_tokens Nullable(Int64), total_tokens Nullable(Int64),
        prompt_tokens_details Tuple(cached_tokens Nullable(Int64))
    )
)"""


def main(_shape: str, output: str, source: str) -> None:
    chdb.query(f"""
        INSERT INTO FUNCTION file('{output}/chunks.parquet', Parquet)
        SELECT
            event.id AS response_id,
            fromUnixTimestamp(event.created) AS created_at,
            event.model AS response_model,
            event.service_tier AS service_tier,
            event.system_fingerprint AS system_fingerprint,
            choice.index AS choice_index,
            choice.delta.role AS role,
            choice.delta.content AS content,
            choice.delta.refusal AS refusal,
            choice.finish_reason AS finish_reason,
            event.usage.prompt_tokens AS input_tokens,
            event.usage.completion_tokens AS output_tokens,
            event.usage.total_tokens AS total_tokens,
            event.usage.prompt_tokens_details.cached_tokens AS cached_input_tokens
        FROM (
            SELECT
                event,
                arrayJoin(if(empty(event.choices), [defaultValueOfTypeName('{_CHOICE}')], event.choices))
                    AS choice
            FROM (
                SELECT JSONExtract(substring(line, 7), '{_EVENT}') AS event
                FROM file('{source}/*.sse', LineAsString)
                WHERE startsWith(line, 'data: {{')
            )
        )
        SETTINGS output_format_parquet_compression_method = 'zstd'
    """)


if __name__ == "__main__":
    main(*sys.argv[1:])
