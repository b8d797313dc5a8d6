//! Parameters of paths and query strings.

use std::{fmt::Display, str::FromStr};

use parlor_domain::{
    Category, ConversationId, Emoji, InvalidValue, Rev, Seq, Timestamp, UserId, Username,
    store::{self, Window},
};
use parlor_services::{CommunityQuery, DirectoryQuery, InboxCursor, RequestCursor};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Unexpected},
};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::{extract::number, problem::Problem, wire::rules};

/// How many entries a page has if nothing is said.
const DEFAULT_LIMIT: u64 = 50;

pub(super) const INVALID_CURSOR: InvalidValue =
    InvalidValue::new("invalid_cursor", "must be the `nextCursor` of a page before");

/// The id in a path. For the documents; handlers take [`PathId`](crate::extract::PathId).
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the derived documentation reads the field")]
pub(super) struct IdParam {
    /// What the operation is about.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f601234567")]
    id: String,
}

/// A member in a path. For the documents, likewise.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(dead_code, reason = "only the derived documentation reads the fields")]
pub(super) struct MemberParam {
    /// The conversation.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    id: String,
    /// The member.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f601234567")]
    user_id: String,
}

/// A message in a path. For the documents, likewise.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
#[expect(dead_code, reason = "only the derived documentation reads the fields")]
pub(super) struct MessageParam {
    /// The conversation.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f6aaaaaaaa")]
    id: String,
    /// The message.
    #[param(pattern = "^[0-9a-fA-F]{24}$", example = "6740a1b2c3d4e5f6bbbbbbbb")]
    message_id: String,
}

/// An emoji in a path. For the documents, likewise.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the derived documentation reads the field")]
pub(super) struct EmojiParam {
    /// One emoji, percent-encoded, or a short name between colons such as `:party_parrot:`.
    #[param(max_length = 64, example = "👍")]
    emoji: String,
}

/// A page of what belongs to a message or a conversation, in the order of a counter.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// The `nextCursor` of the page before.
    #[param(max_length = 16)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl PageParams {
    /// Behind which number the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(Option<u64>, usize), Problem> {
        Ok((read_counter(self.cursor.as_deref())?, size(self.limit)))
    }
}

/// Who has reacted to a message.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReactionParams {
    /// With which emoji.
    #[validate(custom(function = "rules::emoji"))]
    #[param(max_length = 64, example = "👍")]
    emoji: String,
    /// The `nextCursor` of the page before.
    #[param(max_length = 16)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl ReactionParams {
    /// With which emoji, after which revision the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(Emoji, Rev, usize), Problem> {
        let emoji = Emoji::parse(&self.emoji).map_err(|reason| Problem::invalid_field("emoji", reason))?;
        let after = read_counter(self.cursor.as_deref())?.map(Rev::new).unwrap_or_default();
        Ok((emoji, after, size(self.limit)))
    }
}

/// A cursor of a list by a counter.
fn read_counter(cursor: Option<&str>) -> Result<Option<u64>, Problem> {
    let read = |text: &str| text.parse().ok().filter(|counter| *counter <= rules::MAX_COUNTER);
    cursor.map(|text| read(text).ok_or_else(|| Problem::invalid_field("cursor", INVALID_CURSOR))).transpose()
}

/// A page of members.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersParams {
    /// The `nextCursor` of the page before.
    #[param(max_length = 24)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl MembersParams {
    /// Where the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(Option<UserId>, usize), Problem> {
        let after = self.cursor.as_deref().map(str::parse).transpose();
        Ok((after.map_err(|_| Problem::invalid_field("cursor", INVALID_CURSOR))?, size(self.limit)))
    }
}

/// A page of the directory.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DirectoryParams {
    /// Words of which each must begin a word of the user name or display name; everyone if left out.
    #[validate(length(max = 200, code = "too_long", message = "must have at most 200 characters"))]
    #[param(max_length = 200, example = "ada")]
    q: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 32)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl TryFrom<DirectoryParams> for DirectoryQuery {
    type Error = Problem;

    fn try_from(params: DirectoryParams) -> Result<Self, Problem> {
        let after = read_name_cursor(params.cursor.as_deref())?;
        Ok(Self { text: params.q.unwrap_or_default(), after, limit: size(params.limit) })
    }
}

/// A cursor of a list by user name.
fn read_name_cursor(cursor: Option<&str>) -> Result<Option<String>, Problem> {
    let after = cursor.map(|cursor| Username::parse(cursor).map(|name| name.key()));
    after.transpose().map_err(|_| Problem::invalid_field("cursor", INVALID_CURSOR))
}

/// A page of one's communities.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CommunityParams {
    /// The `nextCursor` of the page before.
    #[param(max_length = 24)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl CommunityParams {
    /// Where the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(Option<ConversationId>, usize), Problem> {
        let after = self.cursor.as_deref().map(str::parse).transpose();
        Ok((after.map_err(|_| Problem::invalid_field("cursor", INVALID_CURSOR))?, size(self.limit)))
    }
}

