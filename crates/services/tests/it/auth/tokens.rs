//! What passes for an access token.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use parlor_services::{AuthFailure, ServicesConfig, Tokens};

use super::{Door, config, failure};
use crate::support::{PASSWORD, secret};

const SECRET: &str = "a secret of at least thirty-two bytes";
const OTHER: &str = "another secret of the same sort, long";

/// A token's header and claims, as JSON.
fn parts(tokens: &Tokens) -> (String, String) {
    let text = |part: Option<&str>| String::from_utf8(URL_SAFE_NO_PAD.decode(part.unwrap()).unwrap()).unwrap();
    let mut parts = secret(&tokens.access).split('.');
    (text(parts.next()), text(parts.next()))
}

/// A token with this header and these claims, signed in this way.
fn signed(header: &str, claims: &str, algorithm: Algorithm, key: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(key.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The JSON with another value in place of a field's.
fn with(json: &str, field: &str, value: &str) -> String {
    let start = json.find(&format!("\"{field}\":")).unwrap() + field.len() + 3;
    let end = start + json[start..].find([',', '}']).unwrap();
    format!("{}{value}{}", &json[..start], &json[end..])
}

/// The JSON with a field more.
fn and(json: &str, field: &str) -> String {
    format!("{},{field}}}", json.strip_suffix('}').unwrap())
}

fn with_secrets(secret: &str, previous: Option<&str>) -> ServicesConfig {
    let mut config = config();
    config.auth.secret = secret.into();
    config.auth.previous_secret = previous.map(Into::into);
    config
}

impl Door {
    fn judge(&self, token: &str) -> Result<(), AuthFailure> {
        self.services.auth.authenticate(token).map(|_| ()).map_err(|error| failure::<()>(Err(error)))
    }
}

#[tokio::test]
async fn an_access_token_is_good_for_its_time_and_no_longer() {
    let door = Door::new().await;
    let tokens = door.sign_up("ada").await.tokens;
    assert_eq!(tokens.access_ttl, Duration::from_secs(900));
    door.advance(900);
    assert!(door.caller(&tokens).is_ok(), "a few seconds are allowed for clocks that differ");
    door.advance(5);
    assert_eq!(failure(door.caller(&tokens)), AuthFailure::Expired);
}

#[tokio::test]
async fn an_access_token_is_not_good_before_its_time() {
    let door = Door::new().await;
    let (header, claims) = parts(&door.sign_up("ada").await.tokens);
    let begins = |second: u64| {
        let claims = with(&claims, "nbf", &second.to_string());
        door.judge(&signed(&header, &claims, Algorithm::HS256, SECRET))
    };
    assert_eq!(begins(1_700_000_005), Ok(()));
    assert_eq!(begins(1_700_000_006), Err(AuthFailure::Invalid));
}

#[tokio::test]
async fn an_access_token_ends_with_its_session() {
    let mut config = config();
    config.auth.refresh_max_ttl = Duration::from_secs(1000);
    let door = Door::with(&config).await;
    let tokens = door.sign_up("ada").await.tokens;
    door.advance(600);
    let renewed = door.refresh(&tokens).await.unwrap();
    assert_eq!(renewed.access_ttl, Duration::from_secs(400));
    assert_eq!(renewed.refresh_ttl, Duration::from_secs(400));
    door.advance(405);
    assert_eq!(failure(door.caller(&renewed)), AuthFailure::Expired);
}

#[tokio::test]
async fn only_what_we_signed_for_this_use_is_accepted() {
    let door = Door::new().await;
    let (header, claims) = parts(&door.sign_up("ada").await.tokens);
    let accepted = |header: &str, claims: &str| door.judge(&signed(header, claims, Algorithm::HS256, SECRET));
    assert_eq!(accepted(&header, &claims), Ok(()), "or the cases below prove nothing");
    for claims in [
        with(&claims, "exp", "\"1700000900\""),
        with(&claims, "exp", "1700000900.5"),
        with(&claims, "exp", "1.7000009e9"),
        with(&claims, "exp", "-1"),
        with(&claims, "exp", "1e400"),
        with(&claims, "exp", "18446744073709551616"),
        with(&claims, "exp", "null"),
        with(&claims, "exp", "true"),
        claims.replace("\"exp\"", "\"exq\""),
        and(&claims, "\"exp\":1700000900"),
        with(&claims, "nbf", "\"0\""),
        with(&claims, "nbf", "18446744073709551615"),
        claims.replace("\"nbf\"", "\"nbg\""),
        with(&claims, "iat", "18446744073709551615"),
        with(&claims, "aud", "\"other\""),
        with(&claims, "aud", "null"),
        claims.replace("\"aud\"", "\"aue\""),
        with(&claims, "sub", "\"nobody\""),
        with(&claims, "sid", "\"../../etc/passwd\""),
        "{}".to_owned(),
        "[]".to_owned(),
        String::new(),
    ] {
        assert_eq!(accepted(&header, &claims), Err(AuthFailure::Invalid), "{claims}");
    }
    for header in [
        with(&header, "typ", "\"JWT\""),
        header.replace("\"typ\"", "\"tip\""),
        with(&header, "kid", "\"other\""),
        with(&header, "kid", "\"../secret\""),
        header.replace("\"kid\"", "\"kit\""),
        and(&header, "\"crit\":[\"exp\"]"),
        and(&header, "\"crit\":[]"),
    ] {
        assert_eq!(accepted(&header, &claims), Err(AuthFailure::Invalid), "{header}");
    }
}

#[tokio::test]
async fn a_token_with_another_algorithm_or_key_is_refused() {
    let door = Door::new().await;
    let (header, claims) = parts(&door.sign_up("ada").await.tokens);
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let header = with(&header, "alg", &format!("\"{name}\""));
        assert_eq!(door.judge(&signed(&header, &claims, algorithm, SECRET)), Err(AuthFailure::Invalid), "{name}");
        assert_eq!(door.judge(&signed(&header, &claims, Algorithm::HS256, SECRET)), Err(AuthFailure::Invalid));
    }
    for name in ["none", "None", "RS256", "", "hs256"] {
        let header = with(&header, "alg", &format!("\"{name}\""));
        let token = signed(&header, &claims, Algorithm::HS256, SECRET);
        let unsigned = &token[..=token.rfind('.').unwrap()];
        assert_eq!(door.judge(&token), Err(AuthFailure::Invalid), "{name}");
        assert_eq!(door.judge(unsigned), Err(AuthFailure::Invalid), "{name}");
    }
    assert_eq!(door.judge(&signed(&header, &claims, Algorithm::HS256, OTHER)), Err(AuthFailure::Invalid));
    let elsewhere = and(&header, "\"jku\":\"https://example.org/keys\",\"x5u\":\"file:///etc/passwd\"");
    assert_eq!(door.judge(&signed(&elsewhere, &claims, Algorithm::HS256, OTHER)), Err(AuthFailure::Invalid));
}

#[tokio::test]
async fn a_damaged_token_is_refused() {
    let door = Door::new().await;
    let tokens = door.sign_up("ada").await.tokens;
    let token = secret(&tokens.access);
    let (header, claims) = parts(&tokens);
    let forged = signed(&header, &with(&claims, "sub", "\"000000000000000000000000\""), Algorithm::HS256, OTHER);
    let (ours, theirs) = (token.rfind('.').unwrap(), forged.rfind('.').unwrap());
    for damaged in [
        "",
        ".",
        "..",
        "a.b.c",
        &token[1..],
        &token[..token.len() - 1],
        &token[..ours],
        &token[..=ours],
        &format!("{token}.{token}"),
        &format!(" {token}"),
        &format!("{}{}", &forged[..theirs], &token[ours..]),
        &"x".repeat(100_000),
    ] {
        assert_eq!(door.judge(damaged), Err(AuthFailure::Invalid), "{damaged}");
    }
}

#[tokio::test]
async fn the_previous_secret_is_accepted_for_as_long_as_it_is_configured() {
    let door = Door::with(&with_secrets(SECRET, None)).await;
    let old = door.sign_up("ada").await.tokens;
    let door = door.restarted(&with_secrets(OTHER, Some(SECRET))).await;
    let new = door.log_in("ada", PASSWORD).await.unwrap().tokens;
    assert!(door.caller(&old).is_ok());
    assert!(door.caller(&new).is_ok());
    let (header, claims) = parts(&new);
    assert_eq!(
        door.judge(&signed(&header, &claims, Algorithm::HS256, SECRET)),
        Err(AuthFailure::Invalid),
        "a key counts only under its own id"
    );
    let door = door.restarted(&with_secrets(OTHER, None)).await;
    assert_eq!(failure(door.caller(&old)), AuthFailure::Invalid);
    assert!(door.caller(&new).is_ok());
}

#[tokio::test]
async fn a_shorter_life_of_tokens_holds_for_those_that_are_out() {
    let door = Door::new().await;
    let tokens = door.sign_up("ada").await.tokens;
    let mut shorter = config();
    shorter.auth.access_ttl = Duration::from_secs(60);
    let door = door.restarted(&shorter).await;
    door.advance(59);
    assert!(door.caller(&tokens).is_ok());
    door.advance(6);
    assert_eq!(failure(door.caller(&tokens)), AuthFailure::Expired);
}

#[tokio::test]
async fn a_token_of_one_kind_does_not_pass_for_another() {
    let door = Door::new().await;
    let tokens = door.sign_up("ada").await.tokens;
    let auth = &door.services.auth;
    let ticket = auth.issue_ticket(door.caller(&tokens).unwrap()).await.unwrap().secret;
    for secret_text in [secret(&tokens.refresh), secret(&ticket)] {
        assert_eq!(door.judge(secret_text), Err(AuthFailure::Invalid));
    }
    for secret_text in [secret(&tokens.access), secret(&tokens.refresh)] {
        assert_eq!(failure(auth.redeem_ticket(secret_text).await), AuthFailure::Invalid);
    }
    for other in [&tokens.access, &ticket] {
        assert_eq!(failure(auth.refresh(other, &super::from("192.0.2.1")).await), AuthFailure::Invalid);
    }
    assert!(door.caller(&tokens).is_ok());
    assert!(auth.redeem_ticket(secret(&ticket)).await.is_ok());
    assert!(door.refresh(&tokens).await.is_ok(), "nothing of this counted as a use");
}
