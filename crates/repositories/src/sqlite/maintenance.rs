//! The database as a whole.

use async_trait::async_trait;
use parlor_domain::store::{Maintenance, StoreResult};

use super::{Database, error::failed, rows::run};

#[async_trait]
impl Maintenance for Database {
    async fn ping(&self) -> StoreResult<()> {
        // An empty job goes through the writer's queue and a commit; a query through the readers'.
        self.writer.write(|_| Ok(())).await?;
        self.readers.read(|c| c.query_row("SELECT 1", [], |_| Ok(())).map_err(failed)).await
    }

    async fn clear(&self) -> StoreResult<()> {
        // What is referred to, after what refers to it.
        const TABLES: [&str; 19] = [
            "audit",
            "days",
            "active_users",
            "ties",
            "friend_requests",
            "reactions",
            "message_versions",
            "mentions",
            "search_positions",
            "searches",
            "messages",
            "members",
            "conversations",
            "tickets",
            "refresh_tokens",
            "sessions",
            "user_stream",
            "user_terms",
            "users",
        ];
        self.writer
            .write(|connection| {
                for table in TABLES {
                    run(connection, &format!("DELETE FROM {table}"), [])?;
                }
                Ok(())
            })
            .await
    }
}
