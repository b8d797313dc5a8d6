//! Pictures of users: initials on a colour of their own.

use parlor_services::Avatar;

/// A picture opened as a page may run and load nothing.
pub(crate) const SECURITY_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// What the picture is known by in caches: it depends on the user and the initials alone.
pub(crate) fn version(avatar: &Avatar) -> String {
    avatar.initials.bytes().fold("1-".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// The picture as SVG.
pub(crate) fn draw(avatar: &Avatar) -> String {
    // The random end of the id, so that users of the same hour get different colours.
    let [.., high, low] = *avatar.user.as_bytes();
    let hue = u16::from_be_bytes([high, low]) % 360;
    let initials: String = avatar.initials.chars().map(escape).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"128\" height=\"128\" viewBox=\"0 0 128 128\">\
         <rect width=\"128\" height=\"128\" fill=\"hsl({hue} 45% 40%)\"/>\
         <text x=\"64\" y=\"64\" dy=\".35em\" text-anchor=\"middle\" font-family=\"sans-serif\" font-size=\"52\" \
         fill=\"#fff\">{initials}</text></svg>"
    )
}

/// Initials are letters and digits, so this changes nothing today; the picture must not depend on it.
fn escape(c: char) -> String {
    match c {
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '&' => "&amp;".to_owned(),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn avatar(initials: &str) -> Avatar {
        Avatar { user: "6740a1b2c3d4e5f601234567".parse().unwrap(), initials: initials.to_owned() }
    }

    #[test]
    fn a_picture_shows_the_initials_and_nothing_that_runs() {
        assert!(draw(&avatar("AL")).contains(">AL</text>"));
        assert!(draw(&avatar("<&")).contains(">&lt;&amp;</text>"));
    }

    #[test]
    fn another_name_is_another_version() {
        assert_eq!(version(&avatar("AL")), version(&avatar("AL")));
        assert_ne!(version(&avatar("AL")), version(&avatar("AK")));
    }
}
