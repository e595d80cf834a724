//! Commands of the SORACOM wire: which server, which session, and what a person is asked.

pub(crate) mod auth;
pub(super) mod configure;
pub(crate) mod import;
pub(crate) mod mfa;
pub(crate) mod operation;
mod qr;

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use tegata_client::{
    Api, Profile, ProfileFile,
    sam::{
        Answer, Login, Sam, Secret, Session,
        command::ProfileCommand,
        profile::{SamProfile, Shelf},
        source::{self, Asker, SamError, Source},
    },
};
use tegata_model::SecretKey;

use super::{
    access::{self, CA_FILE, Opened, SERVER_URL, cache_folder, host, now, profile_file, url},
    call,
    credentials::quoted,
    runtime,
};
use crate::{
    cli::{client::Access, sam::SamServer},
    config::{Environment, SecretText},
    failure::Failure,
    terminal,
};

impl From<SamError> for Failure {
    fn from(error: SamError) -> Self {
        match error {
            SamError::Call(error) => error.into(),
            other => Self::new(tegata_core::why::escape(&other.to_string())),
        }
    }
}

/// How a session is found.
enum Way {
    /// It was given.
    Given(Session),
    /// A key or what a program printed signs in, for one command.
    Once(Login, Option<Secret>),
    /// A temporary key is exchanged for one, for one command.
    Exchanged(Box<Opened>),
    /// A profile keeps one.
    Kept(Source),
}

/// A server and a session.
pub(super) struct SamOpened {
    pub(super) sam: Sam,
    way: Way,
}

impl SamOpened {
    /// What the flags, the environment and the profiles say; nothing if the profile is of another mode.
    pub(super) fn find(flags: &SamServer, environment: &Environment) -> Result<Option<Self>, Failure> {
        let given = (flags.api_key.as_deref(), flags.api_token.as_deref(), &environment.sam.api_key, &environment.sam.api_token);
        let pair = match given {
            (Some(key), Some(token), ..) => Some((secret("api-key", key)?, secret("api-token", token)?)),
            (_, _, Some(key), Some(token)) if flags.profile.is_none() && flags.auth_key_id.is_none() => {
                Some((key.expose().to_owned(), token.expose().to_owned()))
            }
            _ => None,
        };
        if let Some((key, token)) = pair {
            let session = Session::of(key, token).map_err(|problem| Failure::usage(format!("`--api-token`: {problem}")))?;
            return Ok(Some(Self { sam: alone(flags, environment)?, way: Way::Given(session) }));
        }
        if let Some(id) = &flags.auth_key_id {
            let key = password("auth-key", flags.auth_key.as_deref(), environment.sam.auth_key.as_ref())?;
            let login = Login::Key { auth_key_id: id.clone(), auth_key: source::given(&key) };
            return Ok(Some(Self { sam: alone(flags, environment)?, way: Way::Once(login, None) }));
        }
        if let Some(line) = &flags.profile_command {
            let (login, code) = told(line, code(flags.mfa_otpcode.as_deref(), environment)?)?;
            return Ok(Some(Self { sam: alone(flags, environment)?, way: Way::Once(login, code) }));
        }
        let file = profile_file(flags.config_path.as_ref(), environment)?;
        let profiles = file.read()?;
        let Some(name) = flags.profile.as_deref().or(environment.profile.as_deref()).or_else(|| profiles.current()) else {
            return Ok(None);
        };
        let shelf = Shelf::beside(file.path());
        let Some(profile) = shelf.find(name).map_err(Failure::new)? else {
            profiles.named(name)?;
            return Ok(None);
        };
        bound(&profile, flags.endpoint.as_deref())?;
        let source = kept(name, shelf, flags.mfa_otpcode.as_deref(), flags.ca_file.as_ref(), environment)?;
        Ok(Some(Self { sam: source.server(&profile), way: Way::Kept(source) }))
    }

    /// The same, which must be there.
    pub(super) fn new(flags: &SamServer, environment: &Environment) -> Result<Self, Failure> {
        if let Some(found) = Self::find(flags, environment)? {
            return Ok(found);
        }
        let needed = || {
            Failure::usage(
                "this needs a session of the SORACOM wire: name a profile of mode SORACOM with `--profile NAME` (`tegata configure --mode \
                 SORACOM` makes one), sign in with `--auth-key-id ID`, or give a session with `--api-key` and `--api-token`",
            )
        };
        let keys = Opened::new(&access(flags), environment).map_err(|failure| if flags.profile.is_some() { failure } else { needed() })?;
        let sam = Sam::new(keys.transport.clone(), keys.server()?).in_language(language(environment));
        Ok(Self { sam, way: Way::Exchanged(Box::new(keys)) })
    }

