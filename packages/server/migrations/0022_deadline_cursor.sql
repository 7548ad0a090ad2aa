-- The deadline loop looks further than it is sure of. Up to (deadline, task_id) everything is done with for good. Up to
-- (looked_deadline, looked_task_id) it has looked: whoever adds a task before that moves it back. Tasks of transactions that
-- had begun before they could know of it may still turn up there; once all transactions before marked_xid have ended,
-- nothing more can turn up before (marked_deadline, marked_task_id).
alter table deadline_cursor
  add column looked_deadline timestamptz not null default 'epoch',
  add column looked_task_id text collate "C" not null default '',
  add column marked_deadline timestamptz not null default 'epoch',
  add column marked_task_id text collate "C" not null default '',
  add column marked_xid xid8 not null default '0';

-- What was missed before is found by looking at everything that is still there once more.
update deadline_cursor set deadline = 'epoch', task_id = '';
