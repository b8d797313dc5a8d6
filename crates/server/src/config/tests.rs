//! Layers, unknown keys, secrets and the checks, through [`Configuration::load`].

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

const SECRET: &str = "9f2c61d07be84a35f1c0d2e8b7463a95";

fn variables(pairs: &[(&str, &str)]) -> Sources {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { environment, ..Sources::default() }
}

fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("parlor.toml");
    std::fs::write(&path, text).unwrap();
    (dir, Sources { file: Some(path), ..Sources::default() })
}

fn flag(key: &str, value: &str) -> FlagValue {
    FlagValue { flag: "--set", key: key.to_owned(), value: value.to_owned() }
}

fn refusal(sources: &Sources) -> String {
    Configuration::load(sources).unwrap_err().to_string()
}

#[test]
fn the_defaults_alone_are_complete() {
    let settings = Configuration::load(&Sources::default()).unwrap().settings;
    assert_eq!((settings.server.host.as_str(), settings.server.port), ("127.0.0.1", 8080));
    assert_eq!(settings.auth.access_ttl.get(), Duration::from_secs(900));
    assert_eq!(settings.live.max_frame.get(), 131_072);
    assert_eq!(settings.limits.login_per_account, RateSettings { burst: 10, per_minute: 10 });
    assert_eq!(settings.store.place().unwrap().shown(), "./data/parlor.db");
}

#[test]
fn every_key_of_the_defaults_has_a_comment() {
    let mut before = "";
    for line in include_str!("../../../../config/default.toml").lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(before.starts_with('#'), "{line}");
        }
        before = line;
    }
}

#[test]
fn a_later_layer_wins_and_leaves_the_rest() {
    let (_dir, mut sources) =
        file("[server]\nport = 1001\nhost = \"::1\"\n[limits]\nlogin_per_account = { burst = 3 }\n");
    sources.environment = vec![("PARLOR__SERVER__PORT".to_owned(), "1002".to_owned())];
    let settings = Configuration::load(&sources).unwrap().settings;
    assert_eq!((settings.server.host.as_str(), settings.server.port), ("::1", 1002));
    assert_eq!(settings.limits.login_per_account, RateSettings { burst: 3, per_minute: 10 });

    sources.flags = vec![flag("server.port", "1003")];
    assert_eq!(Configuration::load(&sources).unwrap().settings.server.port, 1003);
}

#[test]
fn a_file_stands_above_the_profile() {
    let (_dir, mut sources) = file("[log]\nformat = \"pretty\"\n");
    sources.profile = Profile::Production;
    sources.environment = vec![("PARLOR__AUTH__SECRET".to_owned(), SECRET.to_owned())];
    let settings = Configuration::load(&sources).unwrap().settings;
    assert_eq!(settings.log.format, LogFormat::Pretty);
    assert!(settings.cookies.secure);
    assert_eq!(settings.metrics.listener, MetricsListener::Off);
}

#[test]
fn a_value_of_the_environment_has_the_kind_of_its_key() {
    let settings = Configuration::load(&variables(&[
        ("PARLOR__SERVER__ORIGINS", "https://a.example, http://localhost:5173"),
        ("PARLOR__STORE__MIGRATE_AT_START", "false"),
        ("PARLOR__LIMITS__LOGIN_PER_ACCOUNT__BURST", "7"),
        ("PARLOR__COOKIES__NAME", "007"),
    ]))
    .unwrap()
    .settings;
    assert_eq!(settings.server.origins, ["https://a.example", "http://localhost:5173"]);
    assert!(!settings.store.migrate_at_start);
    assert_eq!(settings.limits.login_per_account.burst, 7);
    assert_eq!(settings.cookies.name, "007");
}

#[test]
fn a_limit_is_set_as_a_whole_or_by_its_keys() {
    let whole = flag("limits.login_per_account", "{ burst = 3, per_minute = 4 }");
    let part = flag("limits.login_per_account.burst", "5");
    for (flags, burst) in [(vec![whole.clone(), part.clone()], 5), (vec![part, whole], 3)] {
        let settings = Configuration::load(&Sources { flags, ..Sources::default() }).unwrap().settings;
        assert_eq!(settings.limits.login_per_account, RateSettings { burst, per_minute: 4 });
    }
}

#[test]
fn a_secret_of_digits_stays_what_it_is() {
    let digits = "01928374650918273640519283746509";
    let settings = Configuration::load(&variables(&[("PARLOR__AUTH__SECRET", digits)])).unwrap().settings;
    assert_eq!(settings.auth.secret.expose_secret(), digits);
}

