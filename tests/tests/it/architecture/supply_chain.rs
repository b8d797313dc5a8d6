//! What may come in. `deny.toml` has the rules; these tests keep the part of them that needs no network.

use std::{env, fs, process::Command};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{
    MetadataCommand,
    semver::{Version, VersionReq},
};
use toml::{Table, Value};

use super::{licence, root};

/// Banned crates that are locked, as somebody names them for a feature, and that nothing turns on.
const LOCKED_AND_NOT_BUILT: &[&str] = &["ring"];

/// The workspaces, each with a lock file: the product's, and the fuzz targets'.
const WORKSPACES: [&str; 2] = ["", "crates/socketio/fuzz"];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The rules of `deny.toml` that can be kept offline.
struct Rules {
    licences: Vec<String>,
    exceptions: Vec<Exception>,
    bans: Vec<Ban>,
}

/// Licences that are allowed for one crate.
struct Exception {
    name: String,
    licences: Vec<String>,
}

/// A crate that must not come in, at all or in some versions.
struct Ban {
    name: String,
    versions: VersionReq,
    reason: String,
}

/// A crate as `Cargo.lock` names it: for every system and with every feature, used in this build or not.
struct Locked {
    name: String,
    version: Version,
    /// `None` for our own.
    source: Option<String>,
}

impl Rules {
    fn parse(deny: &str) -> Result<Self> {
        let deny: Table = deny.parse()?;
        let exceptions = list(&deny, "licenses", "exceptions")?.iter().map(Exception::parse);
        let bans = list(&deny, "bans", "deny")?.iter().map(Ban::parse);
        Ok(Self {
            licences: texts(list(&deny, "licenses", "allow")?)?,
            exceptions: exceptions.collect::<Result<_>>()?,
            bans: bans.collect::<Result<_>>()?,
        })
    }

    /// What a crate may be licensed under.
    fn licences_for(&self, name: &str) -> Vec<String> {
        let exceptions = self.exceptions.iter().filter(|exception| exception.name == name);
        self.licences.iter().chain(exceptions.flat_map(|exception| &exception.licences)).cloned().collect()
    }
}

impl Exception {
    /// An entry such as `{ crate = "name", allow = ["…"] }`.
    fn parse(entry: &Value) -> Result<Self> {
        let field = |name| entry.get(name).with_context(|| format!("{entry} has no {name}"));
        let licences = field("allow")?.as_array().with_context(|| format!("{entry} has no list"))?;
        Ok(Self { name: text(field("crate")?)?.into(), licences: texts(licences)? })
    }
}

impl Ban {
    /// An entry such as `{ crate = "name:<1.2", reason = "…" }`; without a version it means every one.
    fn parse(entry: &Value) -> Result<Self> {
        let field = |name| text(entry.get(name).with_context(|| format!("{entry} has no {name}"))?);
        let (name, versions) = field("crate")?.split_once(':').unwrap_or((field("crate")?, "*"));
        if name.contains('@') {
            bail!("{name}: write the versions as `:=1.2.3`");
        }
        Ok(Self { name: name.into(), versions: versions.parse()?, reason: field("reason")?.into() })
    }
}

fn list<'a>(table: &'a Table, section: &str, key: &str) -> Result<&'a Vec<Value>> {
    let value = table.get(section).and_then(|section| section.get(key));
    value.and_then(Value::as_array).with_context(|| format!("there is no list {section}.{key}"))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

fn texts(values: &[Value]) -> Result<Vec<String>> {
    values.iter().map(|value| Ok(text(value)?.to_owned())).collect()
}

fn parse_lock(lock: &str) -> Result<Vec<Locked>> {
    let lock: Table = lock.parse()?;
    let packages = lock.get("package").and_then(Value::as_array).context("there is no list of packages")?;
    let locked = |package: &Value| {
        let field = |name| package.get(name).and_then(Value::as_str);
        Ok(Locked {
            name: field("name").context("a package has no name")?.to_owned(),
            version: field("version").context("a package has no version")?.parse()?,
            source: field("source").map(str::to_owned),
        })
    };
    packages.iter().map(locked).collect()
}

/// The locked crates that are banned, each with the reason.
fn banned(locked: &[Locked], bans: &[Ban]) -> Vec<String> {
    let mut found = Vec::new();
    for Locked { name, version, .. } in locked {
        let applies = |ban: &&Ban| ban.name == *name && ban.versions.matches(version);
        found.extend(bans.iter().filter(applies).map(|ban| format!("{name} {version}: {}", ban.reason)));
    }
    found
}

/// The locked crates that come from elsewhere than the registry.
fn of_unknown_source(locked: &[Locked]) -> Vec<String> {
    let foreign = |source: &&String| source.as_str() != CRATES_IO;
    locked
        .iter()
        .filter_map(|one| Some(format!("{} from {}", one.name, one.source.as_ref().filter(foreign)?)))
        .collect()
}

fn rules() -> Result<Rules> {
    Rules::parse(&fs::read_to_string(root().join("deny.toml"))?)
}

fn lock(workspace: &str) -> Result<Vec<Locked>> {
    parse_lock(&fs::read_to_string(root().join(workspace).join("Cargo.lock"))?)
}

