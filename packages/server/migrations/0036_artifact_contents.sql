-- The bytes of a small artifact of type s3 that came with the request for it, as they are sent to readers; details then has
-- {sha256, encoding}. null for bytes in a backend.
alter table artifacts add column content bytea;
