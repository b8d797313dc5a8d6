//! The container files promise what the documents say of them, as far as that shows without a container: no image is
//! fetched here.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::MetadataCommand;
use parlor_tests::{Home, Part, Server};
use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file at the top of the workspace.
fn file(name: &str) -> Result<String> {
    fs::read_to_string(root().join(name)).with_context(|| format!("can't read {name}"))
}

/// The stages of the Dockerfile, each with its instructions: what to do, and with what.
struct Image(Vec<Vec<(String, String)>>);

impl Image {
    fn read() -> Result<Self> {
        let text = file("Dockerfile")?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut stages = Vec::new();
        for line in lines.join("\n").replace("\\\n", " ").lines() {
            let Some((what, with)) = line.split_once(' ') else { continue };
            if what == "FROM" {
                stages.push(Vec::new());
            }
            let with = with.split_whitespace().collect::<Vec<_>>().join(" ");
            stages.last_mut().context("the first instruction is not FROM")?.push((what.to_owned(), with));
        }
        ensure!(stages.len() == 2, "there are {} stages, not one that builds and one that runs", stages.len());
        Ok(Self(stages))
    }

    fn builder(&self, what: &str) -> Vec<&str> {
        instructions(&self.0[0], what)
    }

    fn runtime(&self, what: &str) -> Vec<&str> {
        instructions(&self.0[1], what)
    }

    /// The environment that the image gives the server.
    fn environment(&self) -> Vec<(String, String)> {
        let pairs = self.runtime("ENV").into_iter().flat_map(str::split_whitespace);
        pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn health_check(&self) -> Result<Vec<String>> {
        let [check] = self.runtime("HEALTHCHECK")[..] else { bail!("there is not one health check") };
        let (_, command) = check.split_once("CMD ").context("the health check has no command")?;
        Ok(serde_json::from_str(command)?)
    }
}

fn instructions<'a>(stage: &'a [(String, String)], wanted: &str) -> Vec<&'a str> {
    stage.iter().filter(|(what, _)| what == wanted).map(|(_, with)| with.as_str()).collect()
}

/// What comes after a flag in a command.
fn value_of<'a>(command: &'a str, flag: &str) -> Result<&'a str> {
    let mut words = command.split_whitespace().skip_while(|word| *word != flag);
    words.nth(1).with_context(|| format!("`{command}` has no {flag}"))
}

fn composition() -> Result<Yaml> {
    let mut documents = YamlLoader::load_from_str(&file("docker-compose.yml")?)?;
    ensure!(documents.len() == 1, "there are {} documents in the file", documents.len());
    Ok(documents.remove(0))
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect()
}

/// The one volume of a service and where it is mounted.
fn volume<'a>(composition: &'a Yaml, service: &str) -> Result<(&'a str, &'a str)> {
    let [volume] = texts(&composition["services"][service]["volumes"])[..] else {
        bail!("{service} has not one volume");
    };
    volume.split_once(':').with_context(|| format!("{volume} is mounted nowhere"))
}

/// Copies what is copied into the image.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else {
        fs::copy(from, to).with_context(|| format!("can't copy {}", from.display()))?;
    }
    Ok(())
}

/// Lays a directory out as the builder has it.
fn build_context(image: &Image, directory: &Path) -> Result<()> {
    let ignored = file(".dockerignore")?;
    for line in image.builder("COPY") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (target, sources) = words.split_last().context("COPY copies nothing")?;
        for source in sources {
            ensure!(ignored.lines().any(|line| line == format!("!{source}")), ".dockerignore leaves {source} out");
            let target = if *target == "./" { source } else { target };
            copy(&root().join(source), &directory.join(target))?;
        }
    }
    Ok(())
}

/// The files that the modules below a directory embed, by `include_str!` and its like.
fn embedded(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            embedded(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            for macro_ in ["include_str!(\"", "include_bytes!(\""] {
                let names = text.split(macro_).skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(names.map(|name| directory.join(name)));
            }
        }
    }
    Ok(())
}

