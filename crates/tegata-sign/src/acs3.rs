//! `ACS3-HMAC-SHA256`: a signature in the `Authorization` header over method, path, query, chosen headers and body.
//!
//! Source: the vendor's "V3 request body & signature mechanism". Which headers are signed is the client's choice there; here
//! a minimum is enforced, and every `x-acs-*` header that is present must be among them, so that nobody can add a meaning to
//! a signed request. Only SHA-256 is implemented.

use tegata_model::{AccessKeyId, Timestamp};

use crate::{
    arrived::{
        Arrived, ArrivedProblem, MAX_NONCE_BYTES, MAX_TOKEN_BYTES, header_name_byte, no_neighbours, shown, shown_scheme, single_header,
        trimmed,
    },
    form, hmac,
    presented::{Credential, Mac, Placement, Presented, Reading, Scheme},
};

/// The algorithm, as it stands in `Authorization` and on the first line of the string to sign.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";
/// SHA-256 of an empty body.
pub const EMPTY_BODY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Headers without whose signature a request could be given another meaning.
const MINIMUM: [&str; 6] = ["host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"];

/// What is wrong with an ACS3 signature before any key is looked at. The dialect names each on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Acs3Problem {
    /// A limit, or something repeated.
    #[error(transparent)]
    Arrived(#[from] ArrivedProblem),
    /// `Authorization` is absent or not a list of `Credential`, `SignedHeaders` and `Signature`.
    #[error("the `Authorization` header is malformed")]
    Authorization,
    /// Another algorithm than [`ALGORITHM`], such as `ACS3-HMAC-SM3`.
    #[error("unsupported algorithm `{given}`")]
    UnsupportedAlgorithm {
        /// What was asked for.
        given: String,
    },
    /// `Credential` cannot be an access key id.
    #[error("`{given}` is not an access key id")]
    AccessKeyId {
        /// What was sent.
        given: String,
    },
    /// A mandatory header is absent or empty.
    #[error("the header `{name}` is missing")]
    Missing {
        /// The header.
        name: &'static str,
    },
    /// `SignedHeaders` is empty, names a header twice, or has something that is no header name in lower case.
    #[error("`{given}` is not a list of signed headers")]
    SignedHeaders {
        /// What was sent.
        given: String,
    },
    /// `SignedHeaders` names a header that did not come.
    #[error("the signed header `{name}` is missing")]
    SignedHeaderAbsent {
        /// The header.
        name: String,
    },
    /// A header that must be signed is not among `SignedHeaders`.
    #[error("the header `{name}` must be signed")]
    Unsigned {
        /// The header.
        name: String,
    },
    /// `x-acs-date` is not `2026-01-02T03:04:05Z`.
    #[error("`{given}` is not a timestamp of the form `2026-01-02T03:04:05Z`")]
    Date {
        /// What was sent.
        given: String,
    },
    /// `x-acs-content-sha256` is not the hash of the body received.
    #[error("the body received does not have the hash `{claimed}`")]
    BodyHash {
        /// What was sent.
        claimed: String,
    },
    /// The edge did not hash the body: a fault of this server, refused because the body could be anything.
    #[error("the body was not hashed")]
    BodyUnread,
}