#[test]
fn an_unknown_key_is_refused_and_named_with_its_origin() {
    let (dir, sources) = file("[server]\nprot = 1\n");
    let origin = format!("the file {}", dir.path().join("parlor.toml").display());
    assert!(refusal(&sources).starts_with(&format!("{origin}: there is no setting `server.prot`")));

    let (_dir, sources) = file("[limits]\nlogin_per_account = { bursts = 3 }\n");
    assert!(refusal(&sources).contains("`limits.login_per_account.bursts`"));

    let refused = refusal(&variables(&[("PARLOR__SERVRE__PORT", "1")]));
    assert!(refused.contains("PARLOR__SERVRE__PORT") && refused.contains("`servre.port`"), "{refused}");

    let sources = Sources { flags: vec![flag("server.ports", "1")], ..Sources::default() };
    assert!(refusal(&sources).starts_with("--set: there is no setting `server.ports`"));
}

#[test]
fn a_variable_with_one_underscore_after_the_prefix_is_refused() {
    let refused = refusal(&variables(&[("PARLOR_SERVER__PORT", "1")]));
    assert!(refused.contains("PARLOR__SERVER__PORT"), "{refused}");
    let others = [("PARLOR_SERVER_PORT", "tcp://10.0.0.1:80"), ("PARLOR_PROFILE", "production"), ("PATH", "/bin")];
    assert!(Configuration::load(&variables(&others)).is_ok());
}

