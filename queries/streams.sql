-- name: streams
-- description: Every stream: latency, tokens, finish, fingerprint and outcome.
-- grain: one row per stream
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
select
    started_at,
    response_model,
    outcome,
    time_to_first_token_us / 1e3 as time_to_first_token_ms,
    duration_us / 1e3 as duration_ms,
    time_per_output_token_us / 1e3 as time_per_output_token_ms,
    gap_max_us / 1e3 as gap_max_ms,
    input_tokens,
    output_tokens,
    finish_reasons,
    system_fingerprint,
    latency_reason,
    clock,
    events,
    choices,
    tool_calls,
    usage_source,
    service_tier,
    http_status,
    error_type,
    has_terminator,
    api,
    request_id,
    response_id,
    stream_id,
    capture_id,
    ordinal
from streams
where ($since is null or started_at >= $since)
  and ($until is null or started_at < $until)
  and ($model is null or response_model = $model or request_model = $model)
order by started_at, capture_id, ordinal, stream_id
