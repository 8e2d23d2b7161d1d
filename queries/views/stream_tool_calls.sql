-- name: stream_tool_calls
-- description: Each tool call, its arguments joined, and whether they are JSON, or half of one.
-- grain: one row per stream and tool call
-- A piece belongs to the call of its index. Another id begins another call; without an index, a name does.
with pieces as (
    select
        chunks.stream_id,
        chunks.choice_index,
        chunks.event_index,
        chunks.received_at,
        unnest(
            list_transform(
                chunks.tool_calls,
                lambda call, place: {
                    'place': place,
                    'index': call.index,
                    'id': nullif(call.id, ''),
                    'name': nullif(call.name, ''),
                    'arguments': nullif(call.arguments, '')
                }
            )
        ) as call
    from chunks
    where chunks.tool_calls is not null
),

numbered as (
    select
        stream_id,
        choice_index,
        event_index,
        received_at,
        call.place as place,
        call.index as call_index,
        call.name as name,
        call.arguments as arguments,
        last_value(call.id ignore nulls) over so_far as call_id,
        sum(case when call.index is null and call.name is not null then 1 else 0 end) over so_far as unindexed
    from pieces
    window so_far as (
        partition by stream_id, choice_index, call.index
        order by event_index, call.place
        rows between unbounded preceding and current row
    )
),

joined as (
    select
        stream_id,
        choice_index,
        call_index,
        call_id,
        min({'event_index': event_index, 'place': place}) as first_piece,
        max(name) as name,
        array_to_string(
            list_transform(
                list_sort(list({'event_index': event_index, 'place': place, 'arguments': arguments})),
                lambda piece: piece.arguments
            ),
            ''
        ) as arguments,
        bool_and(json_valid(arguments)) as is_each_json,
        count(arguments) as pieces,
        min(received_at) as first_at,
        max(received_at) as last_at
    from numbered
    group by stream_id, choice_index, call_index, call_id, unindexed
),

-- Some servers send the arguments whole, more than once: then each piece is JSON, and all together are not.
-- Of arguments that the ingest was told to hash it is not known.
judged as (
    select
        *,
        case when arguments not like 'blake3:%' then json_valid(nullif(arguments, '')) or is_each_json end
            as is_json
    from joined
)

select
    stream_id,
    choice_index,
    first_piece.event_index as event_index,
    first_piece.place as place,
    call_index,
    call_id,
    name,
    nullif(arguments, '') as arguments,
    is_json,
    case when is_json is not null then not is_json and regexp_matches(arguments, '^\s*[{\[]') end as is_half,
    pieces,
    first_at,
    last_at
from judged
