-- name: counts
-- description: The counts in captures and streams are those of the rows that are there.
-- grain: one row per capture and count, or per stream, that is wrong
with counted_streams as (
    select capture_id, count(*) as streams, sum(events) as events
    from streams
    group by capture_id
),

counted_rejects as (
    select capture_id, count(*) as rejects
    from rejects
    group by capture_id
),

counted_chunks as (
    select
        stream_id,
        capture_id,
        count(*) as chunks,
        count(*) filter (where choice_position = 0) as events,
        max(event_index) + 1 as indexes
    from chunks
    group by stream_id, capture_id
),

capture_chunks as (
    select capture_id, sum(chunks) as chunks
    from counted_chunks
    group by capture_id
),

facts as (
    select captures.capture_id, null as stream_id, 'streams' as count_of, captures.streams as told,
        coalesce(counted_streams.streams, 0) as found
    from captures
    left join counted_streams on counted_streams.capture_id = captures.capture_id
    where captures.copy_of is null
    union all
    select captures.capture_id, null, 'events', captures.events, coalesce(counted_streams.events, 0)
    from captures
    left join counted_streams on counted_streams.capture_id = captures.capture_id
    where captures.copy_of is null
    union all
    select captures.capture_id, null, 'chunks', captures.chunks, coalesce(capture_chunks.chunks, 0)
    from captures
    left join capture_chunks on capture_chunks.capture_id = captures.capture_id
    where captures.copy_of is null
    union all
    select captures.capture_id, null, 'rejects', captures.rejects, coalesce(counted_rejects.rejects, 0)
    from captures
    left join counted_rejects on counted_rejects.capture_id = captures.capture_id
    where captures.copy_of is null
    union all
    select streams.capture_id, streams.stream_id, 'events of the stream', streams.events,
        coalesce(counted_chunks.events, 0)
    from streams
    left join counted_chunks on counted_chunks.stream_id = streams.stream_id
    union all
    select streams.capture_id, streams.stream_id, 'event_index of the stream', streams.events,
        coalesce(counted_chunks.indexes, 0)
    from streams
    left join counted_chunks on counted_chunks.stream_id = streams.stream_id
)

select capture_id, stream_id, count_of, told, found
from facts
where told is distinct from found
order by capture_id, stream_id, count_of
