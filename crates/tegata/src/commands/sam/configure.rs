//! `tegata configure --mode SORACOM`: a profile that signs in with a password or a key, by a program, or by switching from another one.

use serde_json::{Map, Value};
use tegata_client::sam::{
    Members,
    profile::{SamProfile, Shelf, bad_name},
};

use super::{call, put};
use crate::{
    cli::client::ConfigureFlags,
    commands::access::{SERVER_URL, profile_file, url},
    config::Environment,
    failure::Failure,
    terminal,
};

/// Makes the profile, or changes it.
pub(in crate::commands) fn configure(flags: &ConfigureFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let shelf = Shelf::beside(file.path());
    shelf.path(&flags.profile).ok_or_else(|| Failure::usage(bad_name(&flags.profile)))?;
    let old = shelf.find(&flags.profile).map_err(Failure::new)?;
    let before = file.read()?.find(&flags.profile).and_then(|entry| entry.text(SERVER_URL).map(str::to_owned));
    let given = &flags.sam;
    let says_who = given.email.is_some()
        || given.operator_id.is_some()
        || given.user_name.is_some()
        || given.auth_key_id.is_some()
        || given.profile_command.is_some()
        || flags.source_profile.is_some();
    // Who signs in is said as a whole: what remains of another way would mislead.
    let mut members = old.as_ref().map_or_else(Members::default, |old| old.members().clone());
    if says_who {
        let gone = ["email", "password", "operatorId", "userName", "authKeyId", "authKey", "profileCommand", "shell", "sourceProfile"];
        for member in gone {
            members.set(member, None);
        }
    }
    let server =
        flags.endpoint.clone().or_else(|| old.map(|old| old.endpoint().to_owned())).or(before).or_else(|| environment.endpoint.clone());
    let server = server.ok_or_else(|| Failure::usage("a profile belongs to one server: name it with `--endpoint URL`"))?;
    members.set("endpoint", Some(url(&server)?.into()));
    let texts = [
        ("email", &given.email),
        ("operatorId", &given.operator_id),
        ("userName", &given.user_name),
        ("authKeyId", &given.auth_key_id),
        ("profileCommand", &given.profile_command),
        ("sourceProfile", &flags.source_profile),
    ];
    for (member, text) in texts {
        if let Some(text) = text {
            members.set(member, Some(text.as_str().into()));
        }
    }
    if given.shell {
        members.set("shell", Some(true.into()));
    }
    for (member, seconds) in
        [("profileCommandTimeoutSeconds", given.profile_command_timeout), ("tokenTimeoutSeconds", given.token_timeout_seconds)]
    {
        if let Some(seconds) = seconds {
            members.set(member, Some(seconds.into()));
        }
    }
    if let Some(path) = &flags.ca_file {
        let path = std::path::absolute(path).map_err(|error| Failure::usage(format!("`--ca-file`: {error}")))?;
        members.set("caFile", Some(path.to_string_lossy().into()));
    }
    if !given.header.is_empty() {
        members.set("headers", Some(Value::Object(headers(&given.header)?)));
    }
    let asks = says_who && given.profile_command.is_none() && flags.source_profile.is_none();
    if asks && given.auth_key_id.is_some() {
        members.set("authKey", Some(call::secret("auth-key")?.into()));
    } else if asks {
        members.set("password", Some(call::secret("password")?.into()));
    }
    let profile = SamProfile::new(&flags.profile, members).map_err(Failure::usage)?;
    put(&file, &profile, flags.config_path.as_ref())?;
    file.edit(|profiles| profiles.use_profile(&flags.profile))?;
    terminal::say(&format!(
        "Profile `{}` (SORACOM) of `{}` is the current one. See it work: tegata auth, tegata whoami",
        flags.profile,
        profile.endpoint()
    ));
    Ok(())
}

fn headers(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut all = Map::new();
    for header in given {
        let (name, value) = header.split_once(':').ok_or_else(|| Failure::usage("`--header` needs `NAME:VALUE`"))?;
        let good = http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value.trim()).is_ok();
        if !good {
            return Err(Failure::usage(format!("`--header`: `{name}` or its value cannot be sent")));
        }
        all.insert(name.to_ascii_lowercase(), value.trim().into());
    }
    Ok(all)
}
