//! Who may use whom. ARCHITECTURE.md has the table; a crate knows nothing of what it cannot name.

use anyhow::Result;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::root;

/// Each crate of the workspace, and those of ours that it may use outside its own tests.
const LAYERS: &[(&str, &[&str])] = &[
    ("parlor-domain", &[]),
    ("parlor-repositories", &["parlor-domain"]),
    ("parlor-realtime", &["parlor-domain"]),
    ("parlor-socketio", &[]),
    ("parlor-services", &["parlor-domain", "parlor-realtime"]),
    ("parlor-api", &["parlor-domain", "parlor-realtime", "parlor-socketio", "parlor-services"]),
    ("parlor-server", &["parlor-domain", "parlor-repositories", "parlor-realtime", "parlor-services", "parlor-api"]),
    ("parlor-bench", &[]),
    ("parlor-tests", &[]),
    ("xtask", &["parlor-tests"]),
];

/// These look at the product from outside: they use what they like, and none of its crates, not even in tests.
const TOOLS: &[&str] = &["parlor-bench", "parlor-tests", "xtask"];

/// Third-party crates, each with all whose names it begins (`actix` stands for `actix-web` too), and the only crates
/// of ours that may use them.
const DRIVERS: &[(&str, &[&str])] = &[
    // HTTP, its documents and its input.
    ("actix", &["parlor-api", "parlor-server"]),
    ("tracing-actix-web", &["parlor-api", "parlor-server"]),
    ("utoipa", &["parlor-api"]),
    ("validator", &["parlor-api"]),
    // Databases.
    ("bson", &["parlor-repositories"]),
    ("mongodb", &["parlor-repositories"]),
    ("refinery", &["parlor-repositories"]),
    ("rusqlite", &["parlor-repositories"]),
    // Secrets. `parlor seed` hashes the password of its made-up users.
    ("bcrypt", &["parlor-services", "parlor-server"]),
    ("jsonwebtoken", &["parlor-services"]),
    // Shapes of data. The domain reads JSON only to tell whether a user's metadata is an object. The services
    // describe the claims of a token with serde.
    ("serde", &["parlor-repositories", "parlor-socketio", "parlor-services", "parlor-api", "parlor-server"]),
    ("serde_json", &["parlor-domain", "parlor-repositories", "parlor-socketio", "parlor-api", "parlor-server"]),
    // Configuration and the command line.
    ("clap", &["parlor-server"]),
    ("config", &["parlor-server"]),
    ("toml", &["parlor-server"]),
    // Tasks, timers and sockets: the domain does no IO.
    ("tokio", &["parlor-repositories", "parlor-realtime", "parlor-services", "parlor-api", "parlor-server"]),
];

/// The feature by which our crates offer mocks and fixtures to the tests of others.
const TEST_FEATURE: &str = "testing";

/// That one crate names another in its `Cargo.toml`.
struct Use {
    user: String,
    used: String,
    features: Vec<String>,
    in_tests_only: bool,
}

/// What the rules forbid among these uses.
fn violations(uses: &[Use]) -> Vec<String> {
    uses.iter().filter_map(violation).collect()
}

fn violation(Use { user, used, features, in_tests_only }: &Use) -> Option<String> {
    let tool = TOOLS.contains(&user.as_str());
    if *in_tests_only && !tool {
        return None;
    }
    let Some((_, ours)) = LAYERS.iter().find(|(name, _)| name == user) else {
        return Some(format!("{user} is a new crate: say in LAYERS what it may use"));
    };
    let is_ours = LAYERS.iter().any(|(name, _)| name == used);
    if is_ours && features.iter().any(|feature| feature == TEST_FEATURE) {
        return Some(format!("{user} brings what {used} has for tests into the product"));
    }
    let driver = DRIVERS.iter().find(|(family, _)| is_of_family(used, family));
    let allowed = if is_ours {
        ours.contains(&used.as_str())
    } else {
        tool || driver.is_none_or(|(_, users)| users.contains(&user.as_str()))
    };
    (!allowed).then(|| format!("{user} must know nothing of {used}"))
}

