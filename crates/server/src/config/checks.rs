//! What must hold between and beyond the types of the settings.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::{ByteSize, ConfigError, RateSettings, SameSite, Settings};

/// Most threads that serve; the HTTP library takes no more.
pub(crate) const MAX_WORKERS: usize = 512;

/// What the longest message takes on its way here: 8,000 characters of four bytes, 4 KiB of metadata, and the names of the
/// fields, with some room.
const LEAST_FOR_MESSAGE: ByteSize = ByteSize::new(64 * 1024);

/// Checks what the types can't say.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    check_server(settings)?;
    check_auth(settings)?;
    check_limits(settings)?;
    check_live(settings)?;
    check_filter(&settings.log.filter)?;
    check_store(settings)?;
    require(
        settings.cookies.same_site != SameSite::None || settings.cookies.secure,
        "`cookies.same_site` can be \"none\" only if `cookies.secure` is true: browsers drop such cookies otherwise",
    )?;
    let name = &settings.cookies.name;
    require(
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')),
        "`cookies.name` must be ASCII letters, digits, '_' or '-'",
    )
}

fn require(holds: bool, otherwise: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Invalid(otherwise.to_owned())) }
}

/// A word that is no level would be taken for a module's name, and log next to nothing.
fn check_filter(filter: &str) -> Result<(), ConfigError> {
    for part in filter.split(',').map(str::trim) {
        let level = part.rsplit('=').next().unwrap_or(part).to_ascii_lowercase();
        let known = ["off", "error", "warn", "info", "debug", "trace"].contains(&level.as_str());
        require(known, &format!("`log.filter`: {part:?} must end with off, error, warn, info, debug or trace"))?;
    }
    Ok(())
}

fn no_room_for_messages(key: &str) -> String {
    format!("`{key}` must be at least 64KiB: a message of 8000 characters would not fit")
}

fn check_server(settings: &Settings) -> Result<(), ConfigError> {
    let server = &settings.server;
    require(server.workers <= MAX_WORKERS, &format!("`server.workers` must be at most {MAX_WORKERS}"))?;
    require(
        server.shutdown_timeout.get() >= server.shutdown_jitter.get() + Duration::from_secs(1),
        "`server.shutdown_timeout` must be at least a second longer than `server.shutdown_jitter`",
    )?;
    require(server.max_connections > 0, "`server.max_connections` must be at least 1")?;
    require(server.backlog > 0, "`server.backlog` must be at least 1")?;
    require(server.body_limit >= LEAST_FOR_MESSAGE, &no_room_for_messages("server.body_limit"))?;
    for origin in &server.origins {
        require(is_origin(origin), &format!("`server.origins`: {origin:?} must be like \"https://chat.example.org\""))?;
    }
    require(
        server.public_url.is_empty() || is_origin(&server.public_url),
        "`server.public_url` must be like \"https://chat.example.org\", without a path",
    )
}

/// Whether the text is `scheme://host[:port]` and nothing more, as browsers write an `Origin`.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_uppercase() || "/?#@*\\".contains(c))
    })
}

fn check_store(settings: &Settings) -> Result<(), ConfigError> {
    let store = &settings.store;
    // The file is read when the database is opened: whoever looks at the configuration need not have it.
    if store.url_file.is_empty() {
        store.place()?;
    }
    require(store.queue > 0, "`store.queue` must be at least 1")?;
    require(store.timeout.get() >= Duration::from_secs(1), "`store.timeout` must be at least 1s")?;
    require(store.connections > 0, "`store.connections` must be at least 1")
}

fn check_auth(settings: &Settings) -> Result<(), ConfigError> {
    let auth = &settings.auth;
    for (key, secret) in [("auth.secret", &auth.secret), ("auth.previous_secret", &auth.previous_secret)] {
        if !secret.expose_secret().is_empty() {
            check_secret(secret).map_err(|reason| ConfigError::Invalid(format!("`{key}` {reason}")))?;
        }
    }
    require(
        !auth.has_secret() || auth.secret_file.is_empty(),
        "`auth.secret` and `auth.secret_file` are both set; it must be one of them",
    )?;
    require(
        auth.has_secret() || !auth.secret_file.is_empty() || auth.generate_secret,
        "there is no secret to sign tokens with: set PARLOR__AUTH__SECRET to at least 32 random bytes \
         (`openssl rand -hex 32`), or PARLOR__AUTH__SECRET_FILE to a file that holds it",
    )?;
    require((4..=20).contains(&auth.bcrypt_cost), "`auth.bcrypt_cost` must be from 4 to 20")?;
    require(auth.hash_queue > 0, "`auth.hash_queue` must be at least 1")?;
    require(
        auth.access_ttl <= auth.refresh_idle_ttl && auth.refresh_idle_ttl <= auth.refresh_max_ttl,
        "`auth.access_ttl` must not be longer than `auth.refresh_idle_ttl`, nor that than `auth.refresh_max_ttl`",
    )?;
    require(auth.access_ttl.get().as_secs() > 0, "`auth.access_ttl` must be at least 1s")
}