    /// A session that lives.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        match &self.way {
            Way::Given(session) => Ok(session.clone()),
            Way::Once(login, code) => Ok(source::auth(&self.sam, login, code.clone(), None, asker().as_ref(), &now).await?),
            Way::Exchanged(keys) => exchanged(keys).await,
            Way::Kept(source) => Ok(source.session(&now).await?),
        }
    }

    /// Does something with a session. One that was kept and has ended early is replaced, once: with a refused session nothing was done.
    /// One that was begun for this alone is ended.
    pub(super) async fn with<T, F>(&self, mut act: impl FnMut(Session) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, SamError>>,
    {
        let session = self.session().await?;
        let done = act(session.clone()).await;
        match (&self.way, done) {
            (Way::Kept(source), Err(SamError::Call(error))) if error.refusal().is_some_and(|refusal| refusal.status == 401) => {
                Ok(act(source.begin(&now).await?).await?)
            }
            (Way::Once(..) | Way::Exchanged(_), done) => {
                let _ = self.sam.logout(&session).await;
                Ok(done?)
            }
            (_, done) => Ok(done?),
        }
    }

    /// One call, with a session.
    pub(super) async fn call(&self, method: &str, path: impl Fn(&Session) -> String, body: Option<&Value>) -> Result<Answer, Failure> {
        let (sam, path) = (&self.sam, &path);
        self.with(|session| async move { Ok(sam.call(Some(&session), method, &path(&session), &[], body).await?) }).await
    }
}

/// The server where no profile of this mode is asked.
fn alone(flags: &SamServer, environment: &Environment) -> Result<Sam, Failure> {
    let (transport, server) = access::server_alone(&access(flags), environment)?;
    Ok(Sam::new(transport, &server).in_language(language(environment)))
}

/// The same flags for the commands of every other wire.
fn access(flags: &SamServer) -> Access {
    let SamServer { profile, endpoint, ca_file, config_path, mfa_otpcode, .. } = flags.clone();
    Access { profile, endpoint, ca_file, mfa_otpcode, config_path, ..Access::default() }
}

/// A session for the temporary key of a user. It ends with the key at the latest.
async fn exchanged(keys: &Opened) -> Result<Session, Failure> {
    let key = keys.credential().await?;
    if key.security_token.is_none() {
        return Err(Failure::new(
            "a long-term key cannot be exchanged for a session of the SORACOM wire; sign in with `--auth-key-id ID`, or name a profile that \
             gives a temporary key of a user",
        ));
    }
    let answer: Value = keys.rpc()?.call(&key, Api::OWN, "CreateApiSession", &[], now()).await?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(api_key), Some(token)) = (text("ApiKey"), text("Token")) else {
        return Err(Failure::new("the answer of the server holds no session"));
    };
    Session::of(api_key, token).map_err(|problem| Failure::new(format!("the answer of the server cannot be used: {problem}")))
}

/// What a program that was named by hand says of who signs in.
pub(super) fn told(line: &str, code: Option<Secret>) -> Result<(Login, Option<Secret>), Failure> {
    let command = ProfileCommand::line(line).map_err(|problem| Failure::usage(format!("`--profile-command`: {problem}")))?;
    let members = runtime()?.block_on(source::told_by(&command))?;
    let unusable = |problem: String| Failure::new(format!("what the profile command printed cannot be used: {problem}"));
    if members.text("sourceProfile").map_err(unusable)?.is_some() {
        return Err(unusable("`sourceProfile` belongs into a profile".to_owned()));
    }
    let code = code.map_or_else(|| members.secret("mfaOTPCode"), |code| Ok(Some(code))).map_err(unusable)?;
    Ok((Login::of(&members).map_err(unusable)?, code))
}

/// A code that was given: by flag, else by the environment.
pub(super) fn code(flag: Option<&str>, environment: &Environment) -> Result<Option<Secret>, Failure> {
    Ok(match (flag, &environment.sam.code) {
        (Some(code), _) => Some(source::given(&secret("mfa-otpcode", code)?)),
        (None, code) => code.as_ref().map(|code| source::given(code.expose())),
    })
}

