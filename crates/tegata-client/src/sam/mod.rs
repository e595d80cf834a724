//! Sessions of the SORACOM wire: signing in with a password and a code, profiles that ask a program for both, and sessions that are kept,
//! so that one code pays for many commands.

pub mod command;
pub mod members;
pub mod original;
pub mod profile;
mod session;
pub mod source;

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::{Map, Value};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};

pub use members::{Members, Secret};

use crate::{ClientError, Credential, Refusal, Reply, Transport};

/// The code of a refusal that a one-time code would have prevented.
pub const CODE_WANTED: &str = "AUM0063";
/// Where a session is exchanged for a temporary key.
const EXCHANGE: &str = "/auth/temporary_key";
/// How long a session lives if the server is not told.
const SERVERS_LIFETIME: Duration = Duration::from_hours(24);
/// How long a session by switching lives if the server is not told.
const SWITCHED_LIFETIME: Duration = Duration::from_hours(1);

/// With what somebody signs in. Its `Debug` shows names only.
#[derive(Clone)]
pub enum Login {
    /// The owner of an account, by mail address.
    Root {
        /// The address.
        email: String,
        /// The password.
        password: Secret,
    },
    /// A user of an account.
    User {
        /// The account, such as `OP0000000001`.
        operator_id: String,
        /// The user's name.
        user_name: String,
        /// The password.
        password: Secret,
    },
    /// Whoever holds a key.
    Key {
        /// Its public id.
        auth_key_id: String,
        /// Its secret.
        auth_key: Secret,
    },
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.who())
    }
}

impl Login {
    /// What members say, in the order of the vendor's program: a key, an address, a user.
    pub fn of(members: &Members) -> Result<Self, String> {
        let (key_id, key) = (members.text("authKeyId")?, members.secret("authKey")?);
        if key_id.is_some() || key.is_some() {
            let (Some(id), Some(auth_key)) = (key_id, key) else { return Err("`authKeyId` and `authKey` go together".to_owned()) };
            return Ok(Self::Key { auth_key_id: id.to_owned(), auth_key });
        }
        let password = || members.secret("password")?.ok_or_else(|| "`password` is missing".to_owned());
        if let Some(email) = members.text("email")? {
            return Ok(Self::Root { email: email.to_owned(), password: password()? });
        }
        if let (Some(operator_id), Some(user_name)) = (members.text("operatorId")?, members.text("userName")?) {
            return Ok(Self::User { operator_id: operator_id.to_owned(), user_name: user_name.to_owned(), password: password()? });
        }
        let there: Vec<_> = members.names().collect();
        let there = if there.is_empty() { "there is nothing".to_owned() } else { format!("there is only `{}`", there.join("`, `")) };
        Err(format!(
            "nobody can sign in with that: `email` and `password`, or `operatorId`, `userName` and `password`, or `authKeyId` and \
             `authKey` are needed, and {there}"
        ))
    }

    /// Who signs in, for people.
    pub fn who(&self) -> String {
        match self {
            Self::Root { email, .. } => email.clone(),
            Self::User { operator_id, user_name, .. } => format!("{operator_id}/{user_name}"),
            Self::Key { auth_key_id, .. } => auth_key_id.clone(),
        }
    }

