//! What a client shows to say who it is: signed access tokens, and random secrets of which the store keeps a hash.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use parlor_domain::{Entropy, SecretHash, Session, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{AuthConfig, AuthFailure, Caller, recent::Recent};

/// What a refresh token begins with.
pub(crate) const REFRESH: &str = "prt_";
/// What a socket ticket begins with.
pub(crate) const TICKET: &str = "ptk_";

/// How many tokens that are in use are known to be ours: to check a signature is most of the work of a request that
/// does little else.
const VERIFIED: usize = 2048;

/// How far the clocks of two servers may differ.
const LEEWAY: Duration = Duration::from_secs(5);
/// The type of a JWT that is an access token (RFC 9068, section 2.1), so that no other JWT passes for one.
const TYPE: &str = "at+jwt";
const AUDIENCE: &str = "parlor";

/// Makes and checks access tokens: JWTs signed by HMAC with SHA-256, which alone is accepted.
pub(crate) struct AccessTokens {
    current: Key,
    previous: Option<Key>,
    validation: Validation,
    ttl: Duration,
    /// What tokens grant whose signature has been checked.
    verified: Recent<Box<str>, Grant>,
}

/// What a token that we have signed grants, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grant {
    caller: Caller,
    /// The second it begins.
    from: u64,
    /// The second it ends.
    until: u64,
}

impl Grant {
    fn at(self, now: Timestamp) -> Result<Caller, AuthFailure> {
        let now = seconds(now);
        if self.from > now.saturating_add(LEEWAY.as_secs()) {
            return Err(AuthFailure::Invalid);
        }
        if now >= self.until.saturating_add(LEEWAY.as_secs()) {
            return Err(AuthFailure::Expired);
        }
        Ok(self.caller)
    }
}

struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Times are in whole seconds since 1970, as RFC 7519 has them. Any other type of JSON, a fraction or a negative
/// number is refused.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    sid: String,
    aud: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl AccessTokens {
    pub(crate) fn new(config: &AuthConfig) -> Self {
        // The library keeps one provider for the process; an error says that it is set already.
        jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["sub", "aud", "nbf", "exp"]);
        // Our clock judges these, and not the library's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            current: Key::new(&config.secret),
            previous: config.previous_secret.as_ref().map(Key::new),
            validation,
            ttl: config.access_ttl,
            verified: Recent::new(VERIFIED),
        }
    }

    /// After how long no token that is issued now will be accepted any more.
    pub(crate) fn reach(&self) -> Duration {
        self.ttl + LEEWAY
    }

    /// A token for a session, and how long it is good: never longer than the session.
    pub(crate) fn issue(
        &self,
        session: &Session,
        now: Timestamp,
    ) -> jsonwebtoken::errors::Result<(SecretString, Duration)> {
        let expires_at = (now + self.ttl).min(session.ends_at());
        let claims = Claims {
            sub: session.user_id.to_string(),
            sid: session.id.to_string(),
            aud: AUDIENCE.to_owned(),
            iat: seconds(now),
            nbf: seconds(now),
            exp: seconds(expires_at),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.current.id.clone());
        let token = encode(&header, &claims, &self.current.encoding)?;
        Ok((token.into(), expires_at.since(now)))
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// `Expired` for one of ours whose time is over, `Invalid` for everything else.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, AuthFailure> {
        if let Some(grant) = self.verified.get(token) {
            return grant.at(now);
        }
        let grant = self.read(token)?;
        let caller = grant.at(now)?;
        self.verified.insert(token.into(), grant);
        Ok(caller)
    }

    fn read(&self, token: &str) -> Result<Grant, AuthFailure> {
        let key = self.key_of(token).ok_or(AuthFailure::Invalid)?;
        let decoded = decode::<Claims>(token, &key.decoding, &self.validation);
        let claims = decoded.map_err(|_| AuthFailure::Invalid)?.claims;
        let (Ok(user), Ok(session)) = (claims.sub.parse(), claims.sid.parse()) else {
            return Err(AuthFailure::Invalid);
        };
        Ok(Grant {
            caller: Caller { user, session },
            from: claims.nbf.max(claims.iat),
            // Also a token that was issued when they lived longer ends in time: the list of revoked sessions reaches
            // no further back.
            until: claims.exp.min(claims.iat.saturating_add(self.ttl.as_secs())),
        })
    }

    /// The key that a token says it is signed with, if it is one of ours and the token's header is as we write it.
    fn key_of(&self, token: &str) -> Option<&Key> {
        let header = decode_header(token).ok()?;
        // Nothing critical is understood here (RFC 7515, section 4.1.11), and keys are never taken from a token.
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return None;
        }
        let id = header.kid?;
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|key| key.id == id)
    }
}

impl Key {
    fn new(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let digest = Sha256::new().chain_update(b"parlor key id\0").chain_update(secret).finalize();
        Self {
            id: URL_SAFE_NO_PAD.encode(&digest[..8]),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis() / 1000).unwrap_or(0)
}

/// A new secret of 256 random bits for a client to keep, and its hash for the store.
pub(crate) fn new_secret(prefix: &str, entropy: &dyn Entropy) -> (SecretString, SecretHash) {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = SecretHash::of(text.as_bytes());
    (text.into(), hash)
}

/// The hash of what a client shows as a secret of this kind.
///
/// # Errors
/// `Invalid` for what can't be one.
pub(crate) fn hash_of_secret(prefix: &str, text: &str) -> Result<SecretHash, AuthFailure> {
    let random = text.strip_prefix(prefix).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    if random.is_some_and(|bytes| bytes.len() == 32) {
        Ok(SecretHash::of(text.as_bytes()))
    } else {
        Err(AuthFailure::Invalid)
    }
}
