//! How much of what a caller may do in a time. The same budgets hold for REST and sockets.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::StateInformationMiddleware, state::keyed::DashMapStateStore,
};
use parking_lot::Mutex;
use parlor_domain::{Clock, Login, Timestamp, UserId};
use sha2::{Digest as _, Sha256};
use tracing::info;

use crate::{ServiceError, ServiceResult, auth::SECURITY};

/// A limit: so many at once, and so many a minute in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once.
    pub burst: u32,
    /// How many a minute may come for ever.
    pub per_minute: u32,
}

/// The limits in force.
#[derive(Clone, Copy, Debug)]
pub struct LimitsConfig {
    /// Sign-ups from one address.
    pub signup_per_address: Rate,
    /// Logins from one address.
    pub login_per_address: Rate,
    /// Logins to one account, and checks of its password, from wherever.
    pub login_per_account: Rate,
    /// Token renewals from one address.
    pub refresh_per_address: Rate,
    /// Messages of one user.
    pub messages_per_user: Rate,
    /// Conversations that one user opens.
    pub conversations_per_user: Rate,
    /// Friend requests of one user.
    pub friend_requests_per_user: Rate,
    /// Searches of one user, in the directory and in messages.
    pub searches_per_user: Rate,
    /// Receipts, typing, status and profile changes, and answers to friend requests and blocks of one user.
    pub signals_per_user: Rate,
    /// Syncs, resumes and socket tickets of one user.
    pub syncs_per_user: Rate,
}

/// What is left of a limit after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many may come at once.
    pub limit: u32,
    /// How many may still come now.
    pub remaining: u32,
    /// After how long, at the latest, all of `limit` may come again.
    pub reset: Duration,
    /// If this request was one too many: after how long one may come.
    pub retry_after: Duration,
}

/// Counts what callers do. Each rule has its own count for each address, account or user, in the memory of this
/// process. A request that is refused costs nothing.
///
/// An IPv6 address counts as its /64, which is what one customer gets.
pub struct Limits {
    signup: Limiter<IpAddr>,
    login: Limiter<IpAddr>,
    account: Limiter<Account>,
    refresh: Limiter<IpAddr>,
    message: Limiter<UserId>,
    conversation: Limiter<UserId>,
    friend_request: Limiter<UserId>,
    search: Limiter<UserId>,
    signal: Limiter<UserId>,
    sync: Limiter<UserId>,
}

impl Limits {
    /// Counts that all begin at zero.
    pub fn new(config: &LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        let time = Elapsed::new(clock);
        Self {
            signup: Limiter::new("signup_per_address", config.signup_per_address, &time),
            login: Limiter::new("login_per_address", config.login_per_address, &time),
            account: Limiter::new("login_per_account", config.login_per_account, &time),
            refresh: Limiter::new("refresh_per_address", config.refresh_per_address, &time),
            message: Limiter::new("messages_per_user", config.messages_per_user, &time),
            conversation: Limiter::new("conversations_per_user", config.conversations_per_user, &time),
            friend_request: Limiter::new("friend_requests_per_user", config.friend_requests_per_user, &time),
            search: Limiter::new("searches_per_user", config.searches_per_user, &time),
            signal: Limiter::new("signals_per_user", config.signals_per_user, &time),
            sync: Limiter::new("syncs_per_user", config.syncs_per_user, &time),
        }
    }

    /// Counts a sign-up from an address.
    ///
    /// # Errors
    /// `RateLimited`, as of every method here.
    pub fn signup(&self, address: IpAddr) -> ServiceResult<Budget> {
        self.signup.check(network(address))
    }

