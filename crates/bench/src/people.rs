//! The server under test, and users made for a run.

use std::{
    cell::{Cell, RefCell},
    fmt::Write as _,
    fs,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    rc::Rc,
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    http::{Client, Failure, Response},
    limits::FileLimit,
    live::{End, Opening, Place, Socket},
    net::Network,
    process::Subject,
    profile::{Credential, Profile, Request, Values},
};

/// How many users sign up at a time.
const SIGNING_UP: u32 = 16;
/// Known to the generator alone, and long enough for everybody's rules.
pub(crate) const PASSWORD: &str = "measure-the-machine-7";

/// The server under test, as all parts of a run see it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) profile: Profile,
    pub(crate) network: Network,
    /// The processes to look at.
    pub(crate) subjects: Vec<Subject>,
    pub(crate) files: FileLimit,
    /// Bytes that came in over sockets.
    pub(crate) pushed: Rc<Cell<u64>>,
    /// So that the users of this run are not those of an earlier one.
    run: String,
    named: Cell<u64>,
    /// Users who signed up in an earlier run, so that a server can be looked at that has only just started.
    known: RefCell<Vec<Rc<Person>>>,
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Person {
    /// What he logs in by.
    pub(crate) user: String,
    pub(crate) id: String,
    /// The header by which he says who he is, as a line.
    pub(crate) credential: String,
}

impl Target {
    /// The server at the other end of this network.
    pub(crate) fn new(profile: Profile, network: Network, subjects: Vec<Subject>, files: FileLimit) -> Rc<Self> {
        let run = format!("{:06x}", RandomState::new().hash_one(()) & 0x00ff_ffff);
        let (pushed, named, known) = (Rc::default(), Cell::new(0), RefCell::default());
        Rc::new(Self { profile, network, subjects, files, pushed, run, named, known })
    }

    /// The same server with other users, for another thread.
    pub(crate) fn elsewhere(&self) -> impl FnOnce() -> Rc<Self> + Send + use<> {
        let (profile, network, files) = (self.profile.clone(), self.network.clone(), self.files);
        move || Self::new(profile, network, Vec::new(), files)
    }

    /// Takes users from a file that `save` wrote, before any sign up.
    pub(crate) fn read_people(&self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let people: Vec<Person> = serde_json::from_str(&text)?;
        self.known.borrow_mut().extend(people.into_iter().map(Rc::new));
        Ok(())
    }

    /// A name that nothing else has.
    fn unique(&self) -> String {
        let mut name = String::new();
        self.write_unique(&mut name);
        name
    }

    /// The same into a buffer, in place of what is there.
    fn write_unique(&self, into: &mut String) {
        self.named.set(self.named.get() + 1);
        into.clear();
        // Writing to a `String` can't fail.
        let _ = write!(into, "b{}-{}", self.run, self.named.get());
    }

    /// So many users: those of an earlier run that nobody has taken yet, and new ones.
    pub(crate) async fn people(self: &Rc<Self>, count: u32) -> Result<Vec<Rc<Person>>> {
        let mut people: Vec<_> = {
            let mut known = self.known.borrow_mut();
            let left = known.len().saturating_sub(usize::try_from(count)?);
            known.drain(left..).collect()
        };
        let count = count - u32::try_from(people.len())?;
        let mut tasks = JoinSet::new();
        for first in 0..SIGNING_UP.min(count) {
            let target = Rc::clone(self);
            tasks.spawn_local(async move {
                let mut client = Client::new("");
                let mut people = Vec::new();
                for _ in (first..count).step_by(usize::try_from(SIGNING_UP)?) {
                    people.push(Rc::new(target.sign_up(&mut client).await?));
                }
                anyhow::Ok(people)
            });
        }
        while let Some(some) = tasks.join_next().await {
            people.extend(some??);
        }
        Ok(people)
    }

