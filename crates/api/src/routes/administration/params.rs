//! Parameters of what super admins ask.

use parlor_domain::{AuditAction, InvalidValue, SystemRole, UserId, Username, store::ActorFilter};
use parlor_services::{AccountQuery, AuditQuery};
use serde::Deserialize;
use utoipa::IntoParams;
use validator::Validate;

use crate::{
    extract::number,
    problem::Problem,
    routes::params::{INVALID_CURSOR, read_cursor, size},
};

/// The ids in the path of a session. For the documents; handlers take
/// [`PathId`](crate::extract::PathId) and [`SessionInPath`](crate::extract::SessionInPath).
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the derived documentation reads the fields")]
pub(super) struct SessionParams {
    /// Whose it is.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f601234567")]
    id: String,
    /// The session.
    #[param(rename = "sessionId", pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f6cccccccc")]
    session_id: String,
}

/// A page of all accounts.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AccountsParams {
    /// Words of which each must begin a word of the user name or display name; everyone if left out.
    #[validate(length(max = 200, code = "too_long", message = "must have at most 200 characters"))]
    #[param(max_length = 200, example = "ada")]
    query: Option<String>,
    /// Only accounts with this role: `user`, `group_admin` or `super_admin`.
    #[param(max_length = 11, example = "user")]
    role: Option<String>,
    /// Only accounts that are locked (`true`), or that are not (`false`).
    #[param(value_type = Option<bool>)]
    locked: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 32)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl TryFrom<AccountsParams> for AccountQuery {
    type Error = Problem;

    fn try_from(params: AccountsParams) -> Result<Self, Problem> {
        let invalid_role = InvalidValue::new("unknown_value", "must be `user`, `group_admin` or `super_admin`");
        let role =
            |name: String| SystemRole::from_name(&name).ok_or_else(|| Problem::invalid_field("role", invalid_role));
        let after = params.cursor.map(|cursor| Username::parse(&cursor).map(|name| name.key()));
        Ok(Self {
            text: params.query.unwrap_or_default(),
            role: params.role.map(role).transpose()?,
            locked: params.locked.map(|text| boolean("locked", &text)).transpose()?,
            after: after.transpose().map_err(|_| Problem::invalid_field("cursor", INVALID_CURSOR))?,
            limit: size(params.limit),
        })
    }
}

fn boolean(field: &'static str, text: &str) -> Result<bool, Problem> {
    let invalid = InvalidValue::new("invalid_type", "must be `true` or `false`");
    text.parse().map_err(|_| Problem::invalid_field(field, invalid))
}

/// A page of the audit log.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// Only what this user did, by his id; `cli` for the command line.
    #[param(pattern = "^([0-9a-fA-F]{24}|cli)$", example = "6740a1b2c3d4e5f601234567")]
    actor: Option<String>,
    /// Only this action.
    #[param(max_length = 50, example = "user.locked")]
    action: Option<String>,
    /// Only what was done on this user.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f601234567")]
    target: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 40)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl TryFrom<AuditParams> for AuditQuery {
    type Error = Problem;

    fn try_from(params: AuditParams) -> Result<Self, Problem> {
        let id = |field: &'static str| {
            move |text: String| text.parse::<UserId>().map_err(|reason| Problem::invalid_field(field, reason))
        };
        let actor = |text: String| match text.as_str() {
            "cli" => Ok(ActorFilter::CommandLine),
            _ => id("actor")(text).map(ActorFilter::User),
        };
        let unknown = InvalidValue::new("unknown_value", "must be an action of the audit log");
        let action =
            |name: String| AuditAction::from_name(&name).ok_or_else(|| Problem::invalid_field("action", unknown));
        let invalid = || Problem::invalid_field("cursor", INVALID_CURSOR);
        Ok(Self {
            actor: params.actor.map(actor).transpose()?,
            action: params.action.map(action).transpose()?,
            target: params.target.map(id("target")).transpose()?,
            after: params.cursor.map(|cursor| read_cursor(&cursor).ok_or_else(invalid)).transpose()?,
            limit: size(params.limit),
        })
    }
}
