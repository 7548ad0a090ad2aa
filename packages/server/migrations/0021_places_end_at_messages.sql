-- A place ends one after the greatest id of a committed message: PostgreSQL hands out the ids of transactions that were
-- rolled back again after a crash, and a place that counted them as seen would skip messages that get them then.
create function pg_temp.end_after(snapshot pg_snapshot, next numeric) returns pg_snapshot language sql as $$
  select case
    when pg_snapshot_xmax(snapshot)::text::numeric <= next then snapshot
    else (least(pg_snapshot_xmin(snapshot)::text::numeric, next) || ':' || next || ':' || coalesce((
      select string_agg(xid::text, ',' order by xid)
        from pg_snapshot_xip(snapshot) as running(xid)
       where xid::text::numeric < next), ''))::pg_snapshot
  end
$$;

with committed as (
  select greatest(trimmed_xid, (select xid from outbox order by xid desc limit 1))::text::numeric + 1 as next
    from outbox_trim
), published as (
  update relay
     set since = pg_temp.end_after(since, next), until = pg_temp.end_after(until, next),
         after_id = case when pg_temp.end_after(since, next)::text = pg_temp.end_after(until, next)::text then 0 else after_id end
    from committed
)
update subscriptions
   set since = pg_temp.end_after(since, next), until = pg_temp.end_after(until, next),
       after_id = case when pg_temp.end_after(since, next)::text = pg_temp.end_after(until, next)::text then 0 else after_id end
  from committed;

drop function pg_temp.end_after;
