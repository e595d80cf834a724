//! `tegata whoami` and `tegata sts …`: who one is, and becoming a role.

use std::path::PathBuf;

use serde_json::json;
use tegata_client::{
    Credential,
    provider::Source,
    sign_in::Kept,
    sts::{AssumeRole, CallerIdentity},
};
use tegata_model::Timestamp;

use super::{
    access::{Opened, Origin, now},
    runtime,
    table::{fields, in_words, print_json},
};
use crate::{
    cli::client::{AssumeRoleFlags, Form, WhoamiFlags},
    config::Environment,
    failure::Failure,
};

/// `tegata whoami`
pub(crate) fn whoami(flags: &WhoamiFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    let sts = opened.sts()?;
    let (key, who) = runtime()?.block_on(async {
        let key = opened.credential().await?;
        let who = sts.caller_identity(&key, now()).await?;
        Ok::<_, Failure>((key, who))
    })?;
    let session = session(&who);
    let secret = where_it_lies(&opened);
    let sign_in = sign_in(&opened)?;
    match flags.printed.output {
        Form::Json => print_json(&json!({
            "identity_type": who.identity_type, "account_id": who.account_id, "arn": who.arn,
            "session": session, "access_key_id": key.access_key_id.as_str(),
            "temporary": key.security_token.is_some(), "expires_at": key.expires_at.map(Timestamp::to_iso),
            "found_in": opened.origin.to_string(), "secret_lies_in": secret, "server": opened.known_server(),
            "sign_in": sign_in.as_ref().map(|(file, kept)| json!({
                "issuer": kept.issuer, "client_id": kept.client_id, "scopes": kept.tokens.scope.split_whitespace().collect::<Vec<_>>(),
                "ends_at": kept.tokens.refresh_ends.map(|end| Timestamp::from_unix(end).to_iso()),
                "tokens_lie_in": file, "proof_key_lies_in": file, "keyring": false,
            })),
        })),
        Form::Table => {
            let mut all = vec![
                ("You are", who.arn.clone()),
                ("Account", who.account_id.clone()),
                ("Session", in_session(session, &key)),
                ("Key", format!("{}, {}", key.access_key_id, lasts(&key))),
                ("Found in", opened.origin.to_string()),
                ("Secret in", secret),
                ("Server", opened.known_server().unwrap_or_default().to_owned()),
            ];
            if let Some((file, kept)) = &sign_in {
                let end = kept
                    .tokens
                    .refresh_ends
                    .map(|end| format!(", without use {}", in_words(Timestamp::from_unix(end), now())))
                    .unwrap_or_default();
                all.push(("Signed in at", format!("{} (client `{}`){end}", kept.issuer, kept.client_id)));
                all.push(("For", kept.tokens.scope.clone()));
                all.push(("Proof key in", format!("`{}` too; without it the tokens are worth nothing", file.display())));
            }
            fields(&all);
        }
    }
    Ok(())
}

/// The sign-in that the key comes from, and where it lies.
fn sign_in(opened: &Opened) -> Result<Option<(PathBuf, Kept)>, Failure> {
    match opened.provider.source().base() {
        Source::SignIn { file, .. } => Ok(Kept::read(file)?.map(|kept| (file.clone(), kept))),
        _ => Ok(None),
    }
}

/// What stands behind the key.
fn in_session(session: Option<&str>, key: &Credential) -> String {
    match session {
        Some(name) => format!("`{name}` of a role"),
        None if key.security_token.is_some() => "of a sign-in".to_owned(),
        None => "none; the key itself".to_owned(),
    }
}

/// The name of a role's session, which its resource name ends with.
fn session(who: &CallerIdentity) -> Option<&str> {
    who.arn.split_once(":assumed-role/")?.1.split_once('/').map(|(_, name)| name)
}

fn lasts(key: &Credential) -> String {
    match (key.expires_at, &key.security_token) {
        (Some(end), _) => format!("temporary, {}", in_words(end, now())),
        (None, Some(_)) => "temporary, and nothing says until when".to_owned(),
        (None, None) => "a long-term key: it works until somebody disables it".to_owned(),
    }
}

