//! The list of all problems, for people: as a page that `type` links to, and as `docs/errors.md`.

use std::fmt::Write as _;

use super::ProblemCode;
use crate::live::CloseCode;

const INTRODUCTION: &str = "Every error is a problem document (RFC 9457) of the media type \
`application/problem+json`. Programs go by `code`, which never changes its meaning; `detail` is for people and may \
change. `requestId` is also in the header `x-request-id` and in the server's log.";

const EXAMPLE: &str = r##"{
  "type": "/api/docs/errors#validation_failed",
  "title": "Validation failed",
  "status": 422,
  "detail": "`username` must have at least 3 characters",
  "code": "validation_failed",
  "requestId": "019aa5b0-7b0e-7cc3-98c4-dc0c0c07398f",
  "errors": [
    { "field": "username", "code": "too_short", "message": "must have at least 3 characters" }
  ]
}"##;

const MEMBERS: &str = "`errors` is there only if single fields are to blame, `retryAfter` (whole seconds, the same \
as the header `Retry-After`) only if waiting helps, and `lock` (`reason`, `at`, `until`) only if the account is locked. \
On a socket the same document, without `requestId`, is the `problem` \
of a reply.";

const CLOSE_CODES: &str = "\n# Close codes\n\nWith these a WebSocket is closed (RFC 6455, section 7.4).\n\n";

/// The list as Markdown, and the close codes of sockets, for `docs/errors.md`.
pub fn errors_markdown() -> String {
    let mut page =
        format!("# Errors\n\n{INTRODUCTION}\n\n```json\n{EXAMPLE}\n```\n\n{MEMBERS}\n\n| code | status |\n|---|---|\n");
    for code in ProblemCode::ALL {
        let name = code.name();
        // Writing to a `String` can't fail.
        let _ = writeln!(page, "| [`{name}`](#{name}) | {} |", code.status().as_u16());
    }
    for code in ProblemCode::ALL {
        let row = code.row();
        let status = row.status.as_u16();
        let _ = write!(page, "\n## {}\n\n{status} {}. {} {}\n", row.name, row.title, row.meaning, row.remedy);
    }
    page.push_str(CLOSE_CODES);
    page.push_str(&CloseCode::markdown());
    page
}

/// The list as the page that the `type` of every problem points into.
pub(crate) fn errors_page() -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Errors</title>\n<h1>Errors</h1>\n\
         <p>{}</p>\n<pre>{EXAMPLE}</pre>\n<p>{}</p>\n",
        code_spans(INTRODUCTION),
        code_spans(MEMBERS),
    );
    for code in ProblemCode::ALL {
        let row = code.row();
        let _ = write!(
            page,
            "<h2 id=\"{name}\">{name}</h2>\n<p>{status} {title}. {meaning} {remedy}</p>\n",
            name = row.name,
            status = row.status.as_u16(),
            title = row.title,
            meaning = code_spans(row.meaning),
            remedy = code_spans(row.remedy),
        );
    }
    page.push_str("</html>\n");
    page
}

/// The texts of the table, whose only markup is the back quote, as HTML.
fn code_spans(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_anchor_on_the_page_and_heading_in_the_document() {
        let (page, document) = (errors_page(), errors_markdown());
        for code in ProblemCode::ALL {
            assert_eq!(page.matches(&format!("id=\"{}\"", code.name())).count(), 1, "{}", code.name());
            assert_eq!(document.matches(&format!("\n## {}\n", code.name())).count(), 1, "{}", code.name());
        }
        assert_eq!(page.matches("<code>").count(), page.matches("</code>").count());
    }
}
