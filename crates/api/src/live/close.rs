//! The codes that the server closes sockets with: one table for the code, the documents and the clients.

use std::fmt::Write as _;

use parlor_realtime::CloseReason;

/// Why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The client asked for it.
    Normal,
    /// The client broke the WebSocket protocol.
    ProtocolError,
    /// The client sent a binary frame.
    UnsupportedData,
    /// The client sent text that is not UTF-8.
    InvalidUtf8,
    /// The client sent a frame or message over the limit, or cut a message into too many frames.
    MessageTooBig,
    /// The server failed.
    InternalError,
    /// The server stops; another one will be there.
    ServiceRestart,
    /// The client did not say who it is, in time or within the bytes that it had for that.
    AuthenticationTimeout,
    /// The token or ticket in the command `auth` was not good.
    AuthenticationFailed,
    /// The session was revoked or has reached its end.
    SessionEnded,
    /// The user has as many sockets as one may have.
    TooManyConnections,
    /// The client sends more than is allowed.
    RateLimited,
    /// The client reads slower than its events come.
    SlowReader,
    /// Nothing was heard of the client, not even an answer to a ping.
    Idle,
}

/// What a client does after a socket was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Afterwards {
    /// Nothing: it is what the client wanted.
    Nothing,
    /// Connect again at once and resume.
    Resume,
    /// Wait a random 1 to 30 seconds, longer after each failure, then connect again and resume.
    ResumeLater,
    /// Renew the access token or sign in again, then connect and resume.
    Authenticate,
    /// Sign in again, then connect and resume.
    SignIn,
    /// Mend the client; the same again would end the same.
    Mend,
}

impl Afterwards {
    /// The advice as a sentence.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing.",
            Self::Resume => "Connect again at once and `resume`.",
            Self::ResumeLater => {
                "Wait a random 1 to 30 seconds (longer after each failure), then connect again and `resume`."
            }
            Self::Authenticate => "Renew the access token or sign in again, then connect and `resume`.",
            Self::SignIn => "Sign in again, then connect and `resume`.",
            Self::Mend => "Mend the client; the same again would end the same.",
        }
    }

    /// The advice as a word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Resume => "resume",
            Self::ResumeLater => "resume_later",
            Self::Authenticate => "authenticate",
            Self::SignIn => "sign_in",
            Self::Mend => "mend",
        }
    }
}

impl CloseCode {
    /// Every code, by number.
    pub const ALL: [Self; 14] = [
        Self::Normal,
        Self::ProtocolError,
        Self::UnsupportedData,
        Self::InvalidUtf8,
        Self::MessageTooBig,
        Self::InternalError,
        Self::ServiceRestart,
        Self::AuthenticationTimeout,
        Self::AuthenticationFailed,
        Self::SessionEnded,
        Self::TooManyConnections,
        Self::RateLimited,
        Self::SlowReader,
        Self::Idle,
    ];

    /// The number in the close frame. Up to 2999 the WebSocket protocol gives the meaning, from 4000 on we do.
    pub const fn number(self) -> u16 {
        self.row().0
    }

    /// The reason in the close frame: a stable word for programs.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// When it comes, as a sentence.
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }

    /// What a client does then.
    pub const fn afterwards(self) -> Afterwards {
        self.row().3
    }

    const fn row(self) -> (u16, &'static str, &'static str, Afterwards) {
        match self {
            Self::Normal => (1000, "normal", "The client closed the socket.", Afterwards::Nothing),
            Self::ProtocolError => {
                (1002, "protocol_error", "The client broke the WebSocket protocol.", Afterwards::Mend)
            }
            Self::UnsupportedData => {
                (1003, "unsupported_data", "The client sent a binary frame; all frames are text.", Afterwards::Mend)
            }
            Self::InvalidUtf8 => (1007, "invalid_utf8", "The client sent text that is not UTF-8.", Afterwards::Mend),
            Self::MessageTooBig => (
                1009,
                "message_too_big",
                "The client sent a frame or message over the limit, or one of more than 64 frames.",
                Afterwards::Mend,
            ),
            Self::InternalError => (1011, "internal_error", "The server failed.", Afterwards::ResumeLater),
            Self::ServiceRestart => {
                (1012, "service_restart", "The server stops; another one will be there.", Afterwards::ResumeLater)
            }
            Self::AuthenticationTimeout => (
                4001,
                "authentication_timeout",
                "The client did not say who it is, in time or within the bytes that it has for that.",
                Afterwards::Authenticate,
            ),
            Self::AuthenticationFailed => (
                4002,
                "authentication_failed",
                "The token or ticket in the command `auth` was not good.",
                Afterwards::Authenticate,
            ),
            Self::SessionEnded => (
                4003,
                "session_ended",
                "The session was revoked or has reached its end. The event `session.revoked` comes before.",
                Afterwards::SignIn,
            ),
            Self::TooManyConnections => (
                4004,
                "too_many_connections",
                "The user has as many sockets open as one may have.",
                Afterwards::ResumeLater,
            ),
            Self::RateLimited => {
                (4005, "rate_limited", "The client sent more than is allowed in a time.", Afterwards::ResumeLater)
            }
            Self::SlowReader => {
                (4006, "slow_reader", "The client read slower than its events came.", Afterwards::Resume)
            }
            Self::Idle => {
                (4007, "idle", "Nothing was heard of the client, not even an answer to a ping.", Afterwards::Resume)
            }
        }
    }

    /// The table in Markdown, for the documents.
    pub fn markdown() -> String {
        let mut table = String::from("| code | reason | when | what the client does |\n|---|---|---|---|\n");
        for code in Self::ALL {
            let (number, name, meaning, afterwards) = code.row();
            // Writing to a `String` can't fail.
            let _ = writeln!(table, "| {number} | `{name}` | {meaning} | {} |", afterwards.advice());
        }
        table
    }
}

impl From<CloseReason> for CloseCode {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::SlowReader => Self::SlowReader,
            CloseReason::SessionEnded => Self::SessionEnded,
            CloseReason::Silent => Self::Idle,
            CloseReason::Shutdown => Self::ServiceRestart,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_in_order() {
        let numbers: Vec<u16> = CloseCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let names: HashSet<&str> = CloseCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), CloseCode::ALL.len());
    }

    #[test]
    fn a_peer_accepts_every_number_and_a_control_frame_holds_every_reason() {
        for code in CloseCode::ALL {
            assert!(matches!(code.number(), 1000..=1003 | 1007..=1014 | 4000..=4999), "{code:?}");
            assert!(code.name().len() <= 123);
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_code() {
        let table = CloseCode::markdown();
        assert_eq!(table.lines().count(), CloseCode::ALL.len() + 2);
        assert!(table.contains(
            "| 4006 | `slow_reader` | The client read slower than its events came. \
             | Connect again at once and `resume`. |"
        ));
    }
}
