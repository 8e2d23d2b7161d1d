-- name: throughput
-- description: Streams in flight and output tokens per second, over time.
-- grain: one row per interval in which a stream was in flight
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
-- param: bucket INTEGER = 60  length of an interval, in seconds
with timed as (
    select
        -- A server's clock says nothing of a request that the client timed.
        case
            when clock <> 'payload' then epoch_us(coalesce(request_sent_at, first_event_at))
            else epoch_us(first_event_at)
        end as begin_us,
        epoch_us(coalesce(ended_at, last_event_at)) as end_us,
        epoch_us(first_content_at) as first_us,
        epoch_us(last_content_at) as last_us,
        cast(output_tokens as double) as output_tokens,
        cast($bucket as bigint) * 1000000 as bucket_us
    from streams
    where clock <> 'none'
      and clock_steps = 0
      and ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

-- A stream of so many intervals is no stream: its clock jumped.
selected as (
    select *
    from timed
    where end_us - begin_us < 100000 * bucket_us
),

-- One row per stream and interval that it touches.
slices as (
    select
        *,
        unnest(generate_series(begin_us // bucket_us, end_us // bucket_us)) * bucket_us as from_us
    from selected
),

-- Tokens are spread evenly from the first to the last content event, if both have a time.
shares as (
    select
        *,
        least(end_us, from_us + bucket_us) - greatest(begin_us, from_us) as in_flight_us,
        case
            when first_us is null or last_us is null then null
            when last_us > first_us
                then output_tokens
                * greatest(least(last_us, from_us + bucket_us) - greatest(first_us, from_us), 0)
                / (last_us - first_us)
            when first_us // bucket_us = from_us // bucket_us then output_tokens
            when output_tokens is not null then 0
        end as tokens
    from slices
),

intervals as (
    select
        from_us,
        bucket_us,
        count(*) as streams,
        count(*) filter (where begin_us >= from_us) as started,
        count(*) filter (where end_us < from_us + bucket_us) as ended,
        count(*) filter (where begin_us < from_us and end_us > from_us) as carried,
        sum(in_flight_us) as in_flight_us,
        sum(tokens) as tokens,
        count(*) - count(tokens) as without_tokens
    from shares
    group by from_us, bucket_us
),

-- In flight whenever one begins; at a tie, those that end then are gone.
changes as (
    select begin_us as change_us, bucket_us, 1 as change
    from selected
    union all
    select end_us, bucket_us, -1
    from selected
),

levels as (
    select
        change_us // bucket_us * bucket_us as from_us,
        sum(change) over (
            order by change_us, change
            rows between unbounded preceding and current row
        ) as level
    from changes
),

peaks as (
    select from_us, max(level) as level
    from levels
    group by from_us
)

select
    to_timestamp(intervals.from_us / 1e6) as interval_at,
    intervals.streams,
    intervals.started,
    intervals.ended,
    intervals.in_flight_us / cast(intervals.bucket_us as double) as in_flight_avg,
    greatest(intervals.carried, peaks.level) as in_flight_max,
    intervals.tokens * 1e6 / intervals.bucket_us as output_tokens_per_second,
    intervals.without_tokens
from intervals
left join peaks using (from_us)
order by intervals.from_us
