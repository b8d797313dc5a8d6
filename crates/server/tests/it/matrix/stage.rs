//! Who calls, and what there is: for each section of the page another stage.

use std::{collections::HashMap, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::{
    cast::{Cast, delete, done},
    troupe::{Scenery, Troupe, block, said},
};
use crate::support::Client;

/// A section of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    Groups,
    Communities,
    Channels,
    Direct,
    People,
    Requests,
    Oneself,
    Administration,
    Everyone,
}

impl Scene {
    pub(super) const ALL: [Self; 9] = [
        Self::Groups,
        Self::Communities,
        Self::Channels,
        Self::Direct,
        Self::People,
        Self::Requests,
        Self::Oneself,
        Self::Administration,
        Self::Everyone,
    ];

    /// Whether it is about what users come into and leave.
    pub(super) const fn has_members(self) -> bool {
        matches!(self, Self::Groups | Self::Communities | Self::Channels)
    }

    /// The section's heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Groups => "Groups",
            Self::Communities => "Communities",
            Self::Channels => "Channels",
            Self::Direct => "Direct conversations",
            Self::People => "Other users",
            Self::Requests => "Friend requests",
            Self::Oneself => "Oneself",
            Self::Administration => "Administration",
            Self::Everyone => "Everyone",
        }
    }
}

/// What a call leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    /// What no other call is answered by.
    Own,
    /// Another answer to other calls.
    Shared,
}

/// What a caller has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    Live,
    Ended,
    None,
}

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) session: Session,
}

impl Caller {
    /// Why he is refused wherever a session is needed.
    pub(super) const fn refusals(&self) -> &'static [&'static str] {
        match self.session {
            Session::Live => &[],
            Session::Ended => &["session_ended"],
            // To the command `auth` he gives something instead of a token.
            Session::None => &["unauthenticated", "invalid_token"],
        }
    }
}

impl From<&Client> for Caller {
    fn from(client: &Client) -> Self {
        Self { client: client.clone(), session: Session::Live }
    }
}

/// Who calls, and the ids that calls may name.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) caller: Caller,
    /// The object's first: another name may stand for the same id.
    names: Vec<(&'static str, String)>,
}

/// What nobody ever had.
const UNKNOWN_ID: &str = "65f0c0ffee65f0c0ffee65f0";
const UNKNOWN_NAME: &str = "nobodyatall";
const NO_TOKEN: &str = "no-token-at-all";

impl Stage {
    fn new(caller: impl Into<Caller>, object: &str, names: Vec<(&'static str, String)>) -> Self {
        let caller = caller.into();
        let mut all = vec![("$object", object.to_owned())];
        all.extend(names);
        all.push(("$self", caller.client.id().to_owned()));
        all.push(("$token", caller.client.token.clone().unwrap_or_else(|| NO_TOKEN.to_owned())));
        Self { caller, names: all }
    }

    /// The same with another id in the place of this one.
    pub(super) fn without(&self, object: &str) -> Self {
        let unknown = |id: &str| if id.len() == UNKNOWN_ID.len() { UNKNOWN_ID } else { UNKNOWN_NAME };
        let names = self.names.iter();
        let names = names.map(|(name, id)| (*name, if *name == object { unknown(id).to_owned() } else { id.clone() }));
        Self { caller: self.caller.clone(), names: names.collect() }
    }

    /// Puts ids in the place of names.
    pub(super) fn fill(&self, text: &str) -> String {
        let filled = self.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
        assert!(!filled.contains('$'), "{filled} has a name that this stage has not");
        filled
    }

    pub(super) fn fill_in(&self, body: &Value) -> Value {
        serde_json::from_str(&self.fill(&body.to_string())).unwrap()
    }

    /// Puts names in the place of ids.
    pub(super) fn tell(&self, body: &Value) -> Value {
        let text = self.names.iter().fold(body.to_string(), |text, (name, id)| text.replace(id, name));
        serde_json::from_str(&text).unwrap()
    }
}

/// Makes the stages of a section.
pub(super) struct Stages {
    pub(super) scene: Scene,
    cast: Cast,
    groups: Option<Troupe>,
    pairs: Vec<(&'static str, Pair)>,
    /// By relation, for calls that change nothing.
    quiet_stages: Mutex<HashMap<String, Arc<OnceCell<Stage>>>>,
    /// The group for such calls, and how it was.
    quiet: OnceCell<(Scenery, Value)>,
    /// The group for calls that change nothing for other calls.
    lively: OnceCell<Scenery>,
}

/// Who calls, the other one, and their conversation.
struct Pair {
    caller: Caller,
    conversation: String,
    /// What the caller has said.
    message: String,
}

impl Stages {
    pub(super) async fn set(scene: Scene) -> Self {
        let cast = Cast::assemble().await;
        let groups = if scene.has_members() { Some(Troupe::assemble(&cast).await) } else { None };
        let pairs = if scene == Scene::Direct { pairs(&cast).await } else { Vec::new() };
        let stages = Self {
            scene,
            cast,
            groups,
            pairs,
            quiet_stages: Mutex::default(),
            quiet: OnceCell::new(),
            lively: OnceCell::new(),
        };
        if scene.has_members() {
            // While all who are to be in it can be added.
            stages.quiet_group().await;
        }
        stages.cast.end_sessions().await;
        stages
    }