#[test]
fn a_wrong_value_is_refused_and_named_with_its_origin() {
    for (name, value, reason) in [
        ("PARLOR__SERVER__PORT", "http", "a whole number"),
        ("PARLOR__SERVER__PORT", "65536", "`server.port`"),
        ("PARLOR__SERVER__KEEP_ALIVE", "75", "is no duration"),
        ("PARLOR__SERVER__BODY_LIMIT", "1 parsec", "is no size"),
        ("PARLOR__STORE__MIGRATE_AT_START", "yes", "true or false"),
        ("PARLOR__LIMITS__LOGIN_PER_ACCOUNT", "5", "like { burst = 10"),
        ("PARLOR__LIMITS__LOGIN_PER_ACCOUNT", "{ bursts = 5 }", "`limits.login_per_account.bursts`"),
        ("PARLOR__LIMITS__LOGIN_PER_ACCOUNT", "{ burst = 5 }\nserver = 1", "like { burst = 10"),
        ("PARLOR__COOKIES__SAME_SITE", "maybe", "`cookies.same_site`"),
        ("PARLOR__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,proxy", "\"proxy\""),
        ("PARLOR__METRICS__LISTENER", "9090", "127.0.0.1:9090"),
    ] {
        let refused = refusal(&variables(&[(name, value)]));
        assert!(refused.contains(name) && refused.contains(reason), "{name}={value}: {refused}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (pairs, named) in [
        (&[("PARLOR__COOKIES__SAME_SITE", "none")][..], "cookies.secure"),
        (&[("PARLOR__SERVER__ORIGINS", "https://a.example/")], "server.origins"),
        (&[("PARLOR__SERVER__ORIGINS", "*")], "server.origins"),
        (&[("PARLOR__AUTH__BCRYPT_COST", "31")], "auth.bcrypt_cost"),
        (&[("PARLOR__AUTH__ACCESS_TTL", "31d")], "auth.refresh_idle_ttl"),
        (&[("PARLOR__LIVE__PING_INTERVAL", "60s")], "live.idle_timeout"),
        (&[("PARLOR__LIVE__MAX_FRAME", "63KiB")], "live.max_frame"),
        (&[("PARLOR__LIVE__MAX_MESSAGE", "64KiB")], "live.max_message"),
        (&[("PARLOR__SERVER__BODY_LIMIT", "32KiB")], "server.body_limit"),
        (&[("PARLOR__LIMITS__SYNCS_PER_USER__PER_MINUTE", "0")], "limits.syncs_per_user"),
        (&[("PARLOR__LIMITS__GROUP_MEMBERS", "1001")], "limits.group_members"),
        (&[("PARLOR__LIMITS__FRIENDS", "0")], "limits.friends"),
        (&[("PARLOR__LIMITS__BLOCKS", "10001")], "limits.blocks"),
        (&[("PARLOR__SERVER__WORKERS", "513")], "server.workers"),
        (&[("PARLOR__SERVER__SHUTDOWN_TIMEOUT", "5s")], "server.shutdown_jitter"),
        (&[("PARLOR__LOG__FILTER", "inof")], "log.filter"),
        (&[("PARLOR__STORE__URL", "postgres://localhost/parlor")], "store.url"),
        (&[("PARLOR__STORE__URL", "sqlite://parlor.db"), ("PARLOR__STORE__URL_FILE", "url")], "store.url_file"),
        (&[("PARLOR__STORE__TIMEOUT", "999ms")], "store.timeout"),
        (&[("PARLOR__STORE__CONNECTIONS", "0")], "store.connections"),
        (&[("PARLOR__AUTH__SECRET", SECRET), ("PARLOR__AUTH__SECRET_FILE", "key")], "auth.secret_file"),
    ] {
        let refused = refusal(&variables(pairs));
        assert!(refused.contains(named), "{pairs:?}: {refused}");
    }
}

#[test]
fn production_starts_only_with_a_secret_or_a_file_that_holds_it() {
    let production = |pairs| Sources { profile: Profile::Production, ..variables(pairs) };
    assert!(refusal(&production(&[])).contains("PARLOR__AUTH__SECRET"));
    assert!(Configuration::load(&production(&[("PARLOR__AUTH__SECRET", SECRET)])).is_ok());
    assert!(Configuration::load(&production(&[("PARLOR__AUTH__SECRET_FILE", "secret.key")])).is_ok());
}

#[test]
fn a_weak_secret_is_refused() {
    for weak in [
        "short",
        &"a".repeat(64),
        &"abcd1234".repeat(8),
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "your-256-bit-secret-for-signing-tokens",
        "please-Change-me-9f2c61d07be84a35f1c0",
    ] {
        for name in ["PARLOR__AUTH__SECRET", "PARLOR__AUTH__PREVIOUS_SECRET"] {
            let refused = refusal(&variables(&[(name, weak)]));
            assert!(refused.contains("secret` ") && !refused.contains(weak), "{weak}: {refused}");
        }
    }
}

#[test]
fn a_secret_is_never_shown() {
    let configuration = Configuration::load(&variables(&[
        ("PARLOR__AUTH__SECRET", SECRET),
        ("PARLOR__AUTH__PREVIOUS_SECRET", "7be84a35f1c0d2e8b7463a959f2c61d0"),
        ("PARLOR__STORE__URL", "mongodb://ada:canary@db1,db2/chat?replicaSet=rs0"),
    ]))
    .unwrap();
    for text in [configuration.shown.clone(), format!("{configuration:?}"), format!("{:?}", configuration.settings)] {
        assert!(!text.contains(SECRET) && !text.contains("7be84a35f1c0d2e8") && !text.contains("canary"), "{text}");
    }
    for line in [
        "secret = \"(hidden)\"  # the variable PARLOR__AUTH__SECRET",
        "url = \"mongodb://(hidden)@db1,db2/chat?replicaSet=rs0\"  # the variable PARLOR__STORE__URL",
    ] {
        assert!(configuration.shown.contains(line), "{}", configuration.shown);
    }
}

#[test]
fn the_databases_url_may_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("url");
    let path = path.to_str().unwrap();
    let place =
        || Configuration::load(&variables(&[("PARLOR__STORE__URL_FILE", path)])).unwrap().settings.store.place();
    let missing = place().unwrap_err().to_string();
    assert!(missing.contains("cannot read the file of the database's URL") && missing.contains(path), "{missing}");
    std::fs::write(path, "mongodb://ada:canary@db1/chat\n").unwrap();
    let Ok(Place::MongoDb(url)) = place() else { panic!("{:?}", place()) };
    assert_eq!(url.expose_secret(), "mongodb://ada:canary@db1/chat");
    std::fs::write(path, "postgres://ada:canary@db1").unwrap();
    let refused = place().unwrap_err().to_string();
    assert!(refused.contains(path) && refused.contains("mongodb://") && !refused.contains("canary"), "{refused}");
}

#[test]
fn a_file_that_is_no_toml_is_refused_by_line_without_showing_it() {
    let (_dir, sources) = file(&format!("[auth]\nsecret = \"{SECRET}\nport = 1\n"));
    let refused = refusal(&sources);
    assert!(refused.contains("line 2") && !refused.contains(SECRET), "{refused}");
    let missing = Sources { file: Some("no-such.toml".into()), ..Sources::default() };
    assert!(refusal(&missing).contains("cannot read the configuration file no-such.toml"));
}

#[test]
fn what_is_shown_reads_back_as_what_is_in_force() {
    let shown = Configuration::load(&variables(&[("PARLOR__SERVER__ORIGINS", "https://a.example")])).unwrap().shown;
    let (_dir, sources) = file(&shown);
    let again = Configuration::load(&sources).unwrap().settings;
    assert_eq!(again.server.origins, ["https://a.example"]);
    assert_eq!(again.live.frames_per_connection, RateSettings { burst: 1000, per_minute: 6000 });
}
