//! What super admins do, and nobody else.

use std::sync::Arc;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::Method,
};
use parlor_domain::{OsEntropy, SystemRole, Username};
use parlor_services::{Sources, promote_to_super_admin};
use serde_json::{Value, json};

use crate::support::{Account, Answer, PASSWORD, TestApp, request, start};

/// Every operation: `{id}` is another user's, `{sessionId}` a session of his. With what a super admin gets.
fn operations() -> Vec<(&'static str, &'static str, Option<Value>, u16)> {
    vec![
        ("get", "/api/v1/admin/users", None, 200),
        ("get", "/api/v1/admin/users/{id}", None, 200),
        ("get", "/api/v1/admin/users/{id}/sessions", None, 200),
        ("get", "/api/v1/admin/stats", None, 200),
        ("get", "/api/v1/admin/audit", None, 200),
        ("put", "/api/v1/admin/users/{id}/role", Some(json!({ "role": "user" })), 200),
        ("delete", "/api/v1/admin/users/{id}/sessions/{sessionId}", None, 204),
        ("delete", "/api/v1/admin/users/{id}/sessions", None, 204),
        ("post", "/api/v1/admin/users/{id}/lock", Some(json!({ "reason": "spam" })), 200),
        ("delete", "/api/v1/admin/users/{id}/lock", None, 204),
        ("delete", "/api/v1/admin/users/{id}", None, 204),
    ]
}

impl<S, B> TestApp<S>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    async fn super_admin(&self, name: &str) -> Account {
        let account = self.sign_up(name).await;
        let sources = Sources { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(OsEntropy) };
        let username = Username::parse(name).unwrap();
        assert!(promote_to_super_admin(self.stores(), &sources, &username).await.unwrap());
        account
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let request = request(method.to_uppercase().parse::<Method>().unwrap(), path, token);
        self.send(match body {
            Some(body) => request.set_json(body),
            None => request,
        })
        .await
    }

    async fn set_role(&self, root: &Account, id: &str, role: &str) -> Answer {
        let path = format!("/api/v1/admin/users/{id}/role");
        self.ask("put", &path, &root.access, Some(&json!({ "role": role }))).await
    }

    async fn lock(&self, root: &Account, id: &str, body: Value) -> Answer {
        self.post(&format!("/api/v1/admin/users/{id}/lock"), &root.access, body).await
    }
}

#[actix_web::test]
async fn every_operation_serves_super_admins_alone() {
    let app = start().await;
    let (root, group, user) = (app.super_admin("root").await, app.sign_up("group").await, app.sign_up("user").await);
    assert_eq!(app.set_role(&root, &group.id, SystemRole::GroupAdmin.name()).await.status, 200);
    let victim = app.sign_up("victim").await;
    let sessions = app.get(&format!("/api/v1/admin/users/{}/sessions", victim.id), &root.access).await;
    let session = sessions.body["items"][0]["id"].as_str().unwrap();
    for (method, pattern, body, status) in operations() {
        let path = pattern.replace("{id}", &victim.id).replace("{sessionId}", session);
        app.ask(method, &path, "", body.as_ref()).await.assert_problem(401, "unauthenticated");
        for other in [&user, &group] {
            app.ask(method, &path, &other.access, body.as_ref()).await.assert_problem(403, "not_permitted");
            // Nor does anyone else learn who is there.
            let unknown = pattern.replace("{id}", "65f0c0ffee65f0c0ffee65f0").replace("{sessionId}", session);
            app.ask(method, &unknown, &other.access, body.as_ref()).await.assert_problem(403, "not_permitted");
        }
        let served = app.ask(method, &path, &root.access, body.as_ref()).await;
        assert_eq!(served.status.as_u16(), status, "{method} {path}: {}", served.text);
    }
    for (method, path, body, _) in operations().iter().filter(|(_, path, ..)| path.contains("{id}")) {
        let path = path.replace("{id}", "65f0c0ffee65f0c0ffee65f0").replace("{sessionId}", session);
        app.ask(method, &path, &root.access, body.as_ref()).await.assert_problem(404, "not_found");
    }
}

