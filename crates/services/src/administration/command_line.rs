//! What who can start the program beside the database does: how the first super admin comes to be.

use parlor_domain::{
    Act, Acting, Actor, AuditId, DisplayName, Login, SystemRole, User, UserId, Username,
    store::{NewUser, Stores},
};

use crate::{ServiceError, ServiceResult, SignUp, Sources, auth::hash_at_once, users::taken};

/// Makes an account that administers the system. bcrypt's `cost` is that of the server's settings. To be called where
/// it may take a while.
///
/// # Errors
/// `Invalid` for a password that is the name or address, `Taken`, `Store`.
pub async fn create_super_admin(stores: &Stores, sources: &Sources, new: SignUp, cost: u32) -> ServiceResult<User> {
    let differs = new.password.differs_from(&new.username, new.email.as_ref());
    differs.map_err(|reason| ServiceError::Invalid { field: "password", reason })?;
    let password = hash_at_once(&new.password, cost, &*sources.entropy)?;
    let acting = acting(sources);
    let id = UserId::generate(&*sources.clock, &*sources.entropy);
    let user = User::new(id, new.username, new.email, acting.at);
    let display_name = new.display_name.unwrap_or_else(|| DisplayName::from(&user.username));
    let user = User { role: SystemRole::SuperAdmin, display_name, ..user };
    let new = NewUser { user: user.clone(), password };
    stores.administration.create(&new, &acting).await.map_err(taken)?;
    Ok(user)
}

/// Makes an account administer the system; `false` if it does already.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn promote_to_super_admin(stores: &Stores, sources: &Sources, username: &Username) -> ServiceResult<bool> {
    const NO_USER: ServiceError = ServiceError::NotFound("user");
    let found = stores.users.credentials(&Login::new(username.as_str())).await?.ok_or(NO_USER)?;
    let act = Act::SetRole(SystemRole::SuperAdmin);
    let acted = stores.administration.act(found.user_id, &act, &acting(sources)).await?;
    Ok(acted.ok_or(NO_USER)?.changed)
}

fn acting(sources: &Sources) -> Acting {
    Acting {
        id: AuditId::generate(&*sources.clock, &*sources.entropy),
        at: sources.clock.now(),
        actor: Actor::CommandLine,
        request: None,
    }
}
