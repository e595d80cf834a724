//! The environment, read once, here and nowhere else.

use std::{ffi::OsString, path::PathBuf};

use super::SecretText;

/// What the environment says. A variable that is set but empty counts as not set.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that the environment says or does not")]
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
    /// `XDG_CACHE_HOME`.
    pub(crate) xdg_cache_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`: a folder for this user that does not outlive the login.
    pub(crate) xdg_runtime_dir: Option<PathBuf>,
    /// A key, for commands that use a server.
    pub(crate) access_key_id: Option<String>,
    /// Its secret.
    pub(crate) access_key_secret: Option<SecretText>,
    /// Its token, if it is a temporary one.
    pub(crate) security_token: Option<SecretText>,
    /// A role that needs no key, but the token of an identity provider.
    pub(crate) oidc: Option<OidcVariables>,
    /// A URL that answers with a key.
    pub(crate) credentials_uri: Option<String>,
    /// The profile to use.
    pub(crate) profile: Option<String>,
    /// The profiles are not to be looked at.
    pub(crate) ignore_profile: bool,
    /// No program is to be started and no URL called to find a key.
    pub(crate) no_external: bool,
    /// `TEGATA_ENDPOINT`: the server that commands use.
    pub(crate) endpoint: Option<String>,
    /// `TEGATA_OSS_ENDPOINT`: its object gateway.
    pub(crate) oss_endpoint: Option<String>,
    /// `TEGATA_CA_FILE`: the authorities its certificate leads to.
    pub(crate) ca_file: Option<PathBuf>,
    /// What the commands of the SORACOM wire may be told.
    pub(crate) sam: SamVariables,
    /// A shell over the network: a browser of this computer would open far from whoever types (`SSH_CONNECTION`, `SSH_TTY`).
    pub(crate) over_ssh: bool,
    /// Somewhere on this computer a browser could be shown (`DISPLAY`, `WAYLAND_DISPLAY`, `BROWSER`, `WSL_DISTRO_NAME`).
    pub(crate) has_display: bool,
    /// `PATH`: where programs are.
    pub(crate) path: Option<OsString>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// Where temporary folders go.
    pub(crate) temporary: PathBuf,
}

/// `ALIBABA_CLOUD_OIDC_PROVIDER_ARN`, `…_OIDC_TOKEN_FILE`, `…_ROLE_ARN` and `…_ROLE_SESSION_NAME`: as a cluster sets them for its workloads.
#[derive(Debug, Clone)]
pub(crate) struct OidcVariables {
    /// Resource name of the identity provider.
    pub(crate) provider_arn: String,
    /// The file with its token.
    pub(crate) token_file: PathBuf,
    /// The role to take on.
    pub(crate) role_arn: String,
    /// What to call its session.
    pub(crate) session_name: Option<String>,
}

/// What the commands of the SORACOM wire may be told by the environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct SamVariables {
    /// `TEGATA_API_KEY`: the first half of a session.
    pub(crate) api_key: Option<SecretText>,
    /// `TEGATA_API_TOKEN`: its second half.
    pub(crate) api_token: Option<SecretText>,
    /// `TEGATA_AUTH_KEY`: the secret of an auth key.
    pub(crate) auth_key: Option<SecretText>,
    /// `TEGATA_PASSWORD`.
    pub(crate) password: Option<SecretText>,
    /// `TEGATA_MFA_OTPCODE`: a one-time code.
    pub(crate) code: Option<SecretText>,
    /// `SORACOM_PROFILE_DIR`: where the vendor's program keeps its profiles.
    pub(crate) profile_folder: Option<PathBuf>,
    /// Refusals are wanted in Japanese (`LC_ALL`, `LC_MESSAGES`, `LANG`).
    pub(crate) japanese: bool,
}

impl SamVariables {
    fn read() -> Self {
        let secret = |name| text(name).map(SecretText::new);
        let language = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(text);
        Self {
            api_key: secret("TEGATA_API_KEY"),
            api_token: secret("TEGATA_API_TOKEN"),
            auth_key: secret("TEGATA_AUTH_KEY"),
            password: secret("TEGATA_PASSWORD"),
            code: secret("TEGATA_MFA_OTPCODE"),
            profile_folder: variable("SORACOM_PROFILE_DIR").map(PathBuf::from),
            japanese: language.is_some_and(|language| language.starts_with("ja")),
        }
    }
}

impl OidcVariables {
    /// Only all of them together mean something: some are set for other reasons too.
    fn read() -> Option<Self> {
        Some(Self {
            provider_arn: vendor("OIDC_PROVIDER_ARN")?,
            token_file: vendor("OIDC_TOKEN_FILE")?.into(),
            role_arn: vendor("ROLE_ARN")?,
            session_name: vendor("ROLE_SESSION_NAME"),
        })
    }
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
            xdg_cache_home: path("XDG_CACHE_HOME"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            access_key_id: vendor("ACCESS_KEY_ID"),
            access_key_secret: vendor("ACCESS_KEY_SECRET").map(SecretText::new),
            security_token: vendor("SECURITY_TOKEN").map(SecretText::new),
            oidc: OidcVariables::read(),
            credentials_uri: vendor("CREDENTIALS_URI"),
            profile: vendor("PROFILE"),
            ignore_profile: is_on("IGNORE_PROFILE"),
            no_external: is_on("DISABLE_EXTERNAL_PROCESS"),
            endpoint: text("TEGATA_ENDPOINT"),
            oss_endpoint: text("TEGATA_OSS_ENDPOINT"),
            ca_file: path("TEGATA_CA_FILE"),
            sam: SamVariables::read(),
            over_ssh: ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| variable(name).is_some()),
            has_display: ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"].iter().any(|name| variable(name).is_some()),
            path: variable("PATH"),
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

/// A variable of the vendor's programs, in any of the spellings they have had.
pub(crate) const VENDOR_PREFIXES: [&str; 3] = ["ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_"];

fn vendor(name: &str) -> Option<String> {
    VENDOR_PREFIXES.iter().find_map(|prefix| text(&format!("{prefix}{name}")))
}

fn is_on(name: &str) -> bool {
    vendor(name).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
}

/// A value that is not UTF-8 is kept with replacement characters, so that it is refused where it is read and not ignored.
fn text(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().trim().to_owned())
}
