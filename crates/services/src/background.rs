//! What happens without a request: presence is told, statuses end, the dead are forgotten.

use std::time::Duration;

use tokio::{task::JoinSet, time::MissedTickBehavior};
use tracing::warn;

use crate::{ServiceResult, Services, users};

const STATUS_ENDS: Duration = Duration::from_secs(1);
const MEMBERSHIPS: Duration = Duration::from_secs(1);
const SWEEPS: Duration = Duration::from_secs(1);
const INDEX: Duration = Duration::from_millis(250);
const LEASES: Duration = Duration::from_secs(5);
const DELETIONS: Duration = Duration::from_secs(30);
const UPKEEP: Duration = Duration::from_secs(60);
const PURGE: Duration = Duration::from_secs(3600);

/// The tasks of a running server. Dropping it ends them.
pub struct Background {
    services: Services,
    tasks: JoinSet<()>,
}

impl Background {
    /// Starts the tasks.
    pub fn start(services: &Services, coalesce: Duration) -> Self {
        let mut tasks = JoinSet::new();
        let s = services.clone();
        tasks.spawn(every("settle presence", coalesce, move || settle(s.clone())));
        let s = services.clone();
        tasks.spawn(every("end statuses", STATUS_ENDS, move || end_statuses(s.clone())));
        let s = services.clone();
        tasks.spawn(every("settle memberships", MEMBERSHIPS, move || settle_memberships(s.clone())));
        let s = services.clone();
        tasks.spawn(every("erase what is deleted", SWEEPS, move || sweep(s.clone())));
        let s = services.clone();
        tasks.spawn(every("index messages", INDEX, move || index(s.clone())));
        let s = services.clone();
        tasks.spawn(every("expire leases", LEASES, move || expire_leases(s.clone())));
        let s = services.clone();
        tasks.spawn(every("go on with deletions", DELETIONS, move || go_on_leaving(s.clone())));
        let s = services.clone();
        tasks.spawn(every("upkeep", UPKEEP, move || upkeep(s.clone())));
        let s = services.clone();
        tasks.spawn(every("purge sessions", PURGE, move || purge(s.clone())));
        Self { services: services.clone(), tasks }
    }

    /// Ends the tasks, notes when those were last seen who are here, and what has happened.
    ///
    /// # Errors
    /// What the store says.
    pub async fn stop(mut self) -> ServiceResult<()> {
        self.tasks.shutdown().await;
        upkeep_store(&self.services).await
    }
}

/// Does something again and again; a failure is logged and tried again at the next time.
async fn every<F>(name: &'static str, period: Duration, mut work: impl FnMut() -> F + Send + 'static)
where
    F: Future<Output = ServiceResult<()>> + Send,
{
    let mut ticks = tokio::time::interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = work().await {
            warn!(task = name, error = &error as &dyn std::error::Error, "background task failed");
        }
    }
}

async fn settle(services: Services) -> ServiceResult<()> {
    Ok(services.presence.settle().await?)
}

async fn end_statuses(services: Services) -> ServiceResult<()> {
    services.presence.end_statuses().await
}

async fn settle_memberships(services: Services) -> ServiceResult<()> {
    Ok(services.deps.settle_doubts().await?)
}

async fn sweep(services: Services) -> ServiceResult<()> {
    services.deps.sweep().await
}

async fn index(services: Services) -> ServiceResult<()> {
    Ok(services.deps.index_some().await?)
}

async fn expire_leases(services: Services) -> ServiceResult<()> {
    services.hub().expire_leases();
    Ok(())
}

async fn go_on_leaving(services: Services) -> ServiceResult<()> {
    users::go_on_leaving(&services.deps).await
}

async fn upkeep(services: Services) -> ServiceResult<()> {
    services.deps.limits.prune();
    upkeep_store(&services).await
}

/// Writes what has gathered in memory.
async fn upkeep_store(services: &Services) -> ServiceResult<()> {
    let touched = services.presence.touch().await;
    services.administration.write_activities().await?;
    Ok(touched?)
}

async fn purge(services: Services) -> ServiceResult<()> {
    services.deps.indexer.sweep_again();
    Ok(services.auth.purge().await?)
}
