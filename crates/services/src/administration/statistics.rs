//! How much there is and happens. What happens is counted in memory and written now and then, so that it costs a
//! message no write of its own; what has not been written when a process is killed is missing in the sums.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use dashmap::DashMap;
use parking_lot::Mutex;
use parlor_domain::{
    Activity, Day, DaySum, Timestamp, UserId,
    store::{StoreResult, Totals},
};

use tracing::warn;

use super::AdminService;
use crate::{Caller, Deps, ServiceResult, detached};

/// How many days are told of.
const DAYS: u32 = 30;

/// How many users are written at a time.
const AT_ONCE: usize = 500;

/// How much there is and happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// How much there is.
    pub totals: Totals,
    /// How many users are connected to this server.
    pub online: usize,
    /// The last 30 days in order, up to today.
    pub days: Vec<DaySum>,
}

impl AdminService {
    /// How much there is and happens.
    ///
    /// # Errors
    /// `NotPermitted`, `RateLimited`, `Store`.
    pub async fn statistics(&self, caller: Caller) -> ServiceResult<Statistics> {
        self.reader(caller).await?;
        if let Err(error) = self.write_activities().await {
            warn!(error = &error as &dyn std::error::Error, "the newest activity is not in the statistics");
        }
        let today = Day::of(self.deps.clock.now());
        let from = today.before(DAYS - 1);
        let stored = self.deps.stores.statistics.days(from).await?;
        let mut stored: BTreeMap<Day, DaySum> = stored.into_iter().map(|sum| (sum.day, sum)).collect();
        let sum = |number| {
            let day = Day::from_number(number);
            stored.remove(&day).unwrap_or(DaySum { day, active_users: 0, messages: 0 })
        };
        let days = (from.number()..=today.number()).map(sum).collect();
        let totals = self.deps.stores.statistics.totals().await?;
        Ok(Statistics { totals, online: self.deps.hub.present().len(), days })
    }

    /// Writes what has happened since the last call, also if nobody waits for it any more. What can't be written is kept
    /// for the next one.
    pub(crate) async fn write_activities(&self) -> ServiceResult<()> {
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let _alone = deps.activities.writing.lock().await;
            let now = deps.clock.now();
            for user in deps.hub.present() {
                deps.activities.is_here(user, now);
            }
            let mut left = deps.activities.take();
            let written = write(&deps, &mut left).await;
            deps.activities.put_back(left);
            Ok(written?)
        })
        .await
    }
}

/// Writes activities in parts, and leaves what is not written.
async fn write(deps: &Deps, left: &mut BTreeMap<Day, Vec<Activity>>) -> StoreResult<()> {
    while let Some(mut entry) = left.first_entry() {
        let (day, activities) = (*entry.key(), entry.get_mut());
        let rest = activities.len().saturating_sub(AT_ONCE);
        deps.stores.statistics.note(day, &activities[rest..]).await?;
        deps.activities.noted(day, &activities[rest..]);
        activities.truncate(rest);
        if activities.is_empty() {
            entry.remove();
        }
    }
    Ok(())
}

/// What has happened and is not written yet.
#[derive(Default)]
pub(crate) struct Activities {
    /// How many messages each user has sent on a day; zero for who was only here.
    counts: DashMap<(Day, UserId), u32>,
    /// Who is known to have been active, on the newest of these days.
    known: Mutex<Option<(Day, HashSet<UserId>)>>,
    /// Held while it is written, so that who writes last, when the server stops, waits for who is at it.
    writing: tokio::sync::Mutex<()>,
}

impl Activities {
    /// A user has sent a message.
    pub(crate) fn has_sent(&self, user: UserId, now: Timestamp) {
        let mut count = self.counts.entry((Day::of(now), user)).or_default();
        *count = count.saturating_add(1);
    }

    /// A user is connected.
    pub(crate) fn is_here(&self, user: UserId, now: Timestamp) {
        let day = Day::of(now);
        let is_known = self.known.lock().as_ref().is_some_and(|(known, users)| *known == day && users.contains(&user));
        if !is_known {
            self.counts.entry((day, user)).or_default();
        }
    }

    /// All that there is, by day.
    fn take(&self) -> BTreeMap<Day, Vec<Activity>> {
        let keys: Vec<_> = self.counts.iter().map(|entry| *entry.key()).collect();
        let mut days: BTreeMap<Day, Vec<Activity>> = BTreeMap::new();
        for ((day, user), messages) in keys.iter().filter_map(|key| self.counts.remove(key)) {
            days.entry(day).or_default().push(Activity { user, messages });
        }
        self.counts.shrink_to_fit();
        days
    }

    fn put_back(&self, days: BTreeMap<Day, Vec<Activity>>) {
        for (day, Activity { user, messages }) in
            days.into_iter().flat_map(|(day, of)| of.into_iter().map(move |a| (day, a)))
        {
            let mut count = self.counts.entry((day, user)).or_default();
            *count = count.saturating_add(messages);
        }
    }

    fn noted(&self, day: Day, activities: &[Activity]) {
        let mut known = self.known.lock();
        let (newest, users) = known.get_or_insert_with(|| (day, HashSet::new()));
        if *newest < day {
            (*newest, *users) = (day, HashSet::new());
        }
        if *newest == day {
            users.extend(activities.iter().map(|active| active.user));
        }
    }
}
