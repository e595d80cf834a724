//! What every command that uses a server begins with: which server, which key, and from where.

use std::path::PathBuf;

use tegata_client::{
    Credential, Profile, ProfileFile, Provider, Rpc, Sts, Transport,
    profile::{Mode, Profiles},
    provider::{Role, Source, cache_name},
    sam::profile::Shelf,
};
use tegata_core::clock::{Clock as _, SystemClock};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};

use crate::{
    cli::client::{Access, OssAccess},
    config::Environment,
    failure::Failure,
};

/// Our own fields in a profile, beside those of the vendor's command line.
pub(super) const SERVER_URL: &str = "tegata_endpoint";
pub(super) const OSS_URL: &str = "tegata_oss_endpoint";
pub(super) const CA_FILE: &str = "tegata_ca_file";
/// The region nobody has to name.
pub(super) const REGION: &str = "cn-hangzhou";

/// Where the key was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In this profile, of this mode.
    Profile(String, Mode),
    /// In the environment.
    Environment,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Profile(name, mode) => write!(f, "profile `{name}` ({mode})"),
            Self::Environment => f.write_str("the environment"),
        }
    }
}

/// A server and a key.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) origin: Origin,
    pub(super) file: ProfileFile,
    /// The profile and those its key comes from: what one does not say, the next may.
    chain: Vec<Profile>,
    pub(super) provider: Provider,
    pub(super) transport: Transport,
    server: Option<String>,
}

/// The file of the profiles.
pub(super) fn profile_file(flag: Option<&PathBuf>, environment: &Environment) -> Result<ProfileFile, Failure> {
    let path = match (flag, &environment.home) {
        (Some(path), _) => path.clone(),
        (None, Some(home)) => home.join(".aliyun/config.json"),
        (None, None) => {
            return Err(Failure::usage("there is no home folder (`HOME`) to look for profiles in; name a file with `--config-path FILE`"));
        }
    };
    Ok(ProfileFile::at(path))
}

/// The time.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

impl Opened {
    /// Finds server and key: flags, a named profile, the environment, the current profile.
    pub(super) fn new(access: &Access, environment: &Environment) -> Result<Self, Failure> {
        if access.role_session_name.is_some() && access.role.is_none() {
            return Err(Failure::usage("`--role-session-name` names the session of a role, and `--role ARN` is missing"));
        }
        let by_key = access.profile.is_none()
            && (environment.access_key_id.is_some() || environment.oidc.is_some() || environment.credentials_uri.is_some());
        let without_file = access.profile.is_none() && environment.ignore_profile;
        let file = profile_file(access.config_path.as_ref(), environment);
        let (file, profiles) = match file {
            Ok(file) if !without_file => {
                let profiles = file.read();
                // A key of the environment does not depend on the file; then it only may name the server.
                (file, if by_key { profiles.ok() } else { Some(profiles?) })
            }
            Ok(file) => (file, None),
            Err(_) if by_key || without_file => (ProfileFile::at(""), None),
            Err(failure) => return Err(failure),
        };
        let profile = profiles.as_ref().map(|profiles| choose(profiles, access, environment, by_key)).transpose()?.flatten();

        let chain = match (&profile, &profiles) {
            (Some(profile), Some(profiles)) => chain(profile, profiles),
            _ => Vec::new(),
        };
        let shelf = Shelf::beside(file.path());
        let sam = match profile.as_ref().filter(|_| !by_key) {
            Some(profile) => shelf.find(profile.name()).map_err(Failure::new)?,
            None => None,
        };
        let server = match &sam {
            Some(sam) => Some(super::sam::bound(sam, access.endpoint.as_deref())?),
            None => server(access.endpoint.as_deref(), &chain, environment)?,
        };
        let (origin, source) = match (&profile, &profiles) {
            _ if by_key => (Origin::Environment, from_environment(environment, server.as_deref())?),
            (Some(profile), _) if sam.is_some() => {
                let code = access.mfa_otpcode.as_deref();
                let source = super::sam::kept(profile.name(), shelf, code, access.ca_file.as_ref(), environment)?;
                (Origin::Profile(profile.name().to_owned(), Mode::Soracom), Source::Sam(Box::new(source)))
            }
            (Some(profile), Some(profiles)) => {
                let source = Source::of(profile, profiles, server.as_deref())?;
                (Origin::Profile(profile.name().to_owned(), profile.mode()?), source)
            }
            _ => {
                return Err(Failure::new(
                    "there is no key to use: sign in with `tegata login`, make a profile with `tegata configure`, or set \
                     ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
                ));
            }
        };
        if environment.no_external && source.reaches_out() {
            return Err(Failure::new(format!(
                "{origin} needs a program or a URL to find its key, and ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS forbids that"
            )));
        }
        let source = match &access.role {
            None => source,
            Some(arn) => Source::Role {
                base: Box::new(source),
                role: Role {
                    arn: arn.clone(),
                    session_name: session_name(access).to_owned(),
                    lifetime: access.lifetime,
                    external_id: None,
                },
                server: server.clone().ok_or_else(no_server)?,
            },
        };
        let ca_file = access.ca_file.clone().or_else(|| environment.ca_file.clone());
        let ca_file = ca_file.or_else(|| first(&chain, CA_FILE).map(PathBuf::from));
        let transport = ca_file.into_iter().fold(Transport::new(), Transport::trusting);
        let cache = cache(access, environment, &origin, &file, server.as_deref());
        let provider = Provider::new(source, transport.clone(), cache);
        Ok(Self { origin, file, chain, provider, transport, server })
    }

