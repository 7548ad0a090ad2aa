-- Access tokens under an old key are found to be encrypted anew, and old entries of the audit history to be deleted.

create index clients_by_key on clients (split_part(access_token, '.', 1));
create index audit_history_by_created on audit_history (created);
