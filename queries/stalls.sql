-- name: stalls
-- description: Silences: before the first token, while reasoning, in the answer.
-- grain: one row per response_model and phase
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
-- param: threshold_ms DOUBLE = NULL  a longer silence is a stall; NULL: by what is usual, see the next two
-- param: times DOUBLE = 10  so many times the stream's median gap, or the model's median time to first token
-- param: least_ms DOUBLE = 1000  and no less than this
with selected as (
    select *
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

models as (
    select
        response_model,
        count(*) as streams,
        count(*) filter (where clock = 'none' or clock_steps > 0) as without_clock,
        quantile_cont(time_to_first_token_us, 0.5) as first_token_us
    from selected
    group by response_model
),

timed as (
    select
        selected.stream_id,
        selected.response_model,
        selected.events,
        selected.content_events,
        selected.time_to_first_token_us,
        selected.total_us,
        selected.gap_max_us,
        -- A server's clock says nothing of a request that the client timed.
        case when selected.clock <> 'payload' then epoch_us(selected.request_sent_at) end as request_us,
        epoch_us(selected.last_content_at) as last_content_us,
        epoch_us(selected.ended_at) as ended_us,
        coalesce($threshold_ms, greatest($least_ms, $times * models.first_token_us / 1e3)) * 1e3
            as first_threshold_us,
        coalesce($threshold_ms, greatest($least_ms, $times * selected.gap_p50_us / 1e3)) * 1e3
            as gap_threshold_us
    from selected
    inner join models on selected.response_model is not distinct from models.response_model
    where selected.clock <> 'none' and selected.clock_steps = 0
),

-- Streams with a silence that is, or may be, long enough: only their events are looked at, and by numbers,
-- not by long ids.
stalled as (
    select row_number() over () as stream, *
    from timed
    where coalesce(time_to_first_token_us, total_us) > first_threshold_us
       or gap_max_us > gap_threshold_us
       or (gap_max_us is null and content_events > 1)
       or ended_us - last_content_us > gap_threshold_us
),

-- The end of a stream is one more event, without content.
events as (
    select
        stalled.stream,
        chunks.event_index,
        max(epoch_us(chunks.received_at)) as received_us,
        max(chunks.comments_before) > 0 or bool_or(chunks.event_type in ('ping', 'keepalive'))
            as is_kept_alive,
        bool_or(chunks.reasoning <> '') as is_reasoning,
        bool_or(
            chunks.content <> ''
            or chunks.refusal <> ''
            or array_length(
                list_filter(chunks.tool_calls, lambda call: call.name <> '' or call.arguments <> '')
            ) > 0
        ) as is_answer
    from chunks
    inner join stalled using (stream_id)
    group by stalled.stream, chunks.event_index
    union all
    select stream, events, ended_us, false, false, false
    from stalled
),

-- A silence goes on until content comes: all events up to there have its number.
numbered as (
    select
        *,
        coalesce(is_answer, false) or coalesce(is_reasoning, false) as is_content,
        sum(case when is_answer or is_reasoning then 1 else 0 end) over (
            partition by stream
            order by event_index
            rows between unbounded preceding and 1 preceding
        ) as contents_before
    from events
),

ends as (
    select
        stream,
        coalesce(contents_before, 0) as number,
        max(received_us) as end_us,
        bool_or(is_answer) as is_answer,
        coalesce(bool_or(is_kept_alive), false) as is_kept_alive
    from numbered
    group by stream, coalesce(contents_before, 0)
),

-- If the ingest was told to drop texts, events no longer tell where the content was.
told as (
    select stalled.stream
    from stalled
    inner join numbered using (stream)
    group by stalled.stream, stalled.content_events
    having count(*) filter (where numbered.is_content) = stalled.content_events
),

silences as (
    select
        stalled.stream_id,
        stalled.response_model,
        case
            when ends.number = 0 then 'before_first_token'
            when lag(ends.is_answer) over one_stream then 'answer'
            else 'reasoning'
        end as phase,
        ends.is_kept_alive,
        case when ends.number = 0 then stalled.first_threshold_us else stalled.gap_threshold_us end
            as threshold_us,
        case
            when ends.number = 0 then ends.end_us - stalled.request_us
            else ends.end_us - lag(ends.end_us) over one_stream
        end as us
    from ends
    inner join stalled using (stream)
    inner join told using (stream)
    window one_stream as (partition by ends.stream order by ends.number)
),

stalls as (
    select *, max(us) over (partition by response_model, phase) as longest_us
    from silences
    where us > threshold_us
),

phases as (
    select 1 as position, 'before_first_token' as phase
    union all
    select 2, 'reasoning'
    union all
    select 3, 'answer'
)

select
    models.response_model,
    phases.phase,
    models.streams,
    models.without_clock,
    case when models.streams > models.without_clock then count(stalls.us) end as stalls,
    case when models.streams > models.without_clock then count(distinct stalls.stream_id) end as stalled_streams,
    case when models.streams > models.without_clock then count(*) filter (where stalls.is_kept_alive) end
        as keep_alive_only,
    quantile_cont(stalls.threshold_us, 0.5) / 1e3 as threshold_p50_ms,
    quantile_cont(stalls.us, 0.5) / 1e3 as p50_ms,
    max(stalls.us) / 1e3 as max_ms,
    min(case when stalls.us = stalls.longest_us then stalls.stream_id end) as example_stream_id
from models
cross join phases
left join stalls
    on models.response_model is not distinct from stalls.response_model
    and phases.phase = stalls.phase
group by models.response_model, models.streams, models.without_clock, phases.phase, phases.position
order by models.response_model, phases.position
