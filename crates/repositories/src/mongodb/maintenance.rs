//! The database as a whole.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::bson::doc;
use parlor_domain::store::{Maintenance, StoreError, StoreResult};
use tokio::time::timeout;

use super::database::Database;

/// How long a healthy database may take to answer. Who asks whether it is ready wants to know now.
const PROMPT: Duration = Duration::from_millis(800);

#[async_trait]
impl Maintenance for Database {
    async fn ping(&self) -> StoreResult<()> {
        // A delete of nothing: the primary takes it as a write, and a majority confirms that it follows.
        let nothing = self.write((), |c, ()| {
            async move {
                c.tickets.delete_one(doc! { "_id": "ping" }).await?;
                Ok(())
            }
            .boxed()
        });
        let in_time = timeout(PROMPT, nothing).await;
        in_time.map_err(|_| StoreError::unavailable("the database did not answer in time"))?
    }

    async fn clear(&self) -> StoreResult<()> {
        // What comes to be written later would be about things that are gone.
        self.appender.flushed().await;
        let cleared = self.write((), |c, ()| {
            async move {
                // What is referred to, after what refers to it.
                for collection in [
                    &c.ties,
                    &c.friend_requests,
                    &c.audit,
                    &c.days,
                    &c.active_users,
                    &c.guards,
                    &c.reactions,
                    &c.searches,
                    &c.search_positions,
                    &c.versions,
                    &c.messages,
                    &c.members,
                    &c.conversations,
                    &c.tickets,
                    &c.refresh_tokens,
                    &c.sessions,
                    &c.user_stream,
                    &c.users,
                ] {
                    collection.delete_many(doc! {}).await?;
                }
                Ok(())
            }
            .boxed()
        });
        let cleared = cleared.await;
        // Also if it did not come to its end.
        self.appender.forget();
        cleared
    }
}
