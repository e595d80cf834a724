//! `tegata login` and `tegata logout`: signing in at a browser instead of keeping a key, and the end of it.
//!
//! Tokens lie in a file of their own beside the profiles, for one user only. The profile names this program as the one that prints a
//! key, so that every tool that reads profiles can use the sign-in and none ever sees a token.

use std::{fmt::Write as _, path::PathBuf, process::Stdio, sync::Arc};

use serde::{Deserialize, Serialize};
use tegata_client::{
    Credential, Profile, Sts, Transport, private_file,
    sign_in::{OWN_CLI, ProofKey, SignIn, Tokens, WaitingDevice},
};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};

use super::{
    access::{CA_FILE, SERVER_URL, host, now, profile_file, url},
    runtime,
};
use crate::{
    cli::login::{LoginFlags, LogoutFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

/// An access token is renewed when less than this is left, and so is a key.
const AHEAD: i64 = 300;

/// What a sign-in leaves on this computer.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    issuer: String,
    client_id: String,
    ca_file: Option<PathBuf>,
    /// What the tokens are bound to.
    proof_key: String,
    tokens: Tokens,
    key: Option<Key>,
}

/// A temporary key that was got for the tokens.
#[derive(Serialize, Deserialize)]
struct Key {
    id: String,
    secret: String,
    token: String,
    ends: i64,
}

impl Kept {
    fn sign_in(&self) -> Result<SignIn, Failure> {
        let key = ProofKey::read(&SecretKey::new(self.proof_key.clone()))?;
        let transport = Transport::new();
        let transport = self.ca_file.clone().map_or(transport.clone(), |file| transport.trusting(file));
        Ok(SignIn { issuer: self.issuer.clone(), client_id: self.client_id.clone(), transport, key: Some(Arc::new(key)) })
    }
}

/// Where the sign-in of a profile lies: beside the profiles.
fn place(flag: Option<&PathBuf>, profile: &str, environment: &Environment) -> Result<PathBuf, Failure> {
    let file = profile_file(flag, environment)?;
    let name: String = profile.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(64).collect();
    if name.is_empty() || name != profile {
        return Err(Failure::usage("a profile that signs in has a name of letters, digits, `-` and `_`"));
    }
    Ok(file.path().with_file_name(format!("tegata-{name}.json")))
}

fn read(path: &std::path::Path) -> Result<Kept, Failure> {
    let text = private_file::read(path)?.ok_or_else(|| Failure::new("nobody has signed in for this profile; begin with `tegata login`"))?;
    serde_json::from_str(&text).map_err(|_| Failure::new(format!("`{}` cannot be read; sign in again with `tegata login`", path.display())))
}

fn write(path: &std::path::Path, kept: &Kept) -> Result<(), Failure> {
    let text = serde_json::to_vec(kept).map_err(|error| Failure::new(error.to_string()))?;
    Ok(private_file::write(path, &text)?)
}

/// `tegata login`
pub(crate) fn login(flags: &LoginFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let path = place(flags.config_path.as_ref(), &flags.profile, environment)?;
    let old = file.read()?.find(&flags.profile);
    let known = old.as_ref().and_then(|profile| profile.text(SERVER_URL)).map(str::to_owned);
    let issuer = flags.issuer.clone().or_else(|| environment.endpoint.clone()).or(known);
    let issuer = issuer.ok_or_else(|| Failure::usage("name the server to sign in at with `--issuer URL`"))?;
    let issuer = url(&issuer)?;
    let ca_file = flags.ca_file.clone().or_else(|| environment.ca_file.clone());
    let ca_file = ca_file.map(std::path::absolute).transpose().map_err(|error| Failure::usage(format!("`--ca-file`: {error}")))?;
    let transport = ca_file.clone().map_or_else(Transport::new, |file| Transport::new().trusting(file));
    let proof_key = ProofKey::generate()?;
    let key = Some(Arc::new(ProofKey::read(&proof_key)?));
    let client = SignIn { issuer: issuer.clone(), client_id: OWN_CLI.to_owned(), transport, key };
    let (kept, who) = runtime()?.block_on(async {
        let tokens = if flags.device {
            let waiting = client.begin_device(now()).await?;
            terminal::ask(&device_text(&waiting));
            client.finish_device(waiting, now).await?
        } else {
            let waiting = client.begin().await?;
            terminal::ask(&format!("Sign in at this address:\n\n  {}\n\n", waiting.url));
            if !flags.no_browser {
                open(&waiting.url);
            }
            client.finish(waiting, now).await?
        };
        let key = client.exchange(&tokens.access_token, now()).await?;
        let sts = Sts::new(client.transport.clone(), &issuer);
        let who = sts.caller_identity(&key, now()).await?;
        let kept = Kept {
            version: 1,
            issuer: issuer.clone(),
            client_id: client.client_id.clone(),
            ca_file,
            proof_key: proof_key.expose().to_owned(),
            tokens,
            key: Some(Key::of(&key)),
        };
        Ok::<_, Failure>((kept, who.arn))
    })?;
    let held = private_file::lock(&path)?;
    write(&path, &kept)?;
    drop(held);
    let program = std::env::current_exe().map_err(|error| Failure::new(format!("this program does not know where it is: {error}")))?;
    let mut words = vec![program.display().to_string(), "credentials".into(), "--sign-in".into(), flags.profile.clone()];
    words.extend(["--format".into(), "aliyun".into()]);
    if let Some(config) = &flags.config_path {
        let config = std::path::absolute(config).map_err(|error| Failure::usage(format!("`--config-path`: {error}")))?;
        words.extend(["--config-path".into(), config.display().to_string()]);
    }
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    file.edit(|profiles| {
        let mut profile = profiles.find(&flags.profile).unwrap_or_else(|| Profile::new(&flags.profile));
        for (field, usual) in [("region_id", "cn-hangzhou"), ("output_format", "json"), ("language", "en")] {
            if profile.text(field).is_none() {
                profile.set(field, Some(usual.into()));
            }
        }
        // Nothing that lasts stays beside a sign-in.
        for field in ["access_key_id", "access_key_secret", "sts_token", "sts_expiration"] {
            profile.set(field, None);
        }
        let place = host(&issuer).to_owned();
        let ca_file = kept.ca_file.as_ref().map(|file| file.to_string_lossy().into());
        let fields = [
            ("mode", Some("External".into())),
            ("process_command", Some(command.clone().into())),
            ("endpoint", Some(place.clone().into())),
            ("sts_endpoint", Some(place.into())),
            (SERVER_URL, Some(issuer.clone().into())),
            (CA_FILE, ca_file),
        ];
        for (field, value) in fields {
            profile.set(field, value);
        }
        profiles.put(profile);
        profiles.use_profile(&flags.profile)
    })?;
    terminal::say(&format!("Signed in as {who}. Profile `{}` is the current one; end it with `tegata logout`.", flags.profile));
    Ok(())
}

/// What to do at a browser elsewhere.
fn device_text(waiting: &WaitingDevice) -> String {
    let mut text = format!("On a device with a browser, open\n\n  {}\n\nand enter this code:\n\n  {}\n\n", waiting.url, waiting.user_code);
    if let Some(number) = &waiting.number {
        let _ = write!(text, "The page then asks for this number: {number}\n\nOr open {}\n\n", waiting.complete_url);
    }
    text
}

/// `tegata logout`
pub(crate) fn logout(flags: &LogoutFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let profiles = file.read()?;
    let name = flags.profile.clone().or_else(|| profiles.current().map(str::to_owned)).unwrap_or_else(|| "default".to_owned());
    let path = place(flags.config_path.as_ref(), &name, environment)?;
    let held = private_file::lock(&path)?;
    let kept = read(&path)?;
    let told = match &kept.tokens.refresh_token {
        Some(token) => runtime()?.block_on(kept.sign_in()?.revoke(token, now())),
        None => Ok(()),
    };
    // Whatever the server says, this computer forgets.
    std::fs::remove_file(&path).map_err(|error| Failure::new(format!("`{}` cannot be removed: {error}", path.display())))?;
    drop(held);
    file.edit(|profiles| if profiles.find(&name).is_some() { profiles.delete(&name) } else { Ok(()) })?;
    told.map_err(|error| Failure::new(format!("this computer has forgotten the sign-in, but the server could not be told: {error}")))?;
    terminal::say(&format!("Signed out of `{}`: tokens and keys of profile `{name}` have ended.", kept.issuer));
    Ok(())
}

/// The key of a sign-in: the one that is kept, or a new one. One process asks; the others wait and find what it wrote.
pub(super) fn key(profile: &str, config_path: Option<&PathBuf>, environment: &Environment) -> Result<Credential, Failure> {
    let path = place(config_path, profile, environment)?;
    let _held = private_file::lock(&path)?;
    let mut kept = read(&path)?;
    if let Some(key) = kept.key.as_ref().filter(|key| key.ends - now().unix() > AHEAD) {
        return key.credential();
    }
    runtime()?.block_on(async {
        let client = kept.sign_in()?;
        if kept.tokens.access_ends - now().unix() <= AHEAD
            && let Some(token) = kept.tokens.refresh_token.clone()
        {
            let again = |error: tegata_client::ClientError| {
                let lost = error.refusal().is_some_and(|refusal| refusal.code == "invalid_grant");
                let advice = if lost { "; sign in again with `tegata login`" } else { "" };
                Failure::new(format!("the sign-in could not be renewed: {error}{advice}"))
            };
            kept.tokens = client.refresh(&token, now()).await.map_err(again)?;
            // At once, before anything else can fail: the old ones may be of no more use.
            write(&path, &kept)?;
        }
        let key = client.exchange(&kept.tokens.access_token, now()).await?;
        kept.key = Some(Key::of(&key));
        write(&path, &kept)?;
        Ok(key)
    })
}

impl Key {
    fn of(key: &Credential) -> Self {
        Self {
            id: key.access_key_id.to_string(),
            secret: key.secret.expose().to_owned(),
            token: key.security_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default(),
            ends: key.expires_at.map_or(0, Timestamp::unix),
        }
    }

    fn credential(&self) -> Result<Credential, Failure> {
        Ok(Credential {
            access_key_id: AccessKeyId::new(&self.id).map_err(|error| Failure::new(error.to_string()))?,
            secret: Arc::new(SecretKey::new(self.secret.clone())),
            security_token: Some(Arc::new(SecretKey::new(self.token.clone()))),
            expires_at: Some(Timestamp::from_unix(self.ends)),
        })
    }
}

/// Shows the address in a browser, if there is a program for that. Whoever has none reads the address.
fn open(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ = std::process::Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}

/// One word as `process_command` is split.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