#[test]
fn the_builder_has_all_that_the_server_is_built_from() -> Result<()> {
    let (image, context) = (Image::read()?, tempfile::tempdir()?);
    build_context(&image, context.path())?;
    let metadata = MetadataCommand::new().current_dir(context.path()).no_deps().exec()?;
    let crates = context.path().join("crates");
    let mut files = Vec::new();
    for entry in fs::read_dir(crates)? {
        embedded(&entry?.path().join("src"), &mut files)?;
    }
    assert!(files.iter().any(|file| file.ends_with("config/default.toml")), "{files:?}");
    for file in files {
        assert!(file.is_file(), "{} is not in the image's context", file.display());
    }

    let run = image.builder("RUN").join(" ");
    assert!(run.contains(" --locked "), "{run}");
    let (package, bin, profile) =
        (value_of(&run, "--package")?, value_of(&run, "--bin")?, value_of(&run, "--profile")?);
    let package = metadata.packages.iter().find(|known| *known.name == package).context("no such package")?;
    assert!(package.targets.iter().any(|target| target.is_bin() && target.name == bin), "{bin}");
    let manifest: toml::Table = file("Cargo.toml")?.parse()?;
    assert!(manifest["profile"].get(profile).is_some(), "{profile}");
    let [program] = image.runtime("COPY")[..] else { bail!("not one file is copied into the image") };
    let program = program.split_whitespace().nth(1).context("COPY copies nothing")?;
    assert!(run.ends_with(&format!("cp target/{profile}/{bin} {program}")), "{run}");
    Ok(())
}

#[test]
fn the_server_is_built_with_the_oldest_rust_that_it_promises_and_for_the_debian_that_it_runs_on() -> Result<()> {
    let image = Image::read()?;
    let manifest: toml::Table = file("Cargo.toml")?.parse()?;
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().context("no Rust version")?;
    let builder = image.builder("FROM").join(" ");
    let debian = builder.strip_prefix(&format!("rust:{rust}-")).and_then(|rest| rest.strip_suffix(" AS builder"));
    let debian = debian.with_context(|| format!("{builder} is not of Rust {rust}"))?;
    assert_eq!(image.runtime("FROM"), [format!("debian:{debian}-slim")]);
    Ok(())
}

#[test]
fn the_image_runs_without_privileges_and_holds_no_secret() -> Result<()> {
    let image = Image::read()?;
    let user = image.runtime("USER").join(" ");
    let numbers = user.split(':').map(str::parse::<u32>).collect::<Result<Vec<_>, _>>()?;
    assert!(numbers.len() == 2 && numbers.iter().all(|number| *number >= 1000), "{user}");
    assert_eq!(image.runtime("STOPSIGNAL"), ["SIGTERM"]);
    let environment = image.environment();
    assert!(environment.contains(&("PARLOR_PROFILE".into(), "production".into())), "{environment:?}");
    assert!(!environment.iter().any(|(name, _)| name.contains("SECRET") || name.contains("URL")), "{environment:?}");
    Ok(())
}

/// Whether the image's health check finds the server on this port well.
fn is_well(port: u16) -> Result<bool> {
    let command = Image::read()?.health_check()?;
    let mut check = Command::new(&command[0]);
    check.args(&command[1..]).env("PARLOR__SERVER__PORT", port.to_string());
    Ok(check.output()?.status.success())
}

#[test]
fn the_health_check_tells_a_server_that_runs_from_one_that_has_gone() -> Result<()> {
    let home = Home::on_sqlite()?;
    let server = Server::start(&home, &[])?;
    let port = server.url().rsplit(':').next().context("the server has no port")?.parse()?;
    assert!(is_well(port)?);
    server.kill()?;
    assert!(!is_well(port)?);
    Ok(())
}

#[test]
fn the_health_check_takes_nothing_but_a_good_answer() -> Result<()> {
    for (answer, good) in [("200 OK", true), ("500 Internal Server Error", false)] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let server = thread::spawn(move || -> Result<()> {
            let (mut connection, _) = listener.accept()?;
            // Who closes a connection with a request unread breaks it.
            connection.read_exact(&mut [0; b"GET /healthz HTTP/1.0\r\n\r\n".len()])?;
            Ok(write!(connection, "HTTP/1.1 {answer}\r\n\r\n")?)
        });
        assert_eq!(is_well(port)?, good, "{answer}");
        server.join().unwrap()?;
    }
    Ok(())
}

