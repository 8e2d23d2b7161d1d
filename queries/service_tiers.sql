-- name: service_tiers
-- description: Which service tier answered, per model, and how fast.
-- grain: one row per response_model and service_tier
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
        service_tier,
        count(*) as streams,
        count(*) filter (where clock = 'none') as without_clock,
        quantile_cont(time_to_first_token_us, 0.5) / 1e3 as first_token_p50_ms,
        quantile_cont(time_to_first_token_us, 0.95) / 1e3 as first_token_p95_ms,
        quantile_cont(duration_us, 0.5) / 1e3 as duration_p50_ms,
        try_cast(sum(output_tokens) as bigint) as output_tokens
    from selected
    group by response_model, service_tier
)

select
    response_model,
    service_tier,
    streams,
    streams / cast(sum(streams) over (partition by response_model) as double) as share,
    without_clock,
    first_token_p50_ms,
    first_token_p95_ms,
    duration_p50_ms,
    output_tokens
from counted
order by response_model, streams desc, service_tier
