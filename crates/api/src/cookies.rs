//! The cookies of browsers: an access token for the whole API, a refresh token for its own door alone.

use std::time::Duration;

use actix_web::{
    HttpResponseBuilder,
    cookie::{Cookie, time},
};
use parlor_services::Tokens;
use secrecy::ExposeSecret as _;

use crate::config::CookieConfig;

/// Where the refresh token is sent to, and nowhere else.
const REFRESH_PATH: &str = "/api/v1/auth";

/// The name of the cookie with the access token. Over HTTPS it has the prefix `__Host-`, by which browsers let no
/// other host and no plain connection set it.
pub(crate) fn access_name(config: &CookieConfig) -> String {
    format!("{}{}_access", if config.secure { "__Host-" } else { "" }, config.name)
}

/// The name of the cookie with the refresh token. `__Host-` would demand the path `/`; the narrower path is worth
/// more here, so it has the prefix `__Secure-`.
pub(crate) fn refresh_name(config: &CookieConfig) -> String {
    format!("{}{}_refresh", if config.secure { "__Secure-" } else { "" }, config.name)
}

/// Hands a session's tokens over as cookies.
pub(crate) fn set(response: &mut HttpResponseBuilder, config: &CookieConfig, tokens: &Tokens) {
    // As long as the refresh token, so that one who comes too late is told to renew and not to sign in.
    response.cookie(cookie(config, access_name(config), tokens.access.expose_secret(), "/", tokens.refresh_ttl));
    let refresh = tokens.refresh.expose_secret();
    response.cookie(cookie(config, refresh_name(config), refresh, REFRESH_PATH, tokens.refresh_ttl));
}

/// Takes the cookies away.
pub(crate) fn clear(response: &mut HttpResponseBuilder, config: &CookieConfig) {
    response.cookie(cookie(config, access_name(config), "", "/", Duration::ZERO));
    response.cookie(cookie(config, refresh_name(config), "", REFRESH_PATH, Duration::ZERO));
}

fn cookie<'c>(
    config: &CookieConfig,
    name: String,
    value: &'c str,
    path: &'static str,
    max_age: Duration,
) -> Cookie<'c> {
    Cookie::build(name, value)
        .path(path)
        .max_age(time::Duration::seconds(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX)))
        .http_only(true)
        .secure(config.secure)
        .same_site(config.same_site)
        .finish()
}
