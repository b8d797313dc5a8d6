//! Settings in the words of the crates that they are for.

use std::thread;

use actix_web::cookie::SameSite as CookieSameSite;
use parlor_api::{
    config::{ApiConfig, CookieConfig},
    live::LiveConfig,
};
use parlor_realtime::HubConfig;
use parlor_services::{AuthConfig, CommunityLimits, LimitsConfig, Rate, RelationLimits, ServicesConfig};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{
    AuthSettings, CookieSettings, LimitSettings, LiveSettings, RateSettings, SameSite, Settings, WhoCreates,
};

/// How many processors there are; one if that can't be told.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

pub(crate) fn services_config(settings: &Settings, secret: SecretString, shared_store: bool) -> ServicesConfig {
    ServicesConfig {
        auth: auth_config(settings, secret),
        limits: limits_config(&settings.limits),
        connections_per_user: settings.live.connections_per_user,
        shared_store,
        relations: RelationLimits {
            cooldown: settings.friends.ask_again_after.get(),
            friends: settings.limits.friends,
            blocks: settings.limits.blocks,
        },
        group_members: settings.limits.group_members,
        communities: CommunityLimits {
            everyone_creates: settings.communities.create == WhoCreates::Everyone,
            per_user: settings.limits.communities,
            members: settings.limits.community_members,
            channels: settings.limits.channels,
        },
    }
}

fn auth_config(settings: &Settings, secret: SecretString) -> AuthConfig {
    let auth = &settings.auth;
    let previous = &auth.previous_secret;
    AuthConfig {
        secret,
        previous_secret: (!previous.expose_secret().is_empty()).then(|| previous.clone()),
        access_ttl: auth.access_ttl.get(),
        refresh_idle_ttl: auth.refresh_idle_ttl.get(),
        refresh_max_ttl: auth.refresh_max_ttl.get(),
        ticket_ttl: settings.live.ticket_ttl.get(),
        bcrypt_cost: auth.bcrypt_cost,
        hash_threads: hash_threads(auth),
        hash_queue: auth.hash_queue,
    }
}

/// One processor is left to everything else, so that a storm of logins does not stop the chat.
fn hash_threads(auth: &AuthSettings) -> usize {
    if auth.hash_threads == 0 { processors().saturating_sub(1).max(1) } else { auth.hash_threads }
}

fn limits_config(limits: &LimitSettings) -> LimitsConfig {
    LimitsConfig {
        signup_per_address: rate(limits.signup_per_address),
        login_per_address: rate(limits.login_per_address),
        login_per_account: rate(limits.login_per_account),
        refresh_per_address: rate(limits.refresh_per_address),
        messages_per_user: rate(limits.messages_per_user),
        conversations_per_user: rate(limits.conversations_per_user),
        friend_requests_per_user: rate(limits.friend_requests_per_user),
        searches_per_user: rate(limits.searches_per_user),
        signals_per_user: rate(limits.signals_per_user),
        syncs_per_user: rate(limits.syncs_per_user),
    }
}

fn rate(RateSettings { burst, per_minute }: RateSettings) -> Rate {
    Rate { burst, per_minute }
}

pub(crate) fn hub_config(settings: &Settings) -> HubConfig {
    HubConfig {
        queue_bytes: settings.live.queue_bytes.as_len(),
        lease: settings.presence.lease.get(),
        grace: settings.presence.grace.get(),
    }
}

pub(crate) fn api_config(settings: &Settings) -> ApiConfig {
    let server = &settings.server;
    ApiConfig {
        body_limit: server.body_limit.as_len(),
        body_timeout: server.body_timeout.get(),
        trusted_proxies: server.trusted_proxies.clone(),
        origins: server.origins.clone(),
        own_origin: (!server.public_url.is_empty()).then(|| server.public_url.clone()),
        cookies: cookie_config(&settings.cookies),
        explorer: server.explorer,
    }
}

fn cookie_config(cookies: &CookieSettings) -> CookieConfig {
    let same_site = match cookies.same_site {
        SameSite::Strict => CookieSameSite::Strict,
        SameSite::Lax => CookieSameSite::Lax,
        SameSite::None => CookieSameSite::None,
    };
    CookieConfig { name: cookies.name.clone(), secure: cookies.secure, same_site }
}

pub(crate) fn live_config(live: &LiveSettings) -> LiveConfig {
    LiveConfig {
        auth_timeout: live.auth_timeout.get(),
        ping_interval: live.ping_interval.get(),
        idle_timeout: live.idle_timeout.get(),
        max_frame: live.max_frame.get(),
        max_message: live.max_message.get(),
        frames_per_connection: rate(live.frames_per_connection),
        unauthenticated_per_address: live.unauthenticated_per_address,
        sessions_per_address: live.sessions_per_address,
    }
}
