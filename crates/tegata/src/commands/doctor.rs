//! `tegata doctor`: what is wrong between here and the server, one line for each thing that was looked at, and what to do.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use tegata_client::{
    ClientError, Credential, Reply, Rpc, Transport,
    inspect::{self, Distrust, Handshake},
    provider::Source,
    rpc::Api,
};
use tegata_core::why::escape;
use tegata_model::Timestamp;

use super::{
    access::{self, Opened, now},
    runtime,
    table::{in_words, print_json, span},
};
use crate::{
    cli::client::{DoctorFlags, Form},
    config::Environment,
    failure::Failure,
    terminal,
};

/// Longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clocks further apart than this are told. Servers allow a quarter of an hour.
const APART: Duration = Duration::from_mins(5);
/// A certificate that ends sooner is worth a word.
const SOON: Duration = Duration::from_hours(7 * 24);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    what: &'static str,
    good: bool,
    found: String,
    /// What to do; empty if nothing is to be done.
    advice: String,
}

/// What has been found so far; printed at once for people, together for programs.
struct Findings {
    form: Form,
    all: Vec<Finding>,
}

impl Findings {
    fn good(&mut self, what: &'static str, found: impl Into<String>) {
        self.add(what, true, &found.into(), "");
    }

    fn bad(&mut self, what: &'static str, found: impl Into<String>, advice: impl Into<String>) {
        self.add(what, false, &found.into(), &advice.into());
    }

    fn add(&mut self, what: &'static str, good: bool, found: &str, advice: &str) {
        let finding = Finding { what, good, found: escape(found), advice: escape(advice) };
        if self.form == Form::Table {
            let Finding { found, advice, .. } = &finding;
            let more = if advice.is_empty() { String::new() } else { format!("; {advice}") };
            terminal::say(&format!("{} {what:10}  {found}{more}", terminal::mark(good)));
        }
        self.all.push(finding);
    }
}

/// `tegata doctor`
pub(crate) fn doctor(flags: &DoctorFlags, environment: &Environment) -> Result<(), Failure> {
    let mut findings = Findings { form: flags.printed.output, all: Vec::new() };
    examine(flags, environment, &mut findings)?;
    let good = findings.all.iter().all(|finding| finding.good);
    if flags.printed.output == Form::Json {
        let one = |finding: &Finding| json!({"check": finding.what, "ok": finding.good, "found": finding.found, "advice": finding.advice});
        print_json(&json!({"ok": good, "checks": findings.all.iter().map(one).collect::<Value>()}));
    }
    if good { Ok(()) } else { Err(Failure::told()) }
}

fn examine(flags: &DoctorFlags, environment: &Environment, findings: &mut Findings) -> Result<(), Failure> {
    let opened = match Opened::new(&flags.access, environment) {
        Ok(opened) => opened,
        Err(failure) => {
            findings.bad("key", failure.to_string(), "nothing else can be looked at without it");
            return Ok(());
        }
    };
    let Some(server) = opened.known_server().map(str::to_owned) else {
        findings.bad("key", opened.origin.to_string(), "nothing says which server to ask; name it with `--endpoint URL`");
        return Ok(());
    };
    key(&opened, &server, findings);
    if !reach(&server, opened.transport.ca_file(), findings)? {
        return Ok(());
    }
    let runtime = runtime()?;
    let began = now();
    let url = format!("{server}/?Action=GetCallerIdentity&Version=2015-04-01&Format=JSON");
    let headers = [("accept".to_owned(), "application/json".to_owned())];
    let reply = runtime.block_on(opened.transport.send("POST", &url, &headers, Bytes::new()));
    if !identity(&server, reply.as_ref(), findings) {
        return Ok(());
    }
    if let Ok(reply) = &reply {
        clock(reply, began, findings);
    }
    // The key that signs first: of a role, the one that takes it on.
    if let Source::Fixed(key) = opened.provider.source().base()
        && !runtime.block_on(signature(&Rpc::new(opened.transport.clone(), &server), key, findings))
    {
        return Ok(());
    }
    if opened.provider.source().is_asked_for() {
        match runtime.block_on(opened.provider.credential(now)) {
            Ok(key) => {
                let end = key.expires_at.map(|end| format!(", {}", in_words(end, now()))).unwrap_or_default();
                findings.good("session", format!("{}{end}", key.access_key_id));
                runtime.block_on(signature(&Rpc::new(opened.transport.clone(), &server), &key, findings));
            }
            Err(error) => {
                findings.bad("session", Failure::from(error).to_string(), "the key above works, but does not lead to a temporary one");
            }
        }
    }
    gateway(&opened, flags, environment, &runtime, findings)
}

