-- name: overview
-- description: What was captured: streams, how they ended, and how fast they were.
-- grain: one row per api and response_model
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
with selected as (
    select *
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
)

select
    api,
    response_model,
    count(*) as streams,
    count(*) filter (where outcome = 'completed') as completed,
    count(*) filter (where outcome = 'truncated') as truncated,
    count(*) filter (where outcome = 'errored') as errored,
    count(*) filter (where outcome = 'empty') as empty,
    count(*) filter (where clock = 'none') as without_clock,
    quantile_cont(time_to_first_token_us, 0.5) / 1e3 as first_token_p50_ms,
    quantile_cont(time_to_first_token_us, 0.95) / 1e3 as first_token_p95_ms,
    quantile_cont(duration_us, 0.5) / 1e3 as duration_p50_ms,
    try_cast(sum(output_tokens) as bigint) as output_tokens,
    max(started_at) as last_started_at
from selected
group by api, response_model
order by streams desc, api, response_model
