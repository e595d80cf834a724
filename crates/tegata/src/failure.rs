//! How a command ends that did not do what it was asked: one clear sentence and an exit status.

use std::fmt;

/// Why a command failed. `Display` is what the person at the terminal reads.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    /// The thing was refused or went wrong: status 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 1 }
    }

    /// The command was not given rightly: status 2.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: 2 }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        self.status
    }

    /// A failure with its causes, outermost first, each told once.
    pub(crate) fn with_causes(what: &str, error: &dyn std::error::Error) -> Self {
        let mut text = if what.is_empty() { error.to_string() } else { format!("{what}: {error}") };
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            if !text.contains(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
            cause = error.source();
        }
        Self::new(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

macro_rules! failures {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::with_causes("", &error)
            }
        })*
    };
}

failures!(
    crate::data_dir::DataDirError,
    crate::listen::ListenError,
    crate::node::NodeError,
    tegata_core::directory::ProvisionError,
    tegata_store::StoreError,
);

impl From<crate::config::Problems> for Failure {
    fn from(problems: crate::config::Problems) -> Self {
        Self::new(problems.to_string())
    }
}
