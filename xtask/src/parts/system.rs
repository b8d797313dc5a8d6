//! Programs of the operating system.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::process;

/// Finds a program on PATH; if it is missing, installs the package that brings it, or says which one is missing.
pub(crate) fn program(name: &str, package: &str) -> Result<PathBuf> {
    if let Some(found) = find(name) {
        return Ok(found);
    }
    install(package)?;
    find(name).with_context(|| format!("the package `{package}` is installed, and still there is no `{name}` on PATH"))
}

/// Finds a program on PATH.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    on_path(name, &env::var_os("PATH").unwrap_or_default())
}

/// Installs a package of Debian. Elsewhere, or without the rights to do so, an error that names it.
pub(crate) fn install(package: &str) -> Result<()> {
    ensure!(is_debian_root(), "the tests need the package `{package}`: please install it and run this again");
    eprintln!("installing the package {package}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet=2");
        apt
    };
    // A fresh image has no package lists.
    process::run(apt().arg("update"))?;
    process::run(apt().args(["install", "--yes", "--no-install-recommends", package]))
}

fn is_debian_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    Path::new("/etc/debian_version").exists() && user.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    env::split_paths(path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::on_path;

    #[test]
    fn a_program_is_found_in_the_first_directory_that_has_it() {
        let [empty, first, second] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
        for directory in [&first, &second] {
            fs::write(directory.path().join("curl"), "").unwrap();
        }
        let path = env::join_paths([&empty, &first, &second].map(|directory| directory.path())).unwrap();
        assert_eq!(on_path("curl", &path), Some(first.path().join("curl")));
        assert_eq!(on_path("wget", &path), None);
    }

    #[test]
    fn a_directory_is_no_program() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("curl")).unwrap();
        assert_eq!(on_path("curl", directory.path().as_os_str()), None);
    }
}
