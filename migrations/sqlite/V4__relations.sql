-- Friends, friend requests and blocks.

ALTER TABLE users ADD COLUMN who_can_write TEXT NOT NULL DEFAULT 'anyone';

-- One for each two and direction, whatever became of it.
CREATE TABLE friend_requests (
    id           BLOB PRIMARY KEY NOT NULL,
    from_id      BLOB NOT NULL REFERENCES users (id),
    to_id        BLOB NOT NULL REFERENCES users (id),
    text         TEXT,
    state        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- Absent if it was not rejected, or was accepted since.
    rejected_at  INTEGER,
    UNIQUE (from_id, to_id)
) STRICT, WITHOUT ROWID;

-- Those that wait; of a rejection the one who asked does not know.
CREATE INDEX friend_requests_incoming ON friend_requests (to_id, created_at, id) WHERE state = 'pending';
CREATE INDEX friend_requests_outgoing ON friend_requests (from_id, created_at, id)
    WHERE state IN ('pending', 'rejected');
CREATE INDEX friend_requests_by_receiver ON friend_requests (to_id);

-- What one user has made of another: a friend (two rows for each friendship), or somebody whom he blocks.
CREATE TABLE ties (
    user_id   BLOB NOT NULL REFERENCES users (id),
    other_id  BLOB NOT NULL REFERENCES users (id),
    kind      TEXT NOT NULL,
    -- The key of the other one's name, which lists are ordered by.
    name      TEXT NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (user_id, other_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ties_by_name ON ties (user_id, kind, name);
CREATE INDEX ties_by_other ON ties (other_id, kind);
