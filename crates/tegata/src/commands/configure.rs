//! `tegata configure`: a profile from flags, and from answers where flags are silent.

use std::io::{self, IsTerminal as _};

use serde_json::Value;
use tegata_client::{Profile, ProfileFile, profile::Mode, sam::profile::Shelf, words};

use super::{
    access::{CA_FILE, OSS_URL, REGION, SERVER_URL, host, profile_file, url},
    login::{self, Wanted},
};
use crate::{cli::client::ConfigureFlags, config::Environment, failure::Failure, terminal};

/// `tegata configure`
///
/// Everything is asked before the file is locked: nobody waits for somebody's typing.
pub(crate) fn configure(flags: &ConfigureFlags, environment: &Environment) -> Result<(), Failure> {
    if flags.profile.is_empty() || flags.profile.chars().any(char::is_control) {
        return Err(Failure::usage("a profile needs a name of visible letters"));
    }
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let is_sam = super::sam::behind(file.path(), &flags.profile)?.is_some();
    if flags.mode.map_or(is_sam, |mode| mode == Mode::Soracom) {
        return super::sam::configure::configure(flags, environment);
    }
    let old = file.read()?.find(&flags.profile).unwrap_or_else(|| Profile::new(&flags.profile));
    let asking = Asking { person: io::stdin().is_terminal() && io::stderr().is_terminal() };
    let mode = match (flags.mode, old.text("mode")) {
        (Some(mode), _) => mode,
        (None, None) => Mode::Ak,
        (None, Some(text)) => text
            .parse()
            .map_err(|problem| Failure::usage(format!("the profile `{}`: {problem}; choose one with `--mode`", flags.profile)))?,
    };
    if mode == Mode::OAuth {
        return by_sign_in(&file, &old, flags, &asking, environment);
    }
    if flags.sign_in.issuer.is_some() {
        return Err(Failure::usage("`--issuer` says where to sign in, which `--mode OAuth` does; other modes have `--endpoint`"));
    }
    let mut changes = given(flags)?;
    changes.push(("mode", Value::from(mode.as_str())));
    // A temporary key that ends is of no use once its parts are replaced.
    let changed = |changes: &[(&str, Value)], field: &str| changes.iter().any(|(name, _)| *name == field);
    for field in mode.required() {
        if changed(&changes, field) {
            continue;
        }
        let kept = old.text(field);
        let whole_key_is_new = matches!(*field, "access_key_secret" | "sts_token") && changed(&changes, "access_key_id");
        let kept = kept.filter(|_| !whole_key_is_new);
        if let Some(answer) = asking.field(field, kept)? {
            changes.push((field, answer.into()));
        }
    }
    if mode == Mode::ChainableRamRoleArn {
        let says = changes.iter().rev().find(|(name, _)| *name == "source_profile").and_then(|(_, value)| value.as_str());
        // What is only found missing at the first call would be looked for in the wrong place.
        if let Some(source) = says.or_else(|| old.text("source_profile")) {
            file.read()?.named(source)?;
            if source == flags.profile {
                return Err(Failure::usage(format!(
                    "the profile `{source}` cannot take its key from itself; name another with `--source-profile`"
                )));
            }
        }
    }
    if asking.person && flags.endpoint.is_none() {
        let kept = old.text(SERVER_URL).or_else(|| old.text("sts_endpoint"));
        let answer = open("URL of the server", kept)?;
        changes.extend(answer.map(|answer| server_fields(&answer)).transpose()?.into_iter().flatten());
    }
    if asking.person && flags.oss_endpoint.is_none() {
        let answer = open("URL of its object gateway (may be empty)", old.text(OSS_URL).or(Some("")))?;
        changes.extend(answer.map(|answer| url(&answer)).transpose()?.map(|answer| (OSS_URL, answer.into())));
    }
    file.edit(|profiles| {
        let mut profile = profiles.find(&flags.profile).unwrap_or_else(|| Profile::new(&flags.profile));
        // The vendor's command line accepts no profile without these.
        for (field, usual) in [("region_id", "cn-hangzhou"), ("output_format", "json"), ("language", "en")] {
            if profile.text(field).is_none() {
                profile.set(field, Some(usual.into()));
            }
        }
        // What remains of another mode or key would mislead whoever reads the profile.
        if mode != Mode::StsToken && (mode == Mode::Ak || changed(&changes, "access_key_id")) {
            profile.set("sts_token", None);
        }
        if changed(&changes, "access_key_id") || changed(&changes, "sts_token") {
            profile.set("sts_expiration", None);
        }
        for (field, value) in changes.iter().cloned() {
            profile.set(field, Some(value));
        }
        profiles.put(profile);
        profiles.use_profile(&flags.profile)
    })?;
    // Of another mode it has been; what belonged to that is gone with it.
    Shelf::beside(file.path()).delete(&flags.profile).map_err(Failure::new)?;
    terminal::say(&format!(
        "Profile `{}` ({mode}) is in `{}` and is the current one. See it work: tegata whoami",
        flags.profile,
        file.path().display()
    ));
    Ok(())
}

