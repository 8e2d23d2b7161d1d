-- name: slo
-- description: Goodput: streams that met every objective given, per model.
-- grain: one row per response_model
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
-- param: ttft_ms DOUBLE = NULL  time to first token that is still good
-- param: tpot_ms DOUBLE = NULL  time per output token that is still good
-- param: total_ms DOUBLE = NULL  time from the request to the end of the stream that is still good
with selected as (
    select *
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

-- Of each objective: true met, false missed, null unknown; an objective that is not given is met.
judged as (
    select
        response_model,
        outcome = 'completed' as is_completed,
        $ttft_ms is null or time_to_first_token_us <= $ttft_ms * 1e3 as is_ttft_met,
        $tpot_ms is null or time_per_output_token_us <= $tpot_ms * 1e3 as is_tpot_met,
        $total_ms is null or total_us <= $total_ms * 1e3 as is_total_met
    from selected
),

verdicts as (
    select
        *,
        case when is_completed then is_ttft_met and is_tpot_met and is_total_met else false end as is_good
    from judged
)

select
    response_model,
    count(*) as streams,
    count(*) filter (where is_good) as good,
    case
        when coalesce($ttft_ms, $tpot_ms, $total_ms) is not null
            then count(*) filter (where is_good) / cast(count(*) as double)
    end as goodput,
    count(*) filter (where not is_completed) as not_completed,
    count(*) filter (where is_completed and not is_good) as missed,
    count(*) filter (where is_good is null) as unknown,
    count(*) filter (where is_completed and not is_ttft_met) as ttft_missed,
    count(*) filter (where is_completed and not is_tpot_met) as tpot_missed,
    count(*) filter (where is_completed and not is_total_met) as total_missed,
    count(*) filter (where is_completed and is_ttft_met is null) as ttft_unknown,
    count(*) filter (where is_completed and is_tpot_met is null) as tpot_unknown,
    count(*) filter (where is_completed and is_total_met is null) as total_unknown
from verdicts
group by response_model
order by response_model
