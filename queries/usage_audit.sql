-- name: usage_audit
-- description: Whether token counts can be trusted: how they came, and whether they add up.
-- grain: one row per response_model and finding
-- param: since TIMESTAMPTZ = NULL  only streams that started at or after this instant
-- param: until TIMESTAMPTZ = NULL  only streams that started before this instant
-- param: model VARCHAR = NULL  only streams that asked for this model, or were answered by it
with selected as (
    -- Servers may say any number: the sum of two need not be one of 64 bits.
    select *, cast(input_tokens as decimal(20, 0)) + cast(output_tokens as decimal(20, 0)) as parts
    from streams
    where ($since is null or started_at >= $since)
      and ($until is null or started_at < $until)
      and ($model is null or response_model = $model or request_model = $model)
),

reports as (
    select
        stream_id,
        count(output_tokens) as events,
        min(output_tokens) as least,
        max(output_tokens) as most
    from chunks
    where output_tokens is not null
    group by stream_id
),

audited as (
    select
        selected.stream_id,
        selected.response_model,
        selected.output_tokens / cast(nullif(selected.content_events, 0) as double) as tokens_per_event,
        selected.usage_source = 'absent' as is_absent,
        selected.usage_source = 'reported' and coalesce(reports.events, 0) <= 1 as is_once,
        reports.events > 1 and reports.least = reports.most as is_repeated,
        reports.events > 1 and reports.least < reports.most and selected.output_tokens = reports.most
            as is_cumulative,
        reports.events > 1
            and coalesce(selected.output_tokens < reports.most, reports.least < reports.most)
            as is_shrinking,
        selected.output_tokens = 0 and selected.content_events > 0 as is_zero,
        selected.reasoning_output_tokens > selected.output_tokens
            or selected.total_tokens = selected.parts + nullif(selected.reasoning_output_tokens, 0)
            as is_reasoning_outside,
        selected.total_tokens <> selected.parts as is_total_unequal
    from selected
    left join reports using (stream_id)
),

findings as (
    select *, 1 as position, 'absent' as finding from audited where is_absent
    union all
    select *, 2, 'reported_once' from audited where is_once
    union all
    select *, 3, 'repeated' from audited where is_repeated
    union all
    select *, 4, 'cumulative' from audited where is_cumulative
    union all
    select *, 5, 'shrinking' from audited where is_shrinking
    union all
    select *, 6, 'zero_output' from audited where is_zero
    union all
    select *, 7, 'reasoning_outside' from audited where is_reasoning_outside
    union all
    select *, 8, 'total_unequal' from audited where is_total_unequal
),

models as (
    select response_model, count(*) as streams
    from audited
    group by response_model
)

select
    findings.response_model,
    findings.finding,
    count(*) as streams,
    count(*) / cast(min(models.streams) as double) as share,
    quantile_cont(findings.tokens_per_event, 0.5) as tokens_per_event_p50,
    max(findings.tokens_per_event) as tokens_per_event_max,
    min(findings.stream_id) as example_stream_id
from findings
inner join models on findings.response_model is not distinct from models.response_model
group by findings.response_model, findings.finding, findings.position
order by findings.response_model, findings.position
