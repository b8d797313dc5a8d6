//! How much there is, and how much happens.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::Hint,
};
use parlor_domain::{
    Activity, Day, DaySum,
    store::{StatisticsStore, StoreResult, Totals},
};

use super::{
    database::{Collections, Database, all},
    documents::{DayDocument, date, long, oid},
    error::{Attempt, refused_update},
    transfer::count_messages,
};

#[async_trait]
impl StatisticsStore for Database {
    async fn totals(&self) -> StoreResult<Totals> {
        self.read((), |c, ()| {
            async move {
                // The keys of deleted accounts begin with `-`, which sorts before this.
                let existing = doc! { "usernameKey": { "$gt": "." } };
                let users = c.users.count_documents(existing).hint(Hint::Name("byUsername".to_owned())).await?;
                let conversations = c.conversations.estimated_document_count().await?;
                let messages = count_messages(c).await?;
                Ok(Totals { users, conversations, messages })
            }
            .boxed()
        })
        .await
    }

    async fn note(&self, day: Day, activity: &[Activity]) -> StoreResult<()> {
        self.change((day, activity.to_vec()), |c, (day, activity), session| note(c, session, *day, activity).boxed())
            .await
    }

    async fn days(&self, from: Day) -> StoreResult<Vec<DaySum>> {
        self.read(from, |c, from| {
            async move {
                let since = doc! { "_id": { "$gte": i64::from(from.number()) } };
                all::<DayDocument>(c.days.find(since).sort(doc! { "_id": 1 }).await?).await
            }
            .boxed()
        })
        .await
    }
}

async fn note(c: &Collections, session: &mut ClientSession, day: Day, activity: &[Activity]) -> Attempt<()> {
    let number = i64::from(day.number());
    let (begins_at, messages) = (date(day.begins_at()), activity.iter().map(|active| u64::from(active.messages)).sum());
    let mark = |active: &Activity| {
        let id = doc! { "day": number, "user": oid(active.user.as_bytes()) };
        doc! { "q": { "_id": id }, "u": { "$setOnInsert": { "at": begins_at } }, "upsert": true }
    };
    let mut active_users = 0;
    if !activity.is_empty() {
        let marks: Vec<Document> = activity.iter().map(mark).collect();
        let command = doc! { "update": "activeUsers", "updates": marks };
        // The driver takes a reply that lists failed updates for a success.
        let reply = c.database.run_command(command).session(&mut *session).await?;
        if let Some(failed) = reply.get_array("writeErrors").ok().and_then(|errors| errors.first()?.as_document()) {
            return Err(refused_update(failed.get_i32("code").unwrap_or_default()).into());
        }
        active_users = reply.get_array("upserted").map_or(0, Vec::len);
    }
    let sums = doc! { "$inc": { "activeUsers": long(active_users as u64), "messages": long(messages) } };
    c.days.update_one(doc! { "_id": number }, sums).upsert(true).session(session).await?;
    Ok(())
}
