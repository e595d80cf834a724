//! The flags of signing in at a browser.

use std::path::PathBuf;

use clap::Args;

/// How to sign in, and what it is for.
pub(super) const LOGIN_HELP: &str = "\
Where a browser of this computer can be opened, it is, and the answer comes back by itself. Over SSH, and where there is no browser, an
address is printed; whoever signs in there, on any computer, is shown a code to type here.

  tegata login --issuer https://id.example.com
  tegata login --profile work --paste           # the code, wherever this runs
  tegata login --profile work --device          # only a short code and a number to compare, for a browser of the same network

The profile becomes the current one, and the vendor's command line can use it too. Nothing that lasts is written into it.";

/// Where and how somebody signs in.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SignInFlags {
    /// URL of the server to sign in at [default: $TEGATA_ENDPOINT, else the profile's]
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Only print the address; a browser on this computer has to open it
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Sign in at any browser and type the code that it shows [default over SSH and without a browser]
    #[arg(long, conflicts_with = "no_browser")]
    pub(crate) paste: bool,
    /// Sign in at a browser of another device, by a code shown here
    #[arg(long, conflicts_with_all = ["no_browser", "paste"])]
    pub(crate) device: bool,
}

/// Flags of `login`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoginFlags {
    /// Name of the profile
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) sign_in: SignInFlags,
    /// Trust only the authorities in this file (PEM) for https
    #[arg(long, visible_alias = "ca", value_name = "FILE")]
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