#[test]
fn mongodb_is_a_replica_set_that_parlor_alone_reaches() -> Result<()> {
    let composition = composition()?;
    let mongodb = &composition["services"]["mongodb"];
    let set = value_of(&texts(&mongodb["command"]).join(" "), "--replSet")?.to_owned();
    let check = texts(&mongodb["healthcheck"]["test"]).join(" ");
    let member = format!("rs.initiate({{ _id: \"{set}\", members: [{{ _id: 0, host: \"mongodb:27017\" }}] }})");
    assert!(check.contains(&member) && check.contains("isWritablePrimary"), "{check}");
    let parlor = &composition["services"]["parlor"];
    let url = parlor["environment"]["PARLOR__STORE__URL"].as_str().context("Parlor has no database")?;
    assert_eq!(url, format!("mongodb://mongodb:27017/parlor?replicaSet={set}"));

    assert!(mongodb["ports"].is_badvalue() && mongodb["network_mode"].is_badvalue());
    let [network] = texts(&mongodb["networks"])[..] else { bail!("MongoDB is not in one network") };
    assert_eq!(composition["networks"][network]["internal"].as_bool(), Some(true));
    assert!(texts(&parlor["networks"]).contains(&network));
    assert_eq!(parlor["depends_on"]["mongodb"]["condition"].as_str(), Some("service_healthy"));
    Ok(())
}

#[test]
fn what_must_outlive_a_container_is_in_a_volume() -> Result<()> {
    let (composition, image) = (composition()?, Image::read()?);
    let (data, place) = volume(&composition, "parlor")?;
    assert_eq!(image.runtime("VOLUME"), [place]);
    assert_eq!(image.runtime("WORKDIR"), [place]);
    assert!(image.environment().contains(&("PARLOR__STORE__DATA_DIR".into(), place.into())));
    let (database, place) = volume(&composition, "mongodb")?;
    assert_eq!(place, "/data/db");
    for volume in [data, database] {
        assert!(composition["volumes"].as_hash().is_some_and(|all| all.contains_key(&Yaml::String(volume.into()))));
    }
    Ok(())
}

#[test]
fn nothing_starts_without_a_secret_of_ones_own() -> Result<()> {
    let composition = composition()?;
    let environment = &composition["services"]["parlor"]["environment"];
    let secret = environment["PARLOR__AUTH__SECRET"].as_str().context("Parlor has no secret")?;
    assert!(secret.starts_with("${PARLOR_SECRET:?") && secret.ends_with('}'), "{secret}");
    Ok(())
}

/// `parlor config` with all that the image and the composition set, but for the secret.
fn configured(secret: Option<&str>) -> Result<Output> {
    let composition = composition()?;
    let mut command = Command::new(Part::Server.path()?);
    command.arg("config").env_clear().envs(Image::read()?.environment());
    for (name, value) in composition["services"]["parlor"]["environment"].as_hash().into_iter().flatten() {
        let (name, value) = (name.as_str().context("a name")?, value.as_str().context("a value")?);
        if name != "PARLOR__AUTH__SECRET" {
            command.env(name, value);
        }
    }
    Ok(command.envs(secret.map(|secret| ("PARLOR__AUTH__SECRET", secret))).output()?)
}

#[test]
fn the_server_takes_what_the_image_and_the_composition_set_once_it_has_a_secret() -> Result<()> {
    assert!(!configured(None)?.status.success());
    let output = configured(Some("9f2c71ab04e6d83b5c1f7a90d2e4683b"))?;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{said}\n{errors}");
    for expected in ["0.0.0.0", "8080", "/data", "mongodb://mongodb:27017/parlor?replicaSet=rs0"] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
    let composition = composition()?;
    let ports = texts(&composition["services"]["parlor"]["ports"]);
    let exposed = Image::read()?.runtime("EXPOSE").join(" ");
    assert!(ports.iter().all(|port| port.starts_with("127.0.0.1:") && port.ends_with(&exposed)), "{ports:?}");
    Ok(())
}
