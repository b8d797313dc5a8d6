-- Whom messages mention: what stands on the message, by who is meant. It goes with the message.

CREATE TABLE mentions (
    conversation_id  BLOB NOT NULL,
    -- The id of a user, or a word for several: `everyone`, `owner`, `admins`.
    target           BLOB NOT NULL,
    seq              INTEGER NOT NULL,
    sender_id        BLOB NOT NULL,
    PRIMARY KEY (conversation_id, target, seq),
    FOREIGN KEY (conversation_id, seq) REFERENCES messages (conversation_id, seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX mentions_by_message ON mentions (conversation_id, seq);