/// A page of the public communities.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DirectoryOfCommunitiesParams {
    /// With what the name begins, however it is written; all if left out.
    #[validate(length(max = 200, code = "too_long", message = "must have at most 200 characters"))]
    #[param(max_length = 200, example = "analytical")]
    q: Option<String>,
    /// Only those of this category, however it is written.
    #[validate(custom(function = "rules::category"))]
    #[param(max_length = 40, example = "Engines")]
    category: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl TryFrom<DirectoryOfCommunitiesParams> for CommunityQuery {
    type Error = Problem;

    fn try_from(params: DirectoryOfCommunitiesParams) -> Result<Self, Problem> {
        let category = params.category.map(|text| Category::parse(&text)).transpose();
        let invalid = || Problem::invalid_field("cursor", INVALID_CURSOR);
        let after = params.cursor.as_deref().map(|cursor| read_key_cursor(cursor).ok_or_else(invalid));
        Ok(Self {
            text: params.q.unwrap_or_default(),
            category: category.map_err(|reason| Problem::invalid_field("category", reason))?,
            after: after.transpose()?,
            limit: size(params.limit),
        })
    }
}

/// The key of a name as a cursor: it may be of any characters.
pub(super) fn write_name_cursor(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn read_key_cursor(cursor: &str) -> Option<String> {
    let digits = cursor.as_bytes();
    if !digits.len().is_multiple_of(2) || !cursor.is_ascii() {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(digits.chunks(2).map(pair).collect::<Option<Vec<u8>>>()?).ok()
}

/// A page of users who are something to oneself.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleParams {
    /// The `nextCursor` of the page before.
    #[param(max_length = 32)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl PeopleParams {
    /// After which name the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(Option<String>, usize), Problem> {
        Ok((read_name_cursor(self.cursor.as_deref())?, size(self.limit)))
    }
}

/// Whose friend requests.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FriendRequestDirection)]
pub(super) enum Direction {
    /// Those to oneself.
    #[default]
    Incoming,
    /// Those of one's own.
    Outgoing,
}

/// A page of friend requests.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FriendRequestParams {
    /// Which requests; those to oneself if left out.
    #[serde(default)]
    #[param(inline)]
    direction: Direction,
    /// The `nextCursor` of the page before.
    #[param(max_length = 40)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

impl FriendRequestParams {
    /// Which requests, where the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(store::Direction, Option<RequestCursor>, usize), Problem> {
        let direction = match self.direction {
            Direction::Incoming => store::Direction::Incoming,
            Direction::Outgoing => store::Direction::Outgoing,
        };
        let invalid = || Problem::invalid_field("cursor", INVALID_CURSOR);
        let after = self.cursor.as_deref().map(|cursor| read_cursor(cursor).ok_or_else(invalid)).transpose()?;
        Ok((direction, after, size(self.limit)))
    }
}

/// A page of the inbox.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InboxParams {
    /// Only conversations that one has archived, or only the others; all if left out.
    #[serde(default, deserialize_with = "flag")]
    archived: Option<bool>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 40)]
    cursor: Option<String>,
    /// At most this many entries; 50 if left out.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 100, code = "out_of_range", message = "must be 1 to 100"))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A truth in a query string, where every value is a text.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| text.parse().map_err(|_| D::Error::invalid_type(Unexpected::Str(&text), &"a boolean"));
    text.map(read).transpose()
}

impl InboxParams {
    /// Which conversations, as far as archived ones go.
    pub(super) const fn archived(&self) -> Option<bool> {
        self.archived
    }

    /// Where the page begins, and how many entries it has at most.
    pub(super) fn page(&self) -> Result<(Option<InboxCursor>, usize), Problem> {
        let invalid = || Problem::invalid_field("cursor", INVALID_CURSOR);
        let after = self.cursor.as_deref().map(|cursor| read_cursor(cursor).ok_or_else(invalid)).transpose()?;
        Ok((after, size(self.limit)))
    }
}

/// A place in a list by time as a cursor: milliseconds and an id.
pub(super) fn write_cursor<Id: Display>((time, id): (Timestamp, Id)) -> String {
    format!("{}-{id}", time.as_millis())
}

pub(super) fn read_cursor<Id: FromStr>(cursor: &str) -> Option<(Timestamp, Id)> {
    let (millis, id) = cursor.split_once('-')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), id.parse().ok()?))
}

/// A part of a conversation's history.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParams {
    /// Only messages before this place, the newest of them.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(max = rules::MAX_COUNTER, code = "out_of_range", message = "must be at most 9007199254740991"))]
    #[param(minimum = 0, maximum = 9007199254740991i64)]
    before_seq: Option<u64>,
    /// Only messages after this place, the oldest of them. Not together with `beforeSeq`.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(max = rules::MAX_COUNTER, code = "out_of_range", message = "must be at most 9007199254740991"))]
    #[param(minimum = 0, maximum = 9007199254740991i64)]
    after_seq: Option<u64>,
    /// At most this many messages; 50 if left out. Of long ones a page has fewer: about a mebibyte of texts and
    /// metadata.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 1000, code = "out_of_range", message = "must be 1 to 1000"))]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

impl HistoryParams {
    /// Which messages, and how many at most.
    pub(super) fn window(&self) -> Result<(Window, usize), Problem> {
        let window = match (self.before_seq, self.after_seq) {
            (None, None) => Window::Newest,
            (Some(seq), None) => Window::Before(Seq::new(seq)),
            (None, Some(seq)) => Window::After(Seq::new(seq)),
            (Some(_), Some(_)) => {
                let reason = InvalidValue::new("exclusive", "must not be given together with `beforeSeq`");
                return Err(Problem::invalid_field("afterSeq", reason));
            }
        };
        Ok((window, size(self.limit)))
    }
}

/// How a socket is opened. For the documents; the socket's door reads them itself.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the derived documentation reads the fields")]
pub(super) struct SocketParams {
    /// Whether the client says with the command `resume` where it goes on, before anything is pushed.
    resume: Option<bool>,
}

pub(super) fn size(limit: Option<u64>) -> usize {
    usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX)
}
