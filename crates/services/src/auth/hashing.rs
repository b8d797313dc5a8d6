//! Hashing passwords, which is slow on purpose, without holding up anything else.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use bcrypt::{BcryptError, HashParts};
use parking_lot::Mutex;
use parlor_domain::{Entropy, PasswordHash, store::StoreError};
use tokio::sync::oneshot;
use tracing::error;
#[cfg(target_os = "linux")]
use tracing::warn;

use crate::{AuthConfig, Password, ServiceError, ServiceResult};

/// The hash of a password that [`Password::parse`] let through, made on this very thread.
///
/// # Errors
/// `Store` for a password that bcrypt would have to cut.
pub(crate) fn hash_at_once(password: &Password, cost: u32, entropy: &dyn Entropy) -> ServiceResult<PasswordHash> {
    hash(password, cost, salt(entropy))
}

fn salt(entropy: &dyn Entropy) -> [u8; 16] {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    salt
}

fn hash(password: &Password, cost: u32, salt: [u8; 16]) -> ServiceResult<PasswordHash> {
    let hash = bcrypt::non_truncating_hash_with_salt(password.as_bytes(), cost, salt);
    Ok(PasswordHash::new(hash.map_err(StoreError::corrupt)?.to_string()))
}

/// Hashes and checks passwords by bcrypt on threads of their own. What they have no time for waits in a bounded
/// queue, and what does not fit there is refused at once.
pub(crate) struct PasswordHasher {
    jobs: SyncSender<Job>,
    cost: u32,
    entropy: Arc<dyn Entropy>,
}

type Job = Box<dyn FnOnce() + Send>;

impl PasswordHasher {
    /// How long a client waits before it tries again: several hashes, and no more than a patient person.
    const RETRY_AFTER: Duration = Duration::from_secs(5);

    pub(crate) fn new(config: &AuthConfig, entropy: Arc<dyn Entropy>) -> Self {
        let (jobs, queue) = sync_channel(config.hash_queue);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..config.hash_threads.max(1) {
            let queue = Arc::clone(&queue);
            let thread = thread::Builder::new().name("password-hash".to_owned());
            if let Err(error) = thread.spawn(move || work(&queue)) {
                // Without any such thread the queue is closed and every login is answered as overload.
                error!(error = &error as &dyn std::error::Error, "cannot start a thread that hashes passwords");
            }
        }
        Self { jobs, cost: config.bcrypt_cost, entropy }
    }

    /// The hash of a password that [`Password::parse`] let through.
    ///
    /// # Errors
    /// `Overloaded`; `Store` for a password that bcrypt would have to cut.
    pub(crate) async fn hash(&self, password: Password) -> ServiceResult<PasswordHash> {
        let (salt, cost) = (salt(&*self.entropy), self.cost);
        self.run(move || hash(&password, cost, salt)).await?
    }

    /// Whether the password is the one of the hash. Without a hash it is not, after the same work.
    ///
    /// # Errors
    /// `Overloaded`; `Store` for a hash that is none.
    pub(crate) async fn check(&self, password: Password, hash: Option<&PasswordHash>) -> ServiceResult<bool> {
        let known = hash.is_some();
        let hash = hash.map_or_else(|| self.dummy(), |hash| hash.as_str().to_owned());
        let matches = self.run(move || bcrypt::non_truncating_verify(password.as_bytes(), &hash)).await?;
        match matches {
            Ok(matches) => Ok(matches && known),
            // No password that was ever hashed here is that long.
            Err(BcryptError::Truncation(_)) => Ok(false),
            Err(error) => Err(StoreError::corrupt(error).into()),
        }
    }

    /// Whether the hash was made at another cost than that of today.
    pub(crate) fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.as_str().parse::<HashParts>().is_ok_and(|parts| parts.get_cost() != self.cost)
    }

    /// A hash of today's cost that no password is known for.
    fn dummy(&self) -> String {
        format!("$2b${:02}${}", self.cost, ".".repeat(53))
    }

    /// Runs a job on one of the threads, unless the caller has gone before its turn comes.
    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> ServiceResult<T> {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            if !answer.is_closed() {
                // The caller may also go while the job runs; then nobody wants the answer.
                answer.send(job()).ok();
            }
        };
        let overloaded = ServiceError::Overloaded { retry_after: Self::RETRY_AFTER };
        match self.jobs.try_send(Box::new(job)) {
            Ok(()) => answered.await.map_err(|_| overloaded),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(overloaded),
        }
    }
}

