//! Where a key comes from, and one that is always good: taken once, kept, and renewed ahead of its end.
//!
//! However many tasks ask at once, one of them asks the server; with a cache file the same holds across processes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use crate::{
    ClientError, Credential, Sts, Transport, private_file,
    profile::{Mode, Profile, ProfileError, Profiles},
    sam,
    sign_in::{self, KeptError},
    sts::{AssumeRole, AssumeRoleWithOidc},
    words,
};

/// Longest that a program may take to print a key.
const PROGRAM_PATIENCE: Duration = Duration::from_mins(1);
/// Longest output of such a program, in bytes.
const MAX_OUTPUT: u64 = 256 * 1024;
/// A temporary key is renewed this long before its end, or when a fifth of its life is left, whichever is later.
const AHEAD: Duration = Duration::from_mins(5);
/// Programs that renew ahead themselves want more: at least this much is left of a key that is handed on to them.
const AHEAD_OF_OTHERS: Duration = Duration::from_mins(15);
/// Longest token of an identity provider, in bytes.
const MAX_TOKEN: u64 = 64 * 1024;
/// With less than this left, a key is not handed out even if no other can be had.
const LAST_MOMENT: Duration = Duration::from_secs(5);
/// Longest chain of profiles.
const MAX_CHAIN: usize = 8;

/// A role to take on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its resource name.
    pub arn: String,
    /// What to call the session.
    pub session_name: String,
    /// How long a session shall live; the server decides if nothing is said.
    pub lifetime: Option<Duration>,
    /// What the role's owner asks of strangers.
    pub external_id: Option<String>,
}

/// Where a key comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is here.
    Fixed(Credential),
    /// A role, taken on with another key.
    Role {
        /// The other key.
        base: Box<Source>,
        /// The role.
        role: Role,
        /// URL of the server that hands it out.
        server: String,
    },
    /// A role, taken on with the token of an identity provider. The file is read anew each time: whoever writes it renews it.
    Oidc {
        /// Resource name of the identity provider.
        provider_arn: String,
        /// The file with its token.
        token_file: PathBuf,
        /// The role.
        role: Role,
        /// URL of the server that hands it out.
        server: String,
    },
    /// A URL that answers with a key.
    Uri(String),
    /// A program that prints a key, and its arguments.
    Program(Vec<String>),
    /// A session of the SORACOM wire, exchanged for a key.
    Sam(Box<sam::source::Source>),
    /// A sign-in at a browser, which is renewed where it lies.
    SignIn {
        /// The file.
        file: PathBuf,
        /// What tells it from another one in the same place.
        mark: String,
    },
}

impl Source {
    /// What a profile says. `server` is the URL where profiles without one of their own take on roles.
    pub fn of(profile: &Profile, profiles: &Profiles, server: Option<&str>) -> Result<Self, ProfileError> {
        Self::chained(profile, profiles, server, &mut Vec::new())
    }

    fn chained(profile: &Profile, profiles: &Profiles, server: Option<&str>, seen: &mut Vec<String>) -> Result<Self, ProfileError> {
        if seen.iter().any(|name| name == profile.name()) || seen.len() >= MAX_CHAIN {
            return Err(profile.unusable(format!("its `source_profile` leads in a circle or too far: {}", seen.join(" → "))));
        }
        seen.push(profile.name().to_owned());
        let target = || {
            let server = server
                .ok_or_else(|| profile.unusable("nobody says which server hands out its role; name it with `--endpoint URL`"))?
                .to_owned();
            let role = Role {
                arn: profile.required("ram_role_arn")?.to_owned(),
                session_name: profile.required("ram_session_name")?.to_owned(),
                lifetime: profile.number("expired_seconds").and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
                external_id: profile.text("external_id").map(str::to_owned),
            };
            Ok::<_, ProfileError>((role, server))
        };
        let role = |base: Self| target().map(|(role, server)| Self::Role { base: Box::new(base), role, server });
        match profile.mode()? {
            Mode::Ak => Ok(Self::Fixed(profile.credential()?.with_token(None))),
            Mode::StsToken => {
                profile.required("sts_token")?;
                Ok(Self::Fixed(profile.credential()?))
            }
            Mode::RamRoleArn => role(Self::Fixed(Credential { expires_at: None, ..profile.credential()? })),
            Mode::ChainableRamRoleArn => {
                let next = profiles.named(profile.required("source_profile")?)?;
                role(Self::chained(&next, profiles, server, seen)?)
            }
            Mode::Oidc => {
                let (role, server) = target()?;
                let provider_arn = profile.required("oidc_provider_arn")?.to_owned();
                Ok(Self::Oidc { provider_arn, token_file: profile.required("oidc_token_file")?.into(), role, server })
            }
            Mode::CredentialsUri => Ok(Self::Uri(profile.required("credentials_uri")?.to_owned())),
            Mode::Soracom => {
                Err(profile.unusable("what belongs to its mode is missing; make it anew with `tegata configure --mode SORACOM`"))
            }
            Mode::External => {
                let words = words::split(profile.required("process_command")?)
                    .map_err(|problem| profile.unusable(format!("`process_command`: {problem}")))?;
                // The program would be this very one, and read the same file.
                let own = words.get(1).is_some_and(|word| word == "credentials") && words.iter().any(|word| word == profile.name());
                Ok(match profiles.sign_in(profile.name()).filter(|_| own) {
                    Some((file, mark)) => Self::SignIn { file, mark },
                    None => Self::Program(words),
                })
            }
            Mode::OAuth => Err(profile.unusable(format!(
                "the vendor's command line keeps its own sign-in there; sign in here with `tegata login --profile {} --issuer URL`",
                profile.name()
            ))),
        }
    }

