-- What becomes of messages: edits, deletions, answers, forwards, reactions, pins.

-- The revision by which it was sent, unless it still has that one.
ALTER TABLE messages ADD COLUMN created_rev INTEGER;
-- What it bears beside what it says, as JSON.
ALTER TABLE messages ADD COLUMN marks TEXT;
-- 1 if it is pinned.
ALTER TABLE messages ADD COLUMN pinned INTEGER;

CREATE INDEX messages_pinned ON messages (conversation_id, seq) WHERE pinned IS NOT NULL;

-- What messages have said before. The revision is that of the change that replaced it.
CREATE TABLE message_versions (
    message_id  BLOB NOT NULL REFERENCES messages (id),
    rev         INTEGER NOT NULL,
    text        TEXT NOT NULL,
    metadata    TEXT NOT NULL,
    at          INTEGER NOT NULL,
    UNIQUE (message_id, rev)
) STRICT;

-- Who has reacted to messages. The first ones stand on the message as well.
CREATE TABLE reactions (
    message_id  BLOB NOT NULL REFERENCES messages (id),
    rev         INTEGER NOT NULL,
    emoji       TEXT NOT NULL,
    user_id     BLOB NOT NULL REFERENCES users (id),
    at          INTEGER NOT NULL,
    PRIMARY KEY (message_id, rev),
    UNIQUE (message_id, emoji, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX reactions_by_emoji ON reactions (message_id, emoji, rev);