/// Reads the signature of an ACS3 request.
pub fn present(arrived: &Arrived<'_>) -> Result<Presented, Acs3Problem> {
    arrived.check()?;
    let fields = Authorization::parse(arrived.header("authorization")?.ok_or(Acs3Problem::Authorization)?)?;
    let access_key_id = AccessKeyId::new(fields.credential).map_err(|_| Acs3Problem::AccessKeyId { given: shown(fields.credential) })?;
    let signed = signed_headers(fields.signed_headers)?;

    let required = |name| match arrived.header(name) {
        Ok(value) => value.filter(|value| !value.is_empty()).ok_or(Acs3Problem::Missing { name }),
        Err(problem) => Err(problem.into()),
    };
    for name in MINIMUM {
        required(name)?;
    }
    let date = required("x-acs-date")?;
    let nonce = required("x-acs-signature-nonce")?;
    let claimed = required("x-acs-content-sha256")?;
    let token = arrived.header("x-acs-security-token")?.filter(|token| !token.is_empty());
    let body_hash = hmac::hex(&arrived.body_sha256.ok_or(Acs3Problem::BodyUnread)?);

    let must_be_signed =
        |name: &str| MINIMUM.contains(&name) || name.starts_with("x-acs-") || (name == "content-type" && body_hash != EMPTY_BODY_SHA256);
    if let Some((name, _)) = arrived.headers.iter().find(|(name, _)| must_be_signed(name) && signed.binary_search(&name.as_str()).is_err())
    {
        return Err(Acs3Problem::Unsigned { name: shown(name) });
    }
    let mut headers = Vec::with_capacity(signed.len());
    for name in &signed {
        let value = arrived.header(name)?.ok_or_else(|| Acs3Problem::SignedHeaderAbsent { name: shown(name) })?;
        headers.push((*name, value));
    }
    let signed_at = Timestamp::parse_iso(date).ok_or_else(|| Acs3Problem::Date { given: shown(date) })?;
    if nonce.len() > MAX_NONCE_BYTES {
        return Err(ArrivedProblem::TooLong { what: "x-acs-signature-nonce", limit: MAX_NONCE_BYTES }.into());
    }
    if token.is_some_and(|token| token.len() > MAX_TOKEN_BYTES) {
        return Err(ArrivedProblem::TooLong { what: "x-acs-security-token", limit: MAX_TOKEN_BYTES }.into());
    }
    if claimed != body_hash {
        return Err(Acs3Problem::BodyHash { claimed: shown(claimed) });
    }
    refuse_repeated_parameters(arrived)?;

    let canonical = canonical_request(arrived.method, arrived.path, arrived.query, &headers, &body_hash);
    Ok(Presented {
        scheme: Scheme::Acs3,
        placement: Placement::Header,
        access_key_id,
        security_token: token.map(str::to_owned),
        nonce: Some(nonce.to_owned()),
        signed_at: Some(signed_at),
        expires_at: None,
        signature: fields.signature.to_owned(),
        mac: Mac::Acs3,
        host: arrived.header("host")?.map(str::to_owned),
        strict: Reading { string_to_sign: string_to_sign(&canonical), canonical_request: Some(canonical), address: None, deviation: None },
        tolerated: Vec::new(),
    })
}

/// A request to be signed. The headers are those that will be sent beside the ones [`sign`] returns, `host` among them,
/// names in lower case; all of them become signed headers.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as it will be sent, percent-encoded; `/` for RPC operations.
    pub path: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// Further headers to send and sign.
    pub headers: &'a [(String, String)],
    /// The operation.
    pub action: &'a str,
    /// The version of the API.
    pub version: &'a str,
    /// SHA-256 of the body, also of an empty one.
    pub body_sha256: [u8; 32],
}

