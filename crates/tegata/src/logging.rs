//! The log: to standard error, for people or as JSON. What may be said at all is decided here.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Only what failed.
    Error,
    /// And what should be looked at.
    Warn,
    /// And one line per request.
    Info,
    /// And steps within a request.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// All of them, as they are written.
    pub(crate) const NAMES: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}

impl FromStr for Level {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        <Self as clap::ValueEnum>::from_str(text, false).map_err(|_| format!("expected one of {}", Self::NAMES.join(", ")))
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// All of them, as they are written.
    pub(crate) const NAMES: [&str; 2] = ["text", "json"];
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("expected one of {}", Self::NAMES.join(", "))),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Which targets may speak. Our own crates follow the level asked for; libraries never go below `warn`, because at
/// their lower levels some of them print headers, URLs or statements with their parameters.
fn targets(level: Level) -> Targets {
    let libraries = level.filter().min(LevelFilter::WARN);
    Targets::new().with_default(libraries).with_target("tegata", level.filter())
}

/// Starts the log of this process. A second call does nothing.
pub(crate) fn start(level: Level, format: Format, colour: bool) {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colour);
    let registry = tracing_subscriber::registry();
    let _ = match format {
        Format::Text => registry.with(lines.with_target(false).with_filter(targets(level))).try_init(),
        Format::Json => registry.with(lines.json().flatten_event(true).with_filter(targets(level))).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_never_speak_below_warn() {
        let most = targets(Level::Trace);
        assert!(most.would_enable("tegata", &tracing::Level::TRACE));
        assert!(most.would_enable("tegata_core::authn", &tracing::Level::TRACE));
        for library in ["hyper", "hyper::proto::h1::role", "tokio_postgres", "rustls::server", "object_store", "axum"] {
            assert!(most.would_enable(library, &tracing::Level::WARN));
            assert!(!most.would_enable(library, &tracing::Level::INFO), "{library}");
        }
        assert!(!targets(Level::Error).would_enable("hyper", &tracing::Level::WARN));
    }

    #[test]
    fn words_read_back() {
        for name in Level::NAMES {
            assert_eq!(name.parse::<Level>().map(|level| level.to_string()).as_deref(), Ok(name));
        }
        for name in Format::NAMES {
            assert_eq!(name.parse::<Format>().map(|format| format.to_string()).as_deref(), Ok(name));
        }
    }
}
