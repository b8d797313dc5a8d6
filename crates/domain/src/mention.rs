//! Whom a message calls by `@`: what a text asks for, and what comes of it.

use std::collections::HashMap;

use crate::{MemberRole, MemberSettings, Seq, Timestamp, UserId, Username};

/// Whom a message mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Members by their names, in the order in which they are named first.
    pub users: Vec<UserId>,
    /// Every member.
    pub everyone: bool,
    /// Whoever has one of these roles when the mention is counted.
    pub roles: Vec<MentionedRole>,
}

impl Mentions {
    /// Whether it is nobody.
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.everyone && self.roles.is_empty()
    }
}

/// The roles that can be mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MentionedRole {
    /// The owner.
    Owner,
    /// The owner and the administrators.
    Admins,
}

impl MentionedRole {
    /// Every such role.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Admins];

    /// The word for it: behind the `@`, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admins => "admins",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether a member with this role is meant.
    pub const fn includes(self, role: MemberRole) -> bool {
        match self {
            Self::Owner => matches!(role, MemberRole::Owner),
            Self::Admins => matches!(role, MemberRole::Owner | MemberRole::Admin),
        }
    }
}

/// The word for every member: behind the `@`, and in a store.
pub const EVERYONE: &str = "everyone";

/// What a text asks for: whom it names is not known yet, nor whether its author may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MentionText {
    names: Vec<Name>,
    everyone: bool,
    roles: Vec<MentionedRole>,
}

/// What may be a name, in lower case. A name may end with the marks that end a sentence, so there are two of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    whole: String,
    trimmed: String,
}

impl MentionText {
    /// How many different names of a text are looked up at most; those behind them are text.
    pub const MAX_NAMES: usize = 50;

    /// Reads a text, in a time that grows with its length and nothing else.
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        if !text.contains('@') {
            return found;
        }
        let mut rest = 0;
        for (begin, end) in code_spans(text).into_iter().chain([(text.len(), text.len())]) {
            found.read(text, rest..begin);
            rest = end;
        }
        found
    }

    /// Reads a part of a text that is no code.
    fn read(&mut self, text: &str, part: std::ops::Range<usize>) {
        for (at, _) in text[part.clone()].match_indices('@') {
            let at = part.start + at;
            if text[..at].chars().next_back().is_some_and(holds_on) {
                continue;
            }
            let word = &text[at + 1..part.end];
            let len = word.find(|c: char| !in_name(c)).unwrap_or(word.len());
            let next = text[at + 1 + len..].chars().next();
            if next.is_none_or(|next| next != '@' && !is_letter(next)) {
                self.ask(&word[..len]);
            }
        }
    }

    fn ask(&mut self, word: &str) {
        let trimmed = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is = |name: &str| trimmed.eq_ignore_ascii_case(name);
        if is(EVERYONE) {
            self.everyone = true;
        } else if let Some(role) = MentionedRole::ALL.into_iter().find(|role| is(role.name())) {
            if !self.roles.contains(&role) {
                self.roles.push(role);
            }
        } else if self.names.len() < Self::MAX_NAMES && [word, trimmed].into_iter().any(is_name) {
            let name = Name { whole: word.to_ascii_lowercase(), trimmed: trimmed.to_ascii_lowercase() };
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Whether it asks for nobody.
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.calls_all()
    }

    /// Whether it asks for everyone or a role, which not everybody may: see [`MemberRole::mentions_all`].
    pub const fn calls_all(&self) -> bool {
        self.everyone || !self.roles.is_empty()
    }

    /// The names to look up, in lower case: at most two for each of [`Self::MAX_NAMES`].
    pub fn keys(&self) -> Vec<String> {
        let both = self.names.iter().flat_map(|name| [&name.whole, &name.trimmed]);
        let mut keys: Vec<String> = both.filter(|key| is_name(key)).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Whom it mentions, if these are the members of those names, and its author may call all or not.
    pub fn resolve(&self, members: &HashMap<String, UserId>, may_call_all: bool) -> Mentions {
        let mut users = Vec::new();
        for name in &self.names {
            let user = members.get(&name.whole).or_else(|| members.get(&name.trimmed));
            if let Some(user) = user.filter(|user| !users.contains(*user)) {
                users.push(*user);
            }
        }
        let roles = if may_call_all { self.roles.clone() } else { Vec::new() };
        Mentions { users, everyone: self.everyone && may_call_all, roles }
    }
}

fn is_name(word: &str) -> bool {
    Username::parse(word).is_ok()
}

/// What a user name is made of.
const fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Whether what stands before an `@` makes it a part of something else: an e-mail address, a path, another word.
fn holds_on(before: char) -> bool {
    is_letter(before) || matches!(before, '_' | '-' | '.' | '+' | '/' | '@')
}

/// Whether a character goes on with a word. Where words are written without spaces between them, none does.
fn is_letter(c: char) -> bool {
    let without_spaces = matches!(
        c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{d7ff}'
            | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}'
    );
    c.is_alphanumeric() && !without_spaces
}