    /// The stage for one who is this, and for a call that has this effect. One serves all calls that have none.
    pub(super) async fn stage(&self, relation: &str, effect: Effect) -> Stage {
        if effect != Effect::None {
            return self.build(relation, effect).await;
        }
        let quiet = Arc::clone(self.quiet_stages.lock().await.entry(relation.to_owned()).or_default());
        quiet.get_or_init(|| self.build(relation, effect)).await.clone()
    }

    async fn build(&self, relation: &str, effect: Effect) -> Stage {
        match self.scene {
            Scene::Groups | Scene::Communities | Scene::Channels => self.group_stage(relation, effect).await,
            Scene::Direct => self.direct_stage(relation, effect).await,
            Scene::People => self.people_stage(relation).await,
            Scene::Requests => self.requests_stage(relation).await,
            Scene::Oneself => self.own_stage(relation).await,
            Scene::Administration => self.administration_stage(relation).await,
            Scene::Everyone => self.open_stage(relation).await,
        }
    }

    /// Who is nobody.
    fn outsider(&self, relation: &str) -> Option<Caller> {
        match relation {
            "deleted" => Some(self.cast.deleted.clone()),
            "locked" => Some(self.cast.locked.clone()),
            "anonymous" => Some(self.cast.anonymous()),
            _ => None,
        }
    }

    async fn group_stage(&self, relation: &str, effect: Effect) -> Stage {
        let troupe = self.groups.as_ref().unwrap();
        let group = match effect {
            Effect::None => self.quiet_group().await.0.clone(),
            Effect::Own => self.lively.get_or_init(|| troupe.scenery(self.scene, &self.cast)).await.clone(),
            Effect::Shared => troupe.scenery(self.scene, &self.cast).await,
        };
        let Scenery { id: group, messages, names: more } = group;
        let said = |who: &str| messages.iter().find(|(by, _)| *by == who).map(|(_, id)| id.clone());
        let caller = self.outsider(relation).unwrap_or_else(|| match relation {
            "owner" => (&troupe.owner).into(),
            "admin" => (&troupe.admin).into(),
            "member" => (&troupe.member).into(),
            "muted" => (&troupe.muted).into(),
            "blocked" => (&troupe.blocked).into(),
            "former" => (&troupe.former).into(),
            "outsider" => (&troupe.outsider).into(),
            "removed" => (&troupe.removed).into(),
            "stranger" => (&self.cast.stranger).into(),
            unknown => panic!("who is {unknown}?"),
        });
        let id = |client: &Client| client.id().to_owned();
        let mut names = vec![
            ("$owner", id(&troupe.owner)),
            ("$outsider", id(&troupe.outsider)),
            ("$bystander", id(&troupe.bystander)),
            ("$deputy", id(&troupe.deputy)),
            ("$newcomer", id(&self.cast.root)),
            ("$hostile", id(&troupe.hostile)),
            ("$avoided", id(&troupe.avoided)),
            ("$deleted", id(&self.cast.deleted.client)),
            ("$elsewhere", troupe.elsewhere.clone()),
        ];
        let mine = said(relation).or(said("bystander"));
        let messages = [("$message", said("bystander")), ("$mine", mine), ("$theirs", said("owner"))];
        names.extend(messages.into_iter().filter_map(|(name, id)| Some((name, id?))));
        names.extend(more);
        Stage::new(caller, &group, names)
    }

