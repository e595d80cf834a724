//! Whom to ask, and what the works need before they can: all of it made by public requests, as anybody would.

use std::{collections::BTreeMap, net::SocketAddr, sync::Mutex};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use serde_json::{Value, json};
use tegata_model::SecretKey;
use tegata_sign::form;

use crate::{
    client::Connection,
    work::{App, Asker, CHAINS, Key, LOGINS, Operator, USERS, Work, build, headers, sam_auth},
};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Nobody listens there: only where the browser would have gone is read.
const CALLBACK: &str = "http://127.0.0.1:12345/callback";
/// How many pages a browser is led over at the most.
const HOPS: usize = 8;
/// The server's own interface, for what no other one has.
const OWN_VERSION: &str = "2026-11-01";

/// What the ready file says.
struct Ready(Value);

impl Ready {
    fn text(&self, path: &str) -> Result<&str, String> {
        self.0.pointer(path).and_then(Value::as_str).ok_or_else(|| format!("the ready file has no `{path}`"))
    }

    fn secret(&self, path: &str) -> Result<SecretKey, String> {
        Ok(SecretKey::new(self.text(path)?.to_owned()))
    }

    fn address(&self, path: &str) -> Result<SocketAddr, String> {
        let url = self.text(path)?;
        url.strip_prefix("http://").and_then(|rest| rest.parse().ok()).ok_or_else(|| format!("`{url}` is no address"))
    }
}

/// Whom to ask, as the ready file says, with all that these works need.
pub(crate) async fn whom(ready: &str, works: &[Work]) -> Result<(Asker, SocketAddr, SocketAddr), String> {
    let ready = Ready(serde_json::from_str(ready).map_err(|error| format!("the ready file: {error}"))?);
    let (issuer, gateway) = (ready.address("/issuer")?, ready.address("/oss")?);
    let user = "/users/appserver";
    let key = Key::new(ready.text(&format!("{user}/access_key_id"))?, ready.text(&format!("{user}/access_key_secret"))?, None)?;
    let (role, region) = (ready.text("/roles/app-uploader/arn")?, ready.text("/oss_region")?);
    let mut asker = Asker::new(key, None, role.to_owned(), region.to_owned())?;
    asker.administrator = Some(Key::new(ready.text("/users/alice/access_key_id")?, ready.text("/users/alice/access_key_secret")?, None)?);
    asker.client = Some((ready.text("/clients/bench/id")?.to_owned(), ready.secret("/clients/bench/secret")?));
    let mut connection = Connection::open(issuer).await?;
    let answer = good(&mut connection, "AssumeRole", asker.assume_role_rpc(issuer)?).await?;
    let part = |name: &str| member(&answer, &format!("/Credentials/{name}"));
    let (id, secret, token) = (part("AccessKeyId")?, part("AccessKeySecret")?, part("SecurityToken")?);
    asker.session = Some(Key::new(&id, &secret, Some(&token))?);
    let answer = good(&mut connection, "the client's token", asker.client_credentials(issuer)?).await?;
    asker.token = Some(SecretKey::new(member(&answer, "/access_token")?));
    let needs = |any: &[Work]| works.iter().any(|work| any.contains(work));
    if needs(&[Work::RamRead, Work::RamWrite]) {
        for n in 0..USERS {
            made(&mut connection, asker.make_user(n, issuer)?).await?;
        }
    }
    if needs(&[Work::Refresh]) {
        asker.chains = chains(&mut connection, &asker, &ready, issuer).await?;
    }
    if needs(&[Work::SamAuth, Work::SamCall, Work::SamLogin]) {
        asker.operator = Some(operator(&mut connection, &ready, issuer).await?);
    }
    if needs(&[Work::SamLogin]) {
        for n in 0..LOGINS {
            for request in asker.make_login(n, issuer)? {
                made(&mut connection, request).await?;
            }
        }
    }
    if needs(&[Work::CspToken, Work::CspApi]) {
        asker.app = Some(app(&mut connection, &asker, &ready, issuer).await?);
    }
    Ok((asker, issuer, gateway))
}