    /// A key that is good now.
    pub(super) async fn credential(&self) -> Result<Credential, Failure> {
        Ok(self.provider.credential(now).await?)
    }

    /// A temporary key: what other programs may have.
    pub(super) async fn temporary(&self) -> Result<Credential, Failure> {
        let key = self.credential().await?;
        if key.security_token.is_some() {
            return Ok(key);
        }
        Err(Failure::new(format!(
            "{} gives a long-term key, which other programs do not get from here; name a role with `--role ARN`, or a profile that takes one on with `--profile NAME`",
            self.origin
        )))
    }

    /// URL of the server.
    pub(super) fn server(&self) -> Result<&str, Failure> {
        self.server.as_deref().ok_or_else(no_server)
    }

    /// URL of the server, if anything names it.
    pub(super) fn known_server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// The session service.
    pub(super) fn sts(&self) -> Result<Sts, Failure> {
        Ok(Sts::new(self.transport.clone(), self.server()?))
    }

    /// Every operation of the server's API, by name.
    pub(super) fn rpc(&self) -> Result<Rpc, Failure> {
        Ok(Rpc::new(self.transport.clone(), self.server()?))
    }

    /// URL of the object gateway, if anything names it.
    pub(super) fn gateway(&self, flag: Option<&str>, environment: &Environment) -> Result<Option<String>, Failure> {
        let given = flag.or(environment.oss_endpoint.as_deref());
        given.or_else(|| first(&self.chain, OSS_URL)).map(url).transpose()
    }

    /// The object gateway.
    pub(super) fn oss(&self, access: &OssAccess, environment: &Environment) -> Result<tegata_client::Oss, Failure> {
        let gateway = self.gateway(access.oss_endpoint.as_deref(), environment)?.ok_or_else(|| {
            Failure::usage("nothing says where the object gateway is; name it with `--oss-endpoint URL`, TEGATA_OSS_ENDPOINT, or `tegata configure --oss-endpoint URL`")
        })?;
        let region = access.region.as_deref().or_else(|| self.region()).unwrap_or(REGION);
        Ok(tegata_client::Oss::new(self.transport.clone(), &gateway, region))
    }

    /// The profile's region.
    pub(super) fn region(&self) -> Option<&str> {
        first(&self.chain, "region_id")
    }
}

/// A server without any key of ours: that of the profile, else one that is named by flag or environment.
pub(super) fn server_alone(access: &Access, environment: &Environment) -> Result<(Transport, String), Failure> {
    match Opened::new(access, environment) {
        Ok(opened) => Ok((opened.transport.clone(), opened.server()?.to_owned())),
        Err(failure) => {
            let server = server(access.endpoint.as_deref(), &[], environment)?.ok_or(failure)?;
            let ca_file = access.ca_file.clone().or_else(|| environment.ca_file.clone());
            Ok((ca_file.into_iter().fold(Transport::new(), Transport::trusting), server))
        }
    }
}

