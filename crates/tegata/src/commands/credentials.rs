//! `tegata credentials` and `tegata exec`: a temporary key for another program, and nothing that lasts longer.

use std::{os::unix::process::CommandExt as _, process::Command};

use serde_json::json;
use tegata_client::Credential;
use tegata_model::Timestamp;

use super::{access::Opened, runtime};
use crate::{
    cli::client::{CredentialForm, CredentialsFlags, ExecFlags},
    config::{Environment, VENDOR_PREFIXES},
    failure::Failure,
    terminal,
};

/// `tegata credentials`
pub(crate) fn print(flags: &CredentialsFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    let key = runtime()?.block_on(opened.temporary())?;
    if terminal::say(&written(&key, flags.format)) { Ok(()) } else { Err(Failure::new("nobody read the key")) }
}

fn token(key: &Credential) -> &str {
    key.security_token.as_ref().map_or("", |token| token.expose())
}

/// The key in the form another program expects. Keys without a known end leave the end out.
pub(super) fn written(key: &Credential, form: CredentialForm) -> String {
    let (id, secret, token) = (key.access_key_id.as_str(), key.secret.expose(), token(key));
    let mut object = match form {
        CredentialForm::Json => json!({"StatusCode": 200, "AccessKeyId": id, "AccessKeySecret": secret, "SecurityToken": token}),
        CredentialForm::Aliyun => {
            json!({"mode": "StsToken", "access_key_id": id, "access_key_secret": secret, "sts_token": token})
        }
        CredentialForm::Aws => json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "SessionToken": token}),
        CredentialForm::Uri => json!({"Code": "Success", "AccessKeyId": id, "AccessKeySecret": secret, "SecurityToken": token}),
        CredentialForm::Env => {
            let line = |(name, value): (&str, &str)| format!("export {name}={}", quoted(value));
            let names = ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"];
            return names.into_iter().zip([id, secret, token]).map(line).collect::<Vec<_>>().join("\n");
        }
    };
    let name = if form == CredentialForm::Aliyun { "expiration" } else { "Expiration" };
    if let (Some(fields), Some(end)) = (object.as_object_mut(), key.expires_at.map(Timestamp::to_iso)) {
        fields.insert(name.to_owned(), end.into());
    }
    object.to_string()
}

/// As a shell reads it back: nothing in it is a command.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `tegata exec -- CMD`: this process becomes the program, so that its signals and its exit status are its own.
pub(crate) fn exec(flags: &ExecFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    let key = runtime()?.block_on(opened.temporary())?;
    let Some((program, arguments)) = flags.command.split_first() else { return Err(Failure::usage("there is no program to run")) };
    let mut command = Command::new(program);
    command.args(arguments);
    surround(&mut command, &opened, environment)?;
    for prefix in ["ALIBABA_CLOUD_", "ALICLOUD_"] {
        command.env(format!("{prefix}ACCESS_KEY_ID"), key.access_key_id.as_str());
        command.env(format!("{prefix}ACCESS_KEY_SECRET"), key.secret.expose());
        command.env(format!("{prefix}SECURITY_TOKEN"), token(&key));
    }
    command.env("OSS_ACCESS_KEY_ID", key.access_key_id.as_str());
    command.env("OSS_ACCESS_KEY_SECRET", key.secret.expose());
    command.env("OSS_SESSION_TOKEN", token(&key));
    let error = command.exec();
    Err(Failure::new(format!("`{}` cannot be run: {error}", program.to_string_lossy())))
}

/// What a program that is given a key finds around it: no other key, and where the servers are.
pub(super) fn surround(command: &mut Command, opened: &Opened, environment: &Environment) -> Result<(), Failure> {
    forget(command);
    // The vendor's command line and libraries would otherwise prefer the long-term key of a profile.
    command.env("ALIBABA_CLOUD_IGNORE_PROFILE", "TRUE").env("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true");
    command.envs(opened.region().map(|region| ("ALIBABA_CLOUD_REGION_ID", region)));
    command.envs(opened.known_server().map(|server| ("TEGATA_ENDPOINT", server)));
    command.envs(opened.gateway(None, environment)?.map(|gateway| ("TEGATA_OSS_ENDPOINT", gateway)));
    Ok(())
}

/// Takes out of the program's environment every key, and everything that leads to another one.
fn forget(command: &mut Command) {
    const KEYS: [&str; 13] = [
        "ACCESS_KEY_ID",
        "ACCESS_KEY_SECRET",
        "SECURITY_TOKEN",
        "PROFILE",
        "CREDENTIALS_URI",
        "OIDC_PROVIDER_ARN",
        "OIDC_TOKEN_FILE",
        "ROLE_ARN",
        "ROLE_SESSION_NAME",
        "EXTERNAL_ID",
        "BEARER_TOKEN",
        "ECS_METADATA",
        "CONFIG_FILE",
    ];
    for name in KEYS {
        for prefix in VENDOR_PREFIXES {
            command.env_remove(format!("{prefix}{name}"));
        }
    }
    for name in ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "TEGATA_MASTER_KEY", "TEGATA_DATABASE", "TEGATA_DATABASE_PASSWORD"]
    {
        command.env_remove(name);
    }
}

#[cfg(test)]
mod tests {
    use tegata_model::{AccessKeyId, SecretKey};

    use super::*;

    #[test]
    fn every_form_says_what_its_reader_expects() {
        let key = Credential {
            expires_at: Some(Timestamp::from_unix(1_800_000_000)),
            ..Credential::long_term(AccessKeyId::new("STS.Example").unwrap(), SecretKey::new("se'c$ret".into()))
                .with_token(Some(SecretKey::new("token".into())))
        };
        let parsed = |form| serde_json::from_str::<serde_json::Value>(&written(&key, form)).unwrap();
        let end = "2027-01-15T08:00:00Z";
        assert_eq!(
            parsed(CredentialForm::Json),
            json!({"StatusCode": 200, "AccessKeyId": "STS.Example", "AccessKeySecret": "se'c$ret", "SecurityToken": "token", "Expiration": end})
        );
        assert_eq!(
            parsed(CredentialForm::Aliyun),
            json!({"mode": "StsToken", "access_key_id": "STS.Example", "access_key_secret": "se'c$ret", "sts_token": "token", "expiration": end})
        );
        assert_eq!(parsed(CredentialForm::Aws)["SessionToken"], "token");
        assert_eq!(parsed(CredentialForm::Uri)["Code"], "Success");
        let env = written(&key, CredentialForm::Env);
        assert!(env.contains(r"export ALIBABA_CLOUD_ACCESS_KEY_SECRET='se'\''c$ret'") && env.lines().count() == 3, "{env}");
        let endless = written(&Credential { expires_at: None, ..key }, CredentialForm::Aws);
        assert!(!endless.contains("Expiration"), "{endless}");
    }
}