fn is_of_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Every crate of the workspace, with all that its `Cargo.toml` names, optional features and other systems included.
fn uses_in_workspace() -> Result<Vec<Use>> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let mut uses = Vec::new();
    for package in metadata.packages {
        for dependency in package.dependencies {
            uses.push(Use {
                user: package.name.to_string(),
                used: dependency.name,
                features: dependency.features,
                in_tests_only: dependency.kind == DependencyKind::Development,
            });
        }
    }
    Ok(uses)
}

fn in_product(user: &str, used: &str) -> Use {
    Use { user: user.into(), used: used.into(), features: Vec::new(), in_tests_only: false }
}

#[test]
fn no_crate_uses_what_it_must_know_nothing_of() -> Result<()> {
    let uses = uses_in_workspace()?;
    assert!(uses.iter().any(|Use { user, used, .. }| user == "parlor-server" && used == "parlor-domain"));
    assert_eq!(violations(&uses), [""; 0]);
    Ok(())
}

#[test]
fn every_made_up_violation_is_found() {
    let cases = [
        ("parlor-domain", "parlor-realtime"),
        ("parlor-domain", "tokio"),
        ("parlor-domain", "serde"),
        ("parlor-repositories", "parlor-services"),
        ("parlor-repositories", "actix-web"),
        ("parlor-realtime", "parlor-repositories"),
        ("parlor-realtime", "serde_json"),
        ("parlor-realtime", "actix-ws"),
        ("parlor-realtime", "parlor-socketio"),
        ("parlor-socketio", "parlor-domain"),
        ("parlor-socketio", "actix-web"),
        ("parlor-socketio", "tokio"),
        ("parlor-services", "parlor-repositories"),
        ("parlor-services", "parlor-api"),
        ("parlor-services", "rusqlite"),
        ("parlor-services", "bson"),
        ("parlor-services", "serde_json"),
        ("parlor-services", "tracing-actix-web"),
        ("parlor-api", "parlor-repositories"),
        ("parlor-api", "mongodb"),
        ("parlor-api", "refinery-core"),
        ("parlor-server", "rusqlite"),
        ("parlor-tests", "parlor-api"),
        ("xtask", "parlor-server"),
    ];
    for (user, used) in cases {
        assert_eq!(violations(&[in_product(user, used)]), [format!("{user} must know nothing of {used}")]);
    }
}

#[test]
fn what_is_for_tests_stays_out_of_the_product() {
    let features = vec!["testing".to_owned()];
    let found = violations(&[Use { features, ..in_product("parlor-services", "parlor-domain") }]);
    assert_eq!(found, ["parlor-services brings what parlor-domain has for tests into the product"]);
}

#[test]
fn the_tests_of_a_crate_may_use_anything_but_tools_stay_outside() {
    let in_tests = |user: &str, used: &str| Use { in_tests_only: true, ..in_product(user, used) };
    assert_eq!(violations(&[in_tests("parlor-services", "parlor-repositories")]), [""; 0]);
    assert_eq!(
        violations(&[in_tests("parlor-tests", "parlor-domain")]),
        ["parlor-tests must know nothing of parlor-domain"]
    );
}

#[test]
fn a_new_crate_has_to_be_given_its_place() {
    let found = violations(&[in_product("parlor-extra", "bytes")]);
    assert_eq!(found, ["parlor-extra is a new crate: say in LAYERS what it may use"]);
}

#[test]
fn a_family_is_a_name_and_not_the_beginning_of_a_word() {
    assert!(is_of_family("actix-web", "actix"));
    assert!(is_of_family("actix", "actix"));
    assert!(!is_of_family("serde_json", "serde"));
    assert!(!is_of_family("configparser", "config"));
}
