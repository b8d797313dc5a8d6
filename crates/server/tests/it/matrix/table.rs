//! The page that is the table.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::PathBuf,
    sync::OnceLock,
};

use super::{doors::Door, stage::Effect};

/// What a cell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// It is carried out.
    Ok,
    /// It is answered as for what does not exist.
    NotFound,
    /// It is refused for want of a session.
    Unauthenticated,
    /// It is carried out, and the thing is as good as not there.
    Nothing,
    /// It is refused for this reason.
    Problem(String),
}

impl Cell {
    fn parse(text: &str) -> Self {
        match text {
            "ok" => Self::Ok,
            "404" => Self::NotFound,
            "401" => Self::Unauthenticated,
            "nothing" => Self::Nothing,
            code => Self::Problem(code.to_owned()),
        }
    }
}

/// An operation, and what it is answered with by what the caller is to its object.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Method and path; empty for what sockets alone have.
    pub(super) operation: String,
    /// What of several things it is about, or how.
    pub(super) about: String,
    /// The command that does the same; empty if there is none.
    pub(super) command: String,
    /// By relation.
    pub(super) cells: Vec<(String, Cell)>,
}

impl Row {
    /// What it leaves behind where this cell is right.
    pub(super) fn effect(&self, cell: &Cell) -> Effect {
        if *cell != Cell::Ok || self.operation.starts_with("GET ") {
            Effect::None
        } else if ["/members", "/messages/"].iter().any(|part| self.operation.contains(part))
            || ["PATCH /conversations/{id}", "PATCH /communities/{id}", "DELETE /communities/{id}"]
                .contains(&&*self.operation)
            || self.operation.ends_with("/join")
            || self.operation.contains("/channels")
        {
            Effect::Shared
        } else {
            Effect::Own
        }
    }

    /// Whether what is told differs by what may be known.
    pub(super) fn tells_apart(&self) -> bool {
        self.cells.iter().any(|(_, cell)| *cell == Cell::Nothing)
    }

    /// Whether the object may be among what is answered, though the call does not name it by its id.
    pub(super) fn is_of_a_list(&self) -> bool {
        self.operation.starts_with("GET ") && !self.operation.contains('{') && !self.about.is_empty()
    }

    /// Whether it can be said through this door.
    pub(super) const fn has(&self, door: Door) -> bool {
        match door {
            Door::Rest => !self.operation.is_empty(),
            Door::Plain | Door::SocketIo => !self.command.is_empty(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.operation, self.command, self.about)
    }
}

/// The tables of the page, by the headings above them.
pub(super) struct Page(BTreeMap<String, Vec<Vec<String>>>);

/// The page.
pub(super) fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
        Page::parse(&fs::read_to_string(path).unwrap())
    })
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut tables: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        let mut title = None;
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                title = Some(heading.to_owned());
            }
            let (Some(title), Some(cells)) = (&title, line.strip_prefix('|')) else { continue };
            if cells.starts_with("---") {
                continue;
            }
            let cells = cells.trim_end().strip_suffix('|').unwrap().split('|');
            let cells = cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
            tables.entry(title.clone()).or_default().push(cells);
        }
        Self(tables)
    }

    /// The headings that tables stand below.
    pub(super) fn titles(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The rows below a heading.
    pub(super) fn rows(&self, title: &str) -> Vec<Row> {
        let row = |(named, cells): ([String; 3], Vec<(String, String)>)| {
            let [operation, about, command] = named;
            let cells = cells.into_iter().map(|(relation, cell)| (relation, Cell::parse(&cell))).collect();
            Row { operation, about, command, cells }
        };
        self.read(title, ["operation", "about", "command"]).map(row).collect()
    }

    /// The rows below a heading whose first columns are these. The other cells come with what stands above them.
    pub(super) fn read<const N: usize>(
        &self,
        title: &str,
        first: [&str; N],
    ) -> impl Iterator<Item = ([String; N], Vec<(String, String)>)> {
        let [head, rows @ ..] = &**self.0.get(title).unwrap() else { panic!("{title} has a head") };
        assert_eq!(head[..N], first);
        rows.iter().map(move |row| {
            assert_eq!(row.len(), head.len(), "{row:?}");
            let named = row[..N].to_vec().try_into().unwrap();
            (named, head[N..].iter().cloned().zip(row[N..].iter().cloned()).collect())
        })
    }
}
