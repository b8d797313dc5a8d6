-- The id of a message is made of what a repeat has in common with the first, so ids alone say what was sent before.

DROP INDEX messages_by_client_id;
