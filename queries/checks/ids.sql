-- name: ids
-- description: Ids are unique, and each row belongs to a capture or stream that is there.
-- grain: one row per id and broken rule
with broken as (
    select 'capture_id is unique in captures' as rule, capture_id as id, count(*) as rows
    from captures
    group by capture_id
    having count(*) > 1
    union all
    select 'stream_id is unique in streams', stream_id, count(*)
    from streams
    group by stream_id
    having count(*) > 1
    union all
    select 'event and choice are unique in a stream', stream_id, count(*)
    from (
        select stream_id, event_index, choice_position
        from chunks
        group by stream_id, event_index, choice_position
        having count(*) > 1
    )
    group by stream_id
    union all
    select 'the capture of a stream exists', streams.capture_id, count(*)
    from streams
    left join captures on captures.capture_id = streams.capture_id
    where captures.capture_id is null
    group by streams.capture_id
    union all
    select 'the stream of a chunk exists', chunks.stream_id, count(*)
    from chunks
    left join streams on streams.stream_id = chunks.stream_id
    where streams.stream_id is null
    group by chunks.stream_id
    union all
    select 'the capture of a reject exists', rejects.capture_id, count(*)
    from rejects
    left join captures on captures.capture_id = rejects.capture_id
    where captures.capture_id is null
    group by rejects.capture_id
    union all
    select 'the original of a copy exists', copies.copy_of, count(*)
    from captures as copies
    left join captures as originals on originals.capture_id = copies.copy_of
    where copies.copy_of is not null
      and originals.capture_id is null
    group by copies.copy_of
)

select rule, id, rows
from broken
order by rule, id
