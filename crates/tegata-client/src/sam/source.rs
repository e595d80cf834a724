//! The session of a profile: kept, or begun with what the profile says, its program prints, and a person types.

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use serde_json::Value;
use tegata_model::{SecretKey, Timestamp};

use super::{
    CODE_WANTED, Login, Members, Sam, Secret, Session,
    command::ProfileCommand,
    profile::{SamProfile, Shelf, lifetime},
    session::{Kept, secret},
};
use crate::{ClientError, Credential, Transport, private_file, provider::cache_name};

/// Longest chain of profiles.
const MAX_CHAIN: usize = 8;

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SamError {
    /// A call did not succeed.
    #[error(transparent)]
    Call(#[from] ClientError),
    /// A one-time code is needed, and nobody is there to type it.
    #[error(
        "{0} signs in with a one-time code: give it with `--mfa-otpcode CODE`, run this on a terminal, or let the profile command print \
         `mfaOTPCode`"
    )]
    CodeWanted(String),
    /// A profile cannot be used.
    #[error("{0}")]
    Profile(String),
}

/// Asks a person for a one-time code; the text says for whom.
pub type Asker = Arc<dyn Fn(&str) -> Option<SecretKey> + Send + Sync>;

/// Where the session of a profile comes from. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    /// The profile.
    pub profile: String,
    /// Where profiles are.
    pub shelf: Shelf,
    /// Where sessions are kept; nowhere if nothing is said.
    pub sessions: Option<PathBuf>,
    /// A code that was given.
    pub code: Option<Secret>,
    /// Who may be asked for one.
    pub asker: Option<Asker>,
    /// Authorities to trust instead of the profile's.
    pub ca_file: Option<PathBuf>,
    /// The language of refusals.
    pub language: &'static str,
    /// How long sessions shall live, whatever the profile says.
    pub lifetime: Option<Duration>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("profile", &self.profile).field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

type Now<'a> = &'a (dyn Fn() -> Timestamp + Send + Sync);
type Begun<'a> = Pin<Box<dyn Future<Output = Result<Session, SamError>> + Send + 'a>>;

impl Source {
    /// The profile itself.
    pub fn profile(&self) -> Result<SamProfile, SamError> {
        self.shelf.named(&self.profile).map_err(SamError::Profile)
    }

    /// The server of a profile.
    pub fn server(&self, profile: &SamProfile) -> Sam {
        let ca_file = self.ca_file.clone().or_else(|| profile.ca_file());
        let transport = ca_file.into_iter().fold(Transport::new(), Transport::trusting);
        let headers = profile.members().headers().unwrap_or_default();
        Sam::new(transport, profile.endpoint()).with_headers(headers).in_language(self.language)
    }

    /// A session that lives: the one that is kept, or a new one. However many processes ask, one of them signs in.
    pub async fn session(&self, now: Now<'_>) -> Result<Session, SamError> {
        self.session_of(&self.profile, now, false, Vec::new()).await
    }

    /// A new session, kept in place of the one before.
    pub async fn begin(&self, now: Now<'_>) -> Result<Session, SamError> {
        self.session_of(&self.profile, now, true, Vec::new()).await
    }

