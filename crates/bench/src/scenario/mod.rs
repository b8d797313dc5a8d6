//! What is measured: each scenario makes its users, runs, checks what became of everything, and reports.

pub(crate) mod crowd;
pub(crate) mod fanout;
pub(crate) mod history;
pub(crate) mod idle;
pub(crate) mod login;
pub(crate) mod mixed;
pub(crate) mod others;
pub(crate) mod presence;
pub(crate) mod resume;
pub(crate) mod send;

use std::time::Duration;

use clap::Args;

use crate::stats::Window;

/// How long a run is.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Length {
    /// Seconds that count.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u32,
    /// Seconds before those.
    #[arg(long, default_value_t = 2)]
    pub(crate) warm_up: u32,
}

impl Length {
    /// The part that counts of a run that begins now.
    pub(crate) fn window(self) -> Window {
        let seconds = |number: u32| Duration::from_secs(number.into());
        Window::after(seconds(self.warm_up), seconds(self.seconds))
    }
}
