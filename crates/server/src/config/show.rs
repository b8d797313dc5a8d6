//! What is in force, as TOML.

use std::fmt::Write as _;

use config::{Map, Value, ValueKind};

use super::{layers::DEFAULTS_NAME, store::without_secrets};

/// The keys that are never shown.
const SECRETS: [&str; 2] = ["auth.secret", "auth.previous_secret"];
/// The key that is shown without what is secret in it.
const URL: &str = "store.url";

/// All values as TOML, secrets hidden, with the origin of each that is not a default.
pub(super) fn show(values: &Map<String, Value>, layers: &[String]) -> String {
    let mut text = format!("# In force, made of: {}.\n", layers.join(", "));
    for (section, value) in sorted(values) {
        let ValueKind::Table(keys) = &value.kind else { continue };
        let _ = write!(text, "\n[{section}]\n");
        for (key, value) in sorted(keys) {
            let origins = origins(value);
            let comment = if origins.is_empty() { String::new() } else { format!("  # {}", origins.join(", ")) };
            let _ = writeln!(text, "{key} = {}{comment}", literal(value, &format!("{section}.{key}")));
        }
    }
    text
}

fn sorted(values: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    sorted
}

/// Where a value, or any part of it, comes from, unless that is the defaults.
fn origins(value: &Value) -> Vec<&str> {
    if let ValueKind::Table(inner) = &value.kind {
        let mut origins: Vec<_> = sorted(inner).into_iter().flat_map(|(_, value)| origins(value)).collect();
        origins.dedup();
        return origins;
    }
    value.origin().filter(|origin| *origin != DEFAULTS_NAME).into_iter().collect()
}

fn literal(value: &Value, path: &str) -> String {
    if let ValueKind::Table(inner) = &value.kind {
        let pairs = sorted(inner).into_iter().map(|(key, value)| format!("{key} = {}", literal(value, key)));
        return format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "));
    }
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    match &value.kind {
        ValueKind::String(secret) if SECRETS.contains(&path) && !secret.is_empty() => text("(hidden)"),
        ValueKind::String(url) if path == URL => text(&without_secrets(url)),
        ValueKind::String(content) => text(content),
        ValueKind::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| literal(item, path)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::Table(_) => value.to_string(),
    }
}
