//! The words of a text, as a search compares them.
//!
//! A word is a run of letters and digits, with the marks on them; case, diacritics and the width of characters don't
//! count. Where a script writes no spaces between words, or grows them at their ends (Chinese, Japanese, Korean, Thai,
//! Lao, Burmese, Khmer), each character counts as a word that is joined to the one before it.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// How many bytes of a word are compared.
const MAX_BYTES: usize = 64;

/// A word, or a character of a script without spaces, and where it stands in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What is compared.
    pub(super) text: String,
    /// The bytes of the text that it is made of.
    pub(super) range: Range<usize>,
    /// Whether it is a character of a script without spaces.
    pub(super) single: bool,
    /// Whether it follows another such character directly.
    pub(super) joined: bool,
}

/// All of a text, in their order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut units = units(text).peekable();
    let mut after_single = false;
    while let Some(unit) = units.next() {
        match unit.class {
            Class::Gap => after_single = false,
            Class::Single => {
                for text in fold(&text[unit.range.clone()]).chars().filter(|c| is_word(*c)).map(String::from) {
                    tokens.push(Token { text, range: unit.range.clone(), single: true, joined: after_single });
                    after_single = true;
                }
            }
            Class::Letter => {
                let mut range = unit.range;
                while let Some(next) = units.next_if(|next| next.class == Class::Letter) {
                    range.end = next.range.end;
                }
                after_single = false;
                let folded = fold(&text[range.clone()]);
                for word in folded.split(|c| !is_word(c)).filter(|word| word.chars().any(char::is_alphanumeric)) {
                    let text = cut(word).to_owned();
                    tokens.push(Token { text, range: range.clone(), single: false, joined: false });
                }
            }
        }
    }
    tokens
}

/// What a character is to words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It stands between them.
    Gap,
    /// It is a part of one.
    Letter,
    /// It is one by itself.
    Single,
}

/// A character with the marks on it.
struct Unit {
    range: Range<usize>,
    class: Class,
}

/// The characters of a text, each with the marks on it.
fn units(text: &str) -> impl Iterator<Item = Unit> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.next()?;
        let mut end = start + first.len_utf8();
        while let Some((at, mark)) = chars.next_if(|(_, c)| is_mark(*c)) {
            end = at + mark.len_utf8();
        }
        let class = if is_single(first) {
            Class::Single
        } else if is_word(first) {
            Class::Letter
        } else {
            Class::Gap
        };
        Some(Unit { range: start..end, class })
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Whether it belongs to the character before it: marks, what nobody sees, the half-width voice marks of Japanese, and
/// the letters of a Korean syllable that is written in parts.
fn is_mark(c: char) -> bool {
    is_combining_mark(c)
        || is_silent(c)
        || matches!(c, '\u{ff9e}' | '\u{ff9f}' | '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7fb}')
}

/// Whether nobody would write it when looking for a word.
const fn is_silent(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{640}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Whether it is of a script whose words have no spaces between them, or change at their ends.
const fn is_single(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3031}'..='\u{3035}' | '\u{3041}'..='\u{30fa}' | '\u{30fc}'..='\u{318e}'
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97c}' | '\u{ac00}'..='\u{d7fb}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}'
        | '\u{ffa0}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

/// Takes away what does not count: case, diacritics, width, and what nobody sees.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let bare = text.nfkd().filter(|c| !is_diacritic(*c) && !is_silent(*c)).nfc();
    // There and back: of what has several lower cases, as the two sigmas of Greek, one is left.
    let folded = bare.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(|c| !is_diacritic(*c)).fold(String::with_capacity(text.len()), |mut folded, c| {
        match stroked(c) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(c),
        }
        folded
    })
}

/// Marks without which a word is still the same: those on letters of Europe, and the vowels and signs that Hebrew and
/// Arabic mostly do without. Those of other scripts make other words.
const fn is_diacritic(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}'
        | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// What a letter is without its stroke, where Unicode takes the two for different letters, and what ligatures stand for.
const fn stroked(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// The beginning of a word, as far as it is compared.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_are_letters_and_digits_whatever_stands_between_them() {
        assert_eq!(
            words("Don't mail foo_bar@example.com, 3.14!"),
            ["don", "t", "mail", "foo", "bar", "example", "com", "3", "14"]
        );
        assert_eq!(words("NEAR(\"a\"* -b) (a+)+$ .* 🙂👩‍👩‍👧 \u{fe0f}\u{200d}"), ["near", "a", "b", "a"]);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn case_diacritics_and_width_do_not_count() {
        for (one, other) in [
            ("STRASSE", "Straße"),
            ("ẞ", "ss"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("e\u{301}t\u{e9}", "ETE"),
            ("İstanbul", "istanbul"),
            ("Ｗｉｄｅ", "wide"),
            ("ﬁne", "fine"),
            ("Łódź Ærø", "lodz aero"),
            ("ёлка Йод", "ЕЛКА иод"),
            ("مُحَمَّد", "محمد"),
            ("שָׁלוֹם", "שלום"),
            ("co\u{ad}operate", "cooperate"),
            ("ｶﾞﾗｽ", "ガラス"),
            ("Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍Ą", "za"),
        ] {
            assert_eq!(words(one), words(other), "{one} {other}");
        }
    }

    #[test]
    fn marks_that_make_another_word_stay() {
        assert_ne!(words("कि"), words("की"));
        assert_eq!(words("नमस्ते दुनिया").len(), 2);
        assert_ne!(words("かき"), words("がき"));
    }

    #[test]
    fn scripts_without_spaces_are_taken_character_by_character() {
        let joined = |text: &str| tokens(text).into_iter().map(|token| (token.text, token.joined)).collect::<Vec<_>>();
        let expected =
            |of: &[(&str, bool)]| of.iter().map(|(text, joined)| ((*text).to_owned(), *joined)).collect::<Vec<_>>();
        assert_eq!(
            joined("買iPhone手机。好"),
            expected(&[("買", false), ("iphone", false), ("手", false), ("机", true), ("好", false)])
        );
        assert_eq!(joined("학교 가"), expected(&[("학", false), ("교", true), ("가", false)]));
        assert_eq!(words("コーヒー"), ["コ", "ー", "ヒ", "ー"]);
        assert_eq!(words("か\u{3099}\u{1112}\u{1161}\u{11ab}"), ["が", "한"]);
        assert_eq!(words("น้ำ").concat().chars().next(), Some('น'));
    }

    #[test]
    fn a_long_word_is_compared_by_its_beginning() {
        let long = words(&"é1".repeat(4000));
        assert_eq!((long.len(), long[0].len()), (1, 64));
    }

    #[test]
    fn each_word_knows_where_it_stands() {
        let text = "Ａn ÉTÉ 手机";
        let found: Vec<&str> = tokens(text).into_iter().map(|token| &text[token.range]).collect();
        assert_eq!(found, ["Ａn", "ÉTÉ", "手", "机"]);
    }
}