/// Why a secret is not fit to sign with; `Ok` if nothing is seen to be wrong with it.
pub(crate) fn check_secret(secret: &SecretString) -> Result<(), &'static str> {
    const SAMPLES: [&str; 9] =
        ["change", "secret", "example", "sample", "insecure", "password", "your-", "your_", "parlor"];
    let secret = secret.expose_secret();
    if secret.len() < 32 {
        return Err("must have at least 32 bytes");
    }
    let folded = secret.to_ascii_lowercase();
    if SAMPLES.iter().any(|sample| folded.contains(sample)) {
        return Err("looks like a sample; make one at random (`openssl rand -hex 32`)");
    }
    let bytes = secret.as_bytes();
    let distinct = bytes.iter().collect::<std::collections::HashSet<_>>().len();
    let repeats = (1..=bytes.len() / 2).any(|period| bytes.iter().skip(period).eq(&bytes[..bytes.len() - period]));
    let runs = bytes.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count();
    if distinct < 8 || repeats || runs > bytes.len() / 2 {
        return Err("is not random enough; make one at random (`openssl rand -hex 32`)");
    }
    Ok(())
}

fn check_limits(settings: &Settings) -> Result<(), ConfigError> {
    let limits = &settings.limits;
    for (key, rate) in [
        ("limits.signup_per_address", limits.signup_per_address),
        ("limits.login_per_address", limits.login_per_address),
        ("limits.login_per_account", limits.login_per_account),
        ("limits.refresh_per_address", limits.refresh_per_address),
        ("limits.messages_per_user", limits.messages_per_user),
        ("limits.conversations_per_user", limits.conversations_per_user),
        ("limits.friend_requests_per_user", limits.friend_requests_per_user),
        ("limits.searches_per_user", limits.searches_per_user),
        ("limits.signals_per_user", limits.signals_per_user),
        ("limits.syncs_per_user", limits.syncs_per_user),
        ("live.frames_per_connection", settings.live.frames_per_connection),
    ] {
        let RateSettings { burst, per_minute } = rate;
        require(burst > 0 && per_minute > 0, &format!("`{key}`: burst and per_minute must be at least 1"))?;
    }
    require((2..=1000).contains(&limits.group_members), "`limits.group_members` must be 2 to 1000")?;
    require((1..=1000).contains(&limits.communities), "`limits.communities` must be 1 to 1000")?;
    require((2..=100_000).contains(&limits.community_members), "`limits.community_members` must be 2 to 100000")?;
    require((1..=1000).contains(&limits.channels), "`limits.channels` must be 1 to 1000")?;
    for (key, number) in [("friends", limits.friends), ("blocks", limits.blocks)] {
        require((1..=10_000).contains(&number), &format!("`limits.{key}` must be 1 to 10000"))?;
    }
    Ok(())
}

fn check_live(settings: &Settings) -> Result<(), ConfigError> {
    let live = &settings.live;
    require(live.max_frame >= LEAST_FOR_MESSAGE, &no_room_for_messages("live.max_frame"))?;
    require(live.max_frame <= live.max_message, "`live.max_frame` must not be larger than `live.max_message`")?;
    require(live.ping_interval < live.idle_timeout, "`live.ping_interval` must be shorter than `live.idle_timeout`")?;
    require(
        live.ping_interval < settings.presence.lease,
        "`live.ping_interval` must be shorter than `presence.lease`",
    )?;
    require(live.connections_per_user > 0, "`live.connections_per_user` must be at least 1")?;
    require(live.unauthenticated_per_address > 0, "`live.unauthenticated_per_address` must be at least 1")?;
    require(live.sessions_per_address > 0, "`live.sessions_per_address` must be at least 1")
}