/// `tegata configure --mode OAuth`, in the order in which the vendor's command line asks: where, then the browser, then what is usual.
fn by_sign_in(
    file: &ProfileFile,
    old: &Profile,
    flags: &ConfigureFlags,
    asking: &Asking,
    environment: &Environment,
) -> Result<(), Failure> {
    let known = old.text(SERVER_URL).map(str::to_owned);
    let named = flags.sign_in.issuer.clone().or_else(|| flags.endpoint.clone());
    let issuer = match named.or_else(|| environment.endpoint.clone()) {
        Some(named) => Some(named),
        None if asking.person => open("URL of the server to sign in at", known.as_deref())?.or(known),
        None => known,
    };
    let issuer = issuer.ok_or_else(|| Failure::usage("name the server to sign in at with `--issuer URL`"))?;
    let ca_file = flags.ca_file.clone().or_else(|| environment.ca_file.clone()).or_else(|| old.text(CA_FILE).map(Into::into));
    let config_path = flags.config_path.as_ref();
    let wanted = Wanted { profile: &flags.profile, issuer: &issuer, flags: &flags.sign_in, ca_file };
    let signed_in = login::sign_in(file, wanted, environment)?;
    let usual = |field, usual| old.text(field).unwrap_or(usual).to_owned();
    let (mut region, mut language) = (usual("region_id", REGION), usual("language", "en"));
    if let Some(given) = &flags.region {
        region.clone_from(given);
    } else if asking.person {
        region = open("Default region id", Some(&region))?.unwrap_or(region);
    }
    if asking.person {
        language = open("Default language (zh or en)", Some(&language))?.unwrap_or(language);
    }
    let gateway = flags.oss_endpoint.as_deref().map(url).transpose()?;
    let mut more = vec![("region_id", region.as_str()), ("language", language.as_str())];
    more.extend(gateway.as_deref().map(|gateway| (OSS_URL, gateway)));
    login::put(file, &flags.profile, config_path, &signed_in, &more)?;
    terminal::say(&format!("Profile `{}` is in `{}` and is the current one.", flags.profile, file.path().display()));
    // Saved is saved: who cannot be asked now is asked by the next command.
    let who = signed_in.who()?;
    terminal::say(&format!("Configure Done!!! You are {who}."));
    terminal::note(&login::until(&signed_in.kept.tokens));
    Ok(())
}

