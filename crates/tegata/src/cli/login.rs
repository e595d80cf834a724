//! The flags of signing in at a browser.

use std::path::PathBuf;

use clap::Args;

/// Flags of `login`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoginFlags {
    /// Name of the profile
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// URL of the server [default: $TEGATA_ENDPOINT, else the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Only print the address; a browser on this computer has to open it
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Sign in at a browser of another device, by a code
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) device: bool,
    /// Trust only the authorities in this file (PEM) for https
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}

/// Flags of `logout`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogoutFlags {
    /// Name of the profile [default: the current one]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// File of the profiles [default: ~/.aliyun/config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) config_path: Option<PathBuf>,
}
