-- name: outcomes
-- description: How streams ended, and endings that contradict themselves.
-- grain: one row per api, response_model, outcome and has_terminator
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

finishes as (
    select stream_id, choice_index, count(*) as events
    from chunks
    where finish_reason <> ''
    group by stream_id, choice_index
),

finished as (
    select stream_id, max(events) as events
    from finishes
    group by stream_id
),

-- If the ingest was told to drop texts, or to hash them, no call tells whether it is half.
told as (
    select count(is_half) > 0 as are_judged
    from stream_tool_calls
),

calls as (
    select stream_id, bool_or(is_half) as is_half
    from stream_tool_calls
    group by stream_id
),

ends as (
    select
        selected.*,
        case
            when calls.stream_id is null then false
            when told.are_judged then coalesce(calls.is_half, false)
        end as is_half_call,
        coalesce(finished.events > 1, false) as is_finish_repeated,
        finished.stream_id is not null and selected.outcome = 'errored' as is_finish_beside_error
    from selected
    left join finished using (stream_id)
    left join calls using (stream_id)
    cross join told
),

counted as (
    select
        api,
        response_model,
        outcome,
        has_terminator,
        count(*) as streams,
        count(*) filter (where content_events = 0) as without_content,
        case when count(is_half_call) = count(*) then count(*) filter (where is_half_call) end as half_tool_call,
        count(*) filter (where is_finish_repeated) as finish_repeated,
        count(*) filter (where is_finish_beside_error) as finish_beside_error,
        min(stream_id) as example_stream_id
    from ends
    group by api, response_model, outcome, has_terminator
)

select
    api,
    response_model,
    outcome,
    has_terminator,
    streams,
    streams / cast(sum(streams) over (partition by api, response_model) as double) as share,
    without_content,
    half_tool_call,
    finish_repeated,
    finish_beside_error,
    example_stream_id
from counted
order by api, response_model, streams desc, outcome, has_terminator
