//! `cargo xtask docs`: the committed documents that are made from the code, or from
//! measurements.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{bench, process, workspace::Workspace};

/// A command of the server that prints a document, and the file that holds it.
const DOCUMENTS: [(&str, &str); 3] =
    [("openapi", "docs/openapi.json"), ("asyncapi", "docs/asyncapi.json"), ("errors", "docs/errors.md")];

/// Asks the server for every document, and writes them once all have been made.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let server = workspace.build_server(&["--package", "parlor-server"])?;
    let mut made = Vec::new();
    for (command, file) in DOCUMENTS {
        let text = process::output(Command::new(&server).arg(command).current_dir(&workspace.root))?;
        ensure!(!text.is_empty(), "`parlor {command}` printed nothing");
        made.push((file, text));
    }
    made.push(("docs/performance.md", bench::page_in(&workspace.root.join("docs"))?.into_bytes()));
    for (file, text) in made {
        let path = workspace.root.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(())
}
