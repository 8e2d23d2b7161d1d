-- name: idle_timeouts
-- description: The idle timeout that would have cut so many of the completed streams.
-- grain: one row per response_model and kind of silence
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
-- param: cut_percent DOUBLE = 1.0  share of the completed streams that may be cut, in percent
with selected as (
    select *
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

completed as (
    select
        *,
        case when clock_steps = 0 then epoch_us(ended_at) - epoch_us(last_event_at) end as after_events_us,
        case when clock_steps = 0 then epoch_us(ended_at) - epoch_us(last_content_at) end as after_content_us
    from selected
    where outcome = 'completed'
),

events as (
    select stream_id, max(since_previous_us) as longest_us
    from chunks
    group by stream_id
),

-- The longest silence of each stream; unknown if the one before its first event is.
silences as (
    select
        completed.response_model,
        'no_event' as silence,
        case
            when completed.time_to_first_event_us + completed.after_events_us is not null
                then greatest(completed.time_to_first_event_us, events.longest_us, completed.after_events_us)
        end as longest_us
    from completed
    left join events using (stream_id)
    union all
    select
        response_model,
        'no_content',
        case
            when time_to_first_token_us + after_content_us is not null
                then greatest(time_to_first_token_us, gap_max_us, after_content_us)
        end
    from completed
),

ranked as (
    select
        *,
        rank() over (partition by response_model, silence order by longest_us desc nulls last) - 1 as longer,
        count(longest_us) over (partition by response_model, silence) as known
    from silences
),

allowed as (
    select *, longest_us is not null and longer * 100 <= $cut_percent * known as is_allowed
    from ranked
)

select
    response_model,
    silence,
    count(*) as completed,
    count(longest_us) as known,
    count(*) - count(longest_us) as unknown,
    min(longest_us) filter (where is_allowed) / 1e3 as timeout_ms,
    max(longer) filter (where is_allowed) as would_cut,
    quantile_cont(longest_us, 0.5) / 1e3 as longest_p50_ms,
    max(longest_us) / 1e3 as longest_max_ms
from allowed
group by response_model, silence
order by response_model, silence desc