/// Where somebody who wants to steal it would look.
fn where_it_lies(opened: &Opened) -> String {
    let file = opened.file.path().display();
    let first = match (&opened.origin, opened.provider.source().base()) {
        (_, Source::Oidc { token_file, .. }) => format!("nowhere here: `{}` holds a token that takes on the role", token_file.display()),
        (Origin::Environment, Source::Fixed(_)) => "the environment of this process".to_owned(),
        (_, Source::SignIn { file, .. }) => format!("`{}`, a file for you only (0600); no keyring is used", file.display()),
        (_, Source::Uri(_)) => "nowhere here: a URL gives it".to_owned(),
        (_, Source::Program(words)) => format!("nowhere here: `{}` gives it", words.first().map(String::as_str).unwrap_or_default()),
        (_, Source::Sam(source)) => {
            let path = source.shelf.path(&source.profile).unwrap_or_default();
            let program = source.profile().ok().and_then(|profile| profile.command().ok().flatten());
            match program.and_then(|command| command.words().first().cloned()) {
                Some(program) => format!("nowhere here: `{program}` gives it; the session in `{}` (0600)", sessions(source)),
                None => format!("`{}`, a file of yours; the session in `{}` (0600)", path.display(), sessions(source)),
            }
        }
        (_, Source::Fixed(_) | Source::Role { .. }) => format!("`{file}`, a file of yours; no keyring is used"),
    };
    match opened.provider.cache() {
        Some(cache) => format!("{first}; the temporary one in `{}` (0600)", cache.display()),
        None => first,
    }
}

fn sessions(source: &tegata_client::sam::source::Source) -> String {
    source.sessions.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default()
}

/// `tegata sts get-caller-identity`
pub(crate) fn get_caller_identity(flags: &WhoamiFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    let sts = opened.sts()?;
    let who = runtime()?.block_on(async { Ok::<_, Failure>(sts.caller_identity(&opened.credential().await?, now()).await?) })?;
    match flags.printed.output {
        Form::Json => print_json(&json!({ "IdentityType": who.identity_type, "AccountId": who.account_id, "Arn": who.arn })),
        Form::Table => fields(&[("IdentityType", who.identity_type), ("AccountId", who.account_id), ("Arn", who.arn)]),
    }
    Ok(())
}

/// `tegata sts assume-role`
pub(crate) fn assume_role(flags: &AssumeRoleFlags, environment: &Environment) -> Result<(), Failure> {
    let policy = match flags.policy.as_deref().map(|text| (text, text.strip_prefix('@'))) {
        None => None,
        Some((text, None)) => Some(text.to_owned()),
        Some((_, Some(path))) => {
            Some(std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("the policy `{path}` cannot be read: {error}")))?)
        }
    };
    // Without a role to take on first, the name can only be meant for this session: the API calls it so.
    let mut access = flags.access.clone();
    let named = if access.role.is_none() { access.role_session_name.take() } else { None };
    let Some(session_name) = flags.session_name.as_deref().or(named.as_deref()) else {
        return Err(Failure::usage("what to call the session? `--session-name NAME` is missing"));
    };
    let opened = Opened::new(&access, environment)?;
    let sts = opened.sts()?;
    let input = AssumeRole {
        role_arn: &flags.role_arn,
        session_name,
        lifetime: flags.duration,
        policy: policy.as_deref(),
        external_id: flags.external_id.as_deref(),
    };
    let key = runtime()?.block_on(async { Ok::<_, Failure>(sts.assume_role(&opened.credential().await?, &input, now()).await?) })?;
    let token = key.security_token.as_ref().map_or("", |token| token.expose());
    let end = key.expires_at.map(Timestamp::to_iso).unwrap_or_default();
    match flags.printed.output {
        Form::Json => print_json(&json!({ "Credentials": {
            "AccessKeyId": key.access_key_id.as_str(), "AccessKeySecret": key.secret.expose(),
            "SecurityToken": token, "Expiration": end,
        }})),
        Form::Table => fields(&[
            ("AccessKeyId", key.access_key_id.to_string()),
            ("AccessKeySecret", key.secret.expose().to_owned()),
            ("SecurityToken", token.to_owned()),
            ("Expiration", format!("{end}, {}", key.expires_at.map(|end| in_words(end, now())).unwrap_or_default())),
        ]),
    }
    Ok(())
}