    async fn quiet_group(&self) -> &(Scenery, Value) {
        let make = async || {
            let troupe = self.groups.as_ref().unwrap();
            let group = troupe.scenery(self.scene, &self.cast).await;
            let seen = troupe.seen(&group.id).await;
            (group, seen)
        };
        self.quiet.get_or_init(make).await
    }

    /// Fails if a call that was refused has left something behind.
    pub(super) async fn refusals_have_changed_nothing(&self) {
        if let (Some(troupe), Some((group, seen))) = (&self.groups, self.quiet.get()) {
            assert_eq!(&troupe.seen(&group.id).await, seen);
        }
    }

    async fn direct_stage(&self, relation: &str, effect: Effect) -> Stage {
        if effect == Effect::Shared {
            let Pair { caller, conversation, message } = Pair::new(&self.cast, relation).await;
            return Stage::new(caller, &conversation, vec![("$mine", message)]);
        }
        // Who is nothing to a conversation calls for one that others have.
        let pair = |name: &str| self.pairs.iter().find(|(relation, _)| *relation == name).map(|(_, pair)| pair);
        let Pair { caller, conversation, message } = pair(relation).or(pair("member")).unwrap();
        let caller = match relation {
            "stranger" => (&self.cast.stranger).into(),
            _ => self.outsider(relation).unwrap_or_else(|| caller.clone()),
        };
        let names = vec![("$newcomer", self.cast.root.id().to_owned()), ("$mine", message.clone())];
        Stage::new(caller, conversation, names)
    }

    async fn people_stage(&self, relation: &str) -> Stage {
        let (caller, other) = (self.cast.user().await, self.cast.user().await);
        match relation {
            "friend" => befriend(&caller, &other).await,
            "bereft" => delete(&other).await,
            "self" => {
                let names = vec![("$name", username(&caller))];
                return Stage::new(&caller, caller.id(), names);
            }
            _ => part(relation, &caller, &other).await,
        }
        let caller = self.outsider(relation).unwrap_or_else(|| (&caller).into());
        Stage::new(caller, other.id(), vec![("$name", username(&other))])
    }

    async fn requests_stage(&self, relation: &str) -> Stage {
        let (asking, asked) = (self.cast.user().await, self.cast.user().await);
        let body = json!({ "userId": asked.id() });
        let request = done(&asking, Method::POST, "/api/v1/friend-requests", body).await;
        if ["blocked", "blocking"].contains(&relation) {
            block(&asked, &asking).await;
        }
        let caller = match relation {
            "asking" | "blocked" => (&asking).into(),
            "asked" | "blocking" => (&asked).into(),
            _ => self.outsider(relation).unwrap_or_else(|| (&self.cast.stranger).into()),
        };
        Stage::new(caller, request["id"].as_str().unwrap(), Vec::new())
    }