    async fn sign_up(&self, client: &mut Client) -> Result<Person> {
        let user = self.unique();
        let Some(accounts) = &self.profile.accounts else {
            return Ok(Person { id: user.clone(), user, credential: String::new() });
        };
        let values = Values { user: &user, password: PASSWORD, ..Values::default() };
        let response = client.send(&self.network, &accounts.sign_up, &values).await.context("cannot sign up")?;
        let id = text_at(&json(&response)?, &accounts.id)?;
        let credential = match &accounts.credential {
            Credential::Token(pointer) => {
                format!("authorization: Bearer {}\r\n", text_at(&json(&response)?, pointer)?)
            }
            Credential::Cookie(name) => format!("cookie: {name}={}\r\n", cookie(&response.cookies, name)?),
        };
        Ok(Person { user, id, credential })
    }

    /// Opens the conversation of a user with another one, by whose id it goes where none has to be opened.
    pub(crate) async fn open(&self, client: &mut Client, person: &Person, peer: &Person) -> Result<String> {
        let Some(open) = &self.profile.open else { return Ok(peer.id.clone()) };
        let values = Values { me: &person.id, peer: &peer.id, ..Values::default() };
        let response =
            client.send(&self.network, &open.request, &values).await.context("cannot open a conversation")?;
        text_at(&json(&response)?, &open.id)
    }

    /// How many messages a conversation has; `None` if the server has no way to say.
    pub(crate) async fn count(&self, client: &mut Client, conversation: &str) -> Result<Option<u64>> {
        let Some(count) = &self.profile.messages.count else { return Ok(None) };
        let values = Values { conversation, ..Values::default() };
        let response = client.send(&self.network, &count.request, &values).await.context("cannot count messages")?;
        let number = number_at(&json(&response)?, &count.number)?;
        Ok(Some(number).filter(|number| count.below.is_none_or(|below| *number < below)))
    }

    /// Opens a user's socket.
    pub(crate) async fn socket(&self, person: &Person, path: &str) -> Result<Socket, End> {
        self.socket_from(person, path, None).await
    }

    /// Opens a user's socket where one was before, with Socket.IO.
    pub(crate) async fn socket_from(&self, person: &Person, path: &str, place: Option<&Place>) -> Result<Socket, End> {
        let live = self.profile.live().map_err(|error| End::Closed(error.to_string()))?;
        let opening = Opening { path, credential: &person.credential, place, received: &self.pushed };
        Socket::open(&self.network, live, opening).await
    }

    /// The path of a user's socket.
    pub(crate) fn socket_path(&self, person: &Person) -> Result<String> {
        let values = Values { me: &person.id, user: &person.user, ..Values::default() };
        Ok(self.profile.live()?.path.text(&values))
    }
}

/// Writes users to a file, for later runs.
pub(crate) fn save(people: &[Rc<Person>], path: &Path) -> Result<()> {
    let people: Vec<&Person> = people.iter().map(Rc::as_ref).collect();
    fs::write(path, serde_json::to_string(&people)?).with_context(|| format!("cannot write {}", path.display()))
}

/// A message of one's own on its way to a conversation.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) target: Rc<Target>,
    pub(crate) client: Client,
    pub(crate) person: Rc<Person>,
    pub(crate) conversation: String,
    /// Whether it goes to many, who joined.
    pub(crate) to_many: bool,
    /// The name of the message that is sent.
    unique: String,
}

impl Sender {
    /// One who sends to this peer.
    pub(crate) async fn to(target: &Rc<Target>, person: &Rc<Person>, peer: &Person) -> Result<Self> {
        let mut client = Client::new(&person.credential);
        let conversation = target.open(&mut client, person, peer).await?;
        let (target, person) = (Rc::clone(target), Rc::clone(person));
        Ok(Self { target, client, person, conversation, to_many: false, unique: String::new() })
    }

    /// One who sends to everybody who has joined this conversation.
    pub(crate) fn to_many(target: &Rc<Target>, person: &Rc<Person>, conversation: &str) -> Self {
        let (client, conversation) = (Client::new(&person.credential), conversation.to_owned());
        let (target, person) = (Rc::clone(target), Rc::clone(person));
        Self { target, client, person, conversation, to_many: true, unique: String::new() }
    }