/// The profile that is named, else the current one. With a key from the environment it may be missing.
fn choose(profiles: &Profiles, access: &Access, environment: &Environment, by_key: bool) -> Result<Option<Profile>, Failure> {
    if let Some(name) = &access.profile {
        return Ok(Some(profiles.named(name)?));
    }
    match environment.profile.as_deref().or_else(|| profiles.current()) {
        Some(name) if by_key || profiles.names().is_empty() => Ok(profiles.find(name)),
        Some(name) => Ok(Some(profiles.named(name)?)),
        None => Ok(None),
    }
}

/// In the order of the vendor's libraries: a key, a token file, a URL.
fn from_environment(environment: &Environment, server: Option<&str>) -> Result<Source, Failure> {
    if environment.access_key_id.is_none() {
        return match (&environment.oidc, &environment.credentials_uri) {
            (Some(oidc), _) => Ok(Source::Oidc {
                provider_arn: oidc.provider_arn.clone(),
                token_file: oidc.token_file.clone(),
                role: Role {
                    arn: oidc.role_arn.clone(),
                    session_name: oidc.session_name.clone().unwrap_or_else(|| "tegata-cli".to_owned()),
                    lifetime: None,
                    external_id: None,
                },
                server: server.ok_or_else(no_server)?.to_owned(),
            }),
            (None, Some(url)) => Ok(Source::Uri(url.clone())),
            (None, None) => Err(Failure::new("the environment holds no key")),
        };
    }
    let (Some(id), Some(secret)) = (&environment.access_key_id, &environment.access_key_secret) else {
        return Err(Failure::new("ALIBABA_CLOUD_ACCESS_KEY_ID is set without ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
    };
    let id = AccessKeyId::new(id).map_err(|error| Failure::new(format!("ALIBABA_CLOUD_ACCESS_KEY_ID: {error}")))?;
    let key = Credential::long_term(id, SecretKey::new(secret.expose().to_owned()));
    let token = environment.security_token.as_ref().map(|token| SecretKey::new(token.expose().to_owned()));
    Ok(Source::Fixed(key.with_token(token)))
}

fn no_server() -> Failure {
    Failure::usage("nothing says which server to ask; name it with `--endpoint URL`, TEGATA_ENDPOINT, or `tegata configure --endpoint URL`")
}

/// A profile and, one after the other, those it takes its key from.
fn chain(profile: &Profile, profiles: &Profiles) -> Vec<Profile> {
    let mut chain = vec![profile.clone()];
    // A circle is somebody else's complaint; here it only has to end.
    while let Some(next) = chain.last().and_then(|last| profiles.find(last.text("source_profile")?)) {
        if chain.iter().any(|seen| seen.name() == next.name()) {
            break;
        }
        chain.push(next);
    }
    chain
}

fn first<'a>(chain: &'a [Profile], field: &str) -> Option<&'a str> {
    chain.iter().find_map(|profile| profile.text(field))
}

fn server(flag: Option<&str>, chain: &[Profile], environment: &Environment) -> Result<Option<String>, Failure> {
    if let Some(given) = flag.or(environment.endpoint.as_deref()) {
        return url(given).map(Some);
    }
    let says = |profile: &&Profile| [SERVER_URL, "sts_endpoint", "endpoint"].iter().any(|field| profile.text(field).is_some());
    let Some(profile) = chain.iter().find(says) else { return Ok(None) };
    let plain = profile.text("sts_endpoint").or_else(|| profile.text("endpoint"));
    match (plain, profile.text(SERVER_URL)) {
        (None, ours) => ours.map(url).transpose(),
        // Ours says the scheme too, as long as it means the same place.
        (Some(plain), Some(ours)) if host(ours) == host(plain) => url(ours).map(Some),
        (Some(plain), _) => url(plain).map(Some),
    }
}

/// Host and port of a URL, or of what already is that.
pub(super) fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

