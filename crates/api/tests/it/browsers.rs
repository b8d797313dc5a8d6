//! Cookies, origins, and the headers that browsers heed.

use actix_web::{http::Method, test::TestRequest};
use serde_json::json;

use crate::support::{Answer, PASSWORD, Setup, request, start, start_with};

const ORIGIN: &str = "https://chat.example.org";
const ME: &str = "/api/v1/users/me";

fn sign_up() -> TestRequest {
    let body = json!({ "username": "ada", "password": PASSWORD, "session": "cookie" });
    request(Method::POST, "/api/v1/auth/signup", "").insert_header(("origin", ORIGIN)).set_json(body)
}

/// The request with the cookies that an answer set.
fn with_cookies(request: TestRequest, answer: &Answer) -> TestRequest {
    let pairs: Vec<&str> = answer.cookies().iter().map(|line| line.split(';').next().unwrap()).collect();
    request.insert_header(("cookie", pairs.join("; ")))
}

#[actix_web::test]
async fn a_browser_gets_its_tokens_as_cookies_alone() {
    let app = start().await;
    let answer = app.send(sign_up()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body.get("accessToken"), None);
    assert_eq!(answer.body.get("refreshToken"), None);
    assert_eq!(answer.body["expiresIn"], 900);
    let cookies = answer.cookies();
    assert!(cookies[0].starts_with("__Host-parlor_access="), "{cookies:?}");
    assert!(cookies[0].ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400"), "{cookies:?}");
    assert!(cookies[1].starts_with("__Secure-parlor_refresh="), "{cookies:?}");
    assert!(cookies[1].contains("; HttpOnly; SameSite=Lax; Secure; Path=/api/v1/auth; Max-Age="), "{cookies:?}");
}

#[actix_web::test]
async fn without_https_the_cookies_carry_no_prefix() {
    let mut setup = Setup::default();
    setup.api.cookies.secure = false;
    let app = start_with(setup).await;
    let answer = app.send(sign_up()).await;
    assert!(answer.cookies()[0].starts_with("parlor_access="));
    assert!(!answer.cookies()[0].contains("Secure"));
}

#[actix_web::test]
async fn what_changes_something_by_cookie_must_come_from_an_allowed_page() {
    let app = start().await;
    let session = app.send(sign_up()).await;
    assert_eq!(app.send(with_cookies(request(Method::GET, ME, ""), &session)).await.status, 200);
    let patch = || with_cookies(request(Method::PATCH, ME, "").set_json(json!({ "bio": "x" })), &session);
    app.send(patch()).await.assert_problem(403, "origin_not_allowed");
    for origin in ["https://evil.example", "null", "https://chat.example.org.evil.example", "http://chat.example.org"] {
        app.send(patch().insert_header(("origin", origin))).await.assert_problem(403, "origin_not_allowed");
    }
    app.send(patch().insert_header(("sec-fetch-site", "same-site"))).await.assert_problem(403, "origin_not_allowed");
    for (name, value) in [("origin", ORIGIN), ("sec-fetch-site", "same-origin")] {
        assert_eq!(app.send(patch().insert_header((name, value))).await.status, 200, "{name}");
    }
    let own = patch().insert_header(("host", "localhost:8080")).insert_header(("origin", "http://localhost:8080"));
    assert_eq!(app.send(own).await.status, 200);
}

#[actix_web::test]
async fn a_known_own_origin_counts_instead_of_the_host_header() {
    let mut setup = Setup::default();
    setup.api.own_origin = Some("https://parlor.example.org".to_owned());
    let app = start_with(setup).await;
    let session = app.send(sign_up()).await;
    let patch = || with_cookies(request(Method::PATCH, ME, "").set_json(json!({ "bio": "x" })), &session);
    let by_host = patch().insert_header(("host", "evil.example")).insert_header(("origin", "http://evil.example"));
    app.send(by_host).await.assert_problem(403, "origin_not_allowed");
    assert_eq!(app.send(patch().insert_header(("origin", "https://parlor.example.org"))).await.status, 200);
}

#[actix_web::test]
async fn a_bearer_token_goes_before_a_cookie_and_needs_no_origin() {
    let app = start().await;
    let session = app.send(sign_up()).await;
    let bob = app.sign_up("bob").await;
    let patch = request(Method::PATCH, ME, &bob.access).set_json(json!({ "bio": "x" }));
    let answer = app.send(with_cookies(patch, &session)).await;
    assert_eq!(answer.body["username"], "bob");
    let bad = with_cookies(request(Method::GET, ME, "x"), &session);
    app.send(bad).await.assert_problem(401, "invalid_token");
}

#[actix_web::test]
async fn a_browser_renews_by_cookie_and_gets_cookies() {
    let app = start().await;
    let session = app.send(sign_up()).await;
    let refresh = |session: &Answer| with_cookies(request(Method::POST, "/api/v1/auth/refresh", ""), session);
    app.send(refresh(&session)).await.assert_problem(403, "origin_not_allowed");
    let renewed = app.send(refresh(&session).insert_header(("origin", ORIGIN))).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_eq!(renewed.body, json!({ "expiresIn": 900 }));
    assert_eq!(renewed.cookies().len(), 2);
    assert_eq!(app.send(with_cookies(request(Method::GET, ME, ""), &renewed)).await.status, 200);
}

#[actix_web::test]
async fn logging_out_takes_the_cookies_away() {
    let app = start().await;
    let session = app.send(sign_up()).await;
    let out = request(Method::POST, "/api/v1/auth/logout", "").insert_header(("origin", ORIGIN));
    let answer = app.send(with_cookies(out, &session)).await;
    assert_eq!(answer.status, 204);
    assert!(answer.cookies().iter().all(|line| line.contains("=; ") && line.contains("Max-Age=0")), "{answer:?}");
}

#[actix_web::test]
async fn pages_of_allowed_origins_may_read_answers_and_errors() {
    let app = start().await;
    let answer = app.send(request(Method::GET, ME, "").insert_header(("origin", ORIGIN))).await;
    answer.assert_problem(401, "unauthenticated");
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    for origin in ["https://evil.example", "null"] {
        let answer = app.send(request(Method::GET, ME, "").insert_header(("origin", origin))).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[actix_web::test]
async fn a_preflight_is_answered_for_allowed_origins_alone() {
    let app = start().await;
    let preflight = |origin: &str| {
        request(Method::OPTIONS, ME, "")
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "PATCH"))
            .insert_header(("access-control-request-headers", "content-type"))
    };
    let answer = app.send(preflight(ORIGIN)).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, ORIGIN));
    let answer = app.send(preflight("https://evil.example")).await;
    answer.assert_problem(403, "origin_not_allowed");
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let trace = preflight(ORIGIN).insert_header(("access-control-request-method", "TRACE"));
    app.send(trace).await.assert_problem(400, "bad_request");
}

#[actix_web::test]
async fn every_answer_carries_the_headers_that_close_it() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let answers = [
        app.get(ME, &ada.access).await,
        app.get(ME, "").await,
        app.get("/nowhere", "").await,
        app.post_text("/api/v1/auth/login", "", "{").await,
        app.get("/healthz", "").await,
        app.send(request(Method::from_bytes(b"TRACE").unwrap(), ME, "")).await,
    ];
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert_eq!(answer.header("server"), "");
    }
}

#[actix_web::test]
async fn a_picture_is_open_harmless_and_cached() {
    let app = start().await;
    let ada = app.sign_up("ada").await;
    let path = format!("/api/v1/users/{}/avatar", ada.id);
    let picture = app.get(&path, "").await;
    assert_eq!(picture.status, 200);
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.header("content-security-policy").contains("sandbox"));
    assert!(picture.text.contains(">A</text>"));
    let again = request(Method::GET, &path, "").insert_header(("if-none-match", picture.header("etag")));
    assert_eq!(app.send(again).await.status, 304);
    let other = request(Method::GET, &path, "").insert_header(("if-none-match", "\"0\""));
    assert_eq!(app.send(other).await.status, 200);
}
