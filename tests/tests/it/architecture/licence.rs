//! Licence expressions as crates state them: SPDX names joined by `OR`, `AND` and `WITH`, and the older `/` for `OR`.

/// Whether one may use what stands under this expression when the licences in `allowed` are accepted. An exception
/// makes another licence: `A WITH E` has to be in the list itself. What is no expression is not permitted.
pub(super) fn permits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut parser = Parser { words: spaced.split_whitespace().peekable(), allowed };
    parser.alternatives().unwrap_or(false) && parser.words.next().is_none()
}

/// Each method reads one level of the grammar, and returns `None` where the text does not follow it.
struct Parser<'a, W: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<W>,
    allowed: &'a [String],
}

impl<'a, W: Iterator<Item = &'a str>> Parser<'a, W> {
    fn alternatives(&mut self) -> Option<bool> {
        let mut permitted = self.conjunction()?;
        while self.words.next_if_eq(&"OR").is_some() {
            permitted |= self.conjunction()?;
        }
        Some(permitted)
    }

    fn conjunction(&mut self) -> Option<bool> {
        let mut permitted = self.licence()?;
        while self.words.next_if_eq(&"AND").is_some() {
            permitted &= self.licence()?;
        }
        Some(permitted)
    }

    fn licence(&mut self) -> Option<bool> {
        if self.words.next_if_eq(&"(").is_some() {
            let permitted = self.alternatives()?;
            self.words.next_if_eq(&")")?;
            return Some(permitted);
        }
        let mut licence = self.words.next()?.to_owned();
        if self.words.next_if_eq(&"WITH").is_some() {
            licence = format!("{licence} WITH {}", self.words.next()?);
        }
        Some(self.allowed.contains(&licence))
    }
}

#[test]
fn an_expression_is_permitted_when_one_alternative_is_allowed_as_a_whole() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(String::from);
    let cases = [
        ("MIT", true),
        ("GPL-3.0-or-later", false),
        ("GPL-3.0-or-later OR MIT", true),
        ("GPL-2.0/MIT", true),
        ("MIT AND GPL-3.0-or-later", false),
        ("MIT AND ISC", true),
        // AND binds more tightly than OR.
        ("GPL-3.0-or-later AND MIT OR ISC", true),
        ("GPL-3.0-or-later AND (MIT OR ISC)", false),
        ("(GPL-3.0-or-later OR MIT) AND ISC", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("MIT WITH LLVM-exception", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(permits(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn what_is_no_expression_is_not_permitted() {
    let allowed = ["MIT".to_owned()];
    for expression in ["", "MIT OR", "MIT MIT", "(MIT", "MIT)", "OR MIT", "MIT WITH", "non-standard"] {
        assert!(!permits(expression, &allowed), "{expression}");
    }
}
