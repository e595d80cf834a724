//! `tegata credentials`: a temporary key for another program, and nothing that lasts longer.

use serde_json::json;
use tegata_client::{Credential, sam::profile::Shelf};
use tegata_model::Timestamp;

use super::{
    access::{Opened, profile_file},
    runtime,
};
use crate::{
    cli::client::{Access, CredentialForm, CredentialsFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

/// `tegata credentials`
pub(crate) fn print(flags: &CredentialsFlags, environment: &Environment) -> Result<(), Failure> {
    let key = match &flags.sam {
        Some(name) => {
            // Only that mode: by the file of the profiles it would be this very program again.
            let file = profile_file(flags.access.config_path.as_ref(), environment)?;
            Shelf::beside(file.path()).named(name).map_err(Failure::new)?;
            let access = Access { profile: Some(name.clone()), ..flags.access.clone() };
            runtime()?.block_on(Opened::new(&access, environment)?.temporary())?
        }
        None => runtime()?.block_on(Opened::new(&flags.access, environment)?.temporary())?,
    };
    if terminal::say(&written(&key, flags.format)) { Ok(()) } else { Err(Failure::new("nobody read the key")) }
}

pub(super) fn token(key: &Credential) -> &str {
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
