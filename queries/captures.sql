-- name: captures
-- description: What was read: each capture, what came out of it, and what did not.
-- grain: one row per capture
select
    path,
    source_offset,
    bytes,
    container,
    compression,
    exchanges,
    skipped,
    streams,
    events,
    chunks,
    rejects,
    reject_bytes,
    copy_of,
    ingested_at,
    ssetl_version,
    capture_id
from captures
order by path, source_offset, capture_id
