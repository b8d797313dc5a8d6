//! What a server looks like from outside: its routes, bodies, credentials and sockets, in a small TOML file.

mod template;

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

pub(crate) use self::template::{Template, Values};

/// The profiles that are built in.
const BUILT_IN: [(&str, &str); 5] = [
    ("parlor", include_str!("../../profiles/parlor.toml")),
    ("parlor-socketio", include_str!("../../profiles/parlor-socketio.toml")),
    ("node-reference", include_str!("../../profiles/node-reference.toml")),
    ("floor-http", include_str!("../../profiles/floor-http.toml")),
    ("floor-broadcast", include_str!("../../profiles/floor-broadcast.toml")),
];

/// A server, as the generator sees it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// For reports.
    pub(crate) name: String,
    /// Without it there are no accounts, and nobody has to say who he is.
    pub(crate) accounts: Option<Accounts>,
    /// How a conversation of two is opened; without it, the other user's id names it.
    pub(crate) open: Option<Open>,
    /// Messages.
    pub(crate) messages: Messages,
    /// Sockets.
    pub(crate) live: Option<Live>,
    /// How one message goes to many sockets; without it, they are all one user's, and the message is sent to him.
    pub(crate) many: Option<Many>,
}

/// A request and the status of its success.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) path: Template,
    /// In JSON. With one it is a POST, without a GET.
    pub(crate) body: Option<Template>,
    pub(crate) status: u16,
}

/// Accounts and how their owners say who they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accounts {
    pub(crate) sign_up: Request,
    pub(crate) log_in: Request,
    /// Where the user's id is in the answer to a sign-up: a JSON pointer.
    pub(crate) id: String,
    /// What the server gives to say who one is.
    pub(crate) credential: Credential,
}

/// What a server gives its users to say who they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Credential {
    /// A bearer token, at this JSON pointer of the answer.
    Token(String),
    /// The cookie of this name.
    Cookie(String),
}

/// How a conversation of two is opened.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Open {
    pub(crate) request: Request,
    /// Where the conversation's id is in the answer: a JSON pointer.
    pub(crate) id: String,
}

/// Messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Messages {
    pub(crate) send: Request,
    pub(crate) history: Option<History>,
    pub(crate) count: Option<Count>,
}

/// How a page of messages is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    pub(crate) request: Request,
    /// Where the list of messages is in the answer: a JSON pointer.
    pub(crate) items: String,
    /// The longest page.
    pub(crate) max: u64,
}

/// How one learns how many messages a conversation has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Count {
    pub(crate) request: Request,
    /// Where the number is in the answer: a JSON pointer. If a list is there, its length counts.
    pub(crate) number: String,
    /// From here on the number says nothing.
    pub(crate) below: Option<u64>,
}

/// Sockets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Live {
    pub(crate) protocol: Protocol,
    pub(crate) path: Template,
    /// What is in the frame by which the server says that the socket is ready. Without it, the handshake says so.
    pub(crate) ready: Option<String>,
    /// How a socket is opened that comes back, and what it sends first.
    pub(crate) resume: Option<Resume>,
}

/// What goes over the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Protocol {
    /// Text frames.
    #[serde(rename = "websocket")]
    WebSocket,
    /// Engine.IO 4 and Socket.IO 5, from the first byte over a WebSocket.
    #[serde(rename = "socket.io")]
    SocketIo,
}

/// How a client comes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    pub(crate) path: Template,
    /// What it sends when the socket is ready. Without it, Socket.IO's own recovery brings what was missed.
    pub(crate) frame: Option<Template>,
}

/// How one message goes to many sockets of different users.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    pub(crate) send: Request,
    /// What each socket sends to be among them.
    pub(crate) join: Option<Template>,
}

impl Profile {
    /// Takes a profile that is built in, or reads the file of that name.
    pub(crate) fn load(name: &str) -> Result<Self> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return toml::from_str(text).with_context(|| format!("the profile {name} is wrong"));
        }
        if !Path::new(name).exists() {
            let known: Vec<_> = BUILT_IN.iter().map(|(known, _)| *known).collect();
            bail!("there is no profile {name}: neither a file nor one of {}", known.join(", "));
        }
        let text = fs::read_to_string(name).with_context(|| format!("cannot read {name}"))?;
        toml::from_str(&text).with_context(|| format!("the profile {name} is wrong"))
    }

    /// The part about sockets.
    pub(crate) fn live(&self) -> Result<&Live> {
        self.live.as_ref().with_context(|| format!("{} has no sockets", self.name))
    }

    /// The part about accounts.
    pub(crate) fn accounts(&self) -> Result<&Accounts> {
        self.accounts.as_ref().with_context(|| format!("{} has no accounts", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_built_in_can_be_read_and_bears_its_name() {
        for (name, _) in BUILT_IN {
            assert_eq!(Profile::load(name).unwrap().name, name);
        }
    }

    #[test]
    fn a_profile_of_ones_own_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        fs::write(&path, "name = \"mine\"\n[messages]\nsend = { path = \"/say\", body = \"{}\", status = 200 }")
            .unwrap();
        let profile = Profile::load(path.to_str().unwrap()).unwrap();
        assert_eq!((profile.name.as_str(), profile.messages.send.status), ("mine", 200));
        assert!(profile.live().is_err_and(|error| error.to_string() == "mine has no sockets"));
    }

    #[test]
    fn a_wrong_profile_says_what_is_wrong() {
        let unknown = Profile::load("nobody").unwrap_err().to_string();
        assert!(unknown.starts_with("there is no profile nobody"), "{unknown}");
        let read = |text: &str| toml::from_str::<Profile>(text).unwrap_err().to_string();
        let place = read("name = \"x\"\n[messages]\nsend = { path = \"/{{where}}\", status = 200 }");
        assert!(place.contains("{{where}} stands for nothing"), "{place}");
        let field = read("name = \"x\"\nroutes = 3\n[messages]\nsend = { path = \"/\", status = 200 }");
        assert!(field.contains("unknown field `routes`"), "{field}");
    }
}