#[actix_web::test]
async fn every_operation_of_the_document_is_in_the_table() {
    let document = serde_json::to_value(parlor_api::openapi()).unwrap();
    let mut documented = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if path.starts_with("/api/v1/admin") {
            documented.extend(item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
        }
    }
    let mut tested: Vec<_> =
        operations().into_iter().map(|(method, path, ..)| (method.to_owned(), path.to_owned())).collect();
    documented.sort();
    tested.sort();
    assert_eq!(tested, documented);
}

#[actix_web::test]
async fn a_locked_account_is_told_why_and_until_when() {
    let app = start().await;
    let (root, ada) = (app.super_admin("root").await, app.sign_up("ada").await);
    let until = "2023-12-01T00:00:00.000Z";
    let locked = app.lock(&root, &ada.id, json!({ "reason": " spam ", "until": until })).await;
    let lock = json!({ "reason": "spam", "at": "2023-11-14T22:13:20.000Z", "until": until });
    assert_eq!((locked.status.as_u16(), &locked.body["lock"]), (200, &lock), "{locked:?}");
    app.get("/api/v1/users/me", &ada.access).await.assert_problem(401, "session_ended");
    let refresh = json!({ "refreshToken": ada.refresh });
    app.post("/api/v1/auth/refresh", "", refresh).await.assert_problem(401, "session_ended");
    let log_in = |password: &str| app.post("/api/v1/auth/login", "", json!({ "login": "ada", "password": password }));
    let refused = log_in(PASSWORD).await;
    refused.assert_problem(403, "account_locked");
    assert_eq!(refused.body["lock"], lock);
    let wrong = log_in("something else").await;
    wrong.assert_problem(401, "invalid_credentials");
    assert_eq!(wrong.body.get("lock"), None);
    let unlocked = app.ask("delete", &format!("/api/v1/admin/users/{}/lock", ada.id), &root.access, None).await;
    assert_eq!(unlocked.status, 204);
    assert_eq!(log_in(PASSWORD).await.status, 200);
}

#[actix_web::test]
async fn what_is_not_a_lock_or_a_role_is_refused() {
    let app = start().await;
    let (root, ada) = (app.super_admin("root").await, app.sign_up("ada").await);
    for (body, field, code) in [
        (json!({}), "reason", "missing"),
        (json!({ "reason": " " }), "reason", "empty"),
        (json!({ "reason": "x".repeat(501) }), "reason", "too_long"),
        (json!({ "reason": "x", "until": "tomorrow" }), "until", "invalid_time"),
        (json!({ "reason": "x", "until": "2023-11-14T22:13:20.000Z" }), "until", "in_the_past"),
    ] {
        app.lock(&root, &ada.id, body).await.assert_invalid(field, code);
    }
    for role in ["root", "", "SuperAdmin"] {
        let refused = app.set_role(&root, &ada.id, role).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["errors"][0]["field"]),
            (422, &"role".into()),
            "{refused:?}"
        );
    }
    app.lock(&root, &root.id, json!({ "reason": "x" })).await.assert_problem(409, "own_account");
    app.set_role(&root, &root.id, "user").await.assert_problem(409, "own_account");
    let path = format!("/api/v1/admin/users/{}", root.id);
    app.ask("delete", &path, &root.access, None).await.assert_problem(409, "own_account");
    let own = json!({ "currentPassword": PASSWORD });
    app.ask("delete", "/api/v1/users/me", &root.access, Some(&own)).await.assert_problem(409, "last_super_admin");
}

