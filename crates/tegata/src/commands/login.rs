//! `tegata login` and `tegata logout`: signing in at a browser instead of keeping a key, and the end of it.
//!
//! Tokens lie in a file of their own beside the profiles, for one user only. The profile names this program as the one that prints a
//! key, so that every tool that reads profiles can use the sign-in and none ever sees a token.

use std::{fmt::Write as _, path::PathBuf, process::Stdio, sync::Arc};

use tegata_client::{
    Credential, Profile, ProfileFile, Sts, Transport, private_file,
    sign_in::{self, Kept, OWN_CLI, ProofKey, SignIn, Tokens, WaitingDevice, WaitingPaste},
};
use tegata_model::Timestamp;

use super::{
    access::{CA_FILE, SERVER_URL, host, now, profile_file, url},
    runtime,
    table::in_words,
};
use crate::{
    cli::login::{LoginFlags, LogoutFlags, SignInFlags},
    config::Environment,
    failure::Failure,
    terminal,
};

/// How often somebody may mistype a code.
const TRIES: usize = 3;

/// The program that shows an address in a browser.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Where the sign-in of a profile lies: beside the profiles.
fn place(file: &ProfileFile, profile: &str) -> Result<PathBuf, Failure> {
    sign_in::place(file.path(), profile)
        .ok_or_else(|| Failure::usage("a profile that signs in has a name of letters, digits, `-` and `_`, at most 64"))
}

/// Somebody who has signed in.
pub(super) struct SignedIn {
    pub(super) kept: Kept,
    key: Credential,
}

impl SignedIn {
    /// Who it is, asked of the server with the new key.
    pub(super) fn who(&self) -> Result<String, Failure> {
        let sts = Sts::new(self.kept.sign_in()?.transport, &self.kept.issuer);
        Ok(runtime()?.block_on(sts.caller_identity(&self.key, now()))?.arn)
    }
}

/// What `login` and `configure --mode OAuth` have in common.
pub(super) struct Wanted<'a> {
    pub(super) profile: &'a str,
    pub(super) issuer: &'a str,
    pub(super) flags: &'a SignInFlags,
    pub(super) ca_file: Option<PathBuf>,
}

/// `tegata login`
pub(crate) fn login(flags: &LoginFlags, environment: &Environment) -> Result<(), Failure> {
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    place(&file, &flags.profile)?;
    let old = file.read()?.find(&flags.profile);
    let known = old.as_ref().and_then(|profile| profile.text(SERVER_URL)).map(str::to_owned);
    let issuer = flags.sign_in.issuer.clone().or_else(|| environment.endpoint.clone()).or(known);
    let issuer = issuer.ok_or_else(|| Failure::usage("name the server to sign in at with `--issuer URL`"))?;
    let known_ca = old.as_ref().and_then(|profile| profile.text(CA_FILE)).map(PathBuf::from);
    let wanted = Wanted {
        profile: &flags.profile,
        issuer: &issuer,
        flags: &flags.sign_in,
        ca_file: flags.ca_file.clone().or_else(|| environment.ca_file.clone()).or(known_ca),
    };
    let signed_in = sign_in(&file, wanted, environment)?;
    put(&file, &flags.profile, flags.config_path.as_ref(), &signed_in, &[])?;
    let who = signed_in.who()?;
    terminal::say(&format!("Signed in as {who}. Profile `{}` is the current one; end it with `tegata logout`.", flags.profile));
    terminal::note(&until(&signed_in.kept.tokens));
    Ok(())
}

/// How long a sign-in lasts, in a sentence.
pub(super) fn until(tokens: &Tokens) -> String {
    match tokens.refresh_ends {
        Some(end) => format!("Without use, the sign-in {}.", in_words(Timestamp::from_unix(end), now())),
        None => "Nothing says when the sign-in ends.".to_owned(),
    }
}

