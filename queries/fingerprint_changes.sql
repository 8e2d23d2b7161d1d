-- name: fingerprint_changes
-- description: When the fingerprint of a model changed, and latency before and after.
-- grain: one row per response_model and change from one system_fingerprint to another
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
-- param: min_streams INTEGER = 1  pass over runs of fewer streams, as where several backends take turns
with selected as (
    select
        *,
        row_number() over (partition by response_model order by started_at, capture_id, ordinal) as place
    from streams
    where system_fingerprint is not null
      and started_at is not null
      and ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

-- Streams in a row with one fingerprint: their place among all and among their own grows alike.
placed as (
    select
        *,
        place - row_number() over (partition by response_model, system_fingerprint order by place) as run
    from selected
),

runs as (
    select
        response_model,
        system_fingerprint,
        min(place) as place,
        min(started_at) as began_at,
        max(started_at) as last_seen_at,
        count(*) as streams,
        quantile_cont(time_to_first_token_us, 0.5) / 1e3 as first_token_p50_ms,
        quantile_cont(time_per_output_token_us, 0.5) / 1e3 as per_token_p50_ms
    from placed
    group by response_model, system_fingerprint, run
    having count(*) >= $min_streams
),

changes as (
    select
        *,
        lag(system_fingerprint) over one_model as fingerprint_before,
        lag(last_seen_at) over one_model as before_last_seen_at,
        lag(streams) over one_model as streams_before,
        lag(first_token_p50_ms) over one_model as first_token_p50_ms_before,
        lag(per_token_p50_ms) over one_model as per_token_p50_ms_before
    from runs
    window one_model as (partition by response_model order by place)
)

select
    response_model,
    began_at as changed_at,
    fingerprint_before,
    system_fingerprint as fingerprint_after,
    streams_before,
    streams as streams_after,
    first_token_p50_ms_before,
    first_token_p50_ms as first_token_p50_ms_after,
    per_token_p50_ms_before,
    per_token_p50_ms as per_token_p50_ms_after,
    before_last_seen_at
from changes
where fingerprint_before <> system_fingerprint
order by response_model, place
