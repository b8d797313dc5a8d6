//! How much there is, and how much happens.

use async_trait::async_trait;
use parlor_domain::{
    Activity, Day, DaySum,
    store::{StatisticsStore, StoreResult, Totals},
};
use rusqlite::{Connection, Row, params};

use super::{
    Database,
    rows::{all, first, get, run},
};

#[async_trait]
impl StatisticsStore for Database {
    async fn totals(&self) -> StoreResult<Totals> {
        // The keys of deleted accounts begin with `-`, which sorts before this.
        const USERS: &str = "SELECT count(*) AS count FROM users WHERE username_key > '.'";
        const CONVERSATIONS: &str = "SELECT count(*) AS count FROM conversations";
        // Rows are numbered as they come, so the last number tells how many there are without reading the log.
        const MESSAGES: &str = "SELECT max(rowid) AS count FROM messages";
        self.readers
            .read(|connection| {
                let count = |sql| first(connection, sql, [], |row| get::<Option<u64>>(row, "count"));
                let [users, conversations, messages] =
                    [count(USERS)?, count(CONVERSATIONS)?, count(MESSAGES)?].map(|count| count.flatten().unwrap_or(0));
                Ok(Totals { users, conversations, messages })
            })
            .await
    }

    async fn note(&self, day: Day, activity: &[Activity]) -> StoreResult<()> {
        let activity = activity.to_vec();
        self.writer.write(move |connection| note(connection, day, &activity)).await
    }

    async fn days(&self, from: Day) -> StoreResult<Vec<DaySum>> {
        const SQL: &str = "SELECT day, active_users, messages FROM days WHERE day >= ?1 ORDER BY day";
        self.readers.read(move |connection| all(connection, SQL, [from.number()], day_sum)).await
    }
}

pub(crate) fn day_sum(row: &Row<'_>) -> StoreResult<DaySum> {
    Ok(DaySum {
        day: Day::from_number(get(row, "day")?),
        active_users: get(row, "active_users")?,
        messages: get(row, "messages")?,
    })
}

fn note(connection: &Connection, day: Day, activity: &[Activity]) -> StoreResult<()> {
    const ACTIVE: &str = "INSERT INTO active_users (day, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    const ADD: &str = "INSERT INTO days (day, active_users, messages) VALUES (?1, ?2, ?3) ON CONFLICT (day) DO UPDATE \
         SET active_users = active_users + excluded.active_users, messages = messages + excluded.messages";
    // In parts, so that no other write waits long for it.
    const FORGET: &str = "DELETE FROM active_users WHERE (day, user_id) IN \
         (SELECT day, user_id FROM active_users WHERE day < ?1 LIMIT 2000)";
    let (mut active_users, mut messages) = (0, 0);
    for Activity { user, messages: sent } in activity {
        active_users += run(connection, ACTIVE, params![day.number(), user.as_bytes()])?;
        messages += u64::from(*sent);
    }
    run(connection, ADD, params![day.number(), active_users, messages])?;
    run(connection, FORGET, [day.before(1).number()]).map(|_| ())
}
