//! Signing in at a browser for a program on this computer (RFC 8252, RFC 7636, RFC 9207): a listener on loopback that is there before
//! the browser opens, a code that only this process can redeem, and tokens that are exchanged for a temporary key.

mod device;
mod kept;
mod paste;

use std::{
    collections::HashMap,
    fmt::Write as _,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};
pub use tegata_sign::form;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

pub use device::WaitingDevice;
pub use kept::{Kept, KeptError, place};
pub use paste::WaitingPaste;

use crate::{ClientError, Credential, Refusal, Transport};

/// The command line as the vendor's first site names it.
pub const OFFICIAL_CLI: &str = "4038181954557748008";
/// Our own spelling of it: its tokens are bound to a key that never leaves this computer (RFC 9449).
pub const OWN_CLI: &str = "tegata-cli";
/// The ports that it may listen on.
const PORTS: std::ops::RangeInclusive<u16> = 12345..=12349;
/// What it calls itself: people read it where they let a device sign in.
const CALLED: &str = concat!("tegata/", env!("CARGO_PKG_VERSION"));
/// Where its answers arrive.
const CALLBACK: &str = "/cli/callback";
/// How long somebody may take to sign in.
const PATIENCE: Duration = Duration::from_mins(5);
/// Longest request line that is read, in bytes.
const LINE: usize = 16 * 1024;

/// A server and a client of it.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The server's URL.
    pub issuer: String,
    /// What it calls itself in its answers, where that is another of its URLs: see [`SignIn::find`].
    pub name: Option<String>,
    /// The client's public id.
    pub client_id: String,
    /// How to call it.
    pub transport: Transport,
    /// The key that its tokens are bound to, if they are.
    pub key: Option<Arc<ProofKey>>,
}

/// A key that tokens are bound to: every request with them carries a proof made with it (RFC 9449).
pub struct ProofKey {
    pair: EcdsaKeyPair,
    nonce: Mutex<Option<String>>,
}

impl std::fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofKey(redacted)")
    }
}

impl ProofKey {
    /// A new key, as text to be kept where only its owner can read.
    pub fn generate() -> Result<SecretKey, ClientError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = made.map_err(|_| ClientError::Request("no key could be made".to_owned()))?;
        Ok(SecretKey::new(URL_SAFE_NO_PAD.encode(made.as_ref())))
    }

    /// The key that [`Self::generate`] made.
    pub fn read(text: &SecretKey) -> Result<Self, ClientError> {
        let wrong = || ClientError::Request("the key of the sign-in cannot be read; sign in again".to_owned());
        let bytes = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(text.expose()).map_err(|_| wrong())?);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes).map_err(|_| wrong())?;
        Ok(Self { pair, nonce: Mutex::default() })
    }

    /// A proof for one request, with the access token that goes with it.
    fn proof(&self, method: &str, url: &str, token: Option<&str>, now: Timestamp) -> Result<String, ClientError> {
        let broken = || ClientError::Request("no proof could be made".to_owned());
        let point = self.pair.public_key().as_ref();
        let (x, y) = point.get(1..).and_then(|both| both.split_at_checked(32)).ok_or_else(broken)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}});
        let mut claims = json!({"htm": method, "htu": url, "iat": now.unix(), "jti": random_text()?});
        if let Some(members) = claims.as_object_mut() {
            if let Some(token) = token {
                members.insert("ath".to_owned(), URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())).into());
            }
            if let Some(nonce) = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                members.insert("nonce".to_owned(), nonce.into());
            }
        }
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).map_err(|_| broken())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}

/// Tokens, as they are kept.
#[derive(Serialize, Deserialize)]
pub struct Tokens {
    /// What is exchanged for keys.
    pub access_token: String,
    /// When that ends: seconds since 1970.
    pub access_ends: i64,
    /// What is exchanged for new tokens.
    pub refresh_token: Option<String>,
    /// When that ends, if the server said so: seconds since 1970.
    #[serde(default)]
    pub refresh_ends: Option<i64>,
    /// What they are good for.
    #[serde(default)]
    pub scope: String,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("access_ends", &self.access_ends).finish_non_exhaustive()
    }
}

/// A sign-in that waits for its browser.
#[derive(Debug)]
pub struct Waiting {
    listener: TcpListener,
    redirect_uri: String,
    state: String,
    verifier: SecretKey,
    /// Where a browser has to go.
    pub url: String,
}