#[actix_web::test]
async fn accounts_are_listed_by_name_role_and_lock_with_what_only_administrators_see() {
    let app = start().await;
    let root = app.super_admin("root").await;
    let body = json!({ "username": "ada", "email": "ada@example.org", "password": PASSWORD });
    let ada = app.post("/api/v1/auth/signup", "", body).await.body["user"]["id"].as_str().unwrap().to_owned();
    app.sign_up("bob").await;
    app.lock(&root, &ada, json!({ "reason": "spam" })).await;
    let names = async |query: &str| {
        let page = app.get(&format!("/api/v1/admin/users?{query}"), &root.access).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap().clone();
        (items.iter().map(|user| user["username"].clone()).collect::<Vec<_>>(), page.body["nextCursor"].clone())
    };
    for (query, expected) in [
        ("", &["ada", "bob", "root"][..]),
        ("query=B", &["bob"]),
        ("query=%2A", &[]),
        ("role=super_admin", &["root"]),
        ("locked=true", &["ada"]),
        ("locked=false&role=user", &["bob"]),
    ] {
        assert_eq!(names(query).await.0, expected, "{query}");
    }
    assert_eq!(names("limit=2").await, (vec!["ada".into(), "bob".into()], "bob".into()));
    assert_eq!(names("limit=2&cursor=bob").await, (vec!["root".into()], Value::Null));
    for (query, field) in
        [("role=boss", "role"), ("locked=maybe", "locked"), ("cursor=%00", "cursor"), ("limit=0", "limit")]
    {
        let refused = app.get(&format!("/api/v1/admin/users?{query}"), &root.access).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &field.into()), "{refused:?}");
    }
    let shown = app.get(&format!("/api/v1/admin/users/{ada}"), &root.access).await.body;
    let expected = json!({
        "id": ada, "username": "ada", "displayName": "ada", "email": "ada@example.org", "role": "user",
        "lock": { "reason": "spam", "at": "2023-11-14T22:13:20.000Z", "until": null },
        "online": false, "lastSeenAt": null, "createdAt": "2023-11-14T22:13:20.000Z",
        "counts": { "sessions": 0, "conversations": 0 },
    });
    assert_eq!(shown, expected);
}

#[actix_web::test]
async fn the_audit_log_names_the_request_and_the_statistics_their_days() {
    let app = start().await;
    let (root, ada) = (app.super_admin("root").await, app.sign_up("ada").await);
    app.clock.advance(std::time::Duration::from_secs(1));
    let changed = app.set_role(&root, &ada.id, "group_admin").await;
    let log = app.get("/api/v1/admin/audit", &root.access).await.body;
    let entry = &log["items"][0];
    assert_eq!(entry["actor"], json!({ "id": root.id, "username": "root" }), "{log}");
    assert_eq!(entry["target"], json!({ "id": ada.id, "username": "ada" }));
    assert_eq!(entry["action"], "user.role_changed");
    assert_eq!(entry["details"], json!({ "from": "user", "to": "group_admin" }));
    assert_eq!(entry["requestId"], changed.header("x-request-id"));
    assert_eq!((&log["items"][1]["actor"], &log["items"][1]["requestId"]), (&Value::Null, &Value::Null));
    let count = async |query: &str| {
        let page = app.get(&format!("/api/v1/admin/audit?{query}"), &root.access).await;
        page.body["items"].as_array().unwrap_or_else(|| panic!("{page:?}")).len()
    };
    assert_eq!(count("actor=cli").await, 1);
    assert_eq!(count(&format!("actor={}&action=user.role_changed&target={}", root.id, ada.id)).await, 1);
    assert_eq!(count("action=user.deleted").await, 0);
    let first = app.get("/api/v1/admin/audit?limit=1", &root.access).await.body;
    assert_eq!(count(&format!("cursor={}", first["nextCursor"].as_str().unwrap())).await, 1);
    for (query, field) in
        [("actor=me", "actor"), ("action=x", "action"), ("target=ada", "target"), ("cursor=1", "cursor")]
    {
        let refused = app.get(&format!("/api/v1/admin/audit?{query}"), &root.access).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &field.into()), "{refused:?}");
    }
    let stats = app.get("/api/v1/admin/stats", &root.access).await.body;
    assert_eq!((&stats["users"], &stats["conversations"], &stats["messages"]), (&2.into(), &0.into(), &0.into()));
    let days = stats["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[29]), (30, &json!({ "day": "2023-11-14", "activeUsers": 0, "messages": 0 })));
}
