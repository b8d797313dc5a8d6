//! `parlor copy`.

use std::{convert::Infallible, path::Path};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    config::{Place, Settings, StoreSettings},
    copy::{Comparison, Progress, copy as copy_records},
    store::Database,
};

/// From where to where.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct CopyArgs {
    /// Database to copy, which stays as it is; without this, the one in the settings. sqlite://PATH is taken from the
    /// present folder.
    #[arg(long, value_name = "URL", value_parser = secret)]
    from: Option<SecretString>,
    /// Database to copy into; without this, the one in the settings.
    #[arg(long, value_name = "URL", value_parser = secret)]
    to: Option<SecretString>,
}

/// A URL may hold a password.
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

/// Copies everything, and says what is on both sides then.
pub(super) async fn copy(settings: Settings, args: CopyArgs) -> anyhow::Result<()> {
    let from = place("--from", args.from, &settings.store)?;
    let to = place("--to", args.to, &settings.store)?;
    if from.shown() == to.shown() {
        bail!("the source and the destination are the same database, {}", to.shown());
    }
    let source = open_source(&from, &settings.store).await?;
    let destination = Database::open_at(&to, &settings.store).await?;
    if source.is_same(&destination) {
        bail!("the source and the destination are the same database, {}", destination.name());
    }
    destination.migrate().await?;

    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{msg:9} {bar:40} {human_pos} of {human_len} ({per_sec}, {eta} left)",
    )?);
    let show = |progress| match progress {
        Progress::Begun(phase, records) => {
            bar.set_message(phase.name());
            bar.set_length(records);
            bar.reset();
        }
        Progress::Done(records) => bar.inc(records),
    };
    let copied = copy_records(&*source.stores().transfer, &*destination.stores().transfer, &show).await;
    bar.finish_and_clear();
    let closed = (source.close().await, destination.close().await);
    let comparisons = copied.context("the copy is not complete")?;
    closed.0?;
    closed.1?;
    super::print(&table(&comparisons))?;
    agreed(&comparisons)?;
    super::print("Everything was copied, and is the same in both databases.\n")
}

fn place(flag: &str, url: Option<SecretString>, settings: &StoreSettings) -> anyhow::Result<Place> {
    let Some(url) = url else { return Ok(settings.place()?) };
    // Like any path on a command line, from the present folder.
    let place = Place::parse(url.expose_secret(), Path::new(""));
    place.map_err(|_| {
        anyhow::anyhow!("{flag} must be \"sqlite://PATH\" or \"mongodb://HOST/DATABASE\" (or \"mongodb+srv://…\")")
    })
}

/// Opens the source, if it is there and such as this program has made it.
async fn open_source(place: &Place, settings: &StoreSettings) -> anyhow::Result<Database> {
    if let Place::Sqlite(path) = place
        && !path.exists()
    {
        bail!("there is no database {}", path.display());
    }
    let database = Database::open_at(place, settings).await?;
    let pending = database.pending_migrations().await?;
    if !pending.is_empty() {
        bail!(
            "the database {} is empty or of an older version, {} migrations behind: if it is the right one, run \
             `parlor migrate` on it first",
            database.name(),
            pending.len()
        );
    }
    Ok(database)
}

/// What each side has of each part.
fn table(comparisons: &[Comparison]) -> String {
    let mut table = format!("{:14} {:>12} {:>12}  SHA-256\n", "", "source", "destination");
    for Comparison { part, source, destination, first_difference: _ } in comparisons {
        let (ours, theirs) = (source.checksum.to_string(), destination.checksum.to_string());
        let checksums = if ours == theirs { ours } else { format!("{ours}, but there {theirs}") };
        table += &format!("{:14} {:>12} {:>12}  {checksums}\n", part.name(), source.count, destination.count);
    }
    table
}

/// Refuses a copy that is not the same as its source.
fn agreed(comparisons: &[Comparison]) -> anyhow::Result<()> {
    match comparisons.iter().find_map(|comparison| Some((comparison.part, comparison.first_difference?))) {
        None => Ok(()),
        Some((part, key)) => bail!(
            "the two differ in their {}, first at {key}: nobody may use either database during the copy",
            part.name()
        ),
    }
}

#[cfg(test)]
mod tests {
    use parlor_domain::{
        ConversationId, Seq,
        store::{Key, Part},
    };

    use super::{Comparison, agreed, table};
    use crate::copy::Summary;

    fn comparison(part: Part, source: u64, destination: u64, first_difference: Option<Key>) -> Comparison {
        let [source, destination] = [source, destination].map(|count| Summary { count, ..Summary::default() });
        Comparison { part, source, destination, first_difference }
    }

    #[test]
    fn a_difference_is_a_failure_that_names_the_part_and_the_first_record() {
        let key = Key::Message(ConversationId::from_bytes([7; 12]), Seq::new(3));
        let comparisons = [comparison(Part::Users, 1, 1, None), comparison(Part::Messages, 5, 4, Some(key))];
        let told = agreed(&comparisons).unwrap_err().to_string();
        let expected = "the two differ in their messages, first at message 3 of conversation 070707070707070707070707";
        assert!(told.starts_with(expected), "{told}");
        assert!(agreed(&comparisons[..1]).is_ok());
    }

    #[test]
    fn both_sides_of_each_part_are_shown() {
        let shown = table(&[comparison(Part::Users, 12, 12, None), comparison(Part::Messages, 1_000_000, 5, None)]);
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let expected = format!(
            "                     source  destination  SHA-256\n\
             users                    12           12  {of_nothing}\n\
             messages            1000000            5  {of_nothing}\n"
        );
        assert_eq!(shown, expected);
    }
}
