//! What super admins see and do. Everyone else is refused, whatever he asks for.

mod accounts;
mod params;
mod records;

pub(super) use accounts::{change_role, delete, end_session, end_sessions, list, list_sessions, lock, show, unlock};
pub(super) use records::{audit, statistics};
