-- name: stream_latency
-- description: Each stream under each tool's definition of latency, in milliseconds.
-- grain: one row per stream and definition
-- Null where a time is unknown, or where the tool has no such number; formulas: queries/README.md.
with instants as (
    select
        *,
        -- Where the clock stepped back, only ssetl knows which times that has spoilt.
        -- A server's clock says nothing of a request that the client timed.
        case when clock_steps = 0 and clock <> 'payload' then epoch_us(request_sent_at) end as request_us,
        case when clock_steps = 0 then epoch_us(first_event_at) end as first_event_us,
        case when clock_steps = 0 then epoch_us(first_choices_at) end as first_choices_us,
        case when clock_steps = 0 then epoch_us(first_token_at) end as first_token_us,
        case when clock_steps = 0 then epoch_us(first_output_at) end as first_output_us,
        case when clock_steps = 0 then epoch_us(first_text_at) end as first_text_us,
        epoch_us(last_event_at) as last_event_us,
        epoch_us(last_choices_at) as last_choices_us,
        epoch_us(last_token_at) as last_token_us,
        epoch_us(last_text_at) as last_text_us,
        epoch_us(ended_at) as ended_us,
        case when events > 1 then events - 1 end as event_gaps,
        case when choices_events > 1 then choices_events - 1 end as choices_gaps,
        case when output_tokens > 0 then output_tokens end as tokens,
        case when output_tokens > 1 then output_tokens - 1 end as token_gaps
    from streams
),

durations as (
    select
        stream_id,
        'ssetl' as definition,
        time_to_first_token_us as first_token,
        time_to_first_answer_us as first_output_token,
        time_per_output_token_us as inter_token,
        time_per_output_token_us as per_token,
        duration_us as request
    from instants
    union all
    select
        stream_id,
        'aiperf',
        first_token_us - request_us,
        first_output_us - request_us,
        ((last_token_us - request_us) - (first_token_us - request_us)) / token_gaps,
        null,
        last_token_us - request_us
    from instants
    union all
    select
        stream_id,
        'vllm',
        first_choices_us - request_us,
        null,
        (last_choices_us - first_choices_us) / choices_gaps,
        ((last_choices_us - request_us) - (first_choices_us - request_us)) / token_gaps,
        last_choices_us - request_us
    from instants
    union all
    select
        stream_id,
        'guidellm',
        first_token_us - request_us,
        null,
        (last_token_us - first_token_us) / token_gaps,
        (last_token_us - request_us) / tokens,
        ended_us - request_us
    from instants
    union all
    select
        stream_id,
        'genai-perf',
        first_text_us - request_us,
        null,
        ((last_text_us - request_us) - (first_text_us - request_us)) / token_gaps,
        null,
        last_text_us - request_us
    from instants
    union all
    select
        stream_id,
        'inference-perf',
        first_text_us - request_us,
        null,
        null,
        (last_text_us - first_text_us) / token_gaps,
        ended_us - request_us
    from instants
    union all
    select
        stream_id,
        'otel',
        first_event_us - request_us,
        null,
        (last_event_us - first_event_us) / event_gaps,
        null,
        last_event_us - request_us
    from instants
)

select
    stream_id,
    definition,
    first_token / 1e3 as time_to_first_token_ms,
    first_output_token / 1e3 as time_to_first_output_token_ms,
    inter_token / 1e3 as inter_token_latency_ms,
    per_token / 1e3 as time_per_output_token_ms,
    request / 1e3 as request_latency_ms
from durations
