-- Conversations, who is in them, and the message log.

CREATE TABLE conversations (
    id          BLOB PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,
    -- The two users of a direct conversation, the lesser id first: one conversation for each pair.
    direct_key  BLOB UNIQUE,
    last_seq    INTEGER NOT NULL,
    rev         INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    conversation_id   BLOB NOT NULL REFERENCES conversations (id),
    user_id           BLOB NOT NULL REFERENCES users (id),
    joined_at         INTEGER NOT NULL,
    read_seq          INTEGER NOT NULL,
    read_receipt_seq  INTEGER NOT NULL,
    delivered_seq     INTEGER NOT NULL,
    -- The revision after which changes are held back because the member is busy.
    held_from         INTEGER,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id);

-- The log. Rows can be large, so the table is not clustered by its key.
CREATE TABLE messages (
    id                 BLOB NOT NULL UNIQUE,
    conversation_id    BLOB NOT NULL REFERENCES conversations (id),
    seq                INTEGER NOT NULL,
    rev                INTEGER NOT NULL,
    sender_id          BLOB NOT NULL REFERENCES users (id),
    text               TEXT NOT NULL,
    metadata           TEXT NOT NULL,
    client_message_id  TEXT,
    -- Tells a repeat from another message under the same client_message_id.
    fingerprint        BLOB NOT NULL,
    created_at         INTEGER NOT NULL,
    UNIQUE (conversation_id, seq),
    UNIQUE (conversation_id, rev)
) STRICT;

CREATE UNIQUE INDEX messages_by_client_id ON messages (conversation_id, sender_id, client_message_id)
    WHERE client_message_id IS NOT NULL;