/// The key as it is kept here.
fn key(opened: &Opened, server: &str, findings: &mut Findings) {
    let found = format!("{}, for {server}", opened.origin);
    let Source::Fixed(key) = opened.provider.source().base() else { return findings.good("key", found) };
    let temporary = key.access_key_id.as_str().starts_with("STS.");
    match (temporary, &key.security_token) {
        (true, None) => findings.bad(
            "key",
            format!("{found}: `{}` is a temporary key, and its token is missing", key.access_key_id),
            "add it: ALIBABA_CLOUD_SECURITY_TOKEN in the environment, `tegata configure --mode StsToken` in a profile",
        ),
        (false, Some(_)) if key.access_key_id.as_str().starts_with("LTAI") => findings.bad(
            "key",
            format!("{found}: `{}` is a long-term key, and a token stands beside it", key.access_key_id),
            "take the token out: it belongs to another key",
        ),
        _ => match key.expires_at.filter(|&end| end <= now()) {
            Some(end) => findings.bad("key", format!("{found}: it {}", in_words(end, now())), "put a new one in its place"),
            None => findings.good("key", found),
        },
    }
}

/// Name, connection and TLS; false if there is no way to the server.
fn reach(server: &str, ca_file: Option<&Path>, findings: &mut Findings) -> Result<bool, Failure> {
    let uri: http::Uri = server.parse().map_err(|_| Failure::usage(format!("`{server}` is no URL")))?;
    let encrypted = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let addresses: Vec<SocketAddr> = match (host.as_str(), port).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            findings.bad(
                "name",
                format!("`{host}` is not known: {error}"),
                "look for a typing error, and whether this machine's DNS knows it",
            );
            return Ok(false);
        }
    };
    let listed = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    findings.good("name", if listed == host { format!("{host} is an address") } else { format!("{host} is {listed}") });
    let mut problem = "there is no address".to_owned();
    let mut connection = None;
    for address in &addresses {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(stream) => {
                connection = Some((stream, *address));
                break;
            }
            Err(error) => problem = format!("{address} does not answer: {error}"),
        }
    }
    let Some((stream, address)) = connection else {
        findings.bad("connection", problem, "look whether the server runs and listens there, and whether a firewall lets you through");
        return Ok(false);
    };
    findings.good("connection", format!("{address} answers"));
    if !encrypted {
        return Ok(true);
    }
    let Handshake { shown, distrust } = match inspect::handshake(stream, &host, ca_file) {
        Ok(handshake) => handshake,
        Err(problem) => {
            findings.bad("tls", problem, "name a file with the authority that signed the server's certificate: `--ca-file FILE`");
            return Ok(false);
        }
    };
    let certificate = shown.as_ref().map(|shown| {
        format!(
            "certificate for {}, signed by {}, {} in the chain, {}",
            shown.names.join(", "),
            shown.issuer,
            shown.chain,
            in_words(shown.ends_at, now())
        )
    });
    let certificate = certificate.unwrap_or_else(|| "no certificate was shown".to_owned());
    match distrust {
        None => {
            findings.good("tls", certificate);
            if let Some(shown) = shown.filter(|shown| shown.ends_at < now().plus(SOON) && shown.ends_at.since(shown.begins_at) > SOON * 2) {
                findings.bad("tls", format!("the certificate {}", in_words(shown.ends_at, now())), "have it renewed");
            }
            return Ok(true);
        }
        Some(Distrust::UnknownAuthority) => {
            findings.bad("tls", certificate, "nobody who is trusted here has signed it: name a file with its authority, `--ca-file FILE`");
        }
        Some(Distrust::OtherName) => {
            findings.bad("tls", certificate, format!("it is not for `{host}`: use one of its names, or have one made for this name"));
        }
        Some(Distrust::OutOfTime) => {
            findings.bad("tls", certificate, "it is not valid now: have it renewed, or set this machine's clock");
        }
        Some(Distrust::Other(problem)) => {
            findings.bad("tls", problem, "if the server speaks no TLS, its URL begins with `http://`");
        }
    }
    Ok(false)
}

