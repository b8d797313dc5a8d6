//! By what a store finds the messages that mention a member.

use parlor_domain::{EVERYONE, Member, MentionedRole, Mentions, UserId};

/// Who is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One user.
    User(UserId),
    /// Several, by a word.
    Word(&'static str),
}

/// Whom a message mentions.
pub(crate) fn targets(mentions: &Mentions) -> impl Iterator<Item = Target> {
    let users = mentions.users.iter().map(|user| Target::User(*user));
    let words = mentions.everyone.then_some(EVERYONE).into_iter();
    users.chain(words.chain(mentions.roles.iter().map(|role| role.name())).map(Target::Word))
}

/// What a member is meant by.
pub(crate) fn of_member(member: &Member) -> impl Iterator<Item = Target> {
    let role = member.role;
    let roles =
        MentionedRole::ALL.into_iter().filter(move |mentioned| role.is_some_and(|role| mentioned.includes(role)));
    let words = std::iter::once(EVERYONE).chain(roles.map(MentionedRole::name));
    std::iter::once(Target::User(member.user_id)).chain(words.map(Target::Word))
}
