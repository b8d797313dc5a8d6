-- Whether the members of a group are told how far others have read.

ALTER TABLE conversations ADD COLUMN read_receipts INTEGER NOT NULL DEFAULT 1;
