-- name: accounting
-- description: Every byte of every body is of one kind, and no two of them claim the same byte.
-- grain: one row per capture and broken rule
with placed_events as (
    select
        chunks.capture_id,
        streams.exchange_index,
        chunks.byte_offset,
        chunks.stream_id,
        chunks.event_index
    from chunks
    join streams on streams.stream_id = chunks.stream_id
    where chunks.choice_position = 0
),

claims as (
    select capture_id, exchange_index, byte_offset, 1 as length
    from placed_events
    union all
    select capture_id, exchange_index, byte_offset, length
    from rejects
    where exchange_index is not null
),

neighbours as (
    select
        capture_id,
        byte_offset,
        lag(byte_offset + length) over (
            partition by capture_id, exchange_index
            order by byte_offset, length
        ) as previous_end
    from claims
),

rejected as (
    select capture_id, sum(length) as bytes
    from rejects
    where exchange_index is not null
    group by capture_id
),

broken as (
    select
        capture_id,
        'the kinds of bytes sum up to body_bytes' as rule,
        body_bytes as expected,
        event_bytes + terminator_bytes + comment_bytes + blank_bytes
        + field_bytes + error_bytes + reject_bytes + skipped_bytes as found
    from captures
    where copy_of is null
    union all
    select
        captures.capture_id,
        'the lengths of the rejects sum up to reject_bytes',
        captures.reject_bytes,
        coalesce(rejected.bytes, 0)
    from captures
    left join rejected on rejected.capture_id = captures.capture_id
    where captures.copy_of is null
    union all
    select
        capture_id,
        'no byte is claimed twice',
        0,
        count(*)
    from neighbours
    where byte_offset < previous_end
    group by capture_id
)

select
    broken.capture_id,
    captures.path,
    broken.rule,
    broken.expected,
    broken.found
from broken
left join captures on captures.capture_id = broken.capture_id
where broken.expected is distinct from broken.found
order by broken.capture_id, broken.rule