    /// Another connection of the same.
    pub(crate) fn again(&self) -> Self {
        Self {
            target: Rc::clone(&self.target),
            client: Client::new(&self.person.credential),
            person: Rc::clone(&self.person),
            conversation: self.conversation.clone(),
            to_many: self.to_many,
            unique: String::new(),
        }
    }

    /// Sends a text.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), Failure> {
        self.target.write_unique(&mut self.unique);
        let values = Values {
            me: &self.person.id,
            conversation: &self.conversation,
            text,
            unique: &self.unique,
            ..Values::default()
        };
        let request = request(&self.target.profile, self.to_many);
        self.client.send(&self.target.network, request, &values).await.map(drop)
    }
}

/// The parts of an answer.
pub(crate) fn json(response: &Response) -> Result<Value> {
    serde_json::from_slice(&response.body).context("an answer is no JSON")
}

fn text_at(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("there is no text at {pointer}"))
}

/// The number at this place, or the length of the list there.
pub(crate) fn number_at(value: &Value, pointer: &str) -> Result<u64> {
    match value.pointer(pointer) {
        Some(Value::Array(list)) => Ok(u64::try_from(list.len())?),
        Some(Value::Number(number)) => number.as_u64().context("a number is none to count with"),
        Some(Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_)) | None => {
            bail!("there is no number and no list at {pointer:?}")
        }
    }
}

fn cookie(cookies: &[String], name: &str) -> Result<String> {
    let value = |cookie: &String| {
        let (found, rest) = cookie.split_once('=')?;
        (found == name).then(|| rest.split(';').next().unwrap_or_default().to_owned())
    };
    cookies.iter().find_map(value).with_context(|| format!("there is no cookie {name}"))
}

/// How a message is sent to one, or to many who joined.
fn request(profile: &Profile, to_many: bool) -> &Request {
    match &profile.many {
        Some(many) if to_many => &many.send,
        Some(_) | None => &profile.messages.send,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::task::LocalSet;

    use super::*;

    #[test]
    fn numbers_and_lists_count() {
        let value = json!({ "items": [1, 2, 3], "lastSeq": 42, "name": "a" });
        assert_eq!(number_at(&value, "/items").unwrap(), 3);
        assert_eq!(number_at(&value, "/lastSeq").unwrap(), 42);
        assert_eq!(number_at(&json!([1]), "").unwrap(), 1);
        assert!(number_at(&value, "/name").is_err());
        assert!(number_at(&value, "/nowhere").is_err());
    }

    #[tokio::test]
    async fn users_of_an_earlier_run_come_first_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("people.json");
        let person = |id: &str| Rc::new(Person { user: id.into(), id: id.into(), credential: String::new() });
        save(&[person("1"), person("2"), person("3")], &file).unwrap();
        let network = Network::new("http://127.0.0.1:9", 1).await.unwrap();
        let target = Target::new(Profile::load("floor-http").unwrap(), network, Vec::new(), crate::limits::raise());
        target.read_people(&file).unwrap();
        let local = LocalSet::new();
        let ids = |people: Vec<Rc<Person>>| people.iter().map(|person| person.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(local.run_until(target.people(2)).await.unwrap()), ["2", "3"]);
        let rest = ids(local.run_until(target.people(2)).await.unwrap());
        assert_eq!((rest[0].as_str(), rest.len()), ("1", 2));
        assert!(rest[1].starts_with('b'), "{rest:?}");
    }

    #[test]
    fn a_cookie_is_found_by_its_name() {
        let cookies = ["a=1; Path=/", "jwt=x.y=z; HttpOnly", "jwt2=no"].map(str::to_owned);
        assert_eq!(cookie(&cookies, "jwt").unwrap(), "x.y=z");
        assert!(cookie(&cookies, "j").is_err());
    }
}
