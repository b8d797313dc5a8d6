//! Sign-up and login.

use parlor_domain::{Login, Username};
use parlor_services::{Password, Rate, ServiceError, ServicesConfig, SignUp};

use super::{Door, config, from, new_account};
use crate::support::PASSWORD;

/// Limits so small that a test reaches them.
fn limited() -> ServicesConfig {
    let mut config = config();
    config.limits.signup_per_address = Rate { burst: 2, per_minute: 1 };
    config.limits.login_per_address = Rate { burst: 5, per_minute: 5 };
    config.limits.login_per_account = Rate { burst: 3, per_minute: 1 };
    config
}

#[tokio::test]
async fn a_sign_up_gives_an_account_and_a_session_that_works() {
    let door = Door::new().await;
    let signed_in = door.try_sign_up("Ada", Some("ada@example.org")).await.unwrap();
    let user = &signed_in.user.user;
    assert_eq!((user.username.as_str(), user.display_name.as_str()), ("Ada", "Ada"));
    assert!(signed_in.user.own);
    let caller = door.caller(&signed_in.tokens).unwrap();
    assert_eq!(caller.user, user.id);
    assert_eq!(door.services.users.me(caller).await.unwrap().user, *user);
}

#[tokio::test]
async fn one_signs_in_by_name_or_address_in_any_case_of_letters() {
    let door = Door::new().await;
    let id = door.try_sign_up("Ada", Some("Ada@example.org")).await.unwrap().user.user.id;
    for login in ["ada", "ADA", " Ada ", "ada@EXAMPLE.org"] {
        assert_eq!(door.log_in(login, PASSWORD).await.unwrap().user.user.id, id, "{login}");
    }
}

