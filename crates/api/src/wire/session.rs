//! Sign-ins on devices, and tickets for sockets.

use parlor_services::SessionView;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

/// One sign-in on one device.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The session's id.
    #[schema(pattern = "^[0-9a-f]{24}$", example = "6740a1b2c3d4e5f6cccccccc")]
    pub id: String,
    /// What the device called itself: its `User-Agent`.
    #[schema(max_length = 200, example = "Mozilla/5.0")]
    pub device: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When the user signed in.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub created_at: String,
    /// When its tokens were last renewed.
    #[schema(format = DateTime, example = "2026-11-21T10:57:31.042Z")]
    pub renewed_at: String,
    /// When it ends unless it is renewed.
    #[schema(format = DateTime, example = "2026-12-21T10:57:31.042Z")]
    pub expires_at: String,
}

impl From<&SessionView> for Session {
    fn from(view: &SessionView) -> Self {
        let session = &view.session;
        Self {
            id: session.id.to_string(),
            device: session.device.to_string(),
            current: view.current,
            created_at: session.created_at.to_string(),
            renewed_at: session.renewed_at.to_string(),
            expires_at: session.ends_at().to_string(),
        }
    }
}

/// A ticket that opens one socket, once: the only secret that may stand in a URL.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The ticket.
    #[schema(example = "ptk_Q2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEgTG92ZWxhY2U")]
    pub ticket: String,
    /// For how many seconds it is good.
    #[schema(example = 30)]
    pub expires_in: u64,
}

impl From<&parlor_services::Ticket> for Ticket {
    fn from(ticket: &parlor_services::Ticket) -> Self {
        Self { ticket: ticket.secret.expose_secret().to_owned(), expires_in: ticket.ttl.as_secs() }
    }
}
