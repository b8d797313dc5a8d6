//! Texts with places for values: `/conversations/{{conversation}}/messages`.

use serde::Deserialize;

/// What a place can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The user name of who asks.
    User,
    /// The id of who asks.
    Me,
    /// The password of who asks.
    Password,
    /// The id of the other user.
    Peer,
    /// The conversation's id.
    Conversation,
    /// A message's text.
    Text,
    /// A name that no other request has.
    Unique,
    /// The length of a page.
    Limit,
    /// The revision of the conversation that the client knows.
    Rev,
}

impl Place {
    const ALL: [(&'static str, Self); 9] = [
        ("user", Self::User),
        ("me", Self::Me),
        ("password", Self::Password),
        ("peer", Self::Peer),
        ("conversation", Self::Conversation),
        ("text", Self::Text),
        ("unique", Self::Unique),
        ("limit", Self::Limit),
        ("rev", Self::Rev),
    ];

    fn parse(name: &str) -> Result<Self, String> {
        let place = Self::ALL.into_iter().find(|(known, _)| *known == name);
        place.map(|(_, place)| place).ok_or_else(|| format!("{{{{{name}}}}} stands for nothing"))
    }
}

/// What stands in the places. All of it goes into JSON and URLs as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Values<'a> {
    pub(crate) user: &'a str,
    pub(crate) me: &'a str,
    pub(crate) password: &'a str,
    pub(crate) peer: &'a str,
    pub(crate) conversation: &'a str,
    pub(crate) text: &'a str,
    pub(crate) unique: &'a str,
    pub(crate) limit: u64,
    pub(crate) rev: u64,
}

/// A text whose places are known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, behind) = after.split_once("}}").ok_or_else(|| format!("`{{{{{after}` is not closed"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Place(Place::parse(name)?));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }
}

impl Template {
    /// Appends the text with these values.
    pub(crate) fn render(&self, values: &Values<'_>, into: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => into.push_str(text),
                Piece::Place(place) => render_place(*place, values, into),
            }
        }
    }

    /// The text with these values.
    pub(crate) fn text(&self, values: &Values<'_>) -> String {
        let mut text = String::new();
        self.render(values, &mut text);
        text
    }
}

fn render_place(place: Place, values: &Values<'_>, into: &mut String) {
    match place {
        Place::User => into.push_str(values.user),
        Place::Me => into.push_str(values.me),
        Place::Password => into.push_str(values.password),
        Place::Peer => into.push_str(values.peer),
        Place::Conversation => into.push_str(values.conversation),
        Place::Text => into.push_str(values.text),
        Place::Unique => into.push_str(values.unique),
        Place::Limit => into.push_str(&values.limit.to_string()),
        Place::Rev => into.push_str(&values.rev.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, String> {
        Template::try_from(text.to_owned())
    }

    #[test]
    fn every_place_takes_its_value() {
        let text = "{{user}} {{me}} {{password}} {{peer}} {{conversation}} {{text}} {{unique}} {{limit}} {{rev}}";
        let values = Values {
            user: "u",
            me: "m",
            password: "w",
            peer: "p",
            conversation: "c",
            text: "t",
            unique: "q",
            limit: 50,
            rev: 7,
        };
        assert_eq!(template(text).unwrap().text(&values), "u m w p c t q 50 7");
    }

    #[test]
    fn text_around_places_stays_as_it_is() {
        let values = Values { peer: "77", ..Values::default() };
        assert_eq!(template(r#"{"to":"{{peer}}","a":{}}"#).unwrap().text(&values), r#"{"to":"77","a":{}}"#);
        assert_eq!(template("").unwrap().text(&values), "");
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        assert_eq!(template("/x/{{usr}}").unwrap_err(), "{{usr}} stands for nothing");
        assert_eq!(template("/x/{{user").unwrap_err(), "`{{user` is not closed");
    }
}
