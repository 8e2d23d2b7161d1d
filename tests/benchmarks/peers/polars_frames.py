"""polars: lazy lines, `json_decode` into typed structs, explode, streamed to zstd Parquet. Chat chunks only.

python polars_frames.py SHAPE OUTPUT_FOLDER INPUT_FOLDER
"""

import sys

import polars as pl

_EVENT = pl.Struct(
    {
        "id": pl.String,
        "created": pl.Int64,
        "model": pl.String,
        "service_tier": pl.String,
        "system_fingerprint": pl.String,
        "choices": pl.List(
            pl.Struct(
                {
                    "index": pl.Int32,
                    "delta": pl.Struct({"role": pl.String, "content": pl.String, "refusal": pl.String}),
                    "finish_reason": pl.String,
                }
            )
        ),
        "usage": pl.Struct(
            {
                "prompt_tokens": pl.Int64,
                "completion_tokens": pl.Int64,
                "total_tokens": pl.Int64,
                "prompt_tokens_details": pl.Struct({"cached_tokens": pl.Int64}),
            }
        ),
    }
)


def main(_shape: str, output: str, source: str) -> None:
    payload = pl.col.line.str.strip_prefix("data: ")  # `slice(6)` counts characters, and takes longer
    (
        pl.scan_lines(f"{source}/*.sse", name="line")
        .filter(pl.col.line.str.starts_with("data: {"))
        .select(payload.str.json_decode(_EVENT).struct.unnest())
        .explode("choices", empty_as_null=True)
        .unnest("choices")
        .unnest("delta")
        .unnest("usage")
        .unnest("prompt_tokens_details")
        .with_columns(pl.from_epoch("created"))
        .sink_parquet(f"{output}/chunks.parquet", compression="zstd")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