fn random_text() -> Result<String, ClientError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ClientError::Request("the system gave no random bytes".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The challenge of a verifier (RFC 7636 §4.2).
fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

impl SignIn {
    /// Looks whether an authorization server is there, and learns what it calls itself (RFC 8414 §3): a server with several listeners
    /// has one name. Answers that carry another name are refused from then on (RFC 9207).
    pub async fn find(&mut self) -> Result<(), ClientError> {
        let url = format!("{}/.well-known/oauth-authorization-server", self.issuer);
        let reply = self.transport.send("GET", &url, &[header("user-agent", CALLED)], Bytes::new()).await?;
        let none = || ClientError::Answer { url: url.clone(), cause: "there is no authorization server".to_owned() };
        let answer: Value = serde_json::from_slice(&reply.body).map_err(|_| none())?;
        let name = answer.get("issuer").and_then(Value::as_str).filter(|_| reply.status == 200).ok_or_else(none)?;
        self.name = Some(name.to_owned()).filter(|name| *name != self.issuer);
        Ok(())
    }

    /// What the server calls itself.
    fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.issuer)
    }

    /// Where a browser has to go for a code that is sent to `redirect_uri`.
    fn address(&self, redirect_uri: &str, state: &str, verifier: &str) -> String {
        let challenge = challenge_of(verifier);
        let query = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", redirect_uri),
            ("state", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query: Vec<_> = query.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        format!("{}/oauth2/v1/auth?{}", self.issuer, form::encode(&query))
    }

    /// Listens on loopback, and says where the browser has to go.
    pub async fn begin(&self) -> Result<Waiting, ClientError> {
        let mut found = None;
        for port in PORTS {
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                found = Some((listener, port));
                break;
            }
        }
        let busy = || {
            ClientError::Request(
                "the ports 12345 to 12349 of this computer are all in use; end another sign-in first, or use `--paste`".to_owned(),
            )
        };
        let (listener, port) = found.ok_or_else(busy)?;
        let redirect_uri = format!("http://127.0.0.1:{port}{CALLBACK}");
        let (state, verifier) = (random_text()?, random_text()?);
        let url = self.address(&redirect_uri, &state, &verifier);
        Ok(Waiting { listener, redirect_uri, state, verifier: SecretKey::new(verifier), url })
    }

    /// Waits until the browser has come back, and redeems the code that it brings.
    pub async fn finish(&self, waiting: Waiting, now: impl Fn() -> Timestamp) -> Result<Tokens, ClientError> {
        let late = || ClientError::Request("nobody has signed in within 5 minutes".to_owned());
        let code = tokio::time::timeout(PATIENCE, self.code(&waiting)).await.map_err(|_| late())??;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("client_id", &self.client_id),
            ("redirect_uri", &waiting.redirect_uri),
            ("code_verifier", waiting.verifier.expose()),
        ];
        self.tokens(&fields, now()).await
    }

    /// What the server answers for a code, as it came.
    pub async fn redeem(&self, code: &str, redirect_uri: &str, verifier: &str, now: Timestamp) -> Result<Value, ClientError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.client_id),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        self.post("/v1/token", &fields, now).await
    }

    /// New tokens for a refresh token.
    pub async fn refresh(&self, refresh_token: &str, now: Timestamp) -> Result<Tokens, ClientError> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", &self.client_id)];
        let mut tokens = self.tokens(&fields, now).await?;
        // A server need not send it again.
        tokens.refresh_token.get_or_insert_with(|| refresh_token.to_owned());
        Ok(tokens)
    }

    /// A temporary key for an access token.
    pub async fn exchange(&self, access_token: &str, now: Timestamp) -> Result<Credential, ClientError> {
        let url = format!("{}/v1/exchange", self.issuer);
        let answer = self.call(&url, "application/json", Bytes::new(), Some(access_token), now).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).ok_or_else(|| missing(&url, name));
        let wrong = |name: &str| ClientError::Answer { url: url.clone(), cause: format!("`{name}` is not one") };
        Ok(Credential {
            access_key_id: AccessKeyId::new(text("accessKeyId")?).map_err(|_| wrong("accessKeyId"))?,
            secret: std::sync::Arc::new(SecretKey::new(text("accessKeySecret")?.to_owned())),
            security_token: Some(std::sync::Arc::new(SecretKey::new(text("securityToken")?.to_owned()))),
            expires_at: Some(Timestamp::parse_iso(text("expiration")?).ok_or_else(|| wrong("expiration"))?),
        })
    }

    /// Takes a refresh token back, and with it everything that came of the sign-in.
    pub async fn revoke(&self, refresh_token: &str, now: Timestamp) -> Result<(), ClientError> {
        let fields = [("token", refresh_token), ("token_type_hint", "refresh_token"), ("client_id", &self.client_id)];
        self.post("/v1/revoke", &fields, now).await.map(drop)
    }

    async fn tokens(&self, fields: &[(&str, &str)], now: Timestamp) -> Result<Tokens, ClientError> {
        let answer = self.post("/v1/token", fields, now).await?;
        let url = format!("{}/v1/token", self.issuer);
        let seconds = answer.get("expires_in").and_then(Value::as_u64).ok_or_else(|| missing(&url, "expires_in"))?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Tokens {
            access_token: text("access_token").ok_or_else(|| missing(&url, "access_token"))?,
            access_ends: now.plus(Duration::from_secs(seconds)).unix(),
            refresh_token: text("refresh_token"),
            refresh_ends: answer
                .get("refresh_expires_in")
                .and_then(Value::as_u64)
                .map(|seconds| now.plus(Duration::from_secs(seconds)).unix()),
            scope: text("scope").unwrap_or_default(),
        })
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)], now: Timestamp) -> Result<Value, ClientError> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = format!("{}{path}", self.issuer);
        self.call(&url, "application/x-www-form-urlencoded", Bytes::from(form::encode(&fields)), None, now).await
    }

    /// One request, with a proof where there is a key; once more where the server wants its nonce in it.
    async fn call(&self, url: &str, kind: &str, body: Bytes, token: Option<&str>, now: Timestamp) -> Result<Value, ClientError> {
        let mut asked_again = false;
        loop {
            let mut headers = vec![header("content-type", kind), header("user-agent", CALLED)];
            let scheme = if self.key.is_some() { "DPoP" } else { "Bearer" };
            headers.extend(token.map(|token| header("authorization", &format!("{scheme} {token}"))));
            if let Some(key) = &self.key {
                headers.push(header("dpop", &key.proof("POST", url, token, now)?));
            }
            let reply = self.transport.send("POST", url, &headers, body.clone()).await?;
            let nonce = reply.header("dpop-nonce").to_owned();
            if let Some(key) = self.key.as_ref().filter(|_| !nonce.is_empty()) {
                *key.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce);
            }
            let answer = read(url, &reply);
            let wanted = matches!(&answer, Err(error) if error.refusal().is_some_and(|refusal| refusal.code == "use_dpop_nonce"));
            if !wanted || asked_again {
                return answer;
            }
            asked_again = true;
        }
    }

    /// Serves loopback until the browser comes with the answer of this very sign-in. Whatever else comes is turned away.
    async fn code(&self, waiting: &Waiting) -> Result<String, ClientError> {
        loop {
            let Ok((mut stream, _)) = waiting.listener.accept().await else { continue };
            let Some(query) = asked(&mut stream).await else {
                say(&mut stream, "404 Not Found", "There is nothing here.").await;
                continue;
            };
            let answer: HashMap<String, String> = form::decode(&query).unwrap_or_default().into_iter().collect();
            let text = |name: &str| answer.get(name).map(String::as_str).unwrap_or_default();
            if text("state") != waiting.state {
                say(&mut stream, "400 Bad Request", "Invalid state").await;
                continue;
            }
            if answer.get("iss").is_some_and(|issuer| issuer != self.called()) {
                say(&mut stream, "400 Bad Request", "This answer is of another server.").await;
                return Err(ClientError::Request(format!("the answer came from another server than `{}`", self.called())));
            }
            if !text("error").is_empty() {
                say(&mut stream, "200 OK", "The sign-in was cancelled. You can close this window.").await;
                let refusal = Refusal {
                    status: 403,
                    code: shown(text("error")),
                    message: shown(text("error_description")),
                    request_id: String::new(),
                };
                return Err(ClientError::Refused(refusal));
            }
            if text("code").is_empty() {
                say(&mut stream, "400 Bad Request", "Code not found").await;
                continue;
            }
            say(&mut stream, "200 OK", "You are signed in. You can close this window and go back to your terminal.").await;
            return Ok(text("code").to_owned());
        }
    }
}

