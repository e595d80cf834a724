//! The environment, read once, here and nowhere else.

use std::{ffi::OsString, path::PathBuf};

use super::SecretText;

/// What the environment says. A variable that is set but empty counts as not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// `TEGATA_CONFIG`: the configuration file.
    pub(crate) config: Option<PathBuf>,
    /// `TEGATA_DATA`: the data folder.
    pub(crate) data: Option<PathBuf>,
    /// `TEGATA_DATABASE`: the database, with its password if it has one.
    pub(crate) database: Option<SecretText>,
    /// `TEGATA_DATABASE_PASSWORD`: the password that the database's URL leaves out.
    pub(crate) database_password: Option<SecretText>,
    /// `TEGATA_MASTER_KEY`: the master key itself.
    pub(crate) master_key: Option<SecretText>,
    /// `TEGATA_LOG`: how much to log.
    pub(crate) log: Option<String>,
    /// `NO_COLOR` is set.
    pub(crate) no_colour: bool,
    /// `STATE_DIRECTORY`: what a service manager has made for this service.
    pub(crate) state_directory: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub(crate) xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// Where temporary folders go.
    pub(crate) temporary: PathBuf,
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        let secret = |name| text(name).map(SecretText::new);
        let path = |name| variable(name).map(PathBuf::from);
        Self {
            config: path("TEGATA_CONFIG"),
            data: path("TEGATA_DATA"),
            database: secret("TEGATA_DATABASE"),
            database_password: secret("TEGATA_DATABASE_PASSWORD"),
            master_key: secret("TEGATA_MASTER_KEY"),
            log: text("TEGATA_LOG"),
            no_colour: variable("NO_COLOR").is_some(),
            state_directory: path("STATE_DIRECTORY"),
            xdg_data_home: path("XDG_DATA_HOME"),
            home: path("HOME"),
            temporary: std::env::temp_dir(),
        }
    }

    /// The data folder when nobody names one: what the service manager made, else the user's own data folder.
    /// Relative paths are ignored: the folder must not depend on where a command was started.
    pub(crate) fn default_data(&self) -> Option<PathBuf> {
        let absolute = |path: &Option<PathBuf>| path.clone().filter(|path| path.is_absolute());
        absolute(&self.state_directory)
            .or_else(|| absolute(&self.xdg_data_home).map(|path| path.join("tegata")))
            .or_else(|| absolute(&self.home).map(|path| path.join(".local/share/tegata")))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A value that is not UTF-8 is kept with replacement characters, so that it is refused where it is read and not ignored.
fn text(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().trim().to_owned())
}