/// Signs a request; returns the headers to add, `authorization` last.
pub fn sign(request: &Unsigned<'_>, credential: &Credential<'_>, at: Timestamp, nonce: &str) -> Vec<(String, String)> {
    let body_hash = hmac::hex(&request.body_sha256);
    let mut added: Vec<(String, String)> = [
        ("x-acs-action", request.action),
        ("x-acs-version", request.version),
        ("x-acs-date", &at.to_iso()),
        ("x-acs-signature-nonce", nonce),
        ("x-acs-content-sha256", &body_hash),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if let Some(token) = credential.security_token {
        added.push(("x-acs-accesskey-id".to_owned(), credential.access_key_id.to_string()));
        added.push(("x-acs-security-token".to_owned(), token.to_owned()));
    }
    let mut headers: Vec<_> = request.headers.iter().chain(&added).map(|(name, value)| (name.as_str(), trimmed(value))).collect();
    headers.sort_unstable();
    let canonical = canonical_request(request.method, request.path, request.query, &headers, &body_hash);
    let signature = Mac::Acs3.sign(credential.secret, &string_to_sign(&canonical));
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let value = format!("{ALGORITHM} Credential={},SignedHeaders={names},Signature={signature}", credential.access_key_id);
    added.push(("authorization".to_owned(), value));
    added
}

/// The canonical request. `headers` are the signed ones, sorted by name, values trimmed; `body_hash` is lower-case hex.
pub fn canonical_request(method: &str, path: &str, query: &[(String, String)], headers: &[(&str, &str)], body_hash: &str) -> String {
    let mut sorted: Vec<_> = query.iter().collect();
    sorted.sort_unstable();
    let room = query.iter().map(|(name, value)| name.len() + value.len() * 3 / 2 + 2).sum::<usize>()
        + headers.iter().map(|(name, value)| name.len() * 2 + value.len() + 3).sum::<usize>();
    let mut out = String::with_capacity(room + method.len() + path.len() + body_hash.len() + 8);
    out.push_str(method);
    out.push('\n');
    out.push_str(if path.is_empty() { "/" } else { path });
    out.push('\n');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        form::encode_into(&mut out, name, false);
        out.push('=');
        form::encode_into(&mut out, value, false);
    }
    out.push('\n');
    for (name, value) in headers {
        out.push_str(name);
        out.push(':');
        out.push_str(value);
        out.push('\n');
    }
    out.push('\n');
    for (index, (name, _)) in headers.iter().enumerate() {
        if index > 0 {
            out.push(';');
        }
        out.push_str(name);
    }
    out.push('\n');
    out.push_str(body_hash);
    out
}

/// What is signed: the algorithm and the hash of the canonical request.
pub fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hmac::sha256_hex(canonical_request))
}

/// True if an `Authorization` value is of this family, whatever its algorithm.
pub(crate) fn claims(authorization: &str) -> bool {
    authorization.starts_with("ACS3-")
}

/// The operation of an ACS3 request, to be read from nowhere else: the headers that [`present`] has seen to be signed.
pub fn operation<'a>(arrived: &Arrived<'a>) -> Option<(&'a str, &'a str)> {
    let header = |name| single_header(arrived.headers, name).ok().flatten();
    Some((header("x-acs-action")?, header("x-acs-version")?))
}

struct Authorization<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(value: &'a str) -> Result<Self, Acs3Problem> {
        let (algorithm, fields) = value.split_once(' ').unwrap_or((value, ""));
        if algorithm != ALGORITHM {
            return Err(Acs3Problem::UnsupportedAlgorithm { given: shown_scheme(algorithm) });
        }
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',') {
            let (name, value) = field.trim().split_once('=').ok_or(Acs3Problem::Authorization)?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(Acs3Problem::Authorization),
            };
            if value.is_empty() || slot.replace(value).is_some() {
                return Err(Acs3Problem::Authorization);
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) => Ok(Self { credential, signed_headers, signature }),
            _ => Err(Acs3Problem::Authorization),
        }
    }
}

/// The names, sorted by us; the client's order is not trusted.
fn signed_headers(list: &str) -> Result<Vec<&str>, Acs3Problem> {
    let refused = || Acs3Problem::SignedHeaders { given: shown(list) };
    let mut names: Vec<_> = list.split(';').collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    if names.len() < count || names.iter().any(|name| name.is_empty() || *name == "authorization" || !name.bytes().all(header_name_byte)) {
        return Err(refused());
    }
    Ok(names)
}

fn refuse_repeated_parameters(arrived: &Arrived<'_>) -> Result<(), ArrivedProblem> {
    let mut parameters: Vec<_> = arrived.parameters().collect();
    parameters.sort_unstable();
    no_neighbours(&parameters)
}