    /// Counts a login from an address.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn login(&self, address: IpAddr) -> ServiceResult<Budget> {
        self.login.check(network(address))
    }

    /// Counts a login by this name, whether anybody has it or not. From an address that is `familiar` to the
    /// account it has a count of its own, so that strangers who guess can't keep the owner out.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn login_to(&self, login: &Login, familiar: Option<IpAddr>) -> ServiceResult<Budget> {
        // Hashed, because a login may be a text of any length.
        let name = Sha256::digest(login.as_str()).into();
        self.account.check(Account::Named(name, familiar.map(network)))
    }

    /// Counts a check of the password of a user who is signed in.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn password(&self, user: UserId) -> ServiceResult<Budget> {
        self.account.check(Account::SignedIn(user))
    }

    /// Counts a token renewal from an address.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn refresh(&self, address: IpAddr) -> ServiceResult<Budget> {
        self.refresh.check(network(address))
    }

    /// Counts a message of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn message(&self, user: UserId) -> ServiceResult<Budget> {
        self.message.check(user)
    }

    /// Counts a conversation that a user opens.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn conversation(&self, user: UserId) -> ServiceResult<Budget> {
        self.conversation.check(user)
    }

    /// Counts a friend request of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn friend_request(&self, user: UserId) -> ServiceResult<Budget> {
        self.friend_request.check(user)
    }

    /// Counts a search of a user, in the directory or in messages.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn search(&self, user: UserId) -> ServiceResult<Budget> {
        self.search.check(user)
    }

    /// Counts a receipt, typing, status or profile change, an answer to a friend request or a block of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn signal(&self, user: UserId) -> ServiceResult<Budget> {
        self.signal.check(user)
    }

    /// Counts a sync, a resume or a socket ticket of a user.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn sync(&self, user: UserId) -> ServiceResult<Budget> {
        self.sync.check(user)
    }

    /// Forgets the counts that are full again, and gives their memory back. To be called now and then.
    pub fn prune(&self) {
        for limiter in [&self.signup, &self.login, &self.refresh] {
            limiter.prune();
        }
        self.account.prune();
        let of_users =
            [&self.message, &self.conversation, &self.friend_request, &self.search, &self.signal, &self.sync];
        for limiter in of_users {
            limiter.prune();
        }
    }
}

/// What an address counts as: an IPv6 address as its /64, an IPv4 address in IPv6 clothes as itself.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Whose password is tried.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Account {
    /// That of whoever has the login with this SHA-256; with an address, from there.
    Named([u8; 32], Option<IpAddr>),
    /// That of a user who is signed in.
    SignedIn(UserId),
}

/// One rule.
struct Limiter<K: Hash + Eq + Clone> {
    rule: &'static str,
    quota: Quota,
    time: Elapsed,
    counts: RateLimiter<K, DashMapStateStore<K>, Elapsed, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rule: &'static str, rate: Rate, time: &Elapsed) -> Self {
        // The library counts in nanoseconds of 64 bits; a larger burst at a slow rate would not fit in them.
        const MAX_BURST: u32 = 10_000_000;
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_minute(at_least_one(rate.per_minute)).allow_burst(at_least_one(rate.burst.min(MAX_BURST)));
        let counts = RateLimiter::new(quota, DashMapStateStore::default(), time.clone());
        Self { rule, quota, time: time.clone(), counts }
    }

    fn check(&self, key: K) -> ServiceResult<Budget> {
        let limit = self.quota.burst_size().get();
        let interval = self.quota.replenish_interval();
        match self.counts.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let reset = interval * limit.saturating_sub(remaining);
                Ok(Budget { limit, remaining, reset, retry_after: Duration::ZERO })
            }
            Err(refusal) => {
                info!(target: SECURITY, rule = self.rule, "rate limit reached");
                let retry_after = refusal.wait_time_from(self.time.now());
                let reset = retry_after + interval * (limit - 1);
                Err(ServiceError::RateLimited(Budget { limit, remaining: 0, reset, retry_after }))
            }
        }
    }

    fn prune(&self) {
        self.counts.retain_recent();
        self.counts.shrink_to_fit();
    }
}

/// The time that has passed on our clock. It stands still while the clock is set back, where the clock itself would
/// keep everyone waiting until it has made up for it.
#[derive(Clone)]
struct Elapsed(Arc<ElapsedState>);

struct ElapsedState {
    clock: Arc<dyn Clock>,
    /// When it was last read, and what had passed until then.
    last: Mutex<(Timestamp, Duration)>,
}

impl Elapsed {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let last = Mutex::new((clock.now(), Duration::ZERO));
        Self(Arc::new(ElapsedState { clock, last }))
    }
}

impl governor::clock::Clock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut last = self.0.last.lock();
        let (read_at, passed) = *last;
        let now = self.0.clock.now();
        *last = (now, passed + now.since(read_at));
        last.1
    }
}
