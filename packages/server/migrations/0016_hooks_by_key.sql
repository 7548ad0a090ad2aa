-- Tokens of hooks under an old key are found to be encrypted anew.

create index hooks_by_key on hooks (split_part(trigger_token, '.', 1));
