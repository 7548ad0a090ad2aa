-- Exchanges of other programs that hooks are bound to and that cannot be listened to now, for everybody to see.
create table hook_binding_errors (
  exchange text collate "C" primary key,
  error text not null,
  since timestamptz not null
);