/// The answer to a request, which has to be a good one.
async fn good(connection: &mut Connection, what: &str, request: Request<Full<Bytes>>) -> Result<Value, String> {
    let (status, body) = connection.ask(request).await?;
    if !status.is_success() {
        return Err(format!("{what}: answered {status}: {}", String::from_utf8_lossy(&body)));
    }
    serde_json::from_slice(&body).map_err(|error| format!("{what}: {error}"))
}

/// Makes something that may be there already.
async fn made(connection: &mut Connection, request: Request<Full<Bytes>>) -> Result<(), String> {
    let (status, body) = connection.ask(request).await?;
    if status.is_success() || status.as_u16() == 409 {
        return Ok(());
    }
    Err(format!("a user was answered {status}: {}", String::from_utf8_lossy(&body)))
}

fn member(answer: &Value, path: &str) -> Result<String, String> {
    answer.pointer(path).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("the answer has no `{path}`"))
}

/// Alice's auth key, and a session by it.
async fn operator(connection: &mut Connection, ready: &Ready, to: SocketAddr) -> Result<Operator, String> {
    let id = ready.text("/account/operator_id")?.to_owned();
    let auth_key = (ready.text("/users/alice/auth_key_id")?.to_owned(), ready.secret("/users/alice/auth_key")?);
    let shown = json!({ "authKeyId": auth_key.0, "authKey": auth_key.1.expose() });
    let session = good(connection, "a session by auth key", sam_auth(to, &shown)?).await?;
    let pair = (member(&session, "/apiKey")?, SecretKey::new(member(&session, "/token")?));
    Ok(Operator { id, auth_key, pair })
}

/// An app of the organisation, made by alice and added, with a token of it.
async fn app(connection: &mut Connection, asker: &Asker, ready: &Ready, to: SocketAddr) -> Result<App, String> {
    let api = "/csp/gateway/am/api";
    let org = ready.text("/account/org_id")?.to_owned();
    let form = vec![("refresh_token".to_owned(), ready.text("/users/alice/csp_api_token")?.to_owned())];
    let plain = headers(to, [("content-type", "application/x-www-form-urlencoded")]);
    let request = build("POST", &format!("{api}/auth/api-tokens/authorize"), plain, form::encode(&form).into())?;
    let alice = member(&good(connection, "alice's token", request).await?, "/access_token")?;
    let by_alice = |path: &str, body: &Value| {
        let headers = headers(to, [("csp-auth-token", &alice), ("content-type", "application/json")]);
        build("POST", &format!("{api}/orgs/{org}{path}"), headers, body.to_string().into())
    };
    let new = json!({
        "displayName": format!("bench {}", asker.run()),
        "grantTypes": ["client_credentials"],
        "allowedScopes": { "generalScopes": [], "organizationScopes": { "roles": [{ "name": "provider_support_user" }] }, "servicesScopes": [] },
    });
    let made = good(connection, "an app", by_alice("/oauth-apps", &new)?).await?;
    let client = (member(&made, "/clientId")?, SecretKey::new(member(&made, "/clientSecret")?));
    good(connection, "adding the app", by_alice("/clients", &json!({ "ids": [client.0] }))?).await?;
    let fields = [("grant_type", "client_credentials")];
    let token = good(connection, "the app's token", asker.by_client(&client, &format!("{api}/auth/authorize"), &fields, to)?).await?;
    Ok(App { org, client, token: SecretKey::new(member(&token, "/access_token")?) })
}

