//! Searching in messages.

use std::time::Duration;

use futures_util::future::try_join_all;
use parlor_domain::{ConversationId, MessageAction, MessageText, SearchQuery};
use parlor_services::{Background, Caller, MessageSearch, SearchPage, ServiceError, ServiceResult, Services};

use crate::support::World;

fn search(text: &str, conversation: Option<ConversationId>) -> MessageSearch {
    let query = Some(SearchQuery::parse(text).unwrap());
    MessageSearch { query, conversation, sender: None, from: None, before: None, cursor: None, limit: 20 }
}

async fn found_by(services: &Services, caller: Caller, search: MessageSearch) -> ServiceResult<SearchPage> {
    services.search.messages(caller, search).await
}

fn texts(page: &SearchPage) -> Vec<&str> {
    page.items.iter().map(|found| found.view.message.text()).collect()
}

async fn find(world: &World, caller: Caller, text: &str) -> Vec<String> {
    let page = found_by(&world.services, caller, search(text, None)).await.unwrap();
    texts(&page).into_iter().map(str::to_owned).collect()
}

/// Sends, a second after what was sent before.
async fn say(world: &World, from: Caller, to: ConversationId, text: &str) -> parlor_domain::MessageId {
    world.clock.advance(Duration::from_secs(1));
    world.send(from, to, text).await.unwrap().message.message.id
}

#[tokio::test]
async fn who_has_got_the_answer_to_a_send_or_a_change_finds_it_at_once() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let message = say(&world, ada, id, "Meet me at noon").await;
    for caller in [ada, bob] {
        assert_eq!(find(&world, caller, "noon meet").await, ["Meet me at noon"]);
    }
    let text = MessageText::parse("Meet me at seven").unwrap();
    let edit = MessageAction::Edit { text, metadata: None };
    world.services.messages.change(ada, id, message, edit).await.unwrap();
    assert_eq!(find(&world, bob, "noon").await, Vec::<String>::new());
    assert_eq!(find(&world, bob, "seven").await, ["Meet me at seven"]);
    world.services.messages.change(ada, id, message, MessageAction::Delete).await.unwrap();
    assert_eq!(find(&world, bob, "seven").await, Vec::<String>::new());
    assert_eq!(find(&world, bob, "meet").await, Vec::<String>::new());
}

#[tokio::test]
async fn only_who_is_in_a_conversation_finds_what_is_said_there() {
    let world = World::new().await;
    let (ada, bob, cyn) = (world.user("ada").await, world.user("bob").await, world.user("cyn").await);
    let group = world.group(ada, &[bob]).await;
    say(&world, ada, group, "the secret").await;
    assert_eq!(find(&world, bob, "secret").await, ["the secret"]);
    let refused = async |caller| found_by(&world.services, caller, search("secret", Some(group))).await;
    assert!(matches!(refused(cyn).await, Err(ServiceError::NotFound("conversation"))));
    assert_eq!(find(&world, cyn, "secret").await, Vec::<String>::new());
    world.services.groups.remove(ada, group, bob.user).await.unwrap();
    assert!(matches!(refused(bob).await, Err(ServiceError::NotFound("conversation"))));
    assert_eq!(find(&world, bob, "secret").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_the_server_has_noted_is_not_found() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let group = world.group(ada, &[]).await;
    let page = found_by(&world.services, ada, search("round table", Some(group))).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_none() && !page.indexing);
}

