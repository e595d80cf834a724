//! How a command ends that did not do what it was asked: one clear sentence and an exit status.

use std::fmt;

/// Why a command failed. `Display` is what the person at the terminal reads; nothing if there is nothing to add.
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

    /// Everything that was found wrong has been told.
    pub(crate) fn told() -> Self {
        Self { text: String::new(), status: 1 }
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
    tegata_client::private_file::PrivateFileError,
    tegata_client::profile::ProfileError,
    tegata_client::sign_in::KeptError,
    tegata_core::directory::ProvisionError,
    tegata_store::StoreError,
);

impl From<crate::config::Problems> for Failure {
    fn from(problems: crate::config::Problems) -> Self {
        Self::new(problems.to_string())
    }
}

impl From<tegata_client::ClientError> for Failure {
    fn from(error: tegata_client::ClientError) -> Self {
        let Some(refusal) = error.refusal() else {
            let doctor = if matches!(error, tegata_client::ClientError::Unreachable { .. }) { "; `tegata doctor` looks why" } else { "" };
            return Self::new(format!("{error}{doctor}"));
        };
        // What the server says may hold what a stranger said.
        let said = |text: &str| tegata_core::why::escape(text);
        let (code, message, id) = (said(&refusal.code), said(&refusal.message), said(&refusal.request_id));
        // With the message comes all that was signed, which says something to `doctor` only.
        if refusal.code == "SignatureDoesNotMatch" {
            return Self::new(format!(
                "the server refused with {} {code}: the secret is not that of the key, or something on the way changes requests; \
                 `tegata doctor` finds out which (request {id})",
                refusal.status
            ));
        }
        if refusal.code == "InvalidSecurityToken.Expired" {
            return Self::new(format!(
                "the server refused with {} {code}: {message}; if the key came of `tegata login`, sign in again (request {id})",
                refusal.status
            ));
        }
        // Of what is not a matter of permissions, the message says all there is.
        let hint = match (id.is_empty(), message.contains("tegata why") || refusal.status != 403) {
            (true, _) => String::new(),
            (false, true) => format!(" (request {id})"),
            (false, false) => format!(" (request {id}; `tegata why {id}` may tell more)"),
        };
        Self::new(format!("the server refused with {} {code}: {message}{hint}", refusal.status))
    }
}

impl From<tegata_client::provider::ProvideError> for Failure {
    fn from(error: tegata_client::provider::ProvideError) -> Self {
        match error {
            tegata_client::provider::ProvideError::Call(error) => error.into(),
            tegata_client::provider::ProvideError::Session(error) => error.into(),
            other => Self::new(other.to_string()),
        }
    }
}
