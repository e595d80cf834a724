//! `tegata dev`: the same program and the same enforcement, with a sample directory and secrets that everybody knows.
//! It takes the place of emulators in people's tests, and listens on loopback only.

pub(crate) mod ready;
pub(crate) mod sample;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use ready::Https;
pub(crate) use ready::ReadyFile;
use tegata_core::org::{RolePolicies, Services};
use tokio_rustls::TlsAcceptor;

use crate::{
    cli::DevFlags,
    config::{self, Config, Environment, Flags},
    data_dir::{self, Temporary},
    failure::Failure,
    listen::{self, Signals, bind},
    logging,
    node::{self, Kind},
    serve::{Names, Secure, Server, Sockets, runtime},
    terminal,
};

/// The certificate of the throwaway CA in the data folder.
const CA_FILE: &str = "dev-ca.pem";

/// `tegata dev`
pub(crate) fn run(flags: &DevFlags, environment: &Environment) -> Result<(), Failure> {
    for (flag, address) in
        [("--http", Some(flags.http)), ("--oss", Some(flags.oss)), ("--https", flags.https), ("--metrics", flags.metrics)]
    {
        if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
            return Err(Failure::usage(format!(
                "`{flag} {address}`: `tegata dev` has keys that everybody knows and listens on loopback only; to serve others use `tegata serve`"
            )));
        }
    }
    let tls_names = read_tls_names(&flags.tls_name)?;
    let temporary = if flags.data.is_none() { Some(Temporary::make(&environment.temporary)?) } else { None };
    let data = flags.data.clone().or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned())).unwrap_or_default();
    let config = resolve(flags, environment, data)?;
    logging::start(config.log.level, config.log.format, !environment.no_colour && io::IsTerminal::is_terminal(&io::stderr()));
    let result = runtime()?.block_on(serve(flags, &config, &tls_names));
    // Only now, when nothing uses it any more.
    drop(temporary);
    result
}

/// Of the environment only the log level counts: a suite must find the same server on every machine.
fn resolve(flags: &DevFlags, environment: &Environment, data: PathBuf) -> Result<Config, Failure> {
    let environment = Environment { log: environment.log.clone(), ..Environment::default() };
    let DevFlags { http, oss, metrics, tour, .. } = *flags;
    // The tour tells what is asked and answered itself; the log would only speak in between.
    let log = flags.log.or_else(|| (tour && environment.log.is_none()).then_some(logging::Level::Warn));
    let flags = Flags { config: None, data: Some(data), http: Some(http), oss: Some(oss), metrics, log };
    let mut config = config::resolve(&flags, &environment)?;
    // Tests run their identity providers beside it, mostly without TLS.
    config.limits.insecure_issuers = true;
    config.services = Services::sample();
    let policies = [("vcd/vcd:admin", "AliyunOSSFullAccess"), ("vcd/vcd:user", "AliyunOSSReadOnlyAccess")];
    let policies = policies.map(|(role, policy)| (role.to_owned(), vec![policy.to_owned()]));
    config.role_policies = RolePolicies::new(policies, &config.services).map_err(|error| Failure::new(error.to_string()))?;
    config.outbound.private = ["127.0.0.0/8", "::1"].iter().filter_map(|text| text.parse().ok()).collect();
    Ok(config)
}

fn read_tls_names(given: &[String]) -> Result<Vec<String>, Failure> {
    given
        .iter()
        .map(|text| {
            config::host_name(text)
                .ok_or_else(|| Failure::usage(format!("`--tls-name {text}`: expected a host name without port, such as `sts.example.com`")))
        })
        .collect()
}

async fn serve(flags: &DevFlags, config: &Config, tls_names: &[String]) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::new(format!("signals cannot be received: {error}")))?;
    let data = node::hold(config)?;
    let sockets = Sockets::bind(config).await?;
    let (https, secure) = match flags.https {
        None => (None, Secure::default()),
        Some(address) => {
            let (socket, bound) = bind(address, "--https").await?;
            let (ca_file, acceptor) = throwaway(data.path(), bound, tls_names)?;
            let https = Https { issuer: format!("https://{bound}"), ca_file: ca_file.display().to_string() };
            (Some(https), Secure { both: None, issuer: Some((socket, acceptor)) })
        }
    };
    let names = Names { page_hosts: tls_names.to_vec(), ..Names::of(config, &sockets) };
    let oss_port = sockets.oss_port();
    let core = Arc::new(node::open(config, &data, Kind::Dev, &names.issuer).await?);
    if core.is_empty().await? {
        sample::seed(&core).await?;
    }
    let server = Server::start(config, core, sockets, &names, secure);
    let ready = ReadyFile::new(&names, oss_port, &config.oss.addressing.region, https, data.path());
    let attended = match publish(&ready, flags.ready_file.as_deref()) {
        Ok(()) => {
            greet(&ready, data.path(), flags);
            attend(&ready, flags, &mut signals).await
        }
        Err(failure) => Err(failure),
    };
    if let Some(path) = &flags.ready_file {
        // Whoever finds it from now on would find nobody.
        let _ = fs::remove_file(path);
    }
    let stopped = server.stop(&mut signals).await;
    attended.and(stopped)
}

