//! What accounts and their values are held to.

use super::*;

#[test]
fn a_username_is_3_to_32_ascii_characters_that_start_with_a_letter_or_digit() {
    for good in ["ada", "Ada_L.1815", "0-0", &"a".repeat(32)] {
        assert_eq!(Username::parse(good).unwrap().as_str(), good);
    }
    for (bad, code) in [
        ("", "too_short"),
        ("ab", "too_short"),
        (&"a".repeat(33), "too_long"),
        ("_ada", "invalid_characters"),
        ("аda", "invalid_characters"),
        ("ada lovelace", "invalid_characters"),
        ("ada\0", "invalid_characters"),
        ("ada\u{202e}", "invalid_characters"),
    ] {
        assert_eq!(Username::parse(bad).unwrap_err().code, code, "{bad:?}");
    }
}

#[test]
fn names_that_differ_only_in_case_are_one_name() {
    assert_eq!(Username::parse("ADA").unwrap().key(), Username::parse("ada").unwrap().key());
    assert_eq!(Login::new(" Ada@Example.org ").as_str(), Email::parse("aDA@example.ORG").unwrap().key());
}

#[test]
fn an_email_needs_a_local_part_and_a_domain() {
    for good in ["ada@example.org", "a+b@x.io", "ünï@exämple.org", "root@localhost"] {
        assert!(Email::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "ada", "@example.org", "ada@", "a b@example.org", "a@b@c", "ada@-x.org", "ada@x..org", "<a>@b.c"] {
        assert!(Email::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(Email::parse(&format!("a@{}", "b.".repeat(200))).unwrap_err().code, "too_long");
}

#[test]
fn an_email_stays_out_of_debug_texts() {
    let shown = format!("{:?} {:?}", Email::parse("ada@example.org").unwrap(), Login::new("ada@example.org"));
    assert!(!shown.contains("example"), "{shown}");
}

#[test]
fn a_display_name_is_one_visible_line_of_1_to_64_characters() {
    assert_eq!(DisplayName::parse("  Ada Lovelace ").unwrap().as_str(), "Ada Lovelace");
    assert!(DisplayName::parse(&"é".repeat(64)).is_ok());
    for (bad, code) in [
        ("", "empty"),
        (" \t ", "empty"),
        ("\u{200b}\u{2060}", "empty"),
        ("\u{3164}", "empty"),
        ("\u{ad}\u{ad}", "empty"),
        (&"é".repeat(65), "too_long"),
        ("a\0b", "nul_character"),
        ("a\nb", "control_character"),
        ("admin\u{202e}txt", "control_character"),
    ] {
        assert_eq!(DisplayName::parse(bad).unwrap_err().code, code, "{bad:?}");
    }
}

#[test]
fn initials_are_of_the_first_two_words() {
    for (name, initials) in [("Ada Lovelace King", "AL"), ("ada", "A"), ("ß x", "SSX"), ("🙂", ""), ("(bob)", "B")] {
        assert_eq!(DisplayName::parse(name).unwrap().initials(), initials);
    }
}

#[test]
fn metadata_is_the_text_of_a_json_object_within_4096_bytes() {
    for good in ["{}", r#"{"$ne":null,"a":{"b":[1,2]}}"#] {
        assert_eq!(Metadata::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "[]", "null", "{", r#""x""#, "{}{}"] {
        assert_eq!(Metadata::parse(bad).unwrap_err().code, "not_an_object", "{bad}");
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(4096));
    assert_eq!(Metadata::parse(&long).unwrap_err().code, "too_long");
}

#[test]
fn search_terms_are_the_distinct_words_in_lower_case() {
    assert_eq!(search_terms(["Ada_Lovelace", "ADA Łukasz-O'Neil"]), ["ada", "lovelace", "łukasz", "o", "neil"]);
    assert_eq!(search_terms(["%_'\"*", ""]), Vec::<String>::new());
    assert!(search_terms([&*"é".repeat(100)])[0].len() <= 64);
}
