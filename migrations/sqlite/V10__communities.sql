-- Communities and their channels.

-- Of a channel.
ALTER TABLE conversations ADD COLUMN community_id BLOB;
-- What two spellings of a community's or channel's name have in common. Absent if it is deleted.
ALTER TABLE conversations ADD COLUMN name_key TEXT;
ALTER TABLE conversations ADD COLUMN category TEXT;
ALTER TABLE conversations ADD COLUMN category_key TEXT;
-- Of a community or a channel: `public` or `private`.
ALTER TABLE conversations ADD COLUMN access TEXT;
-- Where a channel stands among the others.
ALTER TABLE conversations ADD COLUMN position INTEGER;
-- Of a community or channel that is deleted and not erased yet.
ALTER TABLE conversations ADD COLUMN deleted_at INTEGER;
-- Kept by the triggers below: to count many members takes long.
ALTER TABLE conversations ADD COLUMN member_count INTEGER NOT NULL DEFAULT 0;

UPDATE conversations SET member_count = (SELECT count(*) FROM members WHERE conversation_id = conversations.id);

CREATE TRIGGER member_comes AFTER INSERT ON members BEGIN
    UPDATE conversations SET member_count = member_count + 1 WHERE id = NEW.conversation_id;
END;
CREATE TRIGGER member_goes AFTER DELETE ON members BEGIN
    UPDATE conversations SET member_count = member_count - 1 WHERE id = OLD.conversation_id;
END;

CREATE UNIQUE INDEX communities_by_name ON conversations (name_key)
    WHERE kind = 'community' AND name_key IS NOT NULL;
CREATE INDEX communities_public ON conversations (name_key)
    WHERE kind = 'community' AND access = 'public' AND name_key IS NOT NULL;
CREATE INDEX communities_by_category ON conversations (category_key, name_key)
    WHERE kind = 'community' AND access = 'public' AND name_key IS NOT NULL;
CREATE UNIQUE INDEX channels_by_name ON conversations (community_id, name_key)
    WHERE community_id IS NOT NULL AND name_key IS NOT NULL;
CREATE INDEX conversations_deleted ON conversations (deleted_at, id) WHERE deleted_at IS NOT NULL;
