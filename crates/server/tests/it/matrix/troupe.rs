//! Who is in the groups that the matrix is tried in.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    cast::{Cast, done},
    stage::Scene,
};
use crate::support::Client;

/// Those who are in groups.
pub(super) struct Troupe {
    pub(super) owner: Client,
    pub(super) admin: Client,
    pub(super) member: Client,
    pub(super) muted: Client,
    pub(super) blocked: Client,
    pub(super) former: Client,
    /// Is in the community and not in its private channel.
    pub(super) outsider: Client,
    /// Was removed from the private channel.
    pub(super) removed: Client,
    pub(super) bystander: Client,
    pub(super) deputy: Client,
    /// Blocks all who call.
    pub(super) hostile: Client,
    /// Is blocked by all who call.
    pub(super) avoided: Client,
    /// Held by who makes a group.
    turn: Mutex<()>,
    /// A message of a conversation of the owner's that is not the group.
    pub(super) elsewhere: String,
}

/// A group, a community or a channel, what each has said there, and what else calls may name.
#[derive(Clone)]
pub(super) struct Scenery {
    pub(super) id: String,
    pub(super) messages: Vec<(&'static str, String)>,
    pub(super) names: Vec<(&'static str, String)>,
}

impl Troupe {
    pub(super) async fn assemble(cast: &Cast) -> Self {
        let owner = cast.user().await;
        let elsewhere = said(&owner, &owner.direct(&cast.root).await).await;
        let troupe = Self {
            owner,
            elsewhere,
            admin: cast.user().await,
            member: cast.user().await,
            muted: cast.user().await,
            blocked: cast.user().await,
            former: cast.user().await,
            outsider: cast.user().await,
            removed: cast.user().await,
            bystander: cast.user().await,
            deputy: cast.user().await,
            hostile: cast.user().await,
            avoided: cast.user().await,
            turn: Mutex::default(),
        };
        let Self { owner, admin, member, muted, blocked, former, hostile, avoided, .. } = &troupe;
        for caller in [owner, admin, member, muted, blocked, former, &cast.stranger] {
            block(hostile, caller).await;
            block(caller, avoided).await;
        }
        for manager in [owner, admin] {
            block(manager, blocked).await;
        }
        troupe
    }

    /// A new group with all of them who are members.
    pub(super) async fn group(&self, cast: &Cast) -> Scenery {
        // One after the other: on MongoDB transactions on the same users would get in each other's way.
        let _turn = self.turn.lock().await;
        let ids = |clients: &[&Client]| clients.iter().map(|client| client.id().to_owned()).collect::<Vec<_>>();
        let locked = &cast.locked.client;
        let members =
            ids(&[&self.admin, &self.member, &self.muted, &self.former, &self.bystander, &self.deputy, locked]);
        let group = json!({ "name": "Round table", "memberIds": members });
        let group = done(&self.owner, Method::POST, "/api/v1/conversations", group).await;
        let id = group["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/conversations/{id}");
        for admin in [&self.admin, &self.deputy] {
            let member = format!("{path}/members/{}", admin.id());
            done(&self.owner, Method::PATCH, &member, json!({ "role": "admin" })).await;
        }
        let blocked = json!({ "userIds": [self.blocked.id()] });
        done(&self.deputy, Method::POST, &format!("{path}/members"), blocked).await;
        done(&self.muted, Method::PATCH, &format!("{path}/settings"), json!({ "muted": true })).await;
        let mut messages = Vec::new();
        for (relation, client) in [
            ("owner", &self.owner),
            ("admin", &self.admin),
            ("member", &self.member),
            ("muted", &self.muted),
            ("blocked", &self.blocked),
            ("former", &self.former),
            ("bystander", &self.bystander),
        ] {
            messages.push((relation, said(client, &id).await));
        }
        assert_eq!(self.owner.delete(&format!("{path}/members/{}", self.former.id())).await.status, 204);
        Scenery { id, messages, names: Vec::new() }
    }

    /// What a scene is about.
    pub(super) async fn scenery(&self, scene: Scene, cast: &Cast) -> Scenery {
        match scene {
            Scene::Communities => self.communities(cast).await,
            Scene::Channels => self.channel(cast).await,
            Scene::Groups
            | Scene::Direct
            | Scene::People
            | Scene::Requests
            | Scene::Oneself
            | Scene::Administration
            | Scene::Everyone => self.group(cast).await,
        }
    }

    /// A new public community and a private one, with all of them who are members.
    async fn communities(&self, cast: &Cast) -> Scenery {
        let _turn = self.turn.lock().await;
        let (id, name) = self.community(cast, "public").await;
        let (private, private_name) = self.community(cast, "private").await;
        let names = vec![("$private", private), ("$publicName", name), ("$privateName", private_name)];
        Scenery { id, messages: Vec::new(), names }
    }

    /// Gives its id and its name.
    async fn community(&self, cast: &Cast, privacy: &str) -> (String, String) {
        let name = format!("{}-{privacy}", cast.fresh_name());
        let community = json!({ "name": name, "privacy": privacy });
        let community = done(&self.owner, Method::POST, "/api/v1/communities", community).await;
        let id = community["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/conversations/{id}/members");
        let (locked, owner) = (&cast.locked.client, &self.owner);
        let Self { admin, member, former, outsider, removed, bystander, deputy, .. } = self;
        let members = [admin, member, former, outsider, removed, bystander, deputy, locked];
        let members = json!({ "userIds": members.map(Client::id) });
        done(owner, Method::POST, &path, members).await;
        for admin in [admin, deputy] {
            done(owner, Method::PATCH, &format!("{path}/{}", admin.id()), json!({ "role": "admin" })).await;
        }
        assert_eq!(owner.delete(&format!("{path}/{}", former.id())).await.status, 204);
        (id, name)
    }

    /// A new private channel of a new community.
    async fn channel(&self, cast: &Cast) -> Scenery {
        let _turn = self.turn.lock().await;
        let (community, _) = self.community(cast, "public").await;
        let path = format!("/api/v1/communities/{community}/channels");
        let channel = json!({ "name": "council", "access": "private" });
        let channel = done(&self.owner, Method::POST, &path, channel).await;
        let id = channel["id"].as_str().unwrap().to_owned();
        let (all, here) =
            (format!("/api/v1/conversations/{community}/members"), format!("/api/v1/conversations/{id}/members"));
        let back = json!({ "userIds": [self.former.id()] });
        done(&self.owner, Method::POST, &all, back).await;
        let Self { member, former, removed, bystander, .. } = self;
        let members = [member, former, removed, bystander, &cast.locked.client];
        done(&self.owner, Method::POST, &here, json!({ "userIds": members.map(Client::id) })).await;
        let mut messages = Vec::new();
        for (relation, client) in [
            ("owner", &self.owner),
            ("admin", &self.admin),
            ("member", member),
            ("former", former),
            ("removed", removed),
            ("bystander", bystander),
        ] {
            messages.push((relation, said(client, &id).await));
        }
        assert_eq!(self.owner.delete(&format!("{all}/{}", former.id())).await.status, 204);
        assert_eq!(self.owner.delete(&format!("{here}/{}", removed.id())).await.status, 204);
        Scenery { id, messages, names: Vec::new() }
    }

    /// All that there is of a group.
    pub(super) async fn seen(&self, group: &str) -> Value {
        let path = format!("/api/v1/conversations/{group}");
        let get = async |path: &str| self.owner.get(path).await.body;
        let (group, members) = (get(&path).await, get(&format!("{path}/members")).await);
        let mut members: Vec<Value> = members["items"].as_array().unwrap().clone();
        // Whether they are here at the moment has nothing to do with the group.
        members.iter_mut().for_each(|member| *member = json!([member["user"]["id"], member["role"]]));
        json!([group, members, get(&format!("{path}/messages")).await])
    }
}

/// Says something. Gives the message's id.
pub(super) async fn said(by: &Client, conversation: &str) -> String {
    by.say(conversation, "hello").await["id"].as_str().unwrap().to_owned()
}

pub(super) async fn block(by: &Client, whom: &Client) {
    done(by, Method::PUT, &format!("/api/v1/blocks/{}", whom.id()), Value::Null).await;
}
