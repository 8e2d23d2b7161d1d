-- name: tokens
-- description: Tokens per model and day, as the servers counted them; never a sum over events.
-- grain: one row per response_model and day (UTC)
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
with selected as (
    select *, cast(started_at as date) as day
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
)

select
    response_model,
    day,
    count(*) as streams,
    count(*) filter (where usage_source = 'reported') as with_usage,
    count(*) filter (where usage_source = 'absent') as without_usage,
    try_cast(sum(input_tokens) as bigint) as input_tokens,
    try_cast(sum(cached_input_tokens) as bigint) as cached_input_tokens,
    try_cast(sum(output_tokens) as bigint) as output_tokens,
    try_cast(sum(reasoning_output_tokens) as bigint) as reasoning_output_tokens,
    try_cast(sum(total_tokens) as bigint) as total_tokens,
    avg(input_tokens) as input_tokens_avg,
    avg(output_tokens) as output_tokens_avg,
    max(output_tokens) as output_tokens_max
from selected
group by response_model, day
order by response_model, day
