-- What administrators do, and what they see.

-- A lock is there from `locked_at` on, with a reason and perhaps an end.
ALTER TABLE users ADD COLUMN lock_reason TEXT;
ALTER TABLE users ADD COLUMN locked_at INTEGER;
ALTER TABLE users ADD COLUMN locked_until INTEGER;

CREATE INDEX users_by_role ON users (role, username_key);
CREATE INDEX users_locked ON users (username_key) WHERE locked_at IS NOT NULL;

-- Refers to nobody: an entry outlives what it tells of.
CREATE TABLE audit (
    id               BLOB PRIMARY KEY NOT NULL,
    at               INTEGER NOT NULL,
    -- Who; absent for the command line.
    actor_id         BLOB,
    actor_username   TEXT,
    action           TEXT NOT NULL,
    target_id        BLOB NOT NULL,
    target_username  TEXT NOT NULL,
    -- A JSON object.
    details          TEXT NOT NULL,
    request          TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_actor ON audit (actor_id, at, id);
CREATE INDEX audit_by_action ON audit (action, at, id);
CREATE INDEX audit_by_target ON audit (target_id, at, id);

CREATE TRIGGER audit_entries_never_change BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'an entry of the audit log never changes');
END;

-- What happened on each day; a day is a number of days since 1970.
CREATE TABLE days (
    day           INTEGER PRIMARY KEY NOT NULL,
    active_users  INTEGER NOT NULL,
    messages      INTEGER NOT NULL
) STRICT;

-- Who was active today and yesterday, so that nobody counts twice.
CREATE TABLE active_users (
    day      INTEGER NOT NULL,
    user_id  BLOB NOT NULL,
    PRIMARY KEY (day, user_id)
) STRICT, WITHOUT ROWID;
