//! How the source looks, beyond what rustfmt and clippy see.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::root;

/// From here on a file asks to be split.
const MAX_LINES: usize = 500;
/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] =
    &[("crates/api/src/problem/code.rs", "one table, in which the whole meaning of each problem stands in one place")];

/// At the top of the workspace: what is built, what a server that was tried out has left, and git's own.
const NOT_SOURCE: &[&str] = &["target", "data", ".git"];
/// Files that others wrote.
const FOREIGN: &[&str] = &["Cargo.lock", "LICENSE-APACHE"];

// Put together, so that this file does not hold what it looks for.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("#[ig", "nore")];
const MACHINE_PATHS: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/t", "mp/")];
const REGISTRIES: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("--index", "-url"),
    concat!("--regis", "try"),
    concat!("replace", "-with"),
];

/// What is wrong with a file, each complaint with its line.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if path.ends_with(".rs") {
        found.extend(complaints_about_a_module(path, text));
    }
    let code = !path.ends_with(".md") && !path.ends_with(".txt");
    for (index, line) in text.lines().enumerate() {
        let mut complain = |what: &str| found.push(format!("{path}:{}: {what}", index + 1));
        if line.contains('\t') {
            complain("a tab");
        }
        if code && UNFINISHED.iter().any(|mark| line.contains(mark)) {
            complain("something unfinished");
        }
        if MACHINE_PATHS.iter().any(|start| has_path(line, start)) {
            complain("a path of one machine");
        }
        if REGISTRIES.iter().any(|registry| line.contains(registry)) {
            complain("a registry; which one is used is each machine's business");
        }
    }
    found
}

fn complaints_about_a_module(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!("{path}:1: the module does not begin with what it is for (`//!`)"));
    }
    let lines = text.lines().count();
    let excused = LONG_FILES.iter().any(|(long, _)| *long == path);
    if lines > MAX_LINES && !excused {
        found.push(format!("{path}: {lines} lines; split it, or say in LONG_FILES why not"));
    }
    if lines <= MAX_LINES && excused {
        found.push(format!("{path}: not long any more; take it out of LONG_FILES"));
    }
    found
}

/// Whether an absolute path begins so, as against a part of a URL or of a relative path.
fn has_path(line: &str, start: &str) -> bool {
    let inside = |before: char| before.is_alphanumeric() || "-_./}{$~".contains(before);
    line.match_indices(start).any(|(at, _)| !line[..at].ends_with(inside))
}

/// Every text file below a directory, by its path from the root.
fn texts_below(directory: &Path, prefix: &str, texts: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if prefix.is_empty() && NOT_SOURCE.contains(&name.as_str()) || FOREIGN.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            texts_below(&entry.path(), &format!("{path}/"), texts)?;
        } else if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
            texts.push((path, text));
        }
    }
    Ok(())
}

fn texts(root: PathBuf) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    texts_below(&root, "", &mut texts)?;
    texts.sort();
    Ok(texts)
}

#[test]
fn the_source_is_tidy() -> Result<()> {
    let texts = texts(root())?;
    for expected in [".ci/run", "Cargo.toml", "crates/domain/src/lib.rs", "tests/tests/it/architecture/tidy.rs"] {
        assert!(texts.iter().any(|(path, _)| path == expected), "{expected} was not read");
    }
    let found: Vec<_> = texts.iter().flat_map(|(path, text)| complaints(path, text)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    Ok(())
}

#[test]
fn a_module_has_to_say_what_it_is_for() {
    assert_eq!(complaints("a.rs", "//! The letter a.\n"), [""; 0]);
    let expected = ["a.rs:1: the module does not begin with what it is for (`//!`)"];
    assert_eq!(complaints("a.rs", "// The letter a.\n"), expected);
}

#[test]
fn a_file_of_code_has_a_length() {
    let longest = "//! Long.\n".repeat(MAX_LINES);
    assert_eq!(complaints("a.rs", &longest), [""; 0]);
    let expected = ["a.rs: 501 lines; split it, or say in LONG_FILES why not"];
    assert_eq!(complaints("a.rs", &(longest + "//! More.\n")), expected);
}

#[test]
fn tabs_are_found_with_their_line() {
    assert_eq!(complaints("a.md", "# A\n\n\tb\n"), ["a.md:3: a tab"]);
}

#[test]
fn what_is_unfinished_is_found_in_code_and_may_be_named_in_prose() {
    for mark in UNFINISHED {
        assert_eq!(complaints("a.sql", &format!("-- {mark}\n")), ["a.sql:1: something unfinished"], "{mark}");
        assert_eq!(complaints("a.md", &format!("No `{mark}`.\n")), [""; 0], "{mark}");
    }
}

#[test]
fn paths_of_one_machine_are_found_and_those_of_urls_are_not() {
    for start in MACHINE_PATHS {
        let complaint = ["a.toml:1: a path of one machine"];
        assert_eq!(complaints("a.toml", &format!("{start}ada/chat")), complaint, "{start}");
        assert_eq!(complaints("a.toml", &format!("dir = \"{start}ada\"")), complaint, "{start}");
        assert_eq!(complaints("a.toml", &format!("https://example.org{start}ada")), [""; 0], "{start}");
    }
}

#[test]
fn names_of_registries_are_found() {
    for registry in REGISTRIES {
        let line = format!("url = \"https://{registry}/simple\"\n");
        let expected = ["a.toml:1: a registry; which one is used is each machine's business"];
        assert_eq!(complaints("a.toml", &line), expected, "{registry}");
    }
}

#[test]
fn only_the_top_of_the_workspace_has_directories_that_are_not_source() -> Result<()> {
    let root = tempfile::tempdir()?;
    for directory in ["target", "crates/data"] {
        fs::create_dir_all(root.path().join(directory))?;
    }
    for (file, bytes) in [("target/a.rs", &b"a"[..]), ("crates/data/b.rs", b"b"), ("image.png", b"\x89PNG\xff")] {
        fs::write(root.path().join(file), bytes)?;
    }
    assert_eq!(texts(root.path().into())?, [("crates/data/b.rs".to_owned(), "b".to_owned())]);
    Ok(())
}