/// A URL without path. A bare host is reached by https, and this machine by http.
pub(super) fn url(text: &str) -> Result<String, Failure> {
    let wrong = |problem: &str| Failure::usage(format!("`{text}` is no address of a server: {problem}"));
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
        let here = name == "localhost" || name == "[::1]" || name.starts_with("127.");
        format!("{}://{text}", if here { "http" } else { "https" })
    };
    let whole = whole.trim_end_matches('/');
    let uri: http::Uri = whole.parse().map_err(|_| wrong("expected `https://HOST`"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("expected `https://HOST` or `http://HOST`"));
    }
    let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
    if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
        return Err(wrong("expected scheme, host and port only"));
    }
    Ok(whole.to_owned())
}

/// What the session of the role that is taken on first is called.
fn session_name(access: &Access) -> &str {
    access.role_session_name.as_deref().unwrap_or("tegata-cli")
}

/// Where this program keeps what it can get again.
pub(super) fn cache_folder(environment: &Environment) -> Option<PathBuf> {
    let absolute = |path: &Option<PathBuf>| path.clone().filter(|path| path.is_absolute());
    let folder = absolute(&environment.xdg_cache_home).or_else(|| absolute(&environment.home).map(|home| home.join(".cache")))?;
    Some(folder.join("tegata"))
}

/// Forgets every temporary key that was got for a profile: what they stand on has ended.
pub(super) fn forget_keys(profile: &str, environment: &Environment) {
    let Some(folder) = cache_folder(environment).map(|folder| folder.join("credentials")) else { return };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let digits = name.strip_prefix(profile).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".json"));
        if digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn cache(access: &Access, environment: &Environment, origin: &Origin, file: &ProfileFile, server: Option<&str>) -> Option<PathBuf> {
    let folder = cache_folder(environment)?;
    let label = match origin {
        Origin::Profile(name, _) => name.as_str(),
        Origin::Environment => "environment",
    };
    let key = environment.access_key_id.as_deref().or_else(|| Some(&environment.oidc.as_ref()?.role_arn));
    let key = key.filter(|_| *origin == Origin::Environment);
    let lifetime = access.lifetime.unwrap_or_default().as_secs().to_string();
    let parts = [
        file.path().to_str().unwrap_or_default(),
        key.unwrap_or_default(),
        server.unwrap_or_default(),
        access.role.as_deref().unwrap_or_default(),
        session_name(access),
        &lifetime,
    ];
    Some(folder.join("credentials").join(cache_name(label, &parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_and_nonsense_is_refused() {
        for (text, expected) in [
            ("https://id.example.com/", "https://id.example.com"),
            ("id.example.com", "https://id.example.com"),
            ("id.example.com:8443", "https://id.example.com:8443"),
            ("127.0.0.1:8420", "http://127.0.0.1:8420"),
            ("localhost:1", "http://localhost:1"),
            ("[::1]:8420", "http://[::1]:8420"),
            ("https://127.0.0.1:1", "https://127.0.0.1:1"),
        ] {
            assert_eq!(url(text).unwrap(), expected);
        }
        for wrong in ["", "ftp://x", "https://u:p@x", "https://x/path", "https://x?q", "a b", "https://"] {
            assert_eq!(url(wrong).unwrap_err().status(), 2, "{wrong}");
        }
    }

    #[test]
    fn the_address_with_a_scheme_counts_only_for_the_same_place() {
        let mut profile = Profile::new("p");
        let environment = Environment::default();
        profile.set("sts_endpoint", Some("127.0.0.1:1".into()));
        profile.set(SERVER_URL, Some("https://127.0.0.1:1".into()));
        assert_eq!(server(None, std::slice::from_ref(&profile), &environment).unwrap().unwrap(), "https://127.0.0.1:1");
        profile.set("sts_endpoint", Some("other.example.com".into()));
        assert_eq!(server(None, std::slice::from_ref(&profile), &environment).unwrap().unwrap(), "https://other.example.com");
        let environment = Environment { endpoint: Some("b".to_owned()), ..environment };
        assert_eq!(server(None, std::slice::from_ref(&profile), &environment).unwrap().unwrap(), "https://b");
        assert_eq!(server(Some("a"), std::slice::from_ref(&profile), &environment).unwrap().unwrap(), "https://a");
    }
}
