-- name: finish_reasons
-- description: Why choices ended, per model; null: the stream ended without saying why.
-- grain: one row per response_model and finish_reason
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
with selected as (
    select *
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

ends as (
    select stream_id, response_model, output_tokens, unnest(finish_reasons) as finish_reason
    from selected
),

counted as (
    select
        response_model,
        finish_reason,
        count(*) as choices,
        count(distinct stream_id) as streams
    from ends
    group by response_model, finish_reason
)

select
    response_model,
    finish_reason,
    choices,
    streams,
    choices / cast(sum(choices) over (partition by response_model) as double) as share
from counted
order by response_model, choices desc, finish_reason
