//! Which messages a query finds.

use proptest::prelude::*;

use super::*;

const ADA: UserId = UserId::from_bytes([1; 12]);

fn query(text: &str) -> SearchQuery {
    SearchQuery::parse(text).unwrap()
}

fn finds(wanted: &str, text: &str) -> bool {
    let query = query(wanted);
    let found = query.find_in(text).is_some() && !query.is_empty();
    let terms = index_terms(ADA, text);
    let indexed = query.terms().iter().all(|term| terms.contains(term));
    assert!(indexed || !found, "{wanted} is in {text}, but not its terms {:?} in {terms:?}", query.terms());
    found
}

#[test]
fn all_words_have_to_be_there_in_any_order() {
    for wanted in ["meet noon", "noon meet", "NOON", "Méét", "meet, at; noon?"] {
        assert!(finds(wanted, "We meet at noon."), "{wanted}");
    }
    for wanted in ["meet tomorrow", "eet", "no on", "noons"] {
        assert!(!finds(wanted, "We meet at noon."), "{wanted}");
    }
}

#[test]
fn the_last_word_may_go_on_if_it_has_three_characters() {
    for wanted in ["inf", "info", "inform", "informat", "information", "the inf", "Ἑλλ"] {
        assert!(finds(wanted, "the information of Ἑλλάς"), "{wanted}");
    }
    for wanted in ["in", "informations", "inf the", "inf \"the\"", "\"inf\""] {
        assert!(!finds(wanted, "the information"), "{wanted}");
    }
    assert!(finds("to", "go to"), "a short one is looked for as it is");
}

#[test]
fn a_phrase_is_found_in_its_order_with_nothing_between() {
    for wanted in ["\"round table\"", "“Round, Table” at", "noon \"the round\"", "\"round", "table\""] {
        assert!(finds(wanted, "At the round table, noon."), "{wanted}");
    }
    for wanted in ["\"table round\"", "\"the table\"", "\"roun table\"", "\"at noon\""] {
        assert!(!finds(wanted, "At the round table, noon."), "{wanted}");
    }
    assert!(!finds("\"東 京\" x", "東京"));
    assert!(finds("\"東 京\"", "東・京"));
}

#[test]
fn scripts_without_spaces_are_found_by_any_part() {
    for (wanted, text) in [
        ("京", "東京都に行く"),
        ("京都", "東京都に行く"),
        ("東京 行", "東京都に行く"),
        ("手机", "我买了iPhone手机。"),
        ("iphone手机", "我买了iPhone手机。"),
        ("학교", "나는 학교에서 왔다"),
        ("สวัส", "สวัสดีครับ"),
        ("ガラス", "ｶﾞﾗｽの靴"),
    ] {
        assert!(finds(wanted, text), "{wanted}");
    }
    for (wanted, text) in [("都京", "東京都"), ("東都", "東京都"), ("東京", "東、京"), ("機", "手机")]
    {
        assert!(!finds(wanted, text), "{wanted}");
    }
}

#[test]
fn what_has_no_word_finds_nothing() {
    for text in ["", " ", "\"\"", "*", "(+)+$ .* \" ^ - : {}", "🙂", "\u{200b}", "\"\" \"", "%_'"] {
        assert!(query(text).is_empty(), "{text}");
        assert_eq!(query(text).terms(), Vec::<String>::new());
    }
}

#[test]
fn a_query_has_an_end() {
    assert_eq!(SearchQuery::parse(&"a".repeat(201)).unwrap_err().code, "too_long");
    assert_eq!(SearchQuery::parse("a\0b").unwrap_err().code, "nul_character");
    assert_eq!(SearchQuery::parse(&"a ".repeat(17)).unwrap_err().code, "too_many_words");
    assert!(query(&"東".repeat(200)).terms().len() <= 8);
    assert!(SearchQuery::parse(&"a ".repeat(16)).is_ok());
}

#[test]
fn a_text_has_a_bounded_number_of_terms() {
    let text: String = (0..8000).filter_map(|n| char::from_u32(0x4e00 + n)).collect();
    let terms = index_terms(ADA, &text);
    assert!((MAX_TERMS..MAX_TERMS + 4).contains(&terms.len()), "{}", terms.len());
}

#[test]
fn the_terms_that_tell_most_come_first() {
    assert_eq!(query("a wonderful \"day in\" May").terms(), ["wonderful", "_may", "day", "in", "a"]);
}

#[test]
fn what_is_looked_for_stays_out_of_debug_texts() {
    assert_eq!(format!("{:?}", query("secret plan")), "SearchQuery(2 parts)");
}

#[test]
fn a_snippet_shows_what_was_found_and_what_stands_around_it() {
    let shown = |wanted: &str, text: &str| {
        let places = query(wanted).find_in(text).unwrap();
        let parts = SnippetPart::around(text, &places);
        parts
            .into_iter()
            .map(|part| if part.found { format!("[{}]", part.text) } else { part.text })
            .collect::<String>()
    };
    assert_eq!(shown("round noo", "At the Round table, <b>noon</b>."), "At the [Round] table, <b>[noon]</b>.");
    assert_eq!(shown("京都 都", "東京都"), "東[京都]");
    let long = format!("{}needle{}", "é ".repeat(500), " x".repeat(500));
    let snippet = shown("needle", &long);
    assert!(snippet.starts_with("é é") && snippet.contains("[needle]"), "{snippet}");
    assert_eq!(snippet.chars().count(), 202);
}

proptest! {
    /// The index may name too many, never too few.
    #[test]
    fn what_is_found_in_a_text_is_found_by_its_terms(
        text in "[ a-cA-C\\-éß東京都가각ก้ำ\"\u{301}\u{200d}]{0,40}",
        wanted in "[ a-cA-Céß東京都가각ก้ำ\"\u{301}]{0,8}",
    ) {
        finds(&wanted, &text);
    }

    #[test]
    fn any_part_of_any_text_can_be_looked_for(text in any::<String>(), wanted in any::<String>()) {
        let wanted: String = wanted.chars().take(100).collect();
        if let Some(places) = SearchQuery::parse(&wanted).ok().and_then(|query| query.find_in(&text)) {
            let shown: String = SnippetPart::around(&text, &places).into_iter().map(|part| part.text).collect();
            prop_assert!(text.contains(&shown));
        }
        for term in index_terms(ADA, &text) {
            prop_assert!(!term.contains(['"', ' ', '*', '(', ':', '^', '-']), "{term}");
        }
    }
}