/// What a stranger says, fit for a terminal.
fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn missing(url: &str, name: &str) -> ClientError {
    ClientError::Answer { url: url.to_owned(), cause: format!("`{name}` is missing") }
}

/// The answer, or the refusal in the words of RFC 6749 §5.2.
fn read(url: &str, reply: &crate::Reply) -> Result<Value, ClientError> {
    if reply.status == 200 && reply.body.is_empty() {
        return Ok(Value::Null);
    }
    let answer: Value = serde_json::from_slice(&reply.body)
        .map_err(|_| ClientError::Answer { url: url.to_owned(), cause: format!("status {} and no JSON", reply.status) })?;
    if reply.status == 200 {
        return Ok(answer);
    }
    let text = |name: &str| shown(answer.get(name).and_then(Value::as_str).unwrap_or_default());
    let (code, message, request_id) = (text("error"), text("error_description"), text("request_id"));
    Err(ClientError::Refused(Refusal { status: reply.status, code, message, request_id }))
}

/// The query of a request for the callback; nothing for any other.
async fn asked(stream: &mut TcpStream) -> Option<String> {
    let mut seen = Vec::new();
    let mut piece = [0; 2048];
    let head = async {
        while seen.len() < LINE && !seen.windows(4).any(|four| four == b"\r\n\r\n") {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(read) => seen.extend(piece.iter().take(read)),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), head).await.ok();
    let text = String::from_utf8_lossy(&seen);
    let target = text.lines().next()?.strip_prefix("GET ")?.split(' ').next()?.to_owned();
    target.strip_prefix(CALLBACK)?.strip_prefix('?').map(str::to_owned)
}

async fn say(stream: &mut TcpStream, status: &str, text: &str) {
    let mut reply = String::new();
    let _ = write!(
        reply,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain;charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n\r\n{text}",
        text.len()
    );
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}
