//! `tegata auth`: signing in with password or key and a one-time code.

use std::time::Duration;

use serde::Serialize as _;
use serde_json::{Map, Value};
use tegata_client::sam::{
    Login, Sam, Session,
    profile::Shelf,
    source::{self, Source},
};

use super::{SamOpened, Way, alone, asker, bound, code, kept, password, told};
use crate::{
    cli::{
        client::Form,
        sam::{AuthCommand, AuthFlags, SamLogoutFlags, SwitchUserFlags},
    },
    commands::{
        access::{forget_keys, now, profile_file},
        runtime,
        table::{fields, in_words},
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// `tegata auth`
pub(crate) fn auth(flags: &AuthFlags, environment: &Environment) -> Result<(), Failure> {
    match &flags.command {
        Some(AuthCommand::SwitchUser(flags)) => return switch_user(flags, environment),
        Some(AuthCommand::Logout(flags)) => return logout(flags, environment),
        None => {}
    }
    let lifetime = flags.token_timeout_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let code = code(flags.server.mfa_otpcode.as_deref(), environment)?;
    let found = match &flags.server.profile_command {
        Some(line) => Some(told(line, code)?),
        None => login(flags, environment)?.map(|login| (login, code)),
    };
    let session = if let Some((login, code)) = found {
        let sam = server(flags, environment)?;
        runtime()?.block_on(source::auth(&sam, &login, code, lifetime, asker().as_ref(), &now))?
    } else {
        let source = Source { lifetime, ..of_profile(flags, environment)? };
        let session = runtime()?.block_on(source.begin(&now))?;
        forget_keys(&source.profile, environment);
        session
    };
    print(&session, flags.printed.form());
    Ok(())
}

/// With what to sign in, if the flags say so.
fn login(flags: &AuthFlags, environment: &Environment) -> Result<Option<Login>, Failure> {
    let typed = || password("password", flags.password.as_deref(), environment.sam.password.as_ref()).map(|text| source::given(&text));
    Ok(match (&flags.email, &flags.operator_id, &flags.user_name, &flags.server.auth_key_id) {
        (_, _, _, Some(id)) => {
            let key = password("auth-key", flags.server.auth_key.as_deref(), environment.sam.auth_key.as_ref())?;
            Some(Login::Key { auth_key_id: id.clone(), auth_key: source::given(&key) })
        }
        (Some(email), ..) => Some(Login::Root { email: email.clone(), password: typed()? }),
        (None, Some(operator), Some(user), None) => {
            Some(Login::User { operator_id: operator.clone(), user_name: user.clone(), password: typed()? })
        }
        _ => None,
    })
}

/// The server of what the flags say: that of a profile of this mode with its headers, else as every command finds one.
fn server(flags: &AuthFlags, environment: &Environment) -> Result<Sam, Failure> {
    if let Some(name) = &flags.server.profile {
        let file = profile_file(flags.server.config_path.as_ref(), environment)?;
        let shelf = Shelf::beside(file.path());
        if let Some(profile) = shelf.find(name).map_err(Failure::new)? {
            bound(&profile, flags.server.endpoint.as_deref())?;
            return Ok(kept(name, shelf, None, flags.server.ca_file.as_ref(), environment)?.server(&profile));
        }
    }
    alone(&flags.server, environment)
}

fn of_profile(flags: &AuthFlags, environment: &Environment) -> Result<Source, Failure> {
    match SamOpened::find(&flags.server, environment)?.map(|opened| opened.way) {
        Some(Way::Kept(source)) => Ok(source),
        _ => Err(Failure::usage(
            "nothing says who signs in: `--email ADDRESS`, `--operator-id ID` and `--user-name NAME`, `--auth-key-id ID`, or `--profile \
             NAME` of a profile of mode SORACOM",
        )),
    }
}

/// `tegata auth switch-user`
fn switch_user(flags: &SwitchUserFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = SamOpened::new(&flags.server, environment)?;
    let lifetime = flags.token_timeout_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let (sam, operator, user) = (&opened.sam, &flags.operator_id, &flags.user_name);
    // The session that switches goes on, or the one that it switched to would end with it.
    let session = runtime()?.block_on(async {
        if let Way::Once(..) | Way::Exchanged(_) = &opened.way {
            let session = opened.session().await?;
            return Ok(sam.switch_user(&session, operator, user, lifetime, now()).await?);
        }
        opened.with(|session| async move { Ok(sam.switch_user(&session, operator, user, lifetime, now()).await?) }).await
    });
    print(&session?, flags.printed.form());
    Ok(())
}

/// `tegata auth logout`
fn logout(flags: &SamLogoutFlags, environment: &Environment) -> Result<(), Failure> {
    let opened = SamOpened::new(&flags.server, environment)?;
    let session = match &opened.way {
        Way::Given(session) => session.clone(),
        Way::Once(..) | Way::Exchanged(_) => return Err(Failure::usage("what signs in for one command leaves no session to end")),
        Way::Kept(source) => {
            forget_keys(&source.profile, environment);
            let Some(session) = source.forget()? else {
                terminal::say(&format!("No session of profile `{}` was kept.", source.profile));
                return Ok(());
            };
            session
        }
    };
    match runtime()?.block_on(opened.sam.logout(&session)) {
        Ok(()) => {}
        Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 401) => {
            terminal::say("The session had already ended.");
            return Ok(());
        }
        Err(error) => {
            let here = if matches!(opened.way, Way::Kept(_)) { "this computer has forgotten the session, but " } else { "" };
            return Err(Failure::new(format!("{here}the server could not be told: {}", Failure::from(error))));
        }
    }
    terminal::say(&format!("The session at `{}` has ended.", opened.sam.endpoint()));
    Ok(())
}

/// What the vendor's program prints: members in order, indented with tabs.
fn print(session: &Session, form: Form) {
    let members = [
        ("apiKey", Some(session.api_key.expose())),
        ("operatorId", Some(session.operator_id.as_str())),
        ("token", Some(session.token.expose())),
        ("userName", session.user_name.as_deref()),
    ];
    match form {
        Form::Json => {
            let object: Map<String, Value> =
                members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect();
            terminal::say(&tabbed(&Value::Object(object)));
        }
        Form::Table => {
            let mut rows: Vec<(&str, String)> = members.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
            rows.extend(session.expires_at.map(|end| ("", in_words(end, now()))));
            fields(&rows);
        }
    }
}

/// JSON as the vendor's program lays it out.
pub(in crate::commands) fn tabbed(value: &Value) -> String {
    let mut text = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    // A JSON value is always JSON, and memory does not refuse to be written.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, form));
    String::from_utf8_lossy(&text).into_owned()
}
