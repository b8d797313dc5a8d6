//! Ids, fingerprints and names of messages.

use super::*;
use crate::testing::SeededEntropy;

const HERE: ConversationId = ConversationId::from_bytes([1; 12]);
const ME: UserId = UserId::from_bytes([2; 12]);

fn id(conversation: ConversationId, sender: UserId, name: &str) -> MessageId {
    let name = ClientMessageId::parse(name).unwrap();
    MessageId::for_send(conversation, sender, Some(&name), &SeededEntropy::new(1))
}

#[test]
fn the_id_of_a_message_with_a_name_is_the_same_for_ever() {
    assert_eq!(id(HERE, ME, "c1").to_string(), "7bd0084806a7928ba0b8ad48");
}

#[test]
fn a_message_has_another_id_in_another_conversation_from_another_sender_or_under_another_name() {
    let ids = [
        id(HERE, ME, "c1"),
        id(HERE, ME, "c2"),
        id(HERE, UserId::from_bytes([3; 12]), "c1"),
        id(ConversationId::from_bytes([3; 12]), ME, "c1"),
    ];
    let names: std::collections::HashSet<_> = ids.iter().map(|id| &id.as_bytes()[4..]).collect();
    assert_eq!(names.len(), ids.len());
}

#[test]
fn messages_without_a_name_have_random_ids() {
    let entropy = SeededEntropy::new(1);
    let id = || MessageId::for_send(HERE, ME, None, &entropy);
    assert_ne!(id(), id());
}

#[test]
fn what_is_sent_has_another_fingerprint_as_an_answer_and_as_a_forward() {
    let (text, metadata) = (MessageText::parse("hello").unwrap(), Metadata::default());
    let [a, b] = [1, 2].map(|byte| MessageId::from_bytes([byte; 12]));
    let prints = [
        Fingerprint::of_text(&text, &metadata, None),
        Fingerprint::of_text(&text, &metadata, Some(a)),
        Fingerprint::of_text(&text, &metadata, Some(b)),
        Fingerprint::of_forward(HERE, a),
        Fingerprint::of_forward(HERE, b),
        Fingerprint::of_forward(ConversationId::from_bytes([9; 12]), a),
    ];
    let different: std::collections::HashSet<_> = prints.iter().collect();
    assert_eq!(different.len(), prints.len());
}

#[test]
fn the_ids_of_a_conversation_lie_together() {
    let random = MessageId::for_send(HERE, ME, None, &SeededEntropy::new(1));
    assert_eq!(random.as_bytes()[..4], id(HERE, ME, "c1").as_bytes()[..4]);
    assert_ne!(random.as_bytes()[..4], id(ConversationId::from_bytes([3; 12]), ME, "c1").as_bytes()[..4]);
}

#[test]
fn a_text_is_kept_byte_for_byte() {
    for text in ["  two  spaces\n", "e\u{301} is not é", "👩‍👩‍👧‍👦", "\u{202e}rtl", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!"]
    {
        assert_eq!(MessageText::parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn a_text_has_1_to_8000_characters_however_many_bytes_they_take() {
    assert!(MessageText::parse(&"🙂".repeat(8000)).is_ok());
    assert_eq!(MessageText::parse(&"🙂".repeat(8001)).unwrap_err().code, "too_long");
    assert_eq!(MessageText::parse("").unwrap_err().code, "empty");
    assert_eq!(MessageText::parse(" \n\t\u{3000}\u{200b}\u{feff}").unwrap_err().code, "empty");
    assert_eq!(MessageText::parse("a\0b").unwrap_err().code, "nul_character");
}

#[test]
fn a_text_stays_out_of_debug_texts() {
    let message = format!("{:?}", MessageText::parse("secret").unwrap());
    assert_eq!(message, "MessageText(6 bytes)");
}

#[test]
fn a_client_message_id_is_a_short_visible_line() {
    assert!(ClientMessageId::parse(&"x".repeat(128)).is_ok());
    for (bad, code) in [("", "empty"), (&*"x".repeat(129), "too_long"), ("a\nb", "control_character")] {
        assert_eq!(ClientMessageId::parse(bad).unwrap_err().code, code);
    }
}
