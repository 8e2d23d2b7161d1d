-- name: latency
-- description: Percentiles of each duration, per model, in milliseconds.
-- grain: one row per response_model and metric
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

durations as (
    select response_model, clock, 1 as position, 'time_to_first_event' as metric, time_to_first_event_us / 1e3 as ms
    from selected
    union all
    select response_model, clock, 2, 'time_to_first_token', time_to_first_token_us / 1e3
    from selected
    union all
    select response_model, clock, 3, 'time_to_first_answer', time_to_first_answer_us / 1e3
    from selected
    union all
    select response_model, clock, 4, 'time_per_output_token', time_per_output_token_us / 1e3
    from selected
    union all
    select response_model, clock, 5, 'longest_gap', gap_max_us / 1e3
    from selected
    union all
    select response_model, clock, 6, 'duration', duration_us / 1e3
    from selected
    union all
    select response_model, clock, 7, 'total', total_us / 1e3
    from selected
)

select
    response_model,
    metric,
    count(ms) as known,
    count(*) - count(ms) as unknown,
    count(*) filter (where clock = 'none') as without_clock,
    quantile_cont(ms, 0.5) as p50_ms,
    quantile_cont(ms, 0.9) as p90_ms,
    quantile_cont(ms, 0.95) as p95_ms,
    quantile_cont(ms, 0.99) as p99_ms,
    max(ms) as max_ms
from durations
group by response_model, metric, position
order by response_model, position