/// Where code stands: between two runs of equally many backticks, as in Markdown. Each run is looked at once.
fn code_spans(text: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some((begin, len)) if *begin + *len == at => *len += 1,
            _ => runs.push((at, 1)),
        }
    }
    // For each run the next one of its length.
    let mut last: HashMap<usize, usize> = HashMap::new();
    let mut closing = vec![None; runs.len()];
    for (n, (_, len)) in runs.iter().enumerate().rev() {
        closing[n] = last.insert(*len, n);
    }
    let mut spans = Vec::new();
    let mut next = 0;
    while let Some((begin, _)) = runs.get(next) {
        if let Some(end) = closing[next] {
            let (at, len) = runs[end];
            spans.push((*begin, at + len));
            next = end;
        }
        next += 1;
    }
    spans
}

/// What a member has not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// How many messages of others; neither system messages nor deleted ones count.
    pub messages: u64,
    /// How many of these mention him, without those of users whom he blocks.
    pub mentions: u64,
}

/// What a user has not read in several conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadSum {
    /// In how many there is something unread.
    pub conversations: u64,
    /// All of it.
    pub unread: Unread,
}

impl UnreadSum {
    fn add(&mut self, unread: Unread) {
        self.conversations += u64::from(unread != Unread::default());
        self.unread.messages += unread.messages;
        self.unread.mentions += unread.mentions;
    }
}

/// What a user has not read in all his conversations. What he hides counts nowhere until it comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadTotals {
    /// In those that are neither muted nor put away.
    pub listed: UnreadSum,
    /// In those that are muted and not put away.
    pub muted: UnreadSum,
    /// In those that are put away.
    pub archived: UnreadSum,
}