/// Walks the tour if there is to be one, then waits for the operator.
async fn attend(ready: &ReadyFile, flags: &DevFlags, signals: &mut Signals) -> Result<(), Failure> {
    if flags.tour {
        let walked = tokio::select! {
            walked = walk(ready) => walked,
            () = signals.next() => return Err(Failure::new("the tour was interrupted")),
        };
        if flags.exit {
            return walked;
        }
        // Somebody is there to read it and to look around.
        if let Err(failure) = walked {
            terminal::complain(&failure.to_string());
        }
    }
    signals.next().await;
    Ok(())
}

fn publish(ready: &ReadyFile, path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    ready.write(path).map_err(|error| Failure::new(format!("the ready file `{}` cannot be written: {error}", path.display())))
}

/// Walks the journeys, one printed line per step.
async fn walk(ready: &ReadyFile) -> Result<(), Failure> {
    crate::tour::walk(ready).await
}

/// A certificate for this machine and the names asked for. The key of its CA never leaves this function.
fn throwaway(data: &Path, bound: SocketAddr, tls_names: &[String]) -> Result<(PathBuf, TlsAcceptor), Failure> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    names.push(bound.ip().to_string());
    if std::net::TcpListener::bind(("::1", 0)).is_ok() {
        names.push("::1".to_owned());
    }
    names.extend(tls_names.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let made = listen::tls::throwaway(&names)?;
    let path = std::path::absolute(data.join(CA_FILE)).unwrap_or_else(|_| data.join(CA_FILE));
    data_dir::write_file(&path, made.ca_pem.as_bytes(), false)
        .map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", path.display())))?;
    Ok((path, made.acceptor))
}

/// A short welcome. Secrets only where a person looks: what goes into a file may be kept as a log.
fn greet(ready: &ReadyFile, data: &Path, flags: &DevFlags) {
    let mut lines =
        vec!["tegata dev: sample people, well-known keys, loopback only".to_owned(), String::new(), format!("  issuer   {}", ready.issuer)];
    if let Some(https) = &ready.https {
        lines.push(format!("           {}  (trust {})", https.issuer, https.ca_file));
    }
    lines.push(format!("  objects  {}  bucket {}", ready.oss, sample::BUCKET));
    let kept = if flags.data.is_some() { "kept" } else { "removed at the end" };
    lines.push(format!("  data     {}  ({kept})", data.display()));
    if let Some(path) = &flags.ready_file {
        lines.push(format!("  secrets  {}", path.display()));
    } else if !terminal::is_person() {
        lines.push("  secrets  give --ready-file FILE to have them written".to_owned());
    }
    if terminal::is_person() {
        if let Some((id, secret)) = ready.users.get("appserver").map(ready::UserEntry::access_key) {
            lines.push(String::new());
            lines.push("Try it, in another terminal:".to_owned());
            lines.push(format!("  export ALIBABA_CLOUD_ACCESS_KEY_ID={id} ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}"));
            lines.push(format!("  any Alibaba Cloud SDK, STS endpoint {}: AssumeRole {}", ready.issuer, sample::role_arn()));
        }
        lines.push(String::new());
        lines.push("Explain any answer by the request id it carries:".to_owned());
        lines.push(format!("  tegata why REQUEST_ID --data {}", data.display()));
    }
    lines.push(String::new());
    terminal::say(&lines.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_the_certificate_are_names() {
        assert_eq!(read_tls_names(&["STS.Example.com".to_owned()]).unwrap(), ["sts.example.com"]);
        for wrong in ["a:443", "https://a", "*.example.com", "", "a..b", "-a"] {
            assert_eq!(read_tls_names(&[wrong.to_owned()]).unwrap_err().status(), 2, "{wrong}");
        }
    }
}