    /// A temporary key for the session. A session that was kept and has ended early is replaced, once.
    pub async fn key(&self, now: Now<'_>) -> Result<Credential, SamError> {
        let sam = self.server(&self.profile()?);
        match sam.exchange(&self.session(now).await?).await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 401) => Ok(sam.exchange(&self.begin(now).await?).await?),
            done => Ok(done?),
        }
    }

    /// Everything that decides whose key comes out.
    pub fn fingerprint(&self) -> Vec<String> {
        let profile = self.profile();
        let mut all = profile.map_or_else(|_| vec![self.profile.clone()], |profile| profile.fingerprint());
        all.extend(self.shelf.path(&self.profile).map(|path| path.display().to_string()));
        all
    }

    /// Forgets what is kept for the profile; the session that was kept.
    pub fn forget(&self) -> Result<Option<Session>, SamError> {
        let profile = self.profile()?;
        let Some(kept) = self.kept(&profile) else { return Ok(None) };
        let _held = private_file::lock(kept.path()).map_err(|error| SamError::Profile(error.to_string()))?;
        Ok(kept.forget())
    }

    fn kept(&self, profile: &SamProfile) -> Option<Kept> {
        let folder = self.sessions.as_ref()?;
        let place = self.shelf.path(&profile.name)?;
        let name = cache_name(&profile.name, &[&place.to_string_lossy(), profile.endpoint()]);
        Some(Kept::new(folder.join(name), profile.fingerprint()))
    }

    fn session_of<'a>(&'a self, name: &'a str, now: Now<'a>, anew: bool, seen: Vec<String>) -> Begun<'a> {
        Box::pin(async move {
            if seen.len() >= MAX_CHAIN || seen.iter().any(|before| before == name) {
                let chain = seen.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(" → ");
                return Err(SamError::Profile(format!("`sourceProfile` leads in a circle or too far: {chain}")));
            }
            let mut seen = seen;
            seen.push(name.to_owned());
            let profile = self.shelf.named(name).map_err(SamError::Profile)?;
            let Some(kept) = self.kept(&profile) else { return self.sign_in(&profile, now, seen).await };
            if let Some(session) = kept.session(now()).filter(|_| !anew) {
                return Ok(session);
            }
            // Many come here together: the first signs in, the others find what it wrote, good or bad.
            let path = kept.path().to_owned();
            let held = tokio::task::spawn_blocking(move || private_file::lock_waiting(&path)).await;
            let held = held.ok().and_then(Result::ok);
            if held.is_some() && !anew {
                // Somebody may have signed in since it was looked at, even where there was nobody to wait for.
                if let Some(session) = kept.session(now()) {
                    return Ok(session);
                }
                let waited = matches!(&held, Some((_, true)));
                if let Some(why) = kept.refused().filter(|_| waited && self.code.is_none()) {
                    return Err(SamError::Profile(why));
                }
            }
            let session = self.sign_in(&profile, now, seen).await;
            match &session {
                Ok(session) => kept.keep(session),
                // What is kept is not given up for a try at something new.
                Err(_) if anew => {}
                Err(SamError::Call(error)) if error.refusal().is_some() => kept.refuse(&error.to_string()),
                Err(error @ SamError::CodeWanted(_)) => kept.refuse(&error.to_string()),
                Err(_) => {}
            }
            drop(held);
            session
        })
    }

    /// Signs in as a profile says, without looking at what is kept for it.
    async fn sign_in(&self, profile: &SamProfile, now: Now<'_>, seen: Vec<String>) -> Result<Session, SamError> {
        let unusable = |problem: String| SamError::Profile(format!("the profile `{}`: {problem}", profile.name));
        let told = match profile.command().map_err(unusable)? {
            Some(command) => command.run().await.map_err(unusable)?,
            None => profile.members().clone(),
        };
        let source = told.text("sourceProfile").map_err(unusable)?.map(str::to_owned);
        // How long is the profile's to say, unless its program knows better.
        let from = if told.value("tokenTimeoutSeconds").is_some() { &told } else { profile.members() };
        let own = profile.name == self.profile;
        let lifetime =
            self.lifetime.filter(|_| own).map_or_else(|| lifetime(from, source.is_some()), |given| Ok(Some(given))).map_err(unusable)?;
        let sam = self.server(profile);
        let Some(source) = source else {
            let code = self.code.clone().map_or_else(|| told.secret("mfaOTPCode"), |code| Ok(Some(code))).map_err(unusable)?;
            return auth(&sam, &Login::of(&told).map_err(unusable)?, code, lifetime, self.asker.as_ref(), now).await;
        };
        let (operator, user) = profile.target(&told).map_err(unusable)?;
        let before = self.shelf.named(&source).map_err(SamError::Profile)?;
        if before.endpoint() != profile.endpoint() {
            return Err(unusable(format!(
                "its source profile `{source}` belongs to `{}`, and no session of it is sent to `{}`",
                before.endpoint(),
                profile.endpoint()
            )));
        }
        // The source's own session is kept too: one code pays for every user that it switches to.
        let session = self.session_of(&before.name, now, false, seen).await?;
        Ok(sam.switch_user(&session, operator, user, lifetime, now()).await?)
    }
}

/// Signs in; asks for a code where one is wanted and somebody is there.
pub async fn auth(
    sam: &Sam,
    login: &Login,
    code: Option<Secret>,
    lifetime: Option<Duration>,
    asker: Option<&Asker>,
    now: Now<'_>,
) -> Result<Session, SamError> {
    let answer = sam.auth(login, code.as_deref(), lifetime, now()).await;
    let wanted = matches!(&answer, Err(error) if error.refusal().is_some_and(|refusal| refusal.code == CODE_WANTED));
    if !wanted || code.is_some() {
        return Ok(answer?);
    }
    let Some(asker) = asker.cloned() else { return Err(SamError::CodeWanted(login.who())) };
    let who = login.who();
    let typed = tokio::task::spawn_blocking(move || asker(&who)).await.ok().flatten();
    let typed = typed.ok_or_else(|| SamError::CodeWanted(login.who()))?;
    Ok(sam.auth(login, Some(&typed), lifetime, now()).await?)
}

/// What a command prints in place of a profile: for those who have none.
pub async fn told_by(command: &ProfileCommand) -> Result<Members, SamError> {
    command.run().await.map_err(SamError::Profile)
}

/// A secret that was given.
pub fn given(text: &str) -> Secret {
    Arc::new(secret(text))
}

/// The answer as JSON; `null` where it is empty.
pub fn json(answer: &super::Answer) -> Result<Value, SamError> {
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&answer.body).map_err(|_| SamError::Profile("the answer is no JSON".to_owned()))
}