/// The server of a profile. What belongs to one server is sent to no other, whatever the command line says.
pub(super) fn bound(profile: &SamProfile, flag: Option<&str>) -> Result<String, Failure> {
    let own = url(profile.endpoint())?;
    match flag.map(url).transpose()? {
        Some(other) if other != own => Err(Failure::usage(format!(
            "the profile `{}` belongs to `{own}`, and nothing of it is sent to `{other}`; leave `--endpoint` out, or make another profile",
            profile.name
        ))),
        _ => Ok(own),
    }
}

/// The source of the session of a profile.
pub(super) fn kept(
    name: &str,
    shelf: Shelf,
    code: Option<&str>,
    ca_file: Option<&PathBuf>,
    environment: &Environment,
) -> Result<Source, Failure> {
    let code = self::code(code, environment)?;
    Ok(Source {
        profile: name.to_owned(),
        shelf,
        sessions: cache_folder(environment).map(|folder| folder.join("sessions")),
        code,
        asker: asker(),
        ca_file: ca_file.cloned(),
        language: language(environment),
        lifetime: None,
    })
}

fn language(environment: &Environment) -> &'static str {
    if environment.sam.japanese { "ja" } else { "en" }
}

/// Asks a person for a code, where one is there.
fn asker() -> Option<Asker> {
    let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let ask = |who: &str| terminal::secret(&format!("One-time code of {who}")).ok().flatten().map(SecretKey::new);
    person.then(|| Arc::new(ask) as Asker)
}

/// What a flag for a secret means: itself, `-` or `@FILE`.
fn secret(name: &str, value: &str) -> Result<String, Failure> {
    call::read(tegata_dialects::acs::Kind::Secret, name, value)
}

/// A secret by flag or environment; else it is asked for.
fn password(name: &str, flag: Option<&str>, variable: Option<&SecretText>) -> Result<String, Failure> {
    match (flag, variable) {
        (Some(flag), _) => secret(name, flag),
        (None, Some(variable)) => Ok(variable.expose().to_owned()),
        (None, None) => call::secret(name),
    }
}

/// Writes a profile of this mode: its own file, and an entry in the file of the profiles by which every tool gets a key for it.
pub(super) fn put(file: &ProfileFile, profile: &SamProfile, config_path: Option<&PathBuf>) -> Result<(), Failure> {
    let server = url(profile.endpoint())?;
    let program = std::env::current_exe().map_err(|error| Failure::new(format!("this program does not know where it is: {error}")))?;
    let mut words = vec![program.display().to_string(), "credentials".into(), "--sam".into(), profile.name.clone()];
    words.extend(["--format".into(), "aliyun".into()]);
    if let Some(config) = config_path {
        let config = std::path::absolute(config).map_err(|error| Failure::usage(format!("`--config-path`: {error}")))?;
        words.extend(["--config-path".into(), config.display().to_string()]);
    }
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    Shelf::beside(file.path()).put(profile).map_err(Failure::new)?;
    Ok(file.edit(|profiles| {
        let mut entry = profiles.find(&profile.name).unwrap_or_else(|| Profile::new(&profile.name));
        // The vendor's command line accepts no profile without these.
        for (field, usual) in [("region_id", "cn-hangzhou"), ("output_format", "json"), ("language", "en")] {
            if entry.text(field).is_none() {
                entry.set(field, Some(usual.into()));
            }
        }
        // Nothing that lasts stays beside it.
        for field in ["access_key_id", "access_key_secret", "sts_token", "sts_expiration", "ram_role_arn", "source_profile"] {
            entry.set(field, None);
        }
        let place = host(&server).to_owned();
        let fields = [
            ("mode", Some("External".into())),
            ("process_command", Some(command.clone().into())),
            ("endpoint", Some(place.clone().into())),
            ("sts_endpoint", Some(place.into())),
            (SERVER_URL, Some(server.clone().into())),
            (CA_FILE, profile.ca_file().map(|file| file.to_string_lossy().into())),
        ];
        for (field, value) in fields {
            entry.set(field, value);
        }
        profiles.put(entry);
        Ok(())
    })?)
}

/// The profile of this mode that stands behind a name in the file of the profiles.
pub(super) fn behind(file: &Path, name: &str) -> Result<Option<SamProfile>, Failure> {
    Shelf::beside(file).find(name).map_err(Failure::new)
}
