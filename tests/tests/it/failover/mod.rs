//! A primary that dies, steps down or hangs under load: nothing acknowledged is lost or comes twice, nobody is
//! disconnected, and what can't be done at present is refused as such, soon. The pauses of writing are printed.

mod crowd;
mod listener;

use std::time::{Duration, Instant};

use anyhow::Result;
use parlor_tests::{Home, Part, Server, mongod::ReplicaSet};
use tempfile::TempDir;
use tokio::sync::Mutex;

use self::crowd::Crowd;

/// Each of these tests keeps a small machine busy by itself, and measures times.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
/// How long the server's store may take for one operation.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// So many messages are acknowledged between two changes of the servers.
const PROGRESS: u64 = 100;
/// How long a primary hangs.
const HANG: Duration = Duration::from_secs(15);

/// People who chat on a server whose three databases are about to fail.
struct Trial {
    crowd: Crowd,
    server: Server,
    // The home's database is dropped while there is still somebody to ask for it.
    _home: Home,
    set: ReplicaSet,
    _folder: TempDir,
    stalls: Vec<Duration>,
}

impl Trial {
    async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let set = ReplicaSet::start(&Part::Mongod.path()?, folder.path(), 3)?;
        let home = Home::on_mongodb(&set.url())?;
        let server = Server::start(&home, &["--set", &format!("store.timeout={}s", STORE_TIMEOUT.as_secs())])?;
        let mut crowd = Crowd::gather(server.url()).await?;
        crowd.progress(PROGRESS).await?;
        Ok(Self { crowd, server, _home: home, set, _folder: folder, stalls: Vec::new() })
    }

    /// Lets something happen to the primary, and waits until another one takes what is sent.
    async fn replace_primary(&mut self, fault: impl FnOnce(&mut ReplicaSet, usize) -> Result<()>) -> Result<usize> {
        let primary = self.set.primary()?;
        self.crowd.take_longest_stall().await;
        fault(&mut self.set, primary)?;
        self.crowd.come_back();
        self.crowd.progress(PROGRESS).await?;
        Ok(primary)
    }

    /// Waits until everything is as it was before.
    async fn recover(&mut self) -> Result<()> {
        self.set.wait_until_healthy()?;
        self.crowd.progress(PROGRESS).await?;
        self.stalls.push(self.crowd.take_longest_stall().await);
        Ok(())
    }

    /// Checks that everybody has what was acknowledged.
    async fn finish(self, what: &str) -> Result<()> {
        let told = self.crowd.agree().await?;
        println!("{what}: writing paused for {:.1?}; {told}", self.stalls);
        let log = self.server.log()?;
        assert!(!log.contains("panicked"), "{log}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_primaries_are_killed_and_everybody_has_every_acknowledged_message_once_in_order() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut trial = Trial::start().await?;
    for _ in 0..5 {
        let killed = trial.replace_primary(ReplicaSet::kill).await?;
        trial.set.restart(killed)?;
        trial.recover().await?;
    }
    trial.finish("primary killed").await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_primaries_step_down_and_everybody_has_every_acknowledged_message_once_in_order() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut trial = Trial::start().await?;
    for _ in 0..5 {
        trial.replace_primary(|set, primary| set.step_down(primary)).await?;
        trial.recover().await?;
    }
    trial.finish("primary stepped down").await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_primaries_hang_and_everybody_has_every_acknowledged_message_once_in_order() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut trial = Trial::start().await?;
    for _ in 0..2 {
        let begin = Instant::now();
        let hanging = trial.replace_primary(|set, primary| set.pause(primary)).await?;
        tokio::time::sleep_until((begin + HANG).into()).await;
        trial.set.resume(hanging)?;
        trial.recover().await?;
    }
    trial.finish("primary hung for 15 s").await
}
