-- name: errors
-- description: Streams that ended in an error, grouped by what the server said.
-- grain: one row per request_model, response_model, http_status, error_type and error_message
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
select
    request_model,
    response_model,
    http_status,
    error_type,
    error_message,
    count(*) as streams,
    count(*) filter (where content_events > 0) as after_content,
    min(started_at) as first_seen_at,
    max(started_at) as last_seen_at,
    min(stream_id) as example_stream_id
from streams
where outcome = 'errored'
  and ($since is null or started_at >= $since)
  and ($until is null or started_at < $until)
  and ($model is null or response_model = $model or request_model = $model)
group by request_model, response_model, http_status, error_type, error_message
order by streams desc, request_model, response_model, http_status, error_type, error_message