    fn body(&self) -> Map<String, Value> {
        let pairs: Vec<(&str, &str)> = match self {
            Self::Root { email, password } => vec![("email", email), ("password", password.expose())],
            Self::User { operator_id, user_name, password } => {
                vec![("operatorId", operator_id), ("userName", user_name), ("password", password.expose())]
            }
            Self::Key { auth_key_id, auth_key } => vec![("authKeyId", auth_key_id), ("authKey", auth_key.expose())],
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

/// A session: what every later call carries.
#[derive(Clone)]
pub struct Session {
    /// The first half.
    pub api_key: Secret,
    /// The second half.
    pub token: Secret,
    /// The account.
    pub operator_id: String,
    /// The user; nobody for the owner.
    pub user_name: Option<String>,
    /// When it ends, as far as it is known.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("operator_id", &self.operator_id)
            .field("user_name", &self.user_name)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// The session of a key and its token; the account is read from the token, as the vendor's program does.
    pub fn of(api_key: String, token: String) -> Result<Self, String> {
        let claims = claims(&token).ok_or("the token is not of the form these tokens have")?;
        let operator_id = claims.pointer("/operator/operatorId").and_then(Value::as_str);
        let operator_id = operator_id.ok_or("the token names no `operator.operatorId`")?.to_owned();
        let expires_at = claims.get("exp").and_then(Value::as_i64).map(Timestamp::from_unix);
        let user_name = claims.get("userName").and_then(Value::as_str).map(str::to_owned);
        let (api_key, token) = (Arc::new(SecretKey::new(api_key)), Arc::new(SecretKey::new(token)));
        Ok(Self { api_key, token, operator_id, user_name, expires_at })
    }
}

/// What the middle of a token says. Nothing is verified: that is the server's business.
fn claims(token: &str) -> Option<Value> {
    let middle = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).ok()?).ok()
}

/// An answer of this wire.
#[derive(Debug)]
pub struct Answer {
    /// The status, below 400.
    pub status: u16,
    /// The body; may be empty.
    pub body: Bytes,
    /// Where the next part of a list begins, if there is more.
    pub next: Option<String>,
}

/// The SORACOM wire of one server.
#[derive(Debug, Clone)]
pub struct Sam {
    transport: Transport,
    endpoint: String,
    headers: Vec<(String, String)>,
    language: &'static str,
}

impl Sam {
    /// The server at `endpoint`, a URL without path such as `http://127.0.0.1:8420`.
    pub fn new(transport: Transport, endpoint: &str) -> Self {
        Self { transport, endpoint: endpoint.trim_end_matches('/').to_owned(), headers: Vec::new(), language: "en" }
    }

    /// The same with these headers on every request.
    #[must_use]
    pub fn with_headers(self, headers: Vec<(String, String)>) -> Self {
        Self { headers, ..self }
    }

