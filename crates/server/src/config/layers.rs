//! The layers that a configuration is made of: each value knows where it comes from, and no unknown key gets by.

use std::path::{Path, PathBuf};

use config::{Config, ConfigError as SourceError, File, FileFormat, Map, Source, Value, ValueKind};

use super::ConfigError;

const DEFAULTS: &str = include_str!("../../../../config/default.toml");
const PRODUCTION: &str = include_str!("../../../../config/production.toml");
/// What the origin of a value is called that nobody has set.
pub(super) const DEFAULTS_NAME: &str = "the defaults";
const VARIABLE_PREFIX: &str = "PARLOR__";

/// A named set of values for a kind of place to run in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// The defaults as they are: for trying out and for developing against.
    #[default]
    Development,
    /// For serving real users: asks for a secret, opens nothing that need not be open.
    Production,
}

/// A value for a key, and the flag that gives it.
#[derive(Clone, Debug)]
pub struct FlagValue {
    /// The flag, for messages.
    pub flag: &'static str,
    /// The key, such as `server.port`.
    pub key: String,
    /// The value as text.
    pub value: String,
}

/// Where a configuration comes from, beside the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Which profile.
    pub profile: Profile,
    /// A file with the keys that differ.
    pub file: Option<PathBuf>,
    /// The process's environment; only variables that begin with `PARLOR_` are looked at.
    pub environment: Vec<(String, String)>,
    /// What the command line says.
    pub flags: Vec<FlagValue>,
}

/// One layer's values, each with its origin; keys are nested tables or dotted paths.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, SourceError> {
        Ok(self.0.clone())
    }
}

/// Puts the layers on each other. Gives the values with their origins, and the names of the layers, lowest first.
///
/// # Errors
/// A file that can't be read, a key that does not exist, a value that is not of its key's kind.
pub(super) fn merge(sources: &Sources) -> Result<(Config, Vec<String>), ConfigError> {
    let defaults = embedded(DEFAULTS, DEFAULTS_NAME)?;
    let known = defaults.0.clone();
    let mut names = vec![DEFAULTS_NAME.to_owned()];
    let mut builder = Config::builder().add_source(defaults);

    if sources.profile == Profile::Production {
        let layer = embedded(PRODUCTION, "the profile production")?;
        refuse_unknown(&known, &layer.0, "", "the profile production")?;
        names.push("the profile production".to_owned());
        builder = builder.add_source(layer);
    }
    if let Some(path) = &sources.file {
        let origin = format!("the file {}", path.display());
        let layer = file(path, &origin)?;
        refuse_unknown(&known, &layer.0, "", &origin)?;
        names.push(origin);
        builder = builder.add_source(layer);
    }
    let variables = environment(&known, &sources.environment)?;
    if !variables.0.is_empty() {
        names.push("the environment".to_owned());
    }
    let mut flags = Layer(Map::new());
    for FlagValue { flag, key, value } in &sources.flags {
        insert(&mut flags.0, key, typed(&known, key, value, flag)?);
    }
    if !flags.0.is_empty() {
        names.push("the command line".to_owned());
    }
    let merged = builder.add_source(variables).add_source(flags).build();
    Ok((merged.map_err(|error| ConfigError::Invalid(error.to_string()))?, names))
}

fn embedded(text: &str, origin: &str) -> Result<Layer, ConfigError> {
    let values = File::from_str(text, FileFormat::Toml).collect();
    values.map(|values| labelled(values, origin)).map_err(|error| ConfigError::Invalid(error.to_string()))
}

fn file(path: &Path, origin: &str) -> Result<Layer, ConfigError> {
    // Read here, since the library looks for other endings of the name when there is no such file.
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let values = File::from_str(&text, FileFormat::Toml).collect();
    values.map(|values| labelled(values, origin)).map_err(|error| syntax_error(&error, &text, origin))
}

/// The parser's message without the piece of the file that it shows, which may hold a secret.
fn syntax_error(error: &SourceError, text: &str, origin: &str) -> ConfigError {
    let unclear = || ConfigError::Invalid(format!("{origin} is not valid TOML"));
    let SourceError::FileParse { cause, .. } = error else { return unclear() };
    let Some(toml) = cause.downcast_ref::<toml::de::Error>() else { return unclear() };
    let before = toml.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    ConfigError::Invalid(format!("{origin} is not valid TOML: line {line}: {}", toml.message().replace('\n', ", ")))
}

fn labelled(values: Map<String, Value>, origin: &str) -> Layer {
    let origin = origin.to_owned();
    let label = |value: Value| {
        if let ValueKind::Table(inner) = value.kind {
            return Value::new(Some(&origin), ValueKind::Table(labelled(inner, &origin).0));
        }
        Value::new(Some(&origin), value.kind)
    };
    Layer(values.into_iter().map(|(key, value)| (key, label(value))).collect())
}

