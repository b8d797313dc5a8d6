-- Accounts that are deleted, and still to be taken out of where they were.
ALTER TABLE users ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;

CREATE INDEX users_leaving ON users (leaving, id) WHERE leaving = 1;
