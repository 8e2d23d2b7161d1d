-- name: fingerprints
-- description: Which backends served each model: share, first and last seen, latency beside it.
-- grain: one row per response_model and system_fingerprint
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
with selected as (
    select *
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

counted as (
    select
        response_model,
        system_fingerprint,
        count(*) as streams,
        min(started_at) as first_seen_at,
        max(started_at) as last_seen_at,
        count(*) filter (where clock = 'none') as without_clock,
        count(time_to_first_token_us) as with_latency,
        quantile_cont(time_to_first_token_us, 0.5) / 1e3 as first_token_p50_ms,
        quantile_cont(time_to_first_token_us, 0.95) / 1e3 as first_token_p95_ms,
        quantile_cont(time_per_output_token_us, 0.5) / 1e3 as per_token_p50_ms
    from selected
    group by response_model, system_fingerprint
)

select
    response_model,
    system_fingerprint,
    streams,
    streams / cast(sum(streams) over (partition by response_model) as double) as share,
    first_seen_at,
    last_seen_at,
    without_clock,
    with_latency,
    first_token_p50_ms,
    first_token_p95_ms,
    per_token_p50_ms
from counted
order by response_model, streams desc, system_fingerprint
