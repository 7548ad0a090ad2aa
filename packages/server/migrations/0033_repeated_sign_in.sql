-- A browser whose reply was lost asks again: the digest of what it calls its attempt tells it from others who have the code.
-- Null while the code is unused.
alter table sign_in_codes add column attempt text;