    /// What it stands on: itself, or of a role what takes it on.
    pub fn base(&self) -> &Self {
        match self {
            Self::Role { base, .. } => base.base(),
            Self::Fixed(_) | Self::Oidc { .. } | Self::Uri(_) | Self::Program(_) | Self::Sam(_) | Self::SignIn { .. } => self,
        }
    }

    /// True if what it yields comes from elsewhere and is worth remembering.
    pub fn is_asked_for(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    /// True if it, or what it stands on, starts a program or calls a URL to find a key.
    pub fn reaches_out(&self) -> bool {
        match self {
            Self::Fixed(_) | Self::Oidc { .. } | Self::SignIn { .. } => false,
            Self::Role { base, .. } => base.reaches_out(),
            Self::Uri(_) | Self::Program(_) => true,
            Self::Sam(source) => source.profile().is_ok_and(|profile| profile.command().is_ok_and(|command| command.is_some())),
        }
    }

    /// A digest that changes with anything that decides which key comes out.
    fn fingerprint(&self) -> String {
        fn add(digest: &mut Context, part: &str) {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        fn take_on(role: &Role, server: &str, digest: &mut Context) {
            let lifetime = role.lifetime.unwrap_or_default().as_secs().to_string();
            for part in [server, &role.arn, &role.session_name, &lifetime, role.external_id.as_deref().unwrap_or("")] {
                add(digest, part);
            }
        }
        fn describe(source: &Source, digest: &mut Context) {
            match source {
                Source::Fixed(key) => {
                    let token = key.security_token.as_ref().map_or("", |token| token.expose());
                    for part in ["fixed", key.access_key_id.as_str(), key.secret.expose(), token] {
                        add(digest, part);
                    }
                }
                Source::Role { base, role, server } => {
                    add(digest, "role");
                    take_on(role, server, digest);
                    describe(base, digest);
                }
                Source::Oidc { provider_arn, token_file, role, server } => {
                    for part in ["oidc", provider_arn, &token_file.to_string_lossy()] {
                        add(digest, part);
                    }
                    take_on(role, server, digest);
                }
                Source::Uri(url) => {
                    add(digest, "uri");
                    add(digest, url);
                }
                Source::Sam(source) => {
                    add(digest, "sam");
                    for part in source.fingerprint() {
                        add(digest, &part);
                    }
                }
                Source::Program(words) => {
                    add(digest, "program");
                    for word in words {
                        add(digest, word);
                    }
                }
                Source::SignIn { file, mark } => {
                    for part in ["sign-in", &file.to_string_lossy(), mark] {
                        add(digest, part);
                    }
                }
            }
        }
        let mut digest = Context::new(&SHA256);
        describe(self, &mut digest);
        hex(digest.finish().as_ref())
    }
}

/// A file name for what `label` and `parts` stand for: one for each, whatever letters they hold.
pub fn cache_name(label: &str, parts: &[&str]) -> String {
    let mut digest = Context::new(&SHA256);
    for part in [label].iter().chain(parts) {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let plain: String = label.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(40).collect();
    let digits: String = hex(digest.finish().as_ref()).chars().take(16).collect();
    format!("{plain}-{digits}.json")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why no key could be had.
#[derive(Debug, thiserror::Error)]
pub enum ProvideError {
    /// A call did not succeed.
    #[error(transparent)]
    Call(#[from] ClientError),
    /// The program did not print a key. What it printed is not told: it may be one.
    #[error("`{program}` gave no key: {problem}")]
    Program {
        /// Which.
        program: String,
        /// What went wrong.
        problem: String,
    },
    /// The URL did not answer with a key.
    #[error("`{url}` gave no key: {problem}")]
    Uri {
        /// Which, without its query.
        url: String,
        /// What went wrong.
        problem: String,
    },
    /// There is no session to exchange.
    #[error(transparent)]
    Session(#[from] sam::source::SamError),
    /// The file holds no token.
    #[error("`{file}` gave no token: {problem}", file = .file.display())]
    Token {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The sign-in gave no key.
    #[error(transparent)]
    SignIn(#[from] KeptError),
    /// The key has ended and nobody can renew it.
    #[error("the temporary key {id} ended at {at}, and nothing says how to get another; put a new one in its place", id = .0, at = .1.to_iso())]
    Ended(AccessKeyId, Timestamp),
}

/// A key, and when it was obtained.
#[derive(Clone)]
struct Kept {
    credential: Credential,
    at: Timestamp,
}

impl Kept {
    /// True while there is no reason to ask for another.
    fn is_fresh(&self, now: Timestamp, eager: Eager) -> bool {
        let Some(end) = self.credential.expires_at else { return false };
        let life = end.since(self.at);
        let ahead = match eager {
            Eager::No => AHEAD.min(life / 5),
            // Of a very short life some part has to be lived.
            Eager::Yes => (life / 2).max(AHEAD_OF_OTHERS).min(life / 5 * 4),
        };
        now < end.minus(ahead)
    }

    /// True while it still works.
    fn is_alive(&self, now: Timestamp) -> bool {
        self.credential.expires_at.is_none_or(|end| now < end.minus(LAST_MOMENT))
    }
}

/// How early a key is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eager {
    /// Five minutes before its end.
    No,
    /// When half its life is over, at the latest a quarter of an hour before its end.
    Yes,
}

/// The form of the cache file.
#[derive(Serialize, Deserialize)]
struct CacheFile {
    fingerprint: String,
    access_key_id: String,
    access_key_secret: String,
    sts_token: String,
    expiration: String,
    obtained: String,
}

impl Drop for CacheFile {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.access_key_secret.zeroize();
        self.sts_token.zeroize();
    }
}

/// Yields a key that is good now. Share it; it asks at most once at a time.
#[derive(Debug)]
pub struct Provider {
    source: Source,
    transport: Transport,
    cache: Option<PathBuf>,
    kept: Mutex<Option<Kept>>,
    /// Held by the one who asks.
    asking: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.credential.fmt(f)
    }
}

impl Provider {
    /// A provider that remembers in memory, and in the file `cache` if one is given.
    pub fn new(source: Source, transport: Transport, cache: Option<PathBuf>) -> Self {
        // A sign-in keeps its key itself.
        let cache = cache.filter(|_| source.is_asked_for() && !matches!(source, Source::SignIn { .. }));
        Self { source, transport, cache, kept: Mutex::new(None), asking: tokio::sync::Mutex::new(()) }
    }

    /// Where the key comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The cache file, if one is used.
    pub fn cache(&self) -> Option<&std::path::Path> {
        self.cache.as_deref()
    }

    /// A key that is good now. `now` is asked again after every wait.
    ///
    /// If no new one can be had while the old one still works, the old one is given.
    pub async fn credential(&self, now: impl Fn() -> Timestamp + Send + Sync) -> Result<Credential, ProvideError> {
        self.renewed(now, Eager::No).await
    }

    /// The same, renewed when half its life is over and at the latest a quarter of an hour before its end, for whoever keeps a key
    /// ready for programs that renew ahead themselves. While this asks, [`Provider::credential`] goes on giving the old one.
    pub async fn early(&self, now: impl Fn() -> Timestamp + Send + Sync) -> Result<Credential, ProvideError> {
        self.renewed(now, Eager::Yes).await
    }

    async fn renewed(&self, now: impl Fn() -> Timestamp + Send + Sync, eager: Eager) -> Result<Credential, ProvideError> {
        if let Source::Fixed(key) = &self.source {
            return match key.expires_at {
                Some(end) if end <= now() => Err(ProvideError::Ended(key.access_key_id.clone(), end)),
                _ => Ok(key.clone()),
            };
        }
        if let Some(kept) = self.kept(|kept| kept.is_fresh(now(), eager)) {
            return Ok(kept);
        }
        let _asking = self.asking.lock().await;
        // Whoever asked meanwhile, here or in another process, asked for everybody.
        if let Some(found) = self.cached().filter(|found| self.kept(|kept| kept.at >= found.at).is_none()) {
            self.keep(found);
        }
        if let Some(kept) = self.kept(|kept| kept.is_fresh(now(), eager)) {
            return Ok(kept);
        }
        // Many processes come here together: the first asks, the others find what it wrote.
        let held = match self.cache.clone() {
            None => None,
            Some(path) => {
                // Without a place to remember things, everybody asks for himself.
                let held = tokio::task::spawn_blocking(move || private_file::lock(&path)).await;
                let held = held.ok().and_then(Result::ok);
                if let Some(found) = self.cached().filter(|found| found.is_fresh(now(), eager)) {
                    return Ok(self.keep(found));
                }
                held
            }
        };
        let new = match obtain(&self.source, &self.transport, &now, &mut Vec::new()).await {
            Ok(credential) => Kept { credential, at: now() },
            Err(error) => return self.kept(|old| old.is_alive(now())).ok_or(error),
        };
        self.remember(&new);
        drop(held);
        Ok(self.keep(new))
    }

    /// The key in memory, if it is as wanted.
    fn kept(&self, wanted: impl FnOnce(&Kept) -> bool) -> Option<Credential> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| wanted(kept)).map(|kept| kept.credential.clone())
    }

    fn keep(&self, new: Kept) -> Credential {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(new).credential.clone()
    }

    /// A key of one's own: never one that was kept, and kept nowhere. Every session that is begun for it is added to `begun`, even
    /// where the next one then fails, so that whoever asked can end them.
    pub async fn own(&self, now: impl Fn() -> Timestamp + Send + Sync, begun: &mut Vec<Begun>) -> Result<Credential, ProvideError> {
        obtain(&self.source, &self.transport, &now, begun).await
    }

    /// What the cache file holds, if it is for this source. One that cannot be read or that others can write counts for nothing.
    fn cached(&self) -> Option<Kept> {
        let text = Zeroizing::new(private_file::read(self.cache.as_ref()?).ok()??);
        let file: CacheFile = serde_json::from_str(&text).ok()?;
        if file.fingerprint != self.source.fingerprint() {
            return None;
        }
        let credential = Credential {
            access_key_id: AccessKeyId::new(&file.access_key_id).ok()?,
            secret: Arc::new(SecretKey::new(file.access_key_secret.clone())),
            security_token: Some(Arc::new(SecretKey::new(file.sts_token.clone()))),
            expires_at: Some(Timestamp::parse_iso(&file.expiration)?),
        };
        Some(Kept { credential, at: Timestamp::parse_iso(&file.obtained)? })
    }

    /// Only temporary keys are written down. What cannot be remembered is asked for again.
    fn remember(&self, kept: &Kept) {
        let key = &kept.credential;
        let (Some(path), Some(token), Some(end)) = (&self.cache, &key.security_token, key.expires_at) else { return };
        let file = CacheFile {
            fingerprint: self.source.fingerprint(),
            access_key_id: key.access_key_id.to_string(),
            access_key_secret: key.secret.expose().to_owned(),
            sts_token: token.expose().to_owned(),
            expiration: end.to_iso(),
            obtained: kept.at.to_iso(),
        };
        let text = Zeroizing::new(serde_json::to_vec(&file).unwrap_or_default());
        let _ = private_file::write(path, &text);
    }
}

/// A session that was begun for a key.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its own key.
    pub credential: Credential,
    /// URL of the server that began it.
    pub server: String,
}

/// Asks for a key, whatever it takes.
fn obtain<'a, N: Fn() -> Timestamp + Send + Sync>(
    source: &'a Source,
    transport: &'a Transport,
    now: &'a N,
    begun: &'a mut Vec<Begun>,
) -> std::pin::Pin<Box<dyn Future<Output = Result<Credential, ProvideError>> + Send + 'a>> {
    Box::pin(async move {
        match source {
            Source::Fixed(key) => Ok(key.clone()),
            Source::Role { base, role, server } => {
                let key = obtain(base, transport, now, begun).await?;
                let input = AssumeRole {
                    role_arn: &role.arn,
                    session_name: &role.session_name,
                    lifetime: role.lifetime,
                    policy: None,
                    external_id: role.external_id.as_deref(),
                };
                let credential = Sts::new(transport.clone(), server).assume_role(&key, &input, now()).await?;
                begun.push(Begun { credential: credential.clone(), server: server.clone() });
                Ok(credential)
            }
            Source::Oidc { provider_arn, token_file, role, server } => {
                let token = read_token(token_file).await?;
                let input = AssumeRoleWithOidc {
                    provider_arn,
                    token: token.trim(),
                    role_arn: &role.arn,
                    session_name: &role.session_name,
                    lifetime: role.lifetime,
                };
                let credential = Sts::new(transport.clone(), server).assume_role_with_oidc(&input, now()).await?;
                begun.push(Begun { credential: credential.clone(), server: server.clone() });
                Ok(credential)
            }
            Source::Uri(url) => from_uri(transport, url).await,
            Source::Program(words) => from_program(words).await,
            Source::Sam(source) => Ok(source.key(now).await?),
            Source::SignIn { file, .. } => Ok(sign_in::Kept::credential(file, now).await?),
        }
    })
}

