-- Groups: what they are called, roles, how each member wants to see a conversation, and system messages.

ALTER TABLE conversations ADD COLUMN name TEXT;
ALTER TABLE conversations ADD COLUMN description TEXT;

-- Only in groups.
ALTER TABLE members ADD COLUMN role TEXT;
-- The revision before the change by which the member came.
ALTER TABLE members ADD COLUMN joined_rev INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN muted_until INTEGER;
ALTER TABLE members ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
-- Out of the list until something comes after this message.
ALTER TABLE members ADD COLUMN hidden_up_to INTEGER;

-- What sort of message it is, unless its sender wrote a text: `system`.
ALTER TABLE messages ADD COLUMN kind TEXT;
-- What a system message tells, as JSON.
ALTER TABLE messages ADD COLUMN system TEXT;

-- What does not count as unread.
CREATE INDEX messages_not_counted ON messages (conversation_id, seq) WHERE kind IS NOT NULL;
