//! Signing in at a browser for the command line: an administrator installs it, assigns a person, and the person agrees.
//!
//! The tour plays the browsers: plain HTTP, a cookie jar for each person, and the fields of the forms by their names.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;
use tegata_client::sign_in::form;
use tegata_client::{
    ClientError, Refusal, Sts, Transport,
    sign_in::{OFFICIAL_CLI, SignIn},
};
use tegata_core::clock::{Clock as _, SystemClock};

use super::{Guide, Should};
use crate::{
    dev::ready::{ReadyFile, UserEntry},
    failure::Failure,
};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Nobody listens there: the tour reads where the browser would have gone.
const CALLBACK: &str = "http://127.0.0.1:12345/cli/callback";
const HOPS: usize = 8;

/// One person's browser.
struct Browser<'a> {
    transport: &'a Transport,
    issuer: &'a str,
    cookies: BTreeMap<String, String>,
    /// The page it shows: its path, and its text.
    at: String,
    page: String,
    status: u16,
    /// Where it was sent away to, if it was.
    away: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(transport: &'a Transport, issuer: &'a str) -> Self {
        Self { transport, issuer, cookies: BTreeMap::new(), at: String::new(), page: String::new(), status: 0, away: None }
    }

    async fn go(&mut self, method: &str, target: &str, fields: &[(String, String)]) -> Result<(), ClientError> {
        let (mut method, mut target) = (method.to_owned(), target.to_owned());
        let mut body = Bytes::from(form::encode(fields));
        self.away = None;
        for _ in 0..HOPS {
            let url = format!("{}{target}", self.issuer);
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut headers = vec![("cookie".to_owned(), cookies.join("; "))];
            if method == "POST" {
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
                headers.push(("origin".to_owned(), self.issuer.to_owned()));
            }
            let reply = self.transport.send(&method, &url, &headers, body).await?;
            for cookie in reply.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()) {
                let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
                if let Some((name, value)) = pair {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let location = reply.header("location").to_owned();
            if location.is_empty() {
                self.status = reply.status;
                self.page = String::from_utf8_lossy(&reply.body).into_owned();
                self.at = target;
                return Ok(());
            }
            if location.contains("://") {
                self.away = Some(location);
                return Ok(());
            }
            let path = target.split('?').next().unwrap_or_default();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            target = if location.starts_with('?') { format!("{path}{location}") } else { format!("{folder}/{location}") };
            (method, body) = ("GET".to_owned(), Bytes::new());
        }
        Err(ClientError::Request("the pages send a browser round in a circle".to_owned()))
    }

    /// Sends the form of the page it shows.
    async fn submit(&mut self, fields: &[(&str, &str)]) -> Result<(), ClientError> {
        let csrf = self.page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let mut all = vec![("csrf".to_owned(), csrf.to_owned())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let at = self.at.clone();
        self.go("POST", &at, &all).await
    }

    /// The heading of the page it shows.
    fn heading(&self) -> String {
        let inside = self.page.split("<h1").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap_or_default();
        let mut text = String::new();
        let mut tag = true;
        for c in inside.chars() {
            match c {
                '<' => tag = true,
                '>' => tag = false,
                c if !tag => text.push(c),
                _ => {}
            }
        }
        text
    }

    /// What it shows, or the refusal that it shows.
    fn shown(&self, walked: Result<(), ClientError>) -> Result<String, ClientError> {
        walked?;
        if self.away.is_none() && self.status >= 400 {
            let (message, request_id) = (String::new(), "-".to_owned());
            return Err(ClientError::Refused(Refusal { status: self.status, code: self.heading(), message, request_id }));
        }
        if let Some(error) = self.answer("error") {
            let (message, request_id) = (String::new(), "-".to_owned());
            return Err(ClientError::Refused(Refusal { status: 303, code: error, message, request_id }));
        }
        Ok(self.away.as_ref().map_or_else(|| format!("a page: {}", self.heading()), |_| "sent back with a code".to_owned()))
    }

    /// A parameter of where it was sent to.
    fn answer(&self, name: &str) -> Option<String> {
        let query = self.away.as_ref()?.split_once('?')?.1;
        form::decode(query).ok()?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

pub(super) async fn walk(guide: &mut Guide, ready: &ReadyFile) -> Result<(), Failure> {
    let transport = Transport::new();
    let issuer = ready.issuer.as_str();
    let person = |name: &str| ready.users.get(name).map(UserEntry::sign_in).ok_or_else(|| Failure::new("the tour lacks a person"));
    let (alice, bob) = (person("alice")?, person("bob")?);
    let query = [
        ("response_type", "code"),
        ("client_id", OFFICIAL_CLI),
        ("redirect_uri", CALLBACK),
        ("state", "the-tour"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let query: Vec<_> = query.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let request = format!("/oauth2/v1/auth?{}", form::encode(&query));
    let told = |text: &String| text.clone();

    Guide::chapter("A person signs in at a browser, and the command line needs no key");
    let mut of_alice = Browser::new(&transport, issuer);
    let walked = of_alice.go("GET", &request, &[]).await;
    guide.step("alice's browser: the command line asks for a code", &Should::Work, of_alice.shown(walked), told);
    let walked = of_alice.submit(&[("username", alice.0), ("password", "a guess")]).await;
    guide.step("alice: a wrong password", &Should::Refuse("Sign in"), of_alice.shown(walked), told);
    let walked = of_alice.submit(&[("username", alice.0), ("password", alice.1)]).await;
    guide.step("alice, the administrator: the right one", &Should::Work, of_alice.shown(walked), told);
    if of_alice.page.contains("value=\"allow\"") {
        let walked = of_alice.submit(&[("decision", "allow")]).await;
        guide.step("alice: installs the command line for the account", &Should::Work, of_alice.shown(walked), told);
    }
    let mut of_bob = Browser::new(&transport, issuer);
    let walked = of_bob.go("GET", &request, &[]).await.and(of_bob.submit(&[("username", bob.0), ("password", bob.1)]).await);
    guide.step("bob: signs in, and is not assigned", &Should::Refuse("You are not assigned"), of_bob.shown(walked), told);
    let walked = of_alice.go("GET", "/apps/official-cli/assignments", &[]).await;
    let walked = walked.and(of_alice.submit(&[("identity_type", "user"), ("identity", "bob"), ("change", "assign")]).await);
    guide.step("alice: assigns bob", &Should::Work, of_alice.shown(walked), told);
    let walked = of_bob.go("GET", &request, &[]).await.and(of_bob.submit(&[("decision", "deny")]).await);
    guide.step("bob: says no", &Should::Refuse("access_denied"), of_bob.shown(walked), told);
    let walked = of_bob.go("GET", &request, &[]).await.and(of_bob.submit(&[("decision", "allow")]).await);
    guide.step("bob: agrees", &Should::Work, of_bob.shown(walked), told);

    let client =
        SignIn { issuer: issuer.to_owned(), name: None, client_id: OFFICIAL_CLI.to_owned(), transport: transport.clone(), key: None };
    let code = of_bob.answer("code").unwrap_or_default();
    let tokens = redeem(&client, &code).await;
    let Some(tokens) =
        guide.step("the command line: tokens for the code", &Should::Work, tokens, |_| "access and refresh token".to_owned())
    else {
        return Ok(());
    };
    let key = client.exchange(&tokens, SystemClock.now()).await;
    let key = guide.step("the command line: a temporary key for the access token", &Should::Work, key, |key| key.access_key_id.to_string());
    if let Some(key) = key {
        let who = Sts::new(transport.clone(), issuer).caller_identity(&key, SystemClock.now()).await;
        guide.step("the command line: GetCallerIdentity", &Should::Work, who, |who| format!("{} {}", who.identity_type, who.arn));
    }
    let again = redeem(&client, &code).await;
    guide.step("a thief: the code once more", &Should::Refuse("invalid_grant"), again, |_| String::new());
    let after = client.exchange(&tokens, SystemClock.now()).await;
    guide.step("which ended what the code had given", &Should::Refuse("invalid_token"), after, |_| String::new());
    Ok(())
}

/// The access token for a code.
async fn redeem(client: &SignIn, code: &str) -> Result<String, ClientError> {
    let answer: Value = client.redeem(code, CALLBACK, VERIFIER, SystemClock.now()).await?;
    Ok(answer.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned())
}