#[tokio::test]
async fn each_login_is_a_session_of_its_own() {
    let door = Door::new().await;
    let first = door.caller(&door.sign_up("ada").await.tokens).unwrap();
    let second = door.caller(&door.log_in("ada", PASSWORD).await.unwrap().tokens).unwrap();
    assert_eq!(first.user, second.user);
    assert_ne!(first.session, second.session);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_names_are_refused_alike() {
    let door = Door::new().await;
    door.try_sign_up("ada", Some("ada@example.org")).await.unwrap();
    let gone = door.caller(&door.sign_up("gone").await.tokens).unwrap();
    door.services.users.delete(gone, Password::parse(PASSWORD).unwrap()).await.unwrap();
    for (login, password) in [
        ("ada", "correct horse batterx"),
        ("ada", "CORRECT HORSE BATTERY"),
        ("ada", "correct horse battery "),
        ("ada", ""),
        ("ada", &"x".repeat(1024)),
        ("ada@example.org", "wrong"),
        ("nobody", PASSWORD),
        ("nobody@example.org", PASSWORD),
        ("gone", PASSWORD),
        ("", PASSWORD),
    ] {
        let refused = door.log_in(login, password).await;
        assert!(matches!(refused, Err(ServiceError::InvalidCredentials)), "{login}: {refused:?}");
    }
}

#[tokio::test]
async fn a_name_or_address_that_is_taken_is_refused() {
    let door = Door::new().await;
    door.try_sign_up("ada", Some("ada@example.org")).await.unwrap();
    for (name, email, field) in [
        ("ADA", None, "username"),
        ("bob", Some("ADA@example.org"), "email"),
        ("Ada", Some("ada@example.org"), "username"),
    ] {
        let refused = door.try_sign_up(name, email).await;
        assert!(matches!(refused, Err(ServiceError::Taken(taken)) if taken == field), "{refused:?}");
    }
    assert!(door.try_sign_up("bob", Some("bob@example.org")).await.is_ok());
}

#[tokio::test]
async fn of_two_sign_ups_for_one_name_at_once_one_gets_it() {
    let door = Door::new().await;
    let (one, other) = tokio::join!(door.try_sign_up("ada", None), door.try_sign_up("Ada", None));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert!(door.log_in("ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn the_name_is_no_password() {
    let door = Door::new().await;
    let username = Username::parse("Correct-Horse").unwrap();
    let password = Password::parse("correct-horse").unwrap();
    let sign_up = SignUp { username, password, ..new_account("ada", None) };
    let refused = door.services.auth.sign_up(sign_up, &from("192.0.2.1")).await;
    let Err(ServiceError::Invalid { field: "password", reason }) = refused else { panic!("{refused:?}") };
    assert_eq!(reason.code, "same_as_name");
    assert!(door.try_sign_up("correct-horse", None).await.is_ok(), "the name is still free");
}

#[tokio::test]
async fn a_login_renews_a_hash_of_another_cost() {
    let door = Door::new().await;
    door.sign_up("ada").await;
    let mut dearer = config();
    dearer.auth.bcrypt_cost = 5;
    let door = door.restarted(&dearer).await;
    let cost = async || {
        let credentials = door.store.stores().users.credentials(&Login::new("ada")).await.unwrap();
        credentials.unwrap().password.as_str()[4..6].to_owned()
    };
    door.log_in("ada", "wrong password").await.unwrap_err();
    assert_eq!(cost().await, "04");
    door.log_in("ada", PASSWORD).await.unwrap();
    assert_eq!(cost().await, "05");
    assert!(door.log_in("ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn sign_ups_from_one_address_are_limited() {
    let door = Door::with(&limited()).await;
    let first = door.sign_up("user1").await;
    assert_eq!((first.budget.limit, first.budget.remaining), (2, 1));
    door.sign_up("user2").await;
    let refused = door.try_sign_up("user3", None).await;
    let Err(ServiceError::RateLimited(budget)) = refused else { panic!("{refused:?}") };
    door.clock.advance(budget.retry_after);
    assert!(door.try_sign_up("user3", None).await.is_ok());
}

#[tokio::test]
async fn logins_are_limited_by_address_and_by_account_whether_it_exists_or_not() {
    let door = Door::with(&limited()).await;
    door.sign_up("ada").await;
    for login in ["ada", "nobody"] {
        for n in 0..3 {
            let refused = door.log_in_from(login, "wrong", &format!("198.51.100.{n}")).await;
            assert!(matches!(refused, Err(ServiceError::InvalidCredentials)), "{login}: {refused:?}");
        }
        let refused = door.log_in_from(login, "wrong", "198.51.100.9").await;
        assert!(matches!(refused, Err(ServiceError::RateLimited(_))), "{login}: {refused:?}");
    }
    for n in 0..5 {
        let refused = door.log_in_from(&format!("nobody{n}"), "wrong", "203.0.113.1").await;
        assert!(matches!(refused, Err(ServiceError::InvalidCredentials)), "{refused:?}");
    }
    let refused = door.log_in_from("nobody5", "wrong", "203.0.113.1").await;
    assert!(matches!(refused, Err(ServiceError::RateLimited(_))), "{refused:?}");
}

#[tokio::test]
async fn strangers_who_guess_do_not_lock_the_owner_out() {
    let door = Door::with(&limited()).await;
    door.sign_up("ada").await;
    for n in 0..20 {
        door.log_in_from("ada", "wrong", &format!("198.51.100.{n}")).await.unwrap_err();
    }
    assert!(door.log_in("ada", PASSWORD).await.is_ok(), "from where the account was last used");
    let elsewhere = door.log_in_from("ada", PASSWORD, "203.0.113.1").await;
    let Err(ServiceError::RateLimited(budget)) = elsewhere else { panic!("{elsewhere:?}") };
    door.clock.advance(budget.retry_after);
    assert!(door.log_in_from("ada", PASSWORD, "203.0.113.1").await.is_ok());
}

#[tokio::test]
async fn a_login_tells_the_budget_that_is_nearer_to_its_end() {
    let door = Door::with(&limited()).await;
    door.sign_up("ada").await;
    let budget = door.log_in("ada", PASSWORD).await.unwrap().budget;
    assert_eq!((budget.limit, budget.remaining), (3, 2));
}
