-- name: gaps
-- description: Percentiles of all gaps between content events, per model.
-- grain: one row per response_model
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
with selected as (
    select stream_id, response_model, clock
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

gaps as (
    select selected.response_model, chunks.since_content_us as gap_us
    from chunks
    inner join selected using (stream_id)
    where chunks.choice_position = 0 and chunks.since_content_us is not null
),

percentiles as (
    select
        response_model,
        count(*) as gaps,
        count(*) filter (where gap_us = 0) as zero_gaps,
        -- All at once: each call would hold and order all gaps again.
        quantile_cont(gap_us, [0.5, 0.9, 0.95, 0.99, 0.999]) as quantiles_us,
        max(gap_us) as max_us
    from gaps
    group by response_model
),

models as (
    select response_model, count(*) as streams, count(*) filter (where clock = 'none') as without_clock
    from selected
    group by response_model
)

select
    models.response_model,
    models.streams,
    models.without_clock,
    coalesce(percentiles.gaps, 0) as gaps,
    coalesce(percentiles.zero_gaps, 0) as zero_gaps,
    percentiles.quantiles_us[1] / 1e3 as p50_ms,
    percentiles.quantiles_us[2] / 1e3 as p90_ms,
    percentiles.quantiles_us[3] / 1e3 as p95_ms,
    percentiles.quantiles_us[4] / 1e3 as p99_ms,
    percentiles.quantiles_us[5] / 1e3 as p999_ms,
    percentiles.max_us / 1e3 as max_ms
from models
left join percentiles on models.response_model is not distinct from percentiles.response_model
order by models.response_model
