//! The programs that the black-box tests run are the ones that they were written for.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use parlor_tests::Part;

/// What a program writes to standard output.
fn output(part: Part, arguments: &[&str]) -> Result<String> {
    let output = Command::new(part.path()?).args(arguments).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn the_server_is_of_this_version() -> Result<()> {
    let version = output(Part::Server, &["--version"])?;
    assert_eq!(version, format!("parlor {}", env!("CARGO_PKG_VERSION")));
    Ok(())
}

#[test]
fn curl_speaks_http() -> Result<()> {
    let version = output(Part::Curl, &["--version"])?;
    let protocols = version.lines().find(|line| line.starts_with("Protocols:")).context("no list of protocols")?;
    assert!(protocols.split(' ').any(|protocol| protocol == "http"), "{protocols}");
    Ok(())
}

#[test]
fn python_has_the_pinned_clients() -> Result<()> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/requirements.txt");
    let requirements = fs::read_to_string(requirements)?;
    for package in ["websockets", "python-socketio"] {
        let script = format!("from importlib.metadata import version; print(version({package:?}))");
        let pinned = format!("{package}=={} ", output(Part::Python, &["-c", &script])?);
        assert!(requirements.contains(&pinned), "Python has {pinned}");
    }
    Ok(())
}

#[test]
fn node_has_the_pinned_socketio_client() -> Result<()> {
    let script = "require(process.env.PARLOR_TEST_NODE_MODULES + '/socket.io-client/package.json').version";
    let version = output(Part::Node, &["--print", script])?;
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/package.json");
    let pinned = format!("\"socket.io-client\": \"{version}\"");
    assert!(fs::read_to_string(packages)?.contains(&pinned), "Node has socket.io-client {version}");
    Ok(())
}

#[test]
fn chromium_is_a_browser() -> Result<()> {
    let version = output(Part::Chromium, &["--version"])?;
    assert!(version.starts_with("Chromium ") || version.contains("Chrome"), "{version}");
    Ok(())
}

#[test]
fn mongod_is_a_version_that_parlor_serves_with() -> Result<()> {
    let version = output(Part::Mongod, &["--version"])?;
    let number = version.lines().next().and_then(|line| line.strip_prefix("db version v")).context("no version")?;
    let major: u32 = number.split('.').next().context("no major version")?.parse()?;
    assert!(major >= 6, "{version}");
    Ok(())
}
