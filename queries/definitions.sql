-- name: definitions
-- description: How far apart the latencies lie that different tools would report.
-- grain: one row per response_model, metric and definition
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

latencies as (
    select selected.response_model, stream_latency.*
    from stream_latency
    inner join selected using (stream_id)
),

-- A tool that has no number of a kind has no row for it: see the table in queries/README.md.
numbers as (
    select
        response_model,
        definition,
        1 as position,
        'time_to_first_token' as metric,
        time_to_first_token_ms as ms
    from latencies
    union all
    select response_model, definition, 2, 'time_to_first_output_token', time_to_first_output_token_ms
    from latencies
    where definition in ('ssetl', 'aiperf')
    union all
    select response_model, definition, 3, 'inter_token_latency', inter_token_latency_ms
    from latencies
    where definition <> 'inference-perf'
    union all
    select response_model, definition, 4, 'time_per_output_token', time_per_output_token_ms
    from latencies
    where definition in ('ssetl', 'vllm', 'guidellm', 'inference-perf')
    union all
    select response_model, definition, 5, 'request_latency', request_latency_ms
    from latencies
),

summaries as (
    select
        response_model,
        position,
        metric,
        definition,
        count(ms) as known,
        count(*) - count(ms) as unknown,
        quantile_cont(ms, 0.5) as p50_ms,
        quantile_cont(ms, 0.9) as p90_ms,
        quantile_cont(ms, 0.99) as p99_ms
    from numbers
    group by response_model, position, metric, definition
),

compared as (
    select
        *,
        max(known) over (partition by response_model, metric) as known_to_any,
        max(case when definition = 'ssetl' then p50_ms end) over (
            partition by response_model, metric
        ) as ssetl_p50_ms
    from summaries
)

select
    response_model,
    metric,
    definition,
    known,
    unknown,
    p50_ms,
    p90_ms,
    p99_ms,
    p50_ms - ssetl_p50_ms as from_ssetl_ms
from compared
where known_to_any > 0
order by response_model, position, case when definition = 'ssetl' then 0 else 1 end, definition