/// Who answers; false if it is not what the rest asks.
fn identity(server: &str, reply: Result<&Reply, &ClientError>, findings: &mut Findings) -> bool {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => {
            findings.bad("server", error.to_string(), "if it speaks TLS, its URL begins with `https://`");
            return false;
        }
    };
    let start: String = String::from_utf8_lossy(&reply.body).chars().take(400).collect::<String>().trim_start().to_ascii_lowercase();
    let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let told = |name: &str| json.as_ref().and_then(|json| json.get(name)?.as_str()).is_some();
    let wrong = |found: &str, advice: &str| (format!("{server} is {found}"), advice.to_owned());
    let (found, advice) = if told("RequestId") && told("Code") {
        findings.good("server", format!("an identity API answers at {server}"));
        return true;
    } else if !reply.header("x-oss-request-id").is_empty() || start.contains("<error>") {
        wrong("an object gateway", "that address belongs in `--oss-endpoint`; the identity API has another one")
    } else if (300..400).contains(&reply.status) {
        wrong(&format!("somewhere else: it sends to `{}`", reply.header("location")), "use that address")
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") || reply.header("content-type").contains("text/html") {
        wrong("a web page", "look at the address; perhaps a proxy answers, or the console of something else")
    } else {
        wrong(&format!("no tegata: what it says (status {}) is not of this wire", reply.status), "look at the address and the port")
    };
    findings.bad("server", found, advice);
    false
}

/// How far the clocks are apart.
fn clock(reply: &Reply, began: Timestamp, findings: &mut Findings) {
    let Some(there) = Timestamp::parse_http_date(reply.header("date")) else { return };
    let ended = now();
    if there >= began.minus(Duration::from_secs(1)) && there <= ended.plus(Duration::from_secs(1)) {
        return findings.good("clock", "the same here and there");
    }
    let (apart, word) = if there > ended { (there.since(ended), "behind") } else { (began.since(there), "ahead of") };
    let found = format!("this machine is {} {word} the server", span(apart));
    if apart < APART {
        findings.good("clock", found);
    } else {
        findings.bad(
            "clock",
            found,
            "set its clock (`timedatectl set-ntp true`), or the server's: what is signed counts for a quarter of an hour",
        );
    }
}

/// Whether both sides sign the same; false if nothing signed will work.
async fn signature(rpc: &Rpc, key: &Credential, findings: &mut Findings) -> bool {
    const WHAT: &str = "signature";
    let probe = match rpc.probe(key, Api::STS, "GetCallerIdentity", now()).await {
        Ok(probe) => probe,
        Err(error) => {
            findings.bad(WHAT, error.to_string(), "the server answered before, and not to this");
            return false;
        }
    };
    let answer: Value = serde_json::from_slice(&probe.reply.body).unwrap_or_default();
    let told = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    if probe.reply.status < 400 {
        findings.good(WHAT, format!("the server understands {}: you are {}", key.access_key_id, told("Arn")));
        return true;
    }
    let (code, message) = (told("Code"), told("Message"));
    let found = format!("{} {code}", probe.reply.status);
    let advice = match code {
        "SignatureDoesNotMatch" => match first_difference(&probe.canonical_request, message) {
            Some((ours, theirs)) if ours.starts_with("host:") => {
                let found = format!("{found}: signed was `{ours}`, and `{theirs}` arrived");
                let advice =
                    "a proxy in between changes `Host`; it has to pass it on as it came (nginx: `proxy_set_header Host $http_host`)";
                findings.bad(WHAT, found, advice);
                return false;
            }
            Some((ours, theirs)) => {
                let found = format!("{found}: the first line that differs was signed as `{ours}`, and arrived as `{theirs}`");
                findings.bad(WHAT, found, "something in between changes requests; it has to pass them on as they came");
                return false;
            }
            None if message.contains(MARK) => {
                format!("both sides signed the same text, so the secret is not that of `{}`: give it anew", key.access_key_id)
            }
            None => "the server does not tell what it signed; compare the secret, and proxies in between".to_owned(),
        },
        code if code.starts_with("InvalidTimeStamp") => {
            "the clocks are too far apart: set this machine's (`timedatectl set-ntp true`), or the server's".to_owned()
        }
        "MissingSecurityToken" => "a temporary key needs its token: ALIBABA_CLOUD_SECURITY_TOKEN, or a profile of mode StsToken".to_owned(),
        code if code.starts_with("InvalidSecurityToken") => {
            "the token is of another key, of another server, or its time is over: get a new key".to_owned()
        }
        "InvalidAccessKeyId.NotFound" => {
            format!("this server does not know `{}`; perhaps it is a key of another server", key.access_key_id)
        }
        code if code.starts_with("InvalidAccessKeyId") || code.starts_with("Forbidden") => {
            "the key is switched off; whoever administers the account can tell why".to_owned()
        }
        _ => message.to_owned(),
    };
    findings.bad(WHAT, found, advice);
    false
}