#[test]
fn nothing_banned_is_locked() -> Result<()> {
    let rules = rules()?;
    assert!(!rules.bans.is_empty());
    for workspace in WORKSPACES {
        let mut locked = lock(workspace)?;
        locked.retain(|one| !LOCKED_AND_NOT_BUILT.contains(&one.name.as_str()));
        assert_eq!(banned(&locked, &rules.bans), [""; 0]);
    }
    Ok(())
}

#[test]
fn what_is_locked_and_not_to_be_built_is_not_built() -> Result<()> {
    let cargo = env::var_os("CARGO").context("this is not run by cargo")?;
    let tree = Command::new(cargo)
        .args(["tree", "--workspace", "--locked", "--offline", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()?;
    let (tree, errors) = (String::from_utf8(tree.stdout)?, String::from_utf8_lossy(&tree.stderr));
    let names: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"tokio"), "{errors}");
    for name in LOCKED_AND_NOT_BUILT {
        assert!(!names.contains(name), "{name} is built: see `cargo tree --invert {name}`");
    }
    Ok(())
}

#[test]
fn everything_comes_from_the_registry() -> Result<()> {
    for workspace in WORKSPACES {
        assert_eq!(of_unknown_source(&lock(workspace)?), [""; 0]);
    }
    Ok(())
}

/// Cargo fetches what the other workspaces need, if nothing has before, and refuses a lock file that is out of step.
#[test]
fn every_licence_is_allowed() -> Result<()> {
    let rules = rules()?;
    for workspace in WORKSPACES {
        // For this system alone: what others need may never have been fetched.
        let options = ["--locked", "--filter-platform", "host-tuple"].map(String::from);
        let manifest = root().join(workspace).join("Cargo.toml");
        for package in MetadataCommand::new().manifest_path(manifest).other_options(options).exec()?.packages {
            let expression = package.license.unwrap_or_default();
            let allowed = rules.licences_for(&package.name);
            assert!(licence::permits(&expression, &allowed), "{} {}: {expression:?}", package.name, package.version);
        }
    }
    Ok(())
}

/// Else something else would be fuzzed than what is shipped.
#[test]
fn what_workspaces_share_has_the_same_version() -> Result<()> {
    let [product, others @ ..] = WORKSPACES;
    let product = lock(product)?;
    for other in others {
        for Locked { name, version, .. } in lock(other)? {
            let shared: Vec<_> = product.iter().filter(|one| one.name == name).map(|one| &one.version).collect();
            assert!(
                shared.is_empty() || shared.contains(&&version),
                "{other} has {name} {version}, and not {shared:?}"
            );
        }
    }
    Ok(())
}

/// A lock file with one of our crates, and a ban of each kind.
fn made_up(packages: &str) -> Result<(Vec<Locked>, Rules)> {
    let ours = "[[package]]\nname = \"parlor-domain\"\nversion = \"0.1.0\"\n";
    let deny = r#"
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "fuzzer", allow = ["NCSA"] }]
        [bans]
        deny = [{ crate = "rsa", reason = "no fix" }, { crate = "jwt:<10.3", reason = "GHSA-x" }]
    "#;
    Ok((parse_lock(&format!("{ours}{packages}"))?, Rules::parse(deny)?))
}

fn package(name: &str, version: &str, source: &str) -> String {
    format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n")
}

#[test]
fn a_banned_crate_is_found_in_any_version() -> Result<()> {
    let (locked, rules) = made_up(&package("rsa", "0.9.8", CRATES_IO))?;
    assert_eq!(banned(&locked, &rules.bans), ["rsa 0.9.8: no fix"]);
    Ok(())
}

#[test]
fn a_version_below_the_floor_is_found_beside_a_good_one() -> Result<()> {
    let both = package("jwt", "10.2.9", CRATES_IO) + &package("jwt", "10.3.0", CRATES_IO);
    let (locked, rules) = made_up(&both)?;
    assert_eq!(banned(&locked, &rules.bans), ["jwt 10.2.9: GHSA-x"]);
    Ok(())
}

#[test]
fn a_crate_from_elsewhere_is_found() -> Result<()> {
    let elsewhere = "git+https://example.org/bytes#abc";
    let (locked, _) = made_up(&(package("bytes", "1.0.0", elsewhere) + &package("http", "1.0.0", CRATES_IO)))?;
    assert_eq!(of_unknown_source(&locked), [format!("bytes from {elsewhere}")]);
    Ok(())
}

#[test]
fn an_exception_allows_one_crate_another_licence() -> Result<()> {
    let (_, rules) = made_up("")?;
    assert_eq!(rules.licences_for("fuzzer"), ["MIT", "NCSA"]);
    assert_eq!(rules.licences_for("bytes"), ["MIT"]);
    Ok(())
}

#[test]
fn a_ban_without_a_reason_is_refused() {
    let error =
        Rules::parse("[licenses]\nallow = []\nexceptions = []\n[bans]\ndeny = [{ crate = \"rsa\" }]").err().unwrap();
    assert!(error.to_string().contains("has no reason"), "{error}");
}
