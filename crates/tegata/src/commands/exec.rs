//! `tegata exec -- CMD`: a program gets a temporary key from its environment, and nothing else. A session that was begun for
//! it ends with it.

use std::{
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, ExitCode},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tegata_client::{
    Api, Credential, Rpc,
    provider::{Begun, Source},
};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    access::{Opened, now},
    credentials::token,
    runtime,
    sessions::session_id,
    table::in_words,
};
use crate::{
    cli::client::ExecFlags,
    config::{Environment, VENDOR_PREFIXES},
    failure::Failure,
    terminal,
};

/// Longest wait for the server to end the session; the program is over by then.
const PATIENCE: Duration = Duration::from_secs(5);
/// Signals that are for the program. Those of the second kind a terminal sends to it itself.
const PASSED_ON: [(Signal, bool); 6] =
    [(Signal::TERM, false), (Signal::HUP, false), (Signal::USR1, false), (Signal::USR2, false), (Signal::INT, true), (Signal::QUIT, true)];

/// `tegata exec -- CMD`: ends as the program ends; with 128 and the number of the signal, if one ended it.
pub(crate) fn exec(flags: &ExecFlags, environment: &Environment) -> Result<ExitCode, Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    if !matches!(opened.provider.source(), Source::Role { .. } | Source::Oidc { .. }) {
        // Nothing is begun here that would have to be ended: this process becomes the program.
        let key = runtime()?.block_on(opened.temporary())?;
        let mut command = prepared(flags, &opened, &key, environment)?;
        let error = command.exec();
        return Err(cannot_run(&command, &error));
    }
    runtime()?.block_on(async {
        let mut begun = Vec::new();
        let ended = async {
            // Before the session begins, so that no signal leaves it behind.
            let signals = Signals::new()?;
            let key = opened.provider.own(now, &mut begun).await?;
            run(prepared(flags, &opened, &key, environment)?, signals).await
        }
        .await;
        // The newest first: with an older one it would end unseen.
        for one in begun.iter().rev() {
            end(&opened, one).await;
        }
        ended
    })
}

/// The program with its environment.
fn prepared(flags: &ExecFlags, opened: &Opened, key: &Credential, environment: &Environment) -> Result<Command, Failure> {
    let Some((program, arguments)) = flags.command.split_first() else { return Err(Failure::usage("there is no program to run")) };
    let mut command = Command::new(program);
    command.args(arguments);
    surround(&mut command, opened, environment)?;
    for prefix in ["ALIBABA_CLOUD_", "ALICLOUD_"] {
        command.env(format!("{prefix}ACCESS_KEY_ID"), key.access_key_id.as_str());
        command.env(format!("{prefix}ACCESS_KEY_SECRET"), key.secret.expose());
        command.env(format!("{prefix}SECURITY_TOKEN"), token(key));
    }
    command.env("OSS_ACCESS_KEY_ID", key.access_key_id.as_str());
    command.env("OSS_ACCESS_KEY_SECRET", key.secret.expose());
    command.env("OSS_SESSION_TOKEN", token(key));
    Ok(command)
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

fn cannot_run(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be run: {error}", command.get_program().to_string_lossy()))
}

/// Runs the program to its end.
pub(super) async fn run(command: Command, mut signals: Signals) -> Result<ExitCode, Failure> {
    let mut command = tokio::process::Command::from(command);
    let mut child = command.spawn().map_err(|error| cannot_run(command.as_std(), &error))?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(|error| Failure::new(format!("the program was lost: {error}")))?,
            signal = signals.next() => {
                if let Some(pid) = pid {
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        }
    };
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The signals that are passed on to the program.
pub(super) struct Signals(tokio::sync::mpsc::UnboundedReceiver<Signal>);

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let ignored = ignored();
        for (kind, terminal_sends_it) in PASSED_ON {
            // What whoever started us wants ignored (`nohup`) the program ignores too, if nobody listens here.
            if ignored >> (kind.as_raw() - 1) & 1 == 1 {
                continue;
            }
            let mut signals = signal(SignalKind::from_raw(kind.as_raw()))
                .map_err(|error| Failure::new(format!("signals cannot be passed on: {error}")))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if !(terminal_sends_it && is_in_foreground()) {
                        let _ = sender.send(kind);
                    }
                }
            });
        }
        Ok(Self(receiver))
    }

    async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// True if a terminal sends its signals to us, and so to the program too. It may be ours although standard input is a file.
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| rustix::termios::tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp()))
}

/// One bit for each signal that is ignored, as far as the system tells.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Ends a session with its own key. If that fails, the session ends by itself, only later.
async fn end(opened: &Opened, Begun { credential, server }: &Begun) {
    let over = |at: &tegata_model::Timestamp| *at <= now();
    if credential.expires_at.as_ref().is_some_and(over) {
        return;
    }
    let rpc = Rpc::new(opened.transport.clone(), server);
    let id = session_id(credential.access_key_id.as_str());
    let parameters = [("SessionId".to_owned(), id)];
    let call = rpc.call::<serde_json::Value>(credential, Api::OWN, "RevokeSessions", &parameters, now());
    let cause = match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(_)) => return,
        Ok(Err(error)) => Failure::from(error).to_string(),
        Err(_) => format!("`{server}` did not answer within {} s", PATIENCE.as_secs()),
    };
    let left = credential.expires_at.map(|at| format!("; it {}", in_words(at, now()))).unwrap_or_default();
    terminal::complain(&format!("the session {} could not be ended with the program: {cause}{left}", credential.access_key_id));
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