/// What the flags say.
fn given(flags: &ConfigureFlags) -> Result<Vec<(&'static str, Value)>, Failure> {
    let texts = [
        ("access_key_id", &flags.access_key_id),
        ("access_key_secret", &flags.access_key_secret),
        ("sts_token", &flags.sts_token),
        ("ram_role_arn", &flags.ram_role_arn),
        ("ram_session_name", &flags.role_session_name),
        ("external_id", &flags.external_id),
        ("source_profile", &flags.source_profile),
        ("oidc_provider_arn", &flags.oidc_provider_arn),
        ("credentials_uri", &flags.credentials_uri),
        ("process_command", &flags.process_command),
        ("region_id", &flags.region),
    ];
    let mut all: Vec<_> = texts.into_iter().filter_map(|(field, text)| Some((field, Value::from(text.clone()?)))).collect();
    if let Some(path) = &flags.oidc_token_file {
        let path = std::path::absolute(path).map_err(|error| Failure::usage(format!("`--oidc-token-file`: {error}")))?;
        all.push(("oidc_token_file", path.to_string_lossy().into()));
    }
    all.extend(flags.expired_seconds.map(|seconds| ("expired_seconds", Value::from(seconds))));
    if let Some(text) = &flags.endpoint {
        all.extend(server_fields(text)?);
    }
    if let Some(text) = &flags.oss_endpoint {
        all.push((OSS_URL, url(text)?.into()));
    }
    if let Some(path) = &flags.ca_file {
        let path = std::path::absolute(path).map_err(|error| Failure::usage(format!("`--ca-file`: {error}")))?;
        all.push((CA_FILE, path.to_string_lossy().into()));
    }
    let begins = |text: &Option<String>, flag: &str, all: &[&str]| match text {
        Some(text) if !all.iter().any(|begin| text.starts_with(begin)) => {
            Err(Failure::usage(format!("`{flag}`: `{text}` does not begin with `{}`", all.join("` or `"))))
        }
        _ => Ok(()),
    };
    begins(&flags.ram_role_arn, "--ram-role-arn", &["acs:ram::"])?;
    begins(&flags.oidc_provider_arn, "--oidc-provider-arn", &["acs:ram::"])?;
    begins(&flags.credentials_uri, "--credentials-uri", &["http://", "https://"])?;
    let named = |name: &String| (2..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".@-_".contains(&b));
    if let Some(name) = flags.role_session_name.as_ref().filter(|name| !named(name)) {
        return Err(Failure::usage(format!("`--role-session-name`: `{name}` is not 2 to 64 letters, digits and `.`, `@`, `-`, `_`")));
    }
    if let Some(command) = &flags.process_command {
        words::split(command).map_err(|problem| Failure::usage(format!("`--process-command`: {problem}")))?;
    }
    Ok(all)
}

/// The server in the vendor's fields, which know no scheme, and in ours, which does.
fn server_fields(text: &str) -> Result<[(&'static str, Value); 3], Failure> {
    let whole = url(text)?;
    let place = Value::from(host(&whole));
    Ok([("endpoint", place.clone()), ("sts_endpoint", place), (SERVER_URL, whole.into())])
}

/// Asks a person, or reads secrets from standard input.
struct Asking {
    person: bool,
}

impl Asking {
    /// A field of the file. `None` keeps what is there.
    fn field(&self, field: &str, kept: Option<&str>) -> Result<Option<String>, Failure> {
        let secret = matches!(field, "access_key_secret" | "sts_token");
        let (name, flag) = match field {
            "access_key_id" => ("Access key id", "--access-key-id"),
            "access_key_secret" => ("Access key secret", "--access-key-secret"),
            "sts_token" => ("Security token", "--sts-token"),
            "ram_role_arn" => ("Role to take on (acs:ram::ACCOUNT:role/NAME)", "--ram-role-arn"),
            "ram_session_name" => ("Name of its sessions", "--role-session-name"),
            "source_profile" => ("Profile whose key takes it on", "--source-profile"),
            "oidc_provider_arn" => ("Identity provider (acs:ram::ACCOUNT:oidc-provider/NAME)", "--oidc-provider-arn"),
            "oidc_token_file" => ("File with its token", "--oidc-token-file"),
            "credentials_uri" => ("URL that answers with a key", "--credentials-uri"),
            _ => ("Program that prints a key", "--process-command"),
        };
        let missing = || Failure::usage(format!("`{flag}` is missing"));
        let answer = match (self.person, secret) {
            (true, true) => terminal::secret(&format!("{name}{}", if kept.is_some() { " [unchanged]" } else { "" }))?,
            (true, false) => open(name, kept)?,
            (false, _) if kept.is_some() => return Ok(None),
            (false, true) => terminal::line()?,
            (false, false) => return Err(missing()),
        };
        match answer {
            None if kept.is_some() => Ok(None),
            None if secret && !self.person => Err(Failure::usage(format!("`{flag}` is missing, and standard input does not hold it"))),
            None => Err(missing()),
            Some(answer) => Ok(Some(answer)),
        }
    }
}

/// Asks for something everybody may read. `None` keeps what is there.
fn open(name: &str, kept: Option<&str>) -> Result<Option<String>, Failure> {
    terminal::ask(&match kept {
        Some(kept) if !kept.is_empty() => format!("{name} [{kept}]: "),
        _ => format!("{name}: "),
    });
    let answer = terminal::line()?;
    if answer.is_none() && kept.is_none() { Err(Failure::usage(format!("an answer is needed: {name}"))) } else { Ok(answer) }
}
