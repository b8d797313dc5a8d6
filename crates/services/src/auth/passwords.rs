//! Passwords as people choose them.

use parlor_domain::{Email, InvalidValue, Username};
use secrecy::{ExposeSecret as _, SecretString};

/// The passwords of at least 8 characters among the 20,000 that appear most often in breaches, in lower case, one a
/// line. `common_passwords.NOTICE` says where they come from.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password, kept as it was typed: never trimmed, cut or folded. It does not show itself, and its memory is
/// cleared when it is dropped.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// The fewest characters of a new password.
    pub const MIN_CHARACTERS: usize = 8;
    /// The most bytes of a new password. bcrypt takes 72, of which the last is the zero byte that ends it.
    pub const MAX_BYTES: usize = 71;
    /// The most bytes that are looked at when somebody signs in.
    pub const MAX_CANDIDATE_BYTES: usize = 1024;

    /// A password to be set from now on.
    ///
    /// # Errors
    /// `too_short`, `too_long`, `nul_character` or `common_password`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if text.chars().count() < Self::MIN_CHARACTERS {
            return Err(InvalidValue::new("too_short", "must have at least 8 characters"));
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidValue::new("too_long", "must have at most 71 bytes in UTF-8"));
        }
        if text.contains('\0') {
            return Err(InvalidValue::new("nul_character", "must not contain the NUL character (U+0000)"));
        }
        let lower = text.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(InvalidValue::new("common_password", "is among the most common passwords; take another"));
        }
        Ok(Self(text.into()))
    }

    /// A password to be compared with one that was set, whatever the rules were then.
    ///
    /// # Errors
    /// `too_long` for what can't be a password.
    pub fn candidate(text: &str) -> Result<Self, InvalidValue> {
        if text.len() > Self::MAX_CANDIDATE_BYTES {
            return Err(InvalidValue::new("too_long", "must have at most 1024 bytes in UTF-8"));
        }
        Ok(Self(text.into()))
    }

    /// Refuses a password that is the account's name or address.
    pub(crate) fn differs_from(&self, username: &Username, email: Option<&Email>) -> Result<(), InvalidValue> {
        let lower = self.0.expose_secret().to_lowercase();
        if lower == username.key() || email.is_some_and(|email| lower == email.key()) {
            return Err(InvalidValue::new("same_as_name", "must not be the user name or the e-mail address"));
        }
        Ok(())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> &'static str {
        Password::parse(text).unwrap_err().code
    }

    #[test]
    fn a_new_password_has_at_least_8_characters_and_at_most_71_bytes() {
        assert_eq!(refusal("sieben7"), "too_short");
        assert_eq!(refusal("öööö"), "too_short", "characters count, not bytes");
        for good in ["ach8tung", "çà et là", &"x".repeat(71), &"語".repeat(23)] {
            assert_eq!(Password::parse(good).unwrap().as_bytes(), good.as_bytes());
        }
        for long in ["x".repeat(72), "語".repeat(24), "x".repeat(1_000_000)] {
            assert_eq!(refusal(&long), "too_long");
        }
    }

    #[test]
    fn a_password_is_kept_as_it_was_typed() {
        for text in ["  spaces at both ends  ", "MiXeD CaSe", "tab\tand\nline", "ﬁne\u{301} 🙂🙂🙂🙂"] {
            assert_eq!(Password::parse(text).unwrap().as_bytes(), text.as_bytes());
        }
        assert_eq!(refusal("before\0after"), "nul_character");
    }

    #[test]
    fn common_passwords_are_refused_in_any_case_of_letters() {
        for common in ["password", "PassWord1", "1234567890", "qwertyuiop", "ILOVEYOU"] {
            assert_eq!(refusal(common), "common_password", "{common}");
        }
        assert!(Password::parse("passwordd of nobody").is_ok());
    }

    #[test]
    fn the_list_of_common_passwords_is_long_and_holds_what_could_be_chosen() {
        assert!(COMMON.lines().count() >= 3000);
        for common in COMMON.lines() {
            assert!(common.chars().count() >= Password::MIN_CHARACTERS, "{common}");
            assert_eq!(common, common.to_lowercase(), "or it is never found");
        }
    }

    #[test]
    fn any_text_of_at_most_1024_bytes_can_be_tried() {
        for text in ["", "1", "password", "with\0nul", &"x".repeat(1024)] {
            assert!(Password::candidate(text).is_ok());
        }
        assert_eq!(Password::candidate(&"x".repeat(1025)).unwrap_err().code, "too_long");
    }

    #[test]
    fn the_accounts_name_or_address_is_no_password() {
        let (name, email) = (Username::parse("Ada.Lovelace").unwrap(), Email::parse("ada@example.org").unwrap());
        let refused = |text| Password::parse(text).unwrap().differs_from(&name, Some(&email)).is_err();
        assert!(refused("ada.LOVELACE"));
        assert!(refused("Ada@Example.org"));
        assert!(!refused("ada.lovelace1815"));
    }

    #[test]
    fn a_password_stays_out_of_debug_texts() {
        let shown = format!("{:?}", Password::parse("correct horse battery").unwrap());
        assert!(!shown.contains("horse"), "{shown}");
    }
}