/// Refuses a key that the defaults don't have. What is a value there and a table here, or the other way round, is
/// left to the types.
fn refuse_unknown(
    known: &Map<String, Value>,
    given: &Map<String, Value>,
    path: &str,
    origin: &str,
) -> Result<(), ConfigError> {
    for (key, value) in given {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(there) = known.get(key) else {
            return Err(ConfigError::UnknownKey { key: path, origin: origin.to_owned() });
        };
        if let (ValueKind::Table(known), ValueKind::Table(given)) = (&there.kind, &value.kind) {
            refuse_unknown(known, given, &path, origin)?;
        }
    }
    Ok(())
}

fn environment(known: &Map<String, Value>, variables: &[(String, String)]) -> Result<Layer, ConfigError> {
    let mut values = Map::new();
    for (name, value) in variables {
        let origin = format!("the variable {name}");
        if let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) {
            let key = rest.replace("__", ".").to_ascii_lowercase();
            insert(&mut values, &key, typed(known, &key, value, &origin)?);
        } else if let Some(rest) = name.strip_prefix("PARLOR_") {
            refuse_single_underscore(known, rest, name)?;
        }
    }
    Ok(Layer(values))
}

/// Refuses `PARLOR_SECTION__KEY`, which would be left unseen. `PARLOR_SECTION_KEY` is not refused: Kubernetes gives
/// such variables to every container beside a service of that name.
fn refuse_single_underscore(known: &Map<String, Value>, rest: &str, name: &str) -> Result<(), ConfigError> {
    match rest.split_once("__") {
        Some((section, _)) if known.contains_key(&section.to_ascii_lowercase()) => {
            Err(ConfigError::SingleUnderscore { name: name.to_owned(), right: format!("{VARIABLE_PREFIX}{rest}") })
        }
        _ => Ok(()),
    }
}

/// A text as a value of the kind that its key has in the defaults. Nothing guesses the kind from the text: a secret
/// of digits stays what it is.
fn typed(known: &Map<String, Value>, key: &str, text: &str, origin: &str) -> Result<Value, ConfigError> {
    let origin = origin.to_owned();
    let Some(default) = find(known, key) else {
        return Err(ConfigError::UnknownKey { key: key.to_owned(), origin });
    };
    let expected = |what| ConfigError::Invalid(format!("{origin}: `{key}` must be {what}"));
    let kind = match &default.kind {
        ValueKind::Boolean(_) => ValueKind::Boolean(text.parse().map_err(|_| expected("true or false"))?),
        ValueKind::I64(_) => ValueKind::I64(text.parse().map_err(|_| expected("a whole number"))?),
        ValueKind::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            ValueKind::Array(items.map(|item| Value::new(Some(&origin), item)).collect())
        }
        ValueKind::Table(keys) => {
            let table = inline_table(text).ok_or_else(|| expected("like { burst = 10, per_minute = 60 }"))?;
            refuse_unknown(keys, &table, key, &origin)?;
            ValueKind::Table(labelled(table, &origin).0)
        }
        ValueKind::String(_)
        | ValueKind::Nil
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_) => ValueKind::String(text.to_owned()),
    };
    Ok(Value::new(Some(&origin), kind))
}

/// A table written in one line, as in a file.
fn inline_table(text: &str) -> Option<Map<String, Value>> {
    let mut file = File::from_str(&format!("table = {text}"), FileFormat::Toml).collect().ok()?;
    let table = file.remove("table")?;
    // More than the table would be what follows a line end in the text.
    if file.is_empty() { table.into_table().ok() } else { None }
}

/// Sets a key; a table key by key, so that of a table and one of its keys the later one wins.
fn insert(values: &mut Map<String, Value>, key: &str, value: Value) {
    if let ValueKind::Table(keys) = value.kind {
        for (name, value) in keys {
            insert(values, &format!("{key}.{name}"), value);
        }
    } else {
        values.insert(key.to_owned(), value);
    }
}

/// The value at a dotted path.
pub(super) fn find<'a>(values: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => values.get(key),
        Some((first, rest)) => {
            let ValueKind::Table(inner) = &values.get(first)?.kind else { return None };
            find(inner, rest)
        }
    }
}

/// Whether somebody has given the key a value, and be it the one that it has by default.
pub(super) fn is_set(values: &Map<String, Value>, key: &str) -> bool {
    find(values, key).and_then(Value::origin).is_some_and(|origin| origin != DEFAULTS_NAME)
}

/// The error of a value that is not what its type needs, with the key and where the value comes from.
pub(super) fn describe(error: &SourceError, values: &Map<String, Value>) -> ConfigError {
    let (key, reason) = if let SourceError::At { error, key: Some(key), .. } = error {
        (key, error.to_string())
    } else if let SourceError::Type { unexpected, expected, key: Some(key), .. } = error {
        (key, format!("{unexpected} was found where {expected} is needed"))
    } else {
        return ConfigError::Invalid(error.to_string());
    };
    let origin = find(values, key).and_then(Value::origin).unwrap_or("the configuration");
    ConfigError::Invalid(format!("{origin}: `{key}`: {reason}"))
}
