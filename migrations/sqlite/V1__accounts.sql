-- Accounts, sign-ins, and what belongs to one user alone.
-- Ids are 12 bytes, times are milliseconds since 1970, texts are UTF-8.

CREATE TABLE users (
    id              BLOB PRIMARY KEY NOT NULL,
    username        TEXT NOT NULL,
    -- What names and addresses are unique by, and found by: their lower case.
    username_key    TEXT NOT NULL UNIQUE,
    email           TEXT,
    email_key       TEXT UNIQUE,
    display_name    TEXT NOT NULL,
    bio             TEXT NOT NULL,
    metadata        TEXT NOT NULL,
    role            TEXT NOT NULL,
    -- Absent for a deleted account.
    password_hash   TEXT,
    show_last_seen  INTEGER NOT NULL,
    read_receipts   INTEGER NOT NULL,
    status_kind     TEXT NOT NULL,
    status_text     TEXT,
    status_until    INTEGER,
    last_seen_at    INTEGER,
    -- The newest change of the user's own stream.
    rev             INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    deleted_at      INTEGER
) STRICT, WITHOUT ROWID;

-- Statuses that end by themselves are looked for every second.
CREATE INDEX users_by_status_end ON users (status_until) WHERE status_until IS NOT NULL;

-- The words that the directory finds users by, each by its beginning.
CREATE TABLE user_terms (
    term     TEXT NOT NULL,
    user_id  BLOB NOT NULL REFERENCES users (id),
    PRIMARY KEY (term, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX user_terms_by_user ON user_terms (user_id);

-- A user's own stream: of each topic only the newest change is kept.
CREATE TABLE user_stream (
    user_id  BLOB NOT NULL REFERENCES users (id),
    topic    TEXT NOT NULL,
    -- The conversation that the topic is about; empty for the profile.
    subject  BLOB NOT NULL,
    rev      INTEGER NOT NULL,
    PRIMARY KEY (user_id, topic, subject),
    UNIQUE (user_id, rev)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id               BLOB PRIMARY KEY NOT NULL,
    user_id          BLOB NOT NULL REFERENCES users (id),
    device           TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    renewed_at       INTEGER NOT NULL,
    idle_expires_at  INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    revoked_at       INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_revocation ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_by_idle_end ON sessions (idle_expires_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Every refresh token of a session, replaced ones as well: who shows one of those has a copy.
CREATE TABLE refresh_tokens (
    hash         BLOB PRIMARY KEY NOT NULL,
    session_id   BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    replaced_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE tickets (
    hash        BLOB PRIMARY KEY NOT NULL,
    session_id  BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tickets_by_session ON tickets (session_id);
CREATE INDEX tickets_by_end ON tickets (expires_at);