impl UnreadTotals {
    /// Adds a conversation that has come to `last`, at a time.
    pub fn add(&mut self, settings: &MemberSettings, last: Seq, unread: Unread, now: Timestamp) {
        let is_muted = settings.muted_until.is_some_and(|until| until > now);
        match settings {
            settings if settings.hides(last) => {}
            settings if settings.archived => self.archived.add(unread),
            _ if is_muted => self.muted.add(unread),
            _ => self.listed.add(unread),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        MentionText::parse(text).names.into_iter().map(|name| name.trimmed).collect()
    }

    #[test]
    fn a_name_behind_an_at_sign_is_read_in_lower_case() {
        assert_eq!(names("@Ada and (@bob), \"@cem\"\n@d-e.f_9"), ["ada", "bob", "cem", "d-e.f_9"]);
        assert_eq!(names("你好@ada请看 @bob你好"), ["ada", "bob"], "where words are not parted");
        assert_eq!(names("@ada @ADA @ada"), ["ada"]);
    }

    #[test]
    fn what_is_a_part_of_something_else_is_no_name() {
        for text in [
            "ada@example.com",
            "josé@example.com",
            "a.b+c-@example.com",
            "@ada@example.com",
            "https://example.com/@ada",
            "@@ada",
            "@adaé",
            "@",
            "@ ada",
            "@ab",
            "@-ada",
            "@_ada",
            "a_@ada",
            "＠ada",
        ] {
            assert!(MentionText::parse(text).is_empty(), "{text}");
        }
        assert!(names(&format!("@{}", "a".repeat(33))).is_empty());
    }

    #[test]
    fn the_end_of_a_sentence_is_no_part_of_a_name_unless_a_member_is_called_so() {
        let [ada, dotted] = [1, 2].map(|byte| UserId::from_bytes([byte; 12]));
        let text = MentionText::parse("it was @Ada.");
        assert_eq!(text.keys(), ["ada", "ada."]);
        let resolve = |members: &[(&str, UserId)]| {
            let members = members.iter().map(|(name, user)| ((*name).to_owned(), *user)).collect();
            text.resolve(&members, false).users
        };
        assert_eq!(resolve(&[("ada", ada)]), [ada]);
        assert_eq!(resolve(&[("ada", ada), ("ada.", dotted)]), [dotted]);
        assert_eq!(resolve(&[]), []);
    }

    #[test]
    fn words_call_everyone_and_roles_of_who_may() {
        let text = MentionText::parse("@Everyone! @ADMINS, @owner. @admins");
        assert!(text.calls_all() && text.keys().is_empty());
        let roles = vec![MentionedRole::Admins, MentionedRole::Owner];
        assert_eq!(text.resolve(&HashMap::new(), true), Mentions { users: Vec::new(), everyone: true, roles });
        assert_eq!(text.resolve(&HashMap::new(), false), Mentions::default());
        assert!(!MentionText::parse("@everyone_else @admin").calls_all());
    }

    #[test]
    fn code_names_nobody() {
        assert_eq!(names("`@ada` @bob ``a ` @cem`` @dan"), ["bob", "dan"]);
        assert_eq!(names("```\n@ada\n``` @bob"), ["bob"]);
        assert_eq!(names("` @ada `` @bob"), ["ada", "bob"], "what is not closed is no code");
        assert_eq!(names("@ada`x`"), ["ada"]);
    }

    #[test]
    fn as_many_names_are_looked_up_as_may_be_and_no_more() {
        let text: String = (0..10_000).map(|n| format!("@user{n} ")).collect();
        let found = MentionText::parse(&text);
        assert_eq!(found.keys().len(), MentionText::MAX_NAMES);
        let dotted: String = (0..10_000).map(|n| format!("@user{n}. ")).collect();
        assert_eq!(MentionText::parse(&dotted).keys().len(), 2 * MentionText::MAX_NAMES);
    }

    #[test]
    fn what_is_muted_put_away_or_hidden_is_summed_up_apart() {
        let [now, later] = [5, 6].map(Timestamp::from_millis);
        let unread = Unread { messages: 3, mentions: 1 };
        let sum = UnreadSum { conversations: 1, unread };
        let total = |settings: MemberSettings, last: u64| {
            let mut totals = UnreadTotals::default();
            totals.add(&settings, Seq::new(last), unread, now);
            totals
        };
        let none = MemberSettings::default();
        assert_eq!(total(none, 4), UnreadTotals { listed: sum, ..UnreadTotals::default() });
        let muted = MemberSettings { muted_until: Some(later), ..none };
        assert_eq!(total(muted, 4), UnreadTotals { muted: sum, ..UnreadTotals::default() });
        assert_eq!(total(MemberSettings { muted_until: Some(now), ..none }, 4).listed, sum, "that has ended");
        let archived = MemberSettings { archived: true, ..muted };
        assert_eq!(total(archived, 4), UnreadTotals { archived: sum, ..UnreadTotals::default() });
        let hidden = MemberSettings { hidden_up_to: Some(Seq::new(4)), ..none };
        assert_eq!(total(hidden, 4), UnreadTotals::default());
        assert_eq!(total(hidden, 5).listed, sum, "it is back");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[@`a-zA-Z.é好 \\n_-]{0,200}") {
            let found = MentionText::parse(&text);
            prop_assert!(found.keys().iter().all(|key| Username::parse(key).is_ok()));
        }
    }
}
