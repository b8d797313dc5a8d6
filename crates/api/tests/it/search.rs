//! Searching in messages by REST: the promised shape, and what is refused.

use serde_json::json;

use crate::support::start;

#[actix_web::test]
async fn what_was_found_is_told_in_the_promised_shape() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    let messages = format!("/api/v1/conversations/{id}/messages");
    let sent = app.post(&messages, &ada.access, json!({ "text": "Round <b>Table</b>" })).await.body;
    let found = app.get(&format!("/api/v1/search/messages?q=table&conversationId={id}"), &ada.access).await;
    let snippet = json!([
        { "text": "Round <b>", "found": false }, { "text": "Table", "found": true }, { "text": "</b>", "found": false }
    ]);
    let expected = json!({ "items": [{ "message": sent, "snippet": snippet }], "nextCursor": null, "indexing": false });
    assert_eq!((found.status.as_u16(), found.body), (200, expected));
}

#[actix_web::test]
async fn a_page_leads_to_the_next_one() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    for text in ["same", "same", "same"] {
        app.post(&format!("/api/v1/conversations/{id}/messages"), &ada.access, json!({ "text": text })).await;
    }
    let (mut ids, mut cursor) = (std::collections::BTreeSet::new(), String::new());
    for left in [2, 1, 0] {
        let page = app.get(&format!("/api/v1/search/messages?q=same&limit=1{cursor}"), &ada.access).await.body;
        assert!(ids.insert(page["items"][0]["message"]["id"].as_str().unwrap().to_owned()));
        assert_eq!(page["nextCursor"].is_null(), left == 0);
        cursor = format!("&cursor={}", page["nextCursor"].as_str().unwrap_or_default());
    }
}

#[actix_web::test]
async fn what_is_no_search_is_refused() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    for (query, field, code) in [
        ("".to_owned(), "q", "missing"),
        (format!("?conversationId={id}"), "q", "missing"),
        (format!("?q={}", "a".repeat(201)), "q", "too_long"),
        (format!("?q={}", "x".repeat(10_000)), "q", "too_long"),
        (format!("?q={}", "a+".repeat(17)), "q", "too_many_words"),
        ("?q=a%00b".to_owned(), "q", "nul_character"),
        ("?q=a&q=b".to_owned(), "q", "duplicate"),
        ("?q=a&conversationId=x".to_owned(), "conversationId", "invalid_id"),
        ("?q=a&senderId=%24ne".to_owned(), "senderId", "invalid_id"),
        ("?q=a&after=yesterday".to_owned(), "after", "invalid_time"),
        ("?q=a&before=1".to_owned(), "before", "invalid_time"),
        ("?q=a&cursor=1".to_owned(), "cursor", "invalid_cursor"),
        ("?q=a&limit=101".to_owned(), "limit", "out_of_range"),
    ] {
        let answer = app.get(&format!("/api/v1/search/messages{query}"), &ada.access).await;
        answer.assert_problem(422, "validation_failed");
        assert_eq!(
            (&answer.body["errors"][0]["field"], &answer.body["errors"][0]["code"]),
            (&json!(field), &json!(code)),
            "{query}"
        );
    }
}

#[actix_web::test]
async fn operators_and_patterns_are_words_or_nothing() {
    let app = start().await;
    let (ada, _, id) = app.two_users().await;
    app.post(&format!("/api/v1/conversations/{id}/messages"), &ada.access, json!({ "text": "near the a" })).await;
    for (query, count) in [
        ("NEAR%28a%2A%29", 1),
        ("%28a%2B%29%2B%24", 1),
        (".%2A", 0),
        ("%22", 0),
        ("%2A", 0),
        ("%22a%22+OR+%22b%22", 0),
        ("terms%3Anear", 0),
        ("%F0%9F%99%82%E2%80%8D", 0),
        ("", 0),
    ] {
        let answer = app.get(&format!("/api/v1/search/messages?q={query}"), &ada.access).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        assert_eq!(answer.body["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[actix_web::test]
async fn a_conversation_of_others_is_not_found() {
    let app = start().await;
    let (ada, ..) = app.two_users().await;
    let path = "/api/v1/search/messages?q=a&conversationId=65f0c0ffee65f0c0ffee65f0";
    app.get(path, &ada.access).await.assert_problem(404, "not_found");
}
