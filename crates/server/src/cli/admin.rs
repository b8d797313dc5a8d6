//! `parlor admin`: how the first super admin comes to be. There is no account that is there by itself.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use console::Term;
use parlor_domain::{Email, InvalidValue, OsEntropy, SystemClock, Username};
use parlor_services::{Password, SignUp, Sources, create_super_admin, promote_to_super_admin};

use crate::{config::Settings, store::Database};

/// What to do about administrators.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Make an account that administers the system, whether the server runs or not.
    ///
    /// The password is asked for on a terminal, or else read from standard input.
    Create(CreateArgs),
    /// Let an account that is there administer the system, whether the server runs or not.
    Promote {
        /// Name of the account.
        username: String,
    },
}

/// The account to make.
#[derive(Clone, Debug, Args)]
pub(super) struct CreateArgs {
    /// Name of the account.
    username: String,
    /// E-mail address to sign in by as well.
    #[arg(long)]
    email: Option<String>,
    /// File with the password, instead of the terminal or standard input; a line end at its end does not belong to it.
    #[arg(long, value_name = "PATH")]
    password_file: Option<PathBuf>,
}

/// Does it, and says what was done.
pub(super) async fn admin(settings: &Settings, command: AdminCommand) -> anyhow::Result<()> {
    match command {
        AdminCommand::Create(args) => create(settings, args).await,
        AdminCommand::Promote { username } => promote(settings, &username).await,
    }
}

async fn create(settings: &Settings, args: CreateArgs) -> anyhow::Result<()> {
    let username = value("the user name", Username::parse(&args.username))?;
    let email = args.email.map(|email| value("the e-mail address", Email::parse(&email))).transpose()?;
    let password = value("the password", Password::parse(&password(args.password_file.as_deref())?))?;
    let new = SignUp { username, email, password, display_name: None };
    let database = Database::open_beside(&settings.store).await?;
    let made = create_super_admin(&database.stores(), &sources(), new, settings.auth.bcrypt_cost).await;
    database.close().await?;
    super::print(&format!("Made the super admin {}.\n", made?.username))
}

async fn promote(settings: &Settings, username: &str) -> anyhow::Result<()> {
    let username = value("the user name", Username::parse(username))?;
    let database = Database::open_beside(&settings.store).await?;
    let promoted = promote_to_super_admin(&database.stores(), &sources(), &username).await;
    database.close().await?;
    let since = if promoted? { "now" } else { "already" };
    super::print(&format!("{username} is a super admin {since}.\n"))
}

fn sources() -> Sources {
    Sources { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
}

fn value<T>(name: &str, parsed: Result<T, InvalidValue>) -> anyhow::Result<T> {
    parsed.map_err(|reason| anyhow::anyhow!("{name} {reason}"))
}

/// The password, from where the command line says. Never from the command line itself, which other users of the
/// machine can see.
fn password(file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(path) = file {
        let opened = File::open(path).and_then(first_bytes);
        return opened.with_context(|| format!("cannot read the password in {}", path.display()));
    }
    if !io::stdin().is_terminal() {
        return first_bytes(io::stdin()).context("cannot read the password from standard input");
    }
    let [password, again] = [ask("Password: ")?, ask("The same again: ")?];
    if password != again {
        bail!("the two passwords differ");
    }
    Ok(password)
}

fn ask(question: &str) -> anyhow::Result<String> {
    let terminal = Term::stderr();
    terminal.write_str(question)?;
    terminal.read_secure_line().context("cannot read the password from the terminal")
}

/// As much as can be a password, without the line end that an editor or `echo` puts behind it.
fn first_bytes(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(4096).read_to_string(&mut text)?;
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::first_bytes;

    #[test]
    fn a_password_is_read_as_it_is_but_for_one_line_end() {
        for (text, password) in
            [("secret", "secret"), ("secret\n", "secret"), ("secret\r\n", "secret"), (" a b \n\n", " a b \n"), ("", "")]
        {
            assert_eq!(first_bytes(text.as_bytes()).unwrap(), password, "{text:?}");
        }
        assert_eq!(first_bytes("x".repeat(5000).as_bytes()).unwrap().len(), 4096);
    }
}