/// Does jobs until the sending end is gone.
fn work(queue: &Mutex<Receiver<Job>>) {
    give_way();
    loop {
        let next = queue.lock().recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

/// Makes this thread give way to those that serve other requests, however much there is to hash. On Linux a niceness is
/// a thread's own; elsewhere it is the whole process's, and is left alone.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        warn!(error = &error as &dyn std::error::Error, "threads that hash passwords have no lower priority");
    }
}

/// A tenth of the time that others get, where they leave none.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use futures_util::FutureExt as _;
    use parlor_domain::testing::SeededEntropy;

    use super::*;
    use crate::auth::tests::auth_config;

    /// A hasher with one thread, which is busy until something is sent, and room for so many more.
    fn busy_hasher(queue: usize) -> (PasswordHasher, Sender<()>) {
        let config = AuthConfig { hash_queue: queue, ..auth_config() };
        let hasher = PasswordHasher::new(&config, Arc::new(SeededEntropy::new(1)));
        let (begun, has_begun) = channel();
        let (release, released) = channel();
        let job = move || {
            begun.send(()).unwrap();
            released.recv().unwrap();
        };
        // Until the thread waits for work, a queue without room takes none.
        let mut job: Job = Box::new(job);
        while let Err(TrySendError::Full(back)) = hasher.jobs.try_send(job) {
            job = back;
            thread::yield_now();
        }
        has_begun.recv().unwrap();
        (hasher, release)
    }

    fn password(text: &str) -> Password {
        Password::candidate(text).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other_does() {
        let hasher = PasswordHasher::new(&auth_config(), Arc::new(SeededEntropy::new(1)));
        let longest = "x".repeat(Password::MAX_BYTES);
        let hash = hasher.hash(password(&longest)).await.unwrap();
        assert!(hash.as_str().starts_with("$2b$04$"));
        assert!(hasher.check(password(&longest), Some(&hash)).await.unwrap());
        for other in ["", &longest[1..], &format!("{longest}x"), &format!("{longest}xx")] {
            assert!(!hasher.check(password(other), Some(&hash)).await.unwrap(), "{other:?}");
        }
    }

    #[tokio::test]
    async fn one_password_has_another_hash_each_time() {
        let hasher = PasswordHasher::new(&auth_config(), Arc::new(SeededEntropy::new(1)));
        let hash = || hasher.hash(password("correct horse"));
        assert_ne!(hash().await.unwrap(), hash().await.unwrap());
    }

    #[tokio::test]
    async fn without_an_account_a_password_is_checked_against_a_hash_of_the_same_cost() {
        let config = AuthConfig { bcrypt_cost: 5, ..auth_config() };
        let hasher = PasswordHasher::new(&config, Arc::new(SeededEntropy::new(1)));
        assert_eq!(hasher.dummy().parse::<HashParts>().unwrap().get_cost(), 5);
        assert!(!hasher.check(password("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_hash_is_told_as_corrupt() {
        let hasher = PasswordHasher::new(&auth_config(), Arc::new(SeededEntropy::new(1)));
        let error = hasher.check(password("correct horse"), Some(&PasswordHash::new("$2b$".to_owned()))).await;
        assert!(matches!(error, Err(ServiceError::Store(StoreError::Corrupt(_)))), "{error:?}");
    }

    #[tokio::test]
    async fn beyond_the_queue_work_is_refused_at_once() {
        let (hasher, release) = busy_hasher(1);
        let hasher = Arc::new(hasher);
        let waiting = hasher.run(|| "done");
        tokio::pin!(waiting);
        assert!(waiting.as_mut().now_or_never().is_none());
        // With and without an account alike.
        for hash in [None, Some(PasswordHash::new(hasher.dummy()))] {
            let refused = hasher.check(password("correct horse"), hash.as_ref()).await;
            assert!(matches!(refused, Err(ServiceError::Overloaded { .. })), "{refused:?}");
        }
        release.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), "done");
    }

    #[tokio::test]
    async fn work_whose_caller_has_gone_is_not_begun() {
        let (hasher, release) = busy_hasher(2);
        let (begun, has_begun) = channel();
        let abandoned = hasher.run(move || begun.send(()).unwrap()).now_or_never();
        assert!(abandoned.is_none());
        release.send(()).unwrap();
        hasher.run(|| ()).await.unwrap();
        assert!(has_begun.try_recv().is_err());
    }
}
