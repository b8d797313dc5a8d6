-- What messages are found by.

-- The place of each message that can be found: by the time at which it was sent, so that the newest come first. 21 bits
-- tell those of one millisecond apart.
CREATE TABLE searches (
    place            INTEGER PRIMARY KEY NOT NULL,
    message_id       BLOB NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
    conversation_id  BLOB NOT NULL
) STRICT;

CREATE INDEX searches_by_conversation ON searches (conversation_id, place);

-- Their terms, which the program makes; the conversation is one of them. The row ids are the places.
CREATE VIRTUAL TABLE search_terms USING fts5 (
    terms,
    content = '',
    contentless_delete = 1,
    detail = none,
    tokenize = "ascii tokenchars '_'"
);

CREATE TRIGGER searches_take_their_terms_along AFTER DELETE ON searches
BEGIN
    DELETE FROM search_terms WHERE rowid = old.place;
END;

-- The revision of each conversation up to which its messages are there.
CREATE TABLE search_positions (
    conversation_id  BLOB PRIMARY KEY NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    rev              INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
