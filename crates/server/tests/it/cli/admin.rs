//! `parlor admin`: super admins are made whether the server runs or not.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{Running, outcome, parlor, refusal};
use crate::data::Data;

const PASSWORD: &str = "correct horse battery";

fn admin(data: &Data, arguments: &[&str]) -> Command {
    let mut command = parlor(data, &["admin", "--set", "auth.bcrypt_cost=4", "--set", "log.filter=error"]);
    command.args(arguments);
    command
}

/// Gives a password on standard input, and what came of it.
fn create(data: &Data, name: &str, password: &str) -> (Option<i32>, String, String) {
    // A file in place of a pipe that somebody would have to write to while the program runs.
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(password.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut input).unwrap();
    outcome(admin(data, &["create", name]).stdin(Stdio::from(input)))
}

async fn role_of(server: &Running, login: &str) -> Value {
    let client = reqwest::Client::new();
    let body = json!({ "login": login, "password": PASSWORD });
    let answer = client.post(format!("{}/api/v1/auth/login", server.url())).json(&body).send().await.unwrap();
    let signed_in: Value = answer.json().await.unwrap();
    let token = signed_in["accessToken"].as_str().unwrap_or_default();
    let log = client.get(format!("{}/api/v1/admin/audit", server.url())).bearer_auth(token).send().await.unwrap();
    assert_eq!(log.status().is_success(), signed_in["user"]["role"] == "super_admin", "{signed_in}");
    signed_in["user"]["role"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_super_admin_is_made_before_the_server_runs_and_while_it_does() {
    let data = Data::fresh();
    let (code, stdout, stderr) = create(&data, "root", &format!("{PASSWORD}\n"));
    assert_eq!((code, &*stdout), (Some(0), "Made the super admin root.\n"), "{stderr}");
    let server = Running::start(&mut parlor(&data, &["--port", "0", "--set", "auth.bcrypt_cost=4"]));
    assert_eq!(role_of(&server, "root").await, "super_admin");
    let (code, stdout, stderr) = create(&data, "other", PASSWORD);
    assert_eq!((code, &*stdout), (Some(0), "Made the super admin other.\n"), "{stderr}");
    assert_eq!(role_of(&server, "other").await, "super_admin");
    let told = create(&data, "ROOT", PASSWORD);
    assert_eq!((told.0, told.2.trim()), (Some(1), "parlor: the username is taken"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_promoted_while_the_server_runs() {
    let data = Data::fresh();
    let server = Running::start(&mut parlor(&data, &["--port", "0", "--set", "auth.bcrypt_cost=4"]));
    let body = json!({ "username": "ada", "password": PASSWORD });
    let url = format!("{}/api/v1/auth/signup", server.url());
    reqwest::Client::new().post(url).json(&body).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(role_of(&server, "ada").await, "user", "nobody is an administrator by himself");
    for (said, times) in [("ada is a super admin now.\n", "once"), ("ada is a super admin already.\n", "twice")] {
        let (code, stdout, stderr) = outcome(&mut admin(&data, &["promote", "ada"]));
        assert_eq!((code, &*stdout), (Some(0), said), "{times}: {stderr}");
    }
    assert_eq!(role_of(&server, "ada").await, "super_admin");
    assert_eq!(refusal(&mut admin(&data, &["promote", "nobody"])).trim(), "parlor: no such user");
}

#[test]
fn a_password_comes_from_a_file_and_never_from_the_command_line() {
    let data = Data::fresh();
    let file = data.folder().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let file = file.to_str().unwrap();
    let email = ["--email", "root@example.org"];
    let made = outcome(admin(&data, &["create", "root", "--password-file", file]).args(email));
    assert_eq!((made.0, &*made.1), (Some(0), "Made the super admin root.\n"), "{}", made.2);
    assert_eq!(outcome(&mut admin(&data, &["create", "root", "--password", PASSWORD])).0, Some(2));
    let missing = refusal(&mut admin(&data, &["create", "more", "--password-file", "nowhere"]));
    assert!(missing.contains("cannot read the password in nowhere"), "{missing}");
    let taken = refusal(admin(&data, &["create", "more", "--password-file", file]).args(email));
    assert_eq!(taken.trim(), "parlor: the email is taken");
}

#[test]
fn what_is_no_account_is_refused_before_anything_is_made() {
    let data = Data::sqlite();
    for (name, password, told) in [
        ("r", PASSWORD, "the user name must have at least 3 characters"),
        ("root", "short", "the password must have at least 8 characters"),
        ("root", "password", "the password is among the most common passwords"),
        ("root", "", "the password must have at least 8 characters"),
    ] {
        let (code, stdout, stderr) = create(&data, name, password);
        assert_eq!((code, &*stdout), (Some(1), ""), "{name}");
        assert!(stderr.contains(told), "{stderr}");
        assert!(!data.folder().join("data").exists(), "no database was made");
    }
    let (code, _, stderr) = create(&data, "sysadmin", "SysAdmin");
    assert!(code == Some(1) && stderr.contains("password must not be the user name"), "{stderr}");
}