    async fn own_stage(&self, relation: &str) -> Stage {
        let user = self.cast.user().await;
        let (session, foreign) = (session_of(&user).await, session_of(&self.cast.stranger).await);
        let caller = self.outsider(relation).unwrap_or_else(|| (&user).into());
        let names = vec![("$session", session), ("$foreign", foreign), ("$fresh", self.cast.fresh_name())];
        Stage::new(caller, self.cast.stranger.id(), names)
    }

    async fn administration_stage(&self, relation: &str) -> Stage {
        let target = self.cast.user().await;
        let session = session_of(&target).await;
        let foreign = session_of(&self.cast.stranger).await;
        let deleted = self.cast.deleted.client.id().to_owned();
        let caller = match relation {
            "super_admin" => (&self.cast.root).into(),
            "group_admin" => (&self.group_admin().await).into(),
            "user" => (&self.cast.user().await).into(),
            _ => self.outsider(relation).unwrap(),
        };
        let names = vec![("$session", session), ("$foreign", foreign), ("$deleted", deleted)];
        Stage::new(caller, target.id(), names)
    }

    async fn group_admin(&self) -> Client {
        let user = self.cast.user().await;
        let path = format!("/api/v1/admin/users/{}/role", user.id());
        done(&self.cast.root, Method::PUT, &path, json!({ "role": "group_admin" })).await;
        user
    }

    async fn open_stage(&self, relation: &str) -> Stage {
        let user = self.cast.user().await;
        let caller = self.outsider(relation).unwrap_or_else(|| (&user).into());
        let (token, login) = match caller.session {
            Session::None => (NO_TOKEN.to_owned(), UNKNOWN_NAME.to_owned()),
            Session::Live | Session::Ended => {
                let token = caller.client.tokens["refreshToken"].as_str().unwrap();
                (token.to_owned(), username(&caller.client))
            }
        };
        let names = vec![("$refresh", token), ("$login", login), ("$fresh", self.cast.fresh_name())];
        Stage::new(caller, user.id(), names)
    }
}

/// For each relation in a direct conversation one who has it.
async fn pairs(cast: &Cast) -> Vec<(&'static str, Pair)> {
    let mut pairs = Vec::new();
    for relation in ["member", "blocked", "blocking", "unwanted", "bereft", "deleted", "locked"] {
        pairs.push((relation, Pair::new(cast, relation).await));
    }
    pairs
}

impl Pair {
    async fn new(cast: &Cast, relation: &str) -> Self {
        let other = cast.user().await;
        let caller = match relation {
            "deleted" => cast.deleted.clone(),
            "locked" => cast.locked.clone(),
            _ => (&cast.user().await).into(),
        };
        let conversation = caller.client.direct(&other).await;
        let message = said(&caller.client, &conversation).await;
        match relation {
            "bereft" => delete(&other).await,
            _ => part(relation, &caller.client, &other).await,
        }
        Self { caller, conversation, message }
    }
}

/// Has the two be this to each other, if it is something that keeps them apart.
pub(super) async fn part(relation: &str, caller: &Client, other: &Client) {
    match relation {
        "blocked" => block(other, caller).await,
        "blocking" => block(caller, other).await,
        "unwanted" => {
            let settings = json!({ "settings": { "whoCanWrite": "nobody" } });
            done(other, Method::PATCH, "/api/v1/users/me", settings).await;
        }
        _ => {}
    }
}

pub(super) async fn befriend(a: &Client, b: &Client) {
    let request = done(a, Method::POST, "/api/v1/friend-requests", json!({ "userId": b.id() })).await;
    let path = format!("/api/v1/friend-requests/{}/accept", request["id"].as_str().unwrap());
    done(b, Method::POST, &path, Value::Null).await;
}

fn username(client: &Client) -> String {
    client.user["username"].as_str().unwrap().to_owned()
}

/// The id of a session of this user.
async fn session_of(user: &Client) -> String {
    let sessions = user.get("/api/v1/users/me/sessions").await.body;
    sessions["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{sessions}")).to_owned()
}
