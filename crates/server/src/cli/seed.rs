//! `parlor seed`.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use parlor_domain::{Entropy as _, OsEntropy, PasswordHash};
use parlor_services::Password;

use crate::{
    config::Settings,
    seed::{Plan, seed as fill},
    store::Database,
};

/// How much of what.
#[derive(Clone, Debug, Args)]
pub(super) struct SeedArgs {
    /// How many users, named user1, user2 …
    #[arg(long, default_value_t = 50)]
    users: u32,
    /// How many direct conversations, each of another pair of users; most of them are friends or one has asked to be.
    #[arg(long, default_value_t = 100)]
    conversations: u32,
    /// How many messages in all.
    #[arg(long, default_value_t = 5000)]
    messages: u64,
    /// How many groups, each of up to 8 users, with 20 messages.
    #[arg(long, default_value_t = 5)]
    groups: u32,
    /// How many communities, each of all users, with 3 channels of 20 messages.
    #[arg(long, default_value_t = 1)]
    communities: u32,
    /// How many characters each message has.
    #[arg(long, default_value_t = 80)]
    message_chars: usize,
    /// The same seed makes the same ids, names and texts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The password of all users; made at random if left out.
    #[arg(long)]
    password: Option<String>,
}

/// Fills the database and says how to sign in.
pub(super) async fn seed(settings: Settings, args: SeedArgs) -> anyhow::Result<()> {
    let plan = Plan {
        users: args.users,
        conversations: args.conversations,
        messages: args.messages,
        groups: args.groups.min(args.users),
        communities: args.communities.min(args.users),
        message_chars: args.message_chars,
        seed: args.seed,
    };
    let password = args.password.unwrap_or_else(random_password);
    let database = Database::open(&settings.store).await?;
    database.migrate().await?;
    let bar = ProgressBar::new(plan.steps())
        .with_style(ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} ({per_sec}, {eta} left)")?);
    let hash = hash(&password, settings.auth.bcrypt_cost)?;
    let filled = fill(&database.stores(), &plan, &hash, &|| bar.inc(1)).await;
    bar.finish_and_clear();
    database.close().await?;
    filled?;
    super::print(&format!(
        "Made {} users, {} conversations, {} messages, {} groups and {} communities. Sign in as user1 to user{} with \
         the password {password}\n",
        plan.users, plan.conversations, plan.messages, plan.groups, plan.communities, plan.users
    ))
}

/// The hash of what a sign-up would take as a password.
fn hash(password: &str, cost: u32) -> anyhow::Result<PasswordHash> {
    Password::parse(password).map_err(|reason| anyhow::anyhow!("the password {reason}"))?;
    Ok(PasswordHash::new(bcrypt::non_truncating_hash(password, cost)?))
}

fn random_password() -> String {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
