//! Changing the password.

use parlor_services::{AuthFailure, Caller, Password, Rate, ServiceError, ServiceResult};

use super::{Door, config, failure};
use crate::support::PASSWORD;

const NEW: &str = "staple battery horse";

impl Door {
    async fn change(&self, caller: Caller, current: &str, new: &str) -> ServiceResult<()> {
        let (current, new) = (Password::candidate(current).unwrap(), Password::parse(new).unwrap());
        self.services.auth.change_password(caller, current, new).await
    }
}

#[tokio::test]
async fn a_change_replaces_the_password_and_ends_the_other_sessions() {
    let door = Door::new().await;
    let mine = door.sign_up("ada").await.tokens;
    let other = door.log_in("ada", PASSWORD).await.unwrap().tokens;
    door.change(door.caller(&mine).unwrap(), PASSWORD, NEW).await.unwrap();
    assert_eq!(failure(door.caller(&other)), AuthFailure::SessionEnded);
    assert!(door.refresh(&other).await.is_err());
    assert!(door.caller(&mine).is_ok());
    assert!(door.refresh(&mine).await.is_ok());
    assert!(matches!(door.log_in("ada", PASSWORD).await, Err(ServiceError::InvalidCredentials)));
    assert!(door.log_in("ada", NEW).await.is_ok());
}

#[tokio::test]
async fn a_change_needs_the_current_password() {
    let door = Door::new().await;
    let mine = door.sign_up("ada").await.tokens;
    let other = door.log_in("ada", PASSWORD).await.unwrap().tokens;
    for wrong in ["", "wrong password", NEW] {
        let refused = door.change(door.caller(&mine).unwrap(), wrong, NEW).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { field: "currentPassword", .. })), "{refused:?}");
    }
    assert!(door.caller(&other).is_ok());
    assert!(door.log_in("ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn the_name_or_address_is_no_new_password() {
    let door = Door::new().await;
    let tokens = door.try_sign_up("Ada.Lovelace", Some("ada@example.org")).await.unwrap().tokens;
    for name in ["ada.lovelace", "ADA@example.org"] {
        let refused = door.change(door.caller(&tokens).unwrap(), PASSWORD, name).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { field: "newPassword", .. })), "{refused:?}");
    }
    assert!(door.log_in("ada.lovelace", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn who_is_signed_in_can_not_guess_without_end_either() {
    let mut config = config();
    config.limits.login_per_account = Rate { burst: 3, per_minute: 1 };
    let door = Door::with(&config).await;
    let tokens = door.sign_up("ada").await.tokens;
    let caller = door.caller(&tokens).unwrap();
    for _ in 0..3 {
        door.change(caller, "wrong password", NEW).await.unwrap_err();
    }
    let refused = door.change(caller, PASSWORD, NEW).await;
    let Err(ServiceError::RateLimited(budget)) = refused else { panic!("{refused:?}") };
    door.clock.advance(budget.retry_after);
    assert!(door.change(caller, PASSWORD, NEW).await.is_ok());
}