    /// The same, whose refusals are in this language, `en` or `ja`.
    #[must_use]
    pub fn in_language(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    /// Where it is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Signs in (`POST /v1/auth`), with a code where there is one.
    pub async fn auth(
        &self,
        login: &Login,
        code: Option<&SecretKey>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<Session, ClientError> {
        let mut body = login.body();
        if let Some(code) = code {
            body.insert("mfaOTPCode".to_owned(), code.expose().into());
        }
        self.begin("/auth", None, body, lifetime, SERVERS_LIFETIME, now).await
    }

    /// Becomes another user who trusts this one (`POST /v1/auth/switch_user`).
    pub async fn switch_user(
        &self,
        session: &Session,
        operator_id: &str,
        user_name: &str,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<Session, ClientError> {
        let body = [("operatorId", operator_id), ("userName", user_name)].map(|(name, value)| (name.to_owned(), value.into()));
        self.begin("/auth/switch_user", Some(session), body.into_iter().collect(), lifetime, SWITCHED_LIFETIME, now).await
    }

    async fn begin(
        &self,
        path: &str,
        by: Option<&Session>,
        mut body: Map<String, Value>,
        lifetime: Option<Duration>,
        usual: Duration,
        now: Timestamp,
    ) -> Result<Session, ClientError> {
        if let Some(lifetime) = lifetime {
            body.insert("tokenTimeoutSeconds".to_owned(), lifetime.as_secs().into());
        }
        let answer = self.call(by, "POST", path, &[], Some(&Value::Object(body))).await?;
        let wrong = |cause: String| ClientError::Answer { url: format!("{}/v1{path}", self.endpoint), cause };
        let answer: Value = serde_json::from_slice(&answer.body).map_err(|_| wrong("it is no JSON".to_owned()))?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let need = |name: &str| text(name).ok_or_else(|| wrong(format!("`{name}` is missing")));
        let session = Session::of(need("apiKey")?, need("token")?).map_err(wrong)?;
        let expires_at = session.expires_at.or_else(|| Some(now.plus(lifetime.unwrap_or(usual))));
        let user_name = text("userName").or_else(|| session.user_name.clone());
        Ok(Session { user_name, expires_at, ..session })
    }

    /// Ends a session on the server (`POST /v1/auth/logout`).
    pub async fn logout(&self, session: &Session) -> Result<(), ClientError> {
        self.call(Some(session), "POST", "/auth/logout", &[], None).await.map(drop)
    }

    /// A temporary key for a session: it ends when the session does.
    pub async fn exchange(&self, session: &Session) -> Result<Credential, ClientError> {
        let answer = self.call(Some(session), "POST", EXCHANGE, &[], None).await?;
        let wrong = |cause: String| ClientError::Answer { url: format!("{}/v1{EXCHANGE}", self.endpoint), cause };
        let answer: Value = serde_json::from_slice(&answer.body).map_err(|_| wrong("it is no JSON".to_owned()))?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).ok_or_else(|| wrong(format!("`{name}` is missing")));
        let id = AccessKeyId::new(text("accessKeyId")?).map_err(|error| wrong(error.to_string()))?;
        let secret = SecretKey::new(text("accessKeySecret")?.to_owned());
        let token = SecretKey::new(text("securityToken")?.to_owned());
        let end = Timestamp::parse_iso(text("expiration")?).ok_or_else(|| wrong("`expiration` is no time".to_owned()))?;
        Ok(Credential { expires_at: Some(end), ..Credential::long_term(id, secret).with_token(Some(token)) })
    }

    /// Any call: `path` is what follows `/v1`, ready to be sent.
    pub async fn call(
        &self,
        session: Option<&Session>,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![header("user-agent", concat!("tegata/", env!("CARGO_PKG_VERSION"))), header("accept", "application/json")];
        headers.push(header("x-soracom-lang", self.language));
        headers.extend(self.headers.iter().cloned());
        if let Some(session) = session {
            headers.push(header("x-soracom-api-key", session.api_key.expose()));
            headers.push(header("x-soracom-token", session.token.expose()));
        }
        let sent = body.map(|body| {
            headers.push(header("content-type", "application/json"));
            Bytes::from(body.to_string())
        });
        let query = if query.is_empty() { String::new() } else { format!("?{}", tegata_sign::form::encode(query)) };
        let url = format!("{}/v1{path}{query}", self.endpoint);
        let reply = self.transport.send(method, &url, &headers, sent.unwrap_or_default()).await?;
        let next = Some(reply.header("x-soracom-next-key")).filter(|next| !next.is_empty()).map(str::to_owned);
        match reply.status {
            200..=299 => Ok(Answer { status: reply.status, body: reply.body, next }),
            // What is carried here is not for whoever else a redirection names.
            300..=399 => Err(ClientError::Answer {
                url: crate::transport::place(&url),
                cause: format!("status {}: redirections are not followed", reply.status),
            }),
            _ => Err(ClientError::Refused(refusal(&reply))),
        }
    }
}

/// A refusal: `{"code", "message"}`, or whatever stands between here and the server said.
fn refusal(reply: &Reply) -> Refusal {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let message = text("message").unwrap_or_else(|| String::from_utf8_lossy(reply.body.get(..200).unwrap_or(&reply.body)).into_owned());
    Refusal { status: reply.status, code: text("code").unwrap_or_default(), message, request_id: String::new() }
}

/// One segment of a path, with everything escaped that could end it.
pub fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> Result<Login, String> {
        Login::of(&Members::read(text).unwrap())
    }

    #[test]
    fn who_signs_in_follows_from_what_is_there() {
        let all = r#"{"email":"a@b","password":"p","operatorId":"OP1","userName":"u","authKeyId":"k","authKey":"s"}"#;
        assert_eq!(login(all).unwrap().body().keys().collect::<Vec<_>>(), ["authKey", "authKeyId"]);
        assert_eq!(login(r#"{"email":"a@b","password":"p","operatorId":"OP1"}"#).unwrap().who(), "a@b");
        assert_eq!(login(r#"{"operatorId":"OP1","username":"u","password":"p"}"#).unwrap().who(), "OP1/u");
        for (text, told) in [
            ("{}", "there is nothing"),
            (r#"{"user":"x","pass":"y"}"#, "only `user`, `pass`"),
            (r#"{"authKey":"s"}"#, "go together"),
            (r#"{"email":"a@b"}"#, "`password` is missing"),
        ] {
            let problem = login(text).unwrap_err();
            assert!(problem.contains(told), "{text}: {problem}");
        }
    }

    #[test]
    fn the_account_is_read_from_the_token() {
        let token = |claims: &str| format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims));
        let session = Session::of("api-1".to_owned(), token(r#"{"operator":{"operatorId":"OP0000000001"},"exp":1800000000}"#)).unwrap();
        assert_eq!(session.operator_id, "OP0000000001");
        assert_eq!(session.expires_at, Some(Timestamp::from_unix(1_800_000_000)));
        assert!(!format!("{session:?}").contains("api-1"));
        assert!(Session::of("k".to_owned(), token("{}")).is_err() && Session::of("k".to_owned(), "abc".to_owned()).is_err());
    }

    #[test]
    fn nothing_in_a_name_ends_its_segment() {
        assert_eq!(segment("a/b?c%#é"), "a%2Fb%3Fc%25%23%C3%A9");
        assert_eq!(segment("srn:soracom:::Role:x"), "srn:soracom:::Role:x");
    }
}