#[tokio::test]
async fn results_of_all_conversations_come_from_the_newest_on_page_by_page() {
    let world = World::new().await;
    let (ada, bob, one) = world.pair().await;
    let other = world.group(ada, &[bob]).await;
    let mut expected = Vec::new();
    for n in 0..7 {
        let text = format!("found {n}");
        say(&world, if n % 2 == 0 { ada } else { bob }, if n % 3 == 0 { one } else { other }, &text).await;
        say(&world, ada, one, "something else").await;
        expected.insert(0, text);
    }
    for limit in [1, 2, 3, 6, 7, 100] {
        let (mut cursor, mut found, mut pages) = (None, Vec::new(), 0);
        loop {
            let page = found_by(&world.services, bob, MessageSearch { limit, cursor, ..search("found", None) }).await;
            let page = page.unwrap();
            pages += 1;
            found.extend(texts(&page).into_iter().map(str::to_owned));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((&found, pages), (&expected, 7_usize.div_ceil(limit)), "{limit} at a time");
    }
    let newest = found_by(&world.services, bob, MessageSearch { limit: 3, ..search("found", None) }).await.unwrap();
    let third = newest.items[2].view.message.created_at;
    let only = async |search| texts(&found_by(&world.services, bob, search).await.unwrap()).join(",");
    assert_eq!(
        only(MessageSearch { before: Some(third), ..search("found", None) }).await,
        "found 3,found 2,found 1,found 0"
    );
    assert_eq!(only(MessageSearch { from: Some(third), ..search("found", None) }).await, "found 6,found 5,found 4");
    let of_bob = MessageSearch { sender: Some(bob.user), ..search("found", None) };
    assert_eq!(only(of_bob.clone()).await, "found 5,found 3,found 1");
    assert_eq!(only(MessageSearch { query: None, conversation: Some(one), ..of_bob }).await, "found 3");
    assert_eq!(only(search("*", None)).await, "");
}

#[tokio::test]
async fn a_hit_shows_the_place_in_its_text_and_is_as_its_reader_sees_it() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    say(&world, ada, id, "Where is the café?").await;
    let page = found_by(&world.services, ada, search("cafe", Some(id))).await.unwrap();
    let snippet: Vec<_> = page.items[0].snippet.iter().map(|part| (&*part.text, part.found)).collect();
    assert_eq!(snippet, [("Where is the ", false), ("café", true), ("?", false)]);
    assert!(page.items[0].view.delivery.is_some());
    let page = found_by(&world.services, bob, search("cafe", Some(id))).await.unwrap();
    assert!(page.items[0].view.delivery.is_none());
}

#[tokio::test]
async fn what_was_sent_before_a_restart_is_found_whether_it_was_indexed_or_not() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    say(&world, ada, id, "indexed early").await;
    assert_eq!(find(&world, ada, "early").await.len(), 1);
    say(&world, ada, id, "not indexed early").await;
    let world = world.restarted().await;
    assert_eq!(find(&world, bob, "early").await, ["not indexed early", "indexed early"]);
}

#[tokio::test]
async fn what_another_server_has_stored_is_found() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let other = world.other_server().await;
    say(&world, ada, id, "from here").await;
    for services in [&other, &world.services, &other] {
        assert_eq!(texts(&found_by(services, bob, search("here", None)).await.unwrap()), ["from here"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_long_history_the_newest_is_found_at_once_and_all_once_it_is_indexed() {
    const MANY: usize = 1200;
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    say(&world, ada, id, "the oldest needle").await;
    for _ in 0..MANY / 100 {
        try_join_all((0..100).map(|_| world.send(ada, id, "hay"))).await.unwrap();
    }
    say(&world, ada, id, "the newest needle").await;
    let page = found_by(&world.services, bob, search("needle", Some(id))).await.unwrap();
    assert_eq!((texts(&page), page.indexing), (vec!["the newest needle"], true));
    let background = Background::start(&world.services, Duration::from_millis(100));
    let all = async {
        loop {
            let page = found_by(&world.services, bob, search("needle", Some(id))).await.unwrap();
            if !page.indexing {
                return texts(&page).join(", ");
            }
            tokio::task::yield_now().await;
        }
    };
    let all = tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    assert_eq!(all, "the newest needle, the oldest needle");
    background.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_messages_that_have_the_words_and_are_not_meant_neither_stop_nor_loop_a_search() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    say(&world, ada, id, "round table").await;
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..4 {
        try_join_all((0..100).map(|_| world.send(ada, id, "a table that is round"))).await.unwrap();
    }
    let (mut cursor, mut found, mut pages) = (None, 0, 0);
    loop {
        let wanted = MessageSearch { limit: 1, cursor, ..search("\"round table\"", None) };
        let page = found_by(&world.services, bob, wanted).await.unwrap();
        found += page.items.len();
        pages += 1;
        if page.next.is_none() {
            break;
        }
        assert!(cursor.is_none_or(|cursor| page.next < Some(cursor)));
        cursor = page.next;
    }
    assert_eq!(found, 1);
    assert!((2..=20).contains(&pages), "{pages}");
}
