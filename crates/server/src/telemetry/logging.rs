//! Logs: one event a line on standard error, for people or for programs.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt as _};

use crate::config::{LogFormat, LogSettings};

/// Why nothing can be logged or measured.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up {what}: {reason}")]
pub struct TelemetryError {
    /// What could not be set up.
    pub what: &'static str,
    /// Why.
    pub reason: String,
}

/// Sends the whole process's events to standard error.
///
/// # Errors
/// A filter that can't be read, or a second call.
pub fn install_logging(settings: &LogSettings) -> Result<(), TelemetryError> {
    let failed = |reason: String| TelemetryError { what: "logging", reason };
    let subscriber = subscriber(settings, io::stderr).map_err(failed)?;
    subscriber.try_init().map_err(|error| failed(error.to_string()))
}

type BoxedSubscriber = Box<dyn Subscriber + Send + Sync>;

fn subscriber<W>(settings: &LogSettings, writer: W) -> Result<BoxedSubscriber, String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| error.to_string())?;
    let base = tracing_subscriber::fmt().with_env_filter(filter);
    Ok(match settings.format {
        LogFormat::Json => Box::new(base.json().flatten_event(true).with_span_list(false).with_writer(writer).finish()),
        LogFormat::Pretty => Box::new(base.with_ansi(false).with_writer(OneLine(writer)).finish()),
    })
}

/// Keeps an event in one line and free of control characters, so that a logged value can't pass itself off as another
/// event or take over a terminal. Colours are control characters too; there are none.
struct OneLine<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = OneLineWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLineWriter(self.0.make_writer())
    }
}

struct OneLineWriter<W>(W);

impl<W: Write> Write for OneLineWriter<W> {
    /// Takes a whole event: the formatter writes each at once, with a line end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut line = String::with_capacity(event.len() + 1);
        for c in text.trim_end_matches('\n').chars() {
            if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
        }
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let settings = LogSettings { format, filter: "info".to_owned() };
        let writer = lines.clone();
        let subscriber = subscriber(&settings, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_value_cannot_start_a_line_or_control_the_terminal() {
        let value = "ada\r\n2026-11-21 INFO forged\u{1b}[2J\u{9b}0m";
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let text = logged(format, || {
                let span = tracing::info_span!("request", path = %value);
                span.in_scope(|| tracing::info!(user = %value, "{value}"));
            });
            assert_eq!(text.matches('\n').count(), 1, "{text:?}");
            assert!(!text.contains('\r') && !text.contains('\u{1b}'), "{text:?}");
            assert!(text.contains("forged"), "{text:?}");
        }
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(LogFormat::Json, || {
            tracing::info!(user = "ada", "signed in");
            tracing::debug!("not this");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&line["message"], &line["user"], &line["level"]),
            (&"signed in".into(), &"ada".into(), &"INFO".into())
        );
    }
}
