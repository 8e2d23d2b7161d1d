-- name: tool_calls
-- description: Which tools the models called, how long that took, and whether it came whole.
-- grain: one row per response_model and tool
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

-- If the ingest was told to drop texts, or to hash them, no arguments tell anything.
told as (
    select
        count(is_half) > 0 as are_judged,
        count(arguments) > 0 as are_kept
    from stream_tool_calls
),

calls as (
    select
        selected.response_model,
        selected.stream_id,
        stream_tool_calls.name as tool,
        case when told.are_judged then coalesce(stream_tool_calls.is_half, false) end as is_half,
        case when told.are_kept then stream_tool_calls.arguments is null end as is_without_arguments,
        case when stream_tool_calls.is_json is not null then length(stream_tool_calls.arguments) end
            as characters,
        case
            when selected.clock_steps = 0
                then (epoch_us(stream_tool_calls.last_at) - epoch_us(stream_tool_calls.first_at)) / 1e3
        end as ms
    from stream_tool_calls
    inner join selected using (stream_id)
    cross join told
)

select
    response_model,
    tool,
    count(*) as calls,
    count(distinct stream_id) as streams,
    case when count(is_half) > 0 then count(*) filter (where is_half) end as half_json,
    case when count(is_without_arguments) > 0 then count(*) filter (where is_without_arguments) end
        as without_arguments,
    quantile_cont(characters, 0.5) as characters_p50,
    max(characters) as characters_max,
    count(ms) as with_latency,
    quantile_cont(ms, 0.5) as p50_ms,
    quantile_cont(ms, 0.95) as p95_ms,
    min(case when is_half then stream_id end) as example_stream_id
from calls
group by response_model, tool
order by response_model, calls desc, tool
