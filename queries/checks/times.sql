-- name: times
-- description: No duration is negative, and what is unknown has a reason.
-- grain: one row per stream and broken rule
with broken as (
    select stream_id, 'no duration is negative' as rule
    from streams
    where least(
        time_to_first_event_us, time_to_first_token_us, time_to_first_answer_us, duration_us, total_us,
        time_per_output_token_us, gap_p50_us, gap_p95_us, gap_p99_us, gap_max_us
    ) < 0
    union all
    select stream_id, 'an unknown time to first token has a reason'
    from streams
    where (time_to_first_token_us is null) <> (latency_reason is not null)
    union all
    select stream_id, 'without a clock no duration is known'
    from streams
    where clock = 'none'
      and coalesce(
          time_to_first_event_us, time_to_first_token_us, time_to_first_answer_us, duration_us, total_us,
          time_per_output_token_us, gap_p50_us, gap_p95_us, gap_p99_us, gap_max_us
      ) is not null
    union all
    select stream_id, 'no time since the request or the previous event is negative'
    from chunks
    where least(since_request_us, since_previous_us) < 0
    group by stream_id
)

select stream_id, rule
from broken
order by stream_id, rule