/// What stands before the server's canonical request in its message.
const MARK: &str = "server canonical request is:";

/// The first line that differs between what was signed here and what the server would have signed.
fn first_difference(ours: &str, message: &str) -> Option<(String, String)> {
    let (_, theirs) = message.split_once(MARK)?;
    let shown = |line: Option<&str>| match line {
        None => "nothing".to_owned(),
        Some(line) if line.starts_with("x-acs-security-token:") => "x-acs-security-token:…".to_owned(),
        Some(line) => line.to_owned(),
    };
    let (mut ours, mut theirs) = (ours.lines(), theirs.lines());
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return None,
            (left, right) if left == right => {}
            (left, right) => return Some((shown(left), shown(right))),
        }
    }
}

/// The object gateway, if one is named.
fn gateway(
    opened: &Opened,
    flags: &DoctorFlags,
    environment: &Environment,
    runtime: &tokio::runtime::Runtime,
    findings: &mut Findings,
) -> Result<(), Failure> {
    const WHAT: &str = "gateway";
    let Some(url) = opened.gateway(flags.oss_endpoint.as_deref(), environment)? else { return Ok(()) };
    let seen = runtime.block_on(async {
        let reply = opened.transport.send("GET", &format!("{url}/"), &[], Bytes::new()).await?;
        if reply.header("x-oss-request-id").is_empty() {
            return Ok(Err(()));
        }
        let key = opened.provider.credential(now).await.map_err(|error| ClientError::Request(error.to_string()))?;
        let gateway = tegata_client::Oss::new(Transport::clone(&opened.transport), &url, opened.region().unwrap_or(access::REGION));
        Ok::<_, ClientError>(Ok(gateway.buckets(&key, now()).await))
    });
    match seen {
        Err(error) => findings.bad(WHAT, error.to_string(), "look whether it runs and listens there"),
        Ok(Err(())) => findings.bad(WHAT, format!("{url} is no object gateway"), "look at the address given as `--oss-endpoint`"),
        Ok(Ok(Ok(_))) => findings.good(WHAT, format!("{url} takes signed requests")),
        Ok(Ok(Err(error))) => match error.refusal() {
            // Who may list is another question.
            Some(refusal) if refusal.code == "AccessDenied" => findings.good(WHAT, format!("{url} takes signed requests")),
            Some(refusal) if refusal.code == "SignatureDoesNotMatch" => findings.bad(
                WHAT,
                format!("{} {}", refusal.status, refusal.code),
                "the identity API understands the same key: a proxy before the gateway changes `Host` or the path",
            ),
            _ => findings.bad(WHAT, error.to_string(), "the identity API understands the same key: look at the gateway's address"),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found_and_tokens_are_not_shown() {
        let ours = "POST\n/\n\nhost:a\nx-acs-security-token:secret-1\n\nhost\nhash";
        let message = |theirs: &str| format!("…is:ACS3\nhash\n{MARK}{theirs}");
        assert_eq!(first_difference(ours, &message(ours)), None);
        assert_eq!(first_difference(ours, "nothing told"), None);
        let (left, right) = first_difference(ours, &message(&ours.replace("host:a", "host:b"))).unwrap();
        assert_eq!((left.as_str(), right.as_str()), ("host:a", "host:b"));
        let (left, right) = first_difference(ours, &message(&ours.replace("secret-1", "secret-2"))).unwrap();
        assert!(!left.contains("secret") && !right.contains("secret"), "{left} {right}");
        assert_eq!(first_difference(ours, &message("POST\n/\n")).unwrap().1, "nothing");
    }
}
