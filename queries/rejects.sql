-- name: rejects
-- description: Bytes of the captures that are no event: where they are, and why.
-- grain: one row per reject
select
    captures.path,
    rejects.exchange_index,
    rejects.line,
    rejects.byte_offset,
    rejects.length,
    rejects.reason,
    coalesce(try(decode(rejects.sample)), cast(rejects.sample as varchar)) as sample
from rejects
left join captures using (capture_id)
order by captures.path, captures.source_offset, rejects.exchange_index, rejects.byte_offset, rejects.reason