/// Lets a person sign in, and keeps what comes of it.
pub(super) fn sign_in(file: &ProfileFile, wanted: Wanted<'_>, environment: &Environment) -> Result<SignedIn, Failure> {
    let path = place(file, wanted.profile)?;
    let issuer = url(wanted.issuer)?;
    let ca_file = wanted.ca_file.map(std::path::absolute).transpose();
    let ca_file = ca_file.map_err(|error| Failure::usage(format!("`--ca-file`: {error}")))?;
    let transport = ca_file.clone().into_iter().fold(Transport::new(), Transport::trusting);
    let proof_key = ProofKey::generate()?;
    let key = Some(Arc::new(ProofKey::read(&proof_key)?));
    let mut client = SignIn { issuer, name: None, client_id: OWN_CLI.to_owned(), transport, key };
    let runtime = runtime()?;
    runtime.block_on(client.find()).map_err(|error| not_there(&client.issuer, error))?;
    let tokens = match way(wanted.flags, environment) {
        Way::Device => runtime.block_on(async {
            let waiting = client.begin_device(now()).await?;
            terminal::ask(&device_text(&waiting));
            client.finish_device(waiting, now).await.map_err(said_no)
        })?,
        Way::Paste => {
            let waiting = client.begin_paste()?;
            terminal::ask(&format!("Open this address in a browser, here or anywhere else, and sign in:\n\n  {}\n\n", waiting.url));
            typed(&runtime, &client, &waiting)?
        }
        Way::Loopback { open: shown } => runtime.block_on(async {
            let waiting = client.begin().await?;
            terminal::ask(&format!("Sign in at this address:\n\n  {}\n\n", waiting.url));
            if shown {
                open(&waiting.url);
            }
            client.finish(waiting, now).await.map_err(said_no)
        })?,
    };
    let key = runtime.block_on(client.exchange(&tokens.access_token, now()))?;
    let kept = Kept::new(&client, &proof_key, ca_file, tokens, &key);
    let held = private_file::lock(&path)?;
    // Who signs in anew has done with the last one; if that cannot be told, it ends by itself.
    let last = Kept::read(&path).ok().flatten();
    kept.write(&path)?;
    drop(held);
    drop(runtime);
    let _ = last.as_ref().map(revoke);
    Ok(SignedIn { kept, key })
}

/// Why there is nowhere to sign in, of the server that was named and not of a document that nobody asked for.
fn not_there(issuer: &str, error: tegata_client::ClientError) -> Failure {
    use tegata_client::ClientError::{Answer, Unreachable};
    match error {
        Unreachable { cause, .. } => {
            // The library's words for an authority that is not known, and for a server that does not speak TLS there.
            let hint = if cause.contains("UnknownIssuer") {
                " trust the authority that signed it with `--ca-file FILE`, or"
            } else if cause.contains("InvalidContentType") {
                " it speaks no TLS there, look at scheme and port;"
            } else {
                ""
            };
            Failure::new(format!("`{issuer}` could not be reached: {cause};{hint} `tegata doctor --endpoint {issuer}` looks why"))
        }
        Answer { cause, .. } => Failure::new(format!("`{issuer}` is no server to sign in at: {cause}")),
        other => other.into(),
    }
}

/// The person's no, which is no matter of permissions that anybody could explain.
fn said_no(error: tegata_client::ClientError) -> Failure {
    match error.refusal() {
        Some(refusal) if refusal.code == "access_denied" => {
            Failure::new(format!("the sign-in was refused: {}; nothing was kept", tegata_core::why::escape(&refusal.message)))
        }
        _ => error.into(),
    }
}

/// How the answer comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Device,
    Paste,
    Loopback { open: bool },
}

fn way(flags: &SignInFlags, environment: &Environment) -> Way {
    match (flags.device, flags.paste, flags.no_browser) {
        (true, _, _) => Way::Device,
        (_, true, _) => Way::Paste,
        (_, _, true) => Way::Loopback { open: false },
        // A browser that opens here is far from whoever types.
        _ if environment.over_ssh || !browser_here(environment) => Way::Paste,
        _ => Way::Loopback { open: true },
    }
}

/// True if there is a program that shows an address, and somewhere to show it.
fn browser_here(environment: &Environment) -> bool {
    let folders = environment.path.iter().flat_map(std::env::split_paths);
    let there = folders.into_iter().any(|folder| folder.join(OPENER).is_file());
    there && (cfg!(target_os = "macos") || environment.has_display)
}

