//! `tegata profile …`: the profiles in the file.

use serde_json::{Value, json};
use tegata_client::{Profile, profile::Mode, sam::profile::Shelf};

use super::{
    access::{SERVER_URL, profile_file},
    sam::behind,
    table::{fields, print_json, rows},
};
use crate::{
    cli::client::{Form, ProfileListFlags, ProfileNameFlags, ProfileShowFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

/// `tegata profile list`
pub(crate) fn list(flags: &ProfileListFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let profiles = file.read()?;
    let current = profiles.current().unwrap_or_default();
    let all: Vec<Profile> = profiles.names().iter().filter_map(|name| profiles.find(name)).collect();
    let server = |profile: &Profile| profile.text(SERVER_URL).or_else(|| profile.text("sts_endpoint")).unwrap_or_default().to_owned();
    let mode = |profile: &Profile| match behind(file.path(), profile.name()) {
        Ok(None) => profile.text("mode").unwrap_or_default().to_owned(),
        // One that cannot be read is of this mode all the same.
        Ok(Some(_)) | Err(_) => Mode::Soracom.to_string(),
    };
    match flags.printed.output {
        Form::Json => {
            let all = all.iter().map(|profile| {
                json!({"name": profile.name(), "current": profile.name() == current, "mode": mode(profile), "server": server(profile)})
            });
            print_json(&all.collect::<Value>());
        }
        Form::Table => {
            let all: Vec<_> = all
                .iter()
                .map(|profile| {
                    let mark = if profile.name() == current { "*" } else { "" };
                    let key = profile.text("access_key_id").or_else(|| profile.text("source_profile")).unwrap_or_default();
                    [mark.to_owned(), profile.name().to_owned(), mode(profile), key.to_owned(), server(profile)]
                })
                .collect();
            rows(["", "NAME", "MODE", "KEY", "SERVER"], &all);
        }
    }
    Ok(())
}

/// `tegata profile show`
pub(crate) fn show(flags: &ProfileShowFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let profiles = file.read()?;
    let name = flags.name.as_deref().or_else(|| profiles.current()).unwrap_or("default");
    let mut shown = profiles.named(name)?.shown();
    if let Some(profile) = behind(file.path(), name)? {
        shown.insert("mode".to_owned(), Mode::Soracom.as_str().into());
        if let Value::Object(members) = profile.members().to_json() {
            let secret = |member: &str| matches!(member, "password" | "authKey" | "headers" | "mfaOTPCode");
            shown.extend(members.into_iter().map(|(member, value)| if secret(&member) { (member, "***".into()) } else { (member, value) }));
        }
    }
    match flags.printed.output {
        Form::Json => print_json(&Value::Object(shown)),
        Form::Table => {
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let all: Vec<_> = shown.iter().map(|(field, value)| (field.as_str(), plain(value))).collect();
            fields(&all);
        }
    }
    Ok(())
}

/// `tegata profile use`
pub(crate) fn use_profile(flags: &ProfileNameFlags, environment: &Environment) -> Result<(), Failure> {
    profile_file(flags.config_path.as_ref(), environment)?.edit(|profiles| profiles.use_profile(&flags.name))?;
    terminal::say(&format!("Profile `{}` is the current one", flags.name));
    Ok(())
}

/// `tegata profile delete`
pub(crate) fn delete(flags: &ProfileNameFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let next = file.edit(|profiles| {
        profiles.delete(&flags.name)?;
        Ok(profiles.current().unwrap_or_default().to_owned())
    })?;
    Shelf::beside(file.path()).delete(&flags.name).map_err(Failure::new)?;
    terminal::say(&format!("Profile `{}` is out of the file, its key still works on the server; the current one is `{next}`", flags.name));
    Ok(())
}