async fn read_token(file: &Path) -> Result<Zeroizing<String>, ProvideError> {
    let failed = |problem: String| ProvideError::Token { file: file.to_owned(), problem };
    let read = async {
        let mut token = Zeroizing::new(String::new());
        tokio::fs::File::open(file).await?.take(MAX_TOKEN + 1).read_to_string(&mut token).await?;
        Ok::<_, std::io::Error>(token)
    };
    let token = read.await.map_err(|error| failed(error.to_string()))?;
    match token.trim().len() as u64 {
        0 => Err(failed("it is empty".to_owned())),
        length if length > MAX_TOKEN => Err(failed(format!("it is longer than {MAX_TOKEN} bytes"))),
        _ => Ok(token),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UriAnswer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: String,
    #[serde(default)]
    security_token: String,
    #[serde(default)]
    expiration: String,
}

async fn from_uri(transport: &Transport, url: &str) -> Result<Credential, ProvideError> {
    let failed = |problem: &str| ProvideError::Uri { url: crate::transport::place(url), problem: problem.to_owned() };
    let reply = transport.send("GET", url, &[], Bytes::new()).await?;
    if reply.status != 200 {
        return Err(failed(&format!("it answered with status {}", reply.status)));
    }
    let answer: UriAnswer = serde_json::from_slice(&reply.body).map_err(|_| failed("its answer is not the JSON of a key"))?;
    if answer.code != "Success" {
        return Err(failed("its `Code` is not `Success`"));
    }
    triple(&answer.access_key_id, answer.access_key_secret, answer.security_token, &answer.expiration).map_err(failed)
}

#[derive(Deserialize)]
struct ProgramAnswer {
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    access_key_secret: String,
    #[serde(default)]
    sts_token: String,
    #[serde(default)]
    expiration: String,
}

async fn from_program(words: &[String]) -> Result<Credential, ProvideError> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    let failed = |problem: &str| ProvideError::Program { program: program.to_owned(), problem: problem.to_owned() };
    let run = async {
        let mut child = tokio::process::Command::new(program)
            .args(words.get(1..).unwrap_or_default())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&format!("it cannot be started: {error}")))?;
        let mut told = Zeroizing::new(Vec::new());
        if let Some(out) = child.stdout.take() {
            out.take(MAX_OUTPUT).read_to_end(&mut told).await.map_err(|error| failed(&error.to_string()))?;
        }
        let status = child.wait().await.map_err(|error| failed(&error.to_string()))?;
        if status.success() { Ok(told) } else { Err(failed(&format!("it ended with {status}"))) }
    };
    let told = tokio::time::timeout(PROGRAM_PATIENCE, run).await.map_err(|_| failed("it took more than a minute"))??;
    let answer: ProgramAnswer = serde_json::from_slice(&told).map_err(|_| failed("what it printed is not the JSON of a key"))?;
    triple(&answer.access_key_id, answer.access_key_secret, answer.sts_token, &answer.expiration).map_err(failed)
}

fn triple(id: &str, secret: String, token: String, expiration: &str) -> Result<Credential, &'static str> {
    let id = AccessKeyId::new(id).map_err(|_| "the id of the key is missing or has a form no key has")?;
    if secret.is_empty() {
        return Err("the secret is missing");
    }
    let end = match expiration {
        "" => None,
        text => Some(Timestamp::parse_rfc3339(text).ok_or("the expiry is no time")?),
    };
    let token = Some(token).filter(|token| !token.is_empty()).map(SecretKey::new);
    Ok(Credential { expires_at: end, ..Credential::long_term(id, SecretKey::new(secret)).with_token(token) })
}

#[cfg(test)]
mod tests;