/// Asks for the code until it is right. One that the server has refused is used up, so then it is a new sign-in.
fn typed(runtime: &tokio::runtime::Runtime, client: &SignIn, waiting: &WaitingPaste) -> Result<Tokens, Failure> {
    for _ in 0..TRIES {
        terminal::ask("Code: ");
        let Some(text) = terminal::line()? else {
            return Err(Failure::new("no code was typed; nothing was kept"));
        };
        match runtime.block_on(client.finish_paste(waiting, &text, now())) {
            Err(tegata_client::ClientError::Request(problem)) => terminal::note(&format!("{problem}. Try again.")),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.code == "invalid_grant") => {
                terminal::note(
                    "The server does not know this code, or it is older than five minutes. Type it again, or open the address once more for a new one.",
                );
            }
            done => return Ok(done?),
        }
    }
    Err(Failure::new("that was not the code; sign in again"))
}

/// Writes the profile that every tool can use, and makes it the current one.
pub(super) fn put(
    file: &ProfileFile,
    name: &str,
    config_path: Option<&PathBuf>,
    signed_in: &SignedIn,
    more: &[(&'static str, &str)],
) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::new(format!("this program does not know where it is: {error}")))?;
    let mut words = vec![program.display().to_string(), "credentials".into(), "--profile".into(), name.to_owned()];
    words.extend(["--format".into(), "aliyun".into()]);
    if let Some(config) = config_path {
        let config = std::path::absolute(config).map_err(|error| Failure::usage(format!("`--config-path`: {error}")))?;
        words.extend(["--config-path".into(), config.display().to_string()]);
    }
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let kept = &signed_in.kept;
    file.edit(|profiles| {
        let mut profile = profiles.find(name).unwrap_or_else(|| Profile::new(name));
        for (field, value) in more {
            profile.set(field, Some((*value).into()));
        }
        for (field, usual) in [("region_id", "cn-hangzhou"), ("output_format", "json"), ("language", "en")] {
            if profile.text(field).is_none() {
                profile.set(field, Some(usual.into()));
            }
        }
        // Nothing that lasts stays beside a sign-in.
        for field in ["access_key_id", "access_key_secret", "sts_token", "sts_expiration"] {
            profile.set(field, None);
        }
        let place = host(&kept.issuer).to_owned();
        let ca_file = kept.ca_file.as_ref().map(|file| file.to_string_lossy().into());
        let fields = [
            ("mode", Some("External".into())),
            ("process_command", Some(command.clone().into())),
            ("endpoint", Some(place.clone().into())),
            ("sts_endpoint", Some(place.into())),
            (SERVER_URL, Some(kept.issuer.clone().into())),
            (CA_FILE, ca_file),
        ];
        for (field, value) in fields {
            profile.set(field, value);
        }
        profiles.put(profile);
        profiles.use_profile(name)
    })?;
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
    let path = place(&file, &name)?;
    let nobody = || {
        terminal::say(&format!("Nobody is signed in with profile `{name}`; there is nothing to end."));
        Ok(())
    };
    if !path.exists() {
        return nobody();
    }
    let held = private_file::lock(&path)?;
    let kept = match Kept::read(&path) {
        Ok(None) => return nobody(),
        Ok(Some(kept)) => Some(kept),
        // What cannot be read can be forgotten all the same.
        Err(_) => None,
    };
    let told = match &kept {
        Some(kept) => revoke(kept),
        None => Err(Failure::new("what was kept of it cannot be read")),
    };
    // Whatever the server says, this computer forgets.
    std::fs::remove_file(&path).map_err(|error| Failure::new(format!("`{}` cannot be removed: {error}", path.display())))?;
    drop(held);
    file.edit(|profiles| if profiles.find(&name).is_some() { profiles.delete(&name) } else { Ok(()) })?;
    told.map_err(|error| {
        Failure::new(format!(
            "this computer has forgotten the sign-in, but the server could not be told: {error}; an administrator can end it, else it ends by itself"
        ))
    })?;
    let issuer = kept.map(|kept| kept.issuer).unwrap_or_default();
    terminal::say(&format!("Signed out of `{issuer}`: tokens and keys of profile `{name}` have ended."));
    Ok(())
}

/// Ends a sign-in on the server.
fn revoke(kept: &Kept) -> Result<(), Failure> {
    match &kept.tokens.refresh_token {
        Some(token) => Ok(runtime()?.block_on(kept.sign_in()?.revoke(token, now()))?),
        None => Ok(()),
    }
}

/// Shows the address in a browser.
fn open(url: &str) {
    let command = std::process::Command::new(OPENER).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if command.is_err() {
        terminal::note("No browser could be opened; open the address yourself, on this computer.");
    }
}

/// One word as `process_command` is split.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
