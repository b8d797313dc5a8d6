//! Every statement of this store finds its rows by an index, none reads through a whole table; and each is planned once.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, StatementStatus, params_from_iter, types::Null};

use super::{
    administration::accounts_statement,
    audit::{Filters, page_statement},
    connect, migrations,
    rows::{AUDIT, CONVERSATION, EXCERPT, FRIEND_REQUEST, MEMBER, MESSAGE, REACTION, SESSION, TIE, USER, VERSION},
    sessions::LIVE,
    users::TERM,
};

const SOURCES: [&str; 16] = [
    include_str!("administration.rs"),
    include_str!("audit.rs"),
    include_str!("statistics.rs"),
    include_str!("users.rs"),
    include_str!("sessions.rs"),
    include_str!("conversations.rs"),
    include_str!("groups.rs"),
    include_str!("mentions.rs"),
    include_str!("communities/mod.rs"),
    include_str!("communities/channels.rs"),
    include_str!("messages.rs"),
    include_str!("changes.rs"),
    include_str!("search.rs"),
    include_str!("relations.rs"),
    include_str!("maintenance.rs"),
    include_str!("transfer.rs"),
];

/// The statements in a source, with what is put into them.
fn statements(source: &str) -> Vec<String> {
    let source = source.replace("\\\"", "'");
    let texts = source.split('"').skip(1).step_by(2).map(|text| {
        let words: Vec<_> = text.split_whitespace().filter(|word| *word != "\\").collect();
        words.join(" ")
    });
    let is_statement =
        |text: &String| ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb));
    texts.filter(is_statement).flat_map(|text| filled(&text)).collect()
}

fn filled(text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    let columns = [("{USER}", USER), ("{SESSION}", SESSION), ("{CONVERSATION}", CONVERSATION), ("{MEMBER}", MEMBER)];
    let more = [
        ("{MESSAGE}", MESSAGE),
        ("{EXCERPT}", EXCERPT),
        ("{LIVE}", LIVE),
        ("{FRIEND_REQUEST}", FRIEND_REQUEST),
        ("{TIE}", TIE),
        ("{AUDIT}", AUDIT),
        ("{VERSION}", VERSION),
        ("{REACTION}", REACTION),
    ];
    for (place, value) in columns.into_iter().chain(more) {
        text = text.replace(place, value);
    }
    if text.contains("{key}") {
        let variant = |key: &str, words: usize| text.replace("{key}", key).replace("{}", &TERM.repeat(words));
        return vec![variant("username_key", 0), variant("+username_key", 1), variant("+username_key", 2)];
    }
    if text.contains("{compare}") {
        return [">", "="].map(|compare| text.replace("{compare}", compare)).to_vec();
    }
    vec![text]
}

/// All statements, but those that clear the store or count what is in it.
fn all_statements() -> impl Iterator<Item = String> {
    let fixed = SOURCES.iter().flat_map(|source| statements(source));
    fixed.filter(|sql| !sql.contains("{table}") && !sql.contains("{index}")).chain(made())
}

/// Those that are made of parts.
fn made() -> Vec<String> {
    let mut made = Vec::new();
    for [a, b, c] in [[false; 3], [false, false, true], [false, true, false], [false, true, true]]
        .into_iter()
        .flat_map(|[_, b, c]| [[false, b, c], [true, b, c]])
    {
        made.push(page_statement(&Filters { target: a, actor: b, action: c }));
        for locked in [None, Some(true), Some(false)] {
            made.push(accounts_statement(2 * usize::from(a), b, locked));
        }
    }
    made
}

#[test]
fn no_statement_reads_through_a_whole_table() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrations::apply(&mut connection).unwrap();
    let mut checked = 0;
    for sql in all_statements() {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec![Null; plan.parameter_count()];
        let steps = plan.query_map(params_from_iter(parameters), |row| row.get::<_, String>("detail"));
        for step in steps.unwrap() {
            let step = step.unwrap();
            // The full-text index, by its terms or by a row.
            let searches = step.contains("VIRTUAL TABLE INDEX") && (step.contains(":M") || step.contains(":="));
            // Administrators have all conversations counted, along the narrowest index.
            let counts = sql == "SELECT count(*) AS count FROM conversations" && step.contains("COVERING INDEX");
            assert!(!step.starts_with("SCAN ") || step == "SCAN CONSTANT ROW" || counts || searches, "{step}: {sql}");
        }
        checked += 1;
    }
    assert!(checked > 40, "only {checked} statements were found");
}

#[test]
fn a_statement_that_is_run_again_with_other_values_is_not_planned_again() {
    let mut connection = connect(Path::new(":memory:"), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    migrations::apply(&mut connection).unwrap();
    for sql in all_statements() {
        let mut statement = connection.prepare(&sql).unwrap();
        for value in [1, 2] {
            let values = vec![value; statement.parameter_count()];
            // Rows are refused for what they are and refer to; the statement was planned for that as well.
            let _ = statement.query(params_from_iter(values)).and_then(|mut rows| rows.next().map(|_| ()));
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}