/// Chains of refresh tokens: alice signs in once at the pages, and the client gets a code from there for each.
async fn chains(connection: &mut Connection, asker: &Asker, ready: &Ready, to: SocketAddr) -> Result<Vec<Mutex<String>>, String> {
    let (client, _) = asker.client.as_ref().ok_or("there is no client")?;
    let request = [
        ("response_type", "code"),
        ("client_id", client.as_str()),
        ("redirect_uri", CALLBACK),
        // Without `openid`: an ID token would be one more signature, and by RSA.
        ("scope", "profile"),
        ("state", "bench"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let request: Vec<_> = request.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let request = format!("/oauth/authorize?{}", form::encode(&request));
    let alice = (ready.text("/users/alice/login")?, ready.text("/users/alice/password")?);
    let mut browser = Browser { to, cookies: BTreeMap::new(), at: String::new(), page: String::new() };
    let mut chains = Vec::with_capacity(CHAINS);
    while chains.len() < CHAINS {
        let code = browser.code(connection, asker, &request, alice, client).await?;
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        let tokens = good(connection, "tokens for a code", asker.of_client("/oauth/token", &fields, to)?).await?;
        chains.push(Mutex::new(member(&tokens, "/refresh_token")?));
    }
    Ok(chains)
}

/// A browser that knows as much as these pages need.
struct Browser {
    to: SocketAddr,
    cookies: BTreeMap<String, String>,
    at: String,
    page: String,
}

impl Browser {
    /// Asks for a code, and does what the pages on the way to it ask for.
    async fn code(
        &mut self,
        connection: &mut Connection,
        asker: &Asker,
        request: &str,
        (name, password): (&str, &str),
        client: &str,
    ) -> Result<String, String> {
        let mut away = self.go(connection, "GET", request, &[]).await?;
        for _ in 0..HOPS {
            if let Some(away) = away {
                let query = away.split_once('?').map_or("", |(_, query)| query);
                let decoded = form::decode(query).map_err(|error| error.to_string())?;
                let code = decoded.into_iter().find(|(name, _)| name == "code").map(|(_, value)| value);
                return code.ok_or_else(|| format!("the pages led to {away}"));
            }
            away = if self.page.contains("name=\"password\"") {
                self.submit(connection, &[("username", name), ("password", password)]).await?
            } else if self.page.contains("value=\"allow\"") {
                self.submit(connection, &[("decision", "allow")]).await?
            } else {
                let user = name.split('@').next().unwrap_or(name);
                let assign = asker.administer_by(OWN_VERSION, "AssignApplication", &[("AppId", client), ("UserName", user)], self.to)?;
                good(connection, "the assignment", assign).await?;
                self.go(connection, "GET", request, &[]).await?
            };
        }
        Err(format!("no code after {HOPS} pages; the last one was {}", self.page))
    }

    /// Sends the form of the page it shows.
    async fn submit(&mut self, connection: &mut Connection, fields: &[(&str, &str)]) -> Result<Option<String>, String> {
        let csrf = self.page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let mut all = vec![("csrf".to_owned(), csrf.to_owned())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let at = self.at.clone();
        self.go(connection, "POST", &at, &all).await
    }

    /// Goes to a page and wherever that leads; where to, if it leads away from this server.
    async fn go(
        &mut self,
        connection: &mut Connection,
        method: &str,
        target: &str,
        fields: &[(String, String)],
    ) -> Result<Option<String>, String> {
        let (mut method, mut target, mut body) = (method, target.to_owned(), form::encode(fields));
        for _ in 0..HOPS {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut headers = headers(self.to, [("cookie", &cookies.join("; "))]);
            if method == "POST" {
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
                headers.push(("origin".to_owned(), format!("http://{}", self.to)));
            }
            let answer = connection.whole(build(method, &target, headers, body.into())?).await?;
            self.keep_cookies(&answer);
            let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if location.is_empty() {
                self.page = String::from_utf8_lossy(answer.body()).into_owned();
                self.at = target;
                return Ok(None);
            }
            if location.contains("://") {
                return Ok(Some(location.to_owned()));
            }
            let path = target.split('?').next().unwrap_or_default();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            target = if location.starts_with('?') { format!("{path}{location}") } else { format!("{folder}/{location}") };
            (method, body) = ("GET", String::new());
        }
        Err("the pages lead round in a circle".to_owned())
    }

    fn keep_cookies(&mut self, answer: &Response<Bytes>) {
        for cookie in answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
