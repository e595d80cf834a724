//! OSS signature, version 4 (`OSS4-HMAC-SHA256`): a derived key over a canonical request; in a header or in a URL.
//!
//! Source: the vendor's "Include a V4 signature in the Authorization header" and "… in a URL". The body is never signed
//! (`UNSIGNED-PAYLOAD`); every query parameter is.

use std::time::Duration;

use tegata_model::{AccessKeyId, SecretKey, Timestamp};
use zeroize::Zeroizing;

use crate::{
    arrived::{Arrived, ArrivedProblem, header_name_byte, shown, shown_scheme, single_header},
    form, hmac,
    oss::{self, Addressing, ObjectAddress, OssProblem, Place, Unsigned},
    presented::{Credential, Deviation, Mac, Placement, Presented, Reading, Scheme},
};

/// The algorithm, as it stands in `Authorization`, in URLs, and on the first line of the string to sign.
pub const ALGORITHM: &str = "OSS4-HMAC-SHA256";
/// The longest validity of a pre-signed URL.
pub const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

const PRODUCT: &str = "oss";
const TERMINATOR: &str = "aliyun_v4_request";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Day and region a derived key is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    date: String,
    region: String,
}

impl Scope {
    /// The scope of the UTC day of `at` in `region`.
    pub fn new(at: Timestamp, region: &str) -> Self {
        Self { date: at.to_basic_date(), region: region.to_owned() }
    }

    /// The key that signs within this scope. As secret as what it is made from, for a day.
    pub fn signing_key(&self, secret: &SecretKey) -> Zeroizing<[u8; 32]> {
        let mut key = hmac::derive(&hmac::joined(&["aliyun_v4", secret.expose()]), self.date.as_bytes());
        for part in [self.region.as_str(), PRODUCT, TERMINATOR] {
            key = hmac::derive(key.as_slice(), part.as_bytes());
        }
        key
    }

    fn text(&self) -> String {
        format!("{}/{}/{PRODUCT}/{TERMINATOR}", self.date, self.region)
    }

    /// Reads `Credential`. Split from the right: whatever else a key id may hold, the scope has four parts.
    fn parse_credential(text: &str, addressing: &Addressing) -> Result<(AccessKeyId, Self), OssProblem> {
        let refused = || OssProblem::CredentialScope { given: shown(text) };
        let mut parts = text.rsplitn(5, '/');
        let (terminator, product, region, date) =
            (parts.next(), parts.next(), parts.next().ok_or_else(refused)?, parts.next().ok_or_else(refused)?);
        let key = parts.next().ok_or_else(refused)?;
        if terminator != Some(TERMINATOR) || product != Some(PRODUCT) || region.is_empty() {
            return Err(refused());
        }
        if date.len() != 8 || !date.bytes().all(|b| b.is_ascii_digit()) {
            return Err(OssProblem::SigningDate { given: Some(shown(date)) });
        }
        let access_key_id = AccessKeyId::new(key).map_err(|_| OssProblem::AccessKeyId { given: shown(key) })?;
        if region != addressing.region {
            return Err(OssProblem::Region { given: shown(region), expected: addressing.region.clone() });
        }
        Ok((access_key_id, Self { date: date.to_owned(), region: region.to_owned() }))
    }
}

/// Reads a version 4 signature, from the header if there is one, else from the URL.
pub fn present(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<Presented, OssProblem> {
    arrived.check()?;
    oss::refuse_repeated_parameters(arrived)?;
    let signed_url =
        ["x-oss-signature-version", "x-oss-credential", "x-oss-signature"].iter().any(|name| arrived.query_value(name).is_some());
    if let Some(given) = arrived.header("x-oss-content-sha256")?.filter(|given| *given != UNSIGNED_PAYLOAD) {
        return Err(OssProblem::ContentSha256 { given: shown(given) });
    }
    match arrived.header("authorization")? {
        Some(_) if signed_url => Err(OssProblem::SignedTwice),
        Some(value) => from_header(arrived, addressing, value),
        None => from_url(arrived, addressing),
    }
}

fn from_header(arrived: &Arrived<'_>, addressing: &Addressing, authorization: &str) -> Result<Presented, OssProblem> {
    let fields = Authorization::parse(authorization)?;
    let additional = fields.additional.map(additional_names).transpose()?.unwrap_or_default();
    let (access_key_id, scope) = Scope::parse_credential(fields.credential, addressing)?;
    let date = match arrived.header("x-oss-date")? {
        Some(date) => Some(date),
        None => arrived.header("date")?,
    };
    let signed_at = date
        .and_then(|text| Timestamp::parse_iso_basic(text).or_else(|| Timestamp::parse_http_date(text)))
        .filter(|at| at.to_basic_date() == scope.date)
        .ok_or_else(|| OssProblem::SigningDate { given: date.map(shown) })?;
    let (security_token, alias) = oss::header_token(arrived)?;
    let (mut strict, mut tolerated) = readings(arrived, addressing, &additional, date.unwrap_or_default(), &scope)?;
    if alias {
        std::iter::once(&mut strict).chain(&mut tolerated).for_each(|reading| {
            reading.deviation.get_or_insert(Deviation::TokenHeaderAlias);
        });
    }
    Ok(Presented {
        scheme: Scheme::OssV4,
        placement: Placement::Header,
        access_key_id,
        security_token,
        nonce: None,
        signed_at: Some(signed_at),
        expires_at: None,
        signature: fields.signature.to_owned(),
        mac: Mac::OssV4(scope),
        host: None,
        strict,
        tolerated,
    })
}

fn from_url(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<Presented, OssProblem> {
    let required = |name| arrived.query_value(name).filter(|value| !value.is_empty()).ok_or(OssProblem::Missing { name });
    let version = required("x-oss-signature-version")?;
    if version != ALGORITHM {
        return Err(OssProblem::UnsupportedAlgorithm { given: shown(version) });
    }
    let (credential, date, lifetime, signature) =
        (required("x-oss-credential")?, required("x-oss-date")?, required("x-oss-expires")?, required("x-oss-signature")?);
    let additional = arrived.query_value("x-oss-additional-headers").map(additional_names).transpose()?.unwrap_or_default();
    let (access_key_id, scope) = Scope::parse_credential(credential, addressing)?;
    let signed_at = Timestamp::parse_iso_basic(date)
        .filter(|at| at.to_basic_date() == scope.date)
        .ok_or_else(|| OssProblem::SigningDate { given: Some(shown(date)) })?;
    let lifetime = Some(lifetime)
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|seconds| (1..=MAX_LIFETIME.as_secs()).contains(seconds))
        .ok_or_else(|| OssProblem::Lifetime { given: shown(lifetime) })?;
    let security_token = oss::url_token(arrived, "x-oss-security-token")?;
    let (strict, tolerated) = readings(arrived, addressing, &additional, date, &scope)?;
    Ok(Presented {
        scheme: Scheme::OssV4,
        placement: Placement::Url,
        access_key_id,
        security_token,
        nonce: None,
        signed_at: Some(signed_at),
        expires_at: Some(signed_at.plus(Duration::from_secs(lifetime))),
        signature: signature.to_owned(),
        mac: Mac::OssV4(scope),
        host: None,
        strict,
        tolerated,
    })
}

/// All plausible addresses, each with the tolerated spelling of empty values if there is an empty value.
fn readings(
    arrived: &Arrived<'_>,
    addressing: &Addressing,
    additional: &[String],
    date_line: &str,
    scope: &Scope,
) -> Result<(Reading, Vec<Reading>), OssProblem> {
    let (first, second) = oss::places(arrived, addressing)?;
    let reading = |place: &Place, empty: EmptyValue| {
        let canonical = canonical(arrived.method, &place.address, arrived.query, arrived.headers, additional, empty)?;
        Ok::<_, ArrivedProblem>(Reading {
            string_to_sign: string_to_sign(&canonical, date_line, scope),
            canonical_request: Some(canonical),
            address: Some(place.address.clone()),
            deviation: place.deviation.or((empty == EmptyValue::WithEquals).then_some(Deviation::EmptyValueWithEquals)),
        })
    };
    let strict = reading(&first, EmptyValue::BareName)?;
    let mut tolerated: Vec<Reading> = second.iter().map(|place| reading(place, EmptyValue::BareName)).collect::<Result<_, _>>()?;
    if arrived.query.iter().any(|(_, value)| value.is_empty()) {
        for place in std::iter::once(&first).chain(&second) {
            tolerated.push(reading(place, EmptyValue::WithEquals)?);
        }
    }
    Ok((strict, tolerated))
}

/// Signs by header; returns the headers to add. `additional` names further headers of the request to be signed, such as
/// `host`. A `date` or `x-oss-date` already among the headers is the date line, otherwise an `x-oss-date` of `at` is added;
/// the scope is the day of `at` either way.
pub fn sign(
    request: &Unsigned<'_>,
    additional: &[&str],
    credential: &Credential<'_>,
    region: &str,
    at: Timestamp,
) -> Result<Vec<(String, String)>, OssProblem> {
    let mut added = Vec::new();
    if let Some(token) = credential.security_token {
        added.push(("x-oss-security-token".to_owned(), token.to_owned()));
    }
    if date_line(request.headers)?.is_none() {
        added.push(("x-oss-date".to_owned(), at.to_iso_basic()));
    }
    if single_header(request.headers, "x-oss-content-sha256")?.is_none() {
        added.push(("x-oss-content-sha256".to_owned(), UNSIGNED_PAYLOAD.to_owned()));
    }
    let headers: Vec<_> = request.headers.iter().chain(&added).cloned().collect();
    let names = sorted_additional(additional.iter().copied())?;
    let scope = Scope::new(at, region);
    let canonical = canonical(request.method, request.address, request.query, &headers, &names, EmptyValue::BareName)?;
    let string_to_sign = string_to_sign(&canonical, date_line(&headers)?.unwrap_or_default(), &scope);
    let mut value = format!("{ALGORITHM} Credential={}/{}", credential.access_key_id, scope.text());
    if !names.is_empty() {
        value.push_str(",AdditionalHeaders=");
        value.push_str(&names.join(";"));
    }
    value.push_str(",Signature=");
    value.push_str(&Mac::OssV4(scope).sign(credential.secret, &string_to_sign));
    added.push(("authorization".to_owned(), value));
    Ok(added)
}

/// Signs a URL good for `lifetime` (at most [`MAX_LIFETIME`]) from `at`; returns the query parameters to add.
pub fn presign(
    request: &Unsigned<'_>,
    additional: &[&str],
    credential: &Credential<'_>,
    region: &str,
    at: Timestamp,
    lifetime: Duration,
) -> Result<Vec<(String, String)>, OssProblem> {
    let scope = Scope::new(at, region);
    let (date, seconds) = (at.to_iso_basic(), lifetime.as_secs().to_string());
    if !(1..=MAX_LIFETIME.as_secs()).contains(&lifetime.as_secs()) {
        return Err(OssProblem::Lifetime { given: seconds });
    }
    let mut added = oss::owned([
        ("x-oss-signature-version", ALGORITHM),
        ("x-oss-credential", &format!("{}/{}", credential.access_key_id, scope.text())),
        ("x-oss-date", &date),
        ("x-oss-expires", &seconds),
    ]);
    let names = sorted_additional(additional.iter().copied())?;
    if !names.is_empty() {
        added.push(("x-oss-additional-headers".to_owned(), names.join(";")));
    }
    if let Some(token) = credential.security_token {
        added.push(("x-oss-security-token".to_owned(), token.to_owned()));
    }
    let query: Vec<_> = request.query.iter().chain(&added).cloned().collect();
    let canonical = canonical(request.method, request.address, &query, request.headers, &names, EmptyValue::BareName)?;
    let signature = Mac::OssV4(scope.clone()).sign(credential.secret, &string_to_sign(&canonical, &date, &scope));
    added.push(("x-oss-signature".to_owned(), signature));
    Ok(added)
}

/// The signature of a form upload's policy (its base64 text), for the field `x-oss-signature`.
pub fn post_policy_signature(policy: &str, credential: &Credential<'_>, scope: &Scope) -> String {
    Mac::OssV4(scope.clone()).sign(credential.secret, policy)
}

/// How an empty value is written in the canonical query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmptyValue {
    BareName,
    WithEquals,
}

/// The canonical request. `x-oss-signature` is left out: only a URL carries it, and never signs itself.
fn canonical(
    method: &str,
    address: &ObjectAddress,
    query: &[(String, String)],
    headers: &[(String, String)],
    additional: &[String],
    empty: EmptyValue,
) -> Result<String, ArrivedProblem> {
    let mut out = String::with_capacity(512);
    out.push_str(method);
    out.push('\n');
    form::encode_into(&mut out, &address.resource(), true);
    out.push('\n');
    let mut parameters: Vec<_> = query
        .iter()
        .filter(|(name, _)| name != "x-oss-signature")
        .map(|(name, value)| (form::percent_encode(name), value.as_str()))
        .collect();
    parameters.sort_unstable();
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        out.push_str(name);
        if !value.is_empty() || empty == EmptyValue::WithEquals {
            out.push('=');
            form::encode_into(&mut out, value, false);
        }
    }
    out.push('\n');
    for (name, value) in oss::signed_headers(headers, |name| is_default(name) || additional.iter().any(|a| a == name))? {
        out.push_str(name);
        out.push(':');
        out.push_str(value);
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&additional.join(";"));
    out.push('\n');
    out.push_str(UNSIGNED_PAYLOAD);
    Ok(out)
}

/// What is signed with the key of the scope.
fn string_to_sign(canonical_request: &str, date_line: &str, scope: &Scope) -> String {
    format!("{ALGORITHM}\n{date_line}\n{}\n{}", scope.text(), hmac::sha256_hex(canonical_request))
}

/// Signed whenever present, so never listed.
fn is_default(name: &str) -> bool {
    matches!(name, "content-type" | "content-md5") || name.starts_with("x-oss-")
}

fn date_line(headers: &[(String, String)]) -> Result<Option<&str>, ArrivedProblem> {
    match single_header(headers, "x-oss-date")? {
        Some(date) => Ok(Some(date)),
        None => single_header(headers, "date"),
    }
}

/// A list of additional headers as sent.
fn additional_names(list: &str) -> Result<Vec<String>, OssProblem> {
    if list.trim().is_empty() {
        return Err(OssProblem::AdditionalHeadersEmpty);
    }
    sorted_additional(list.split(';').map(str::trim))
}

/// In lower case, sorted by us, each once, without those that are signed anyway.
fn sorted_additional<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<String>, OssProblem> {
    let mut out = Vec::new();
    for given in names {
        let name = given.to_ascii_lowercase();
        if name.is_empty() || name == "authorization" || !name.bytes().all(header_name_byte) {
            return Err(OssProblem::AdditionalHeaders { given: shown(given) });
        }
        if !is_default(&name) {
            out.push(name);
        }
    }
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

struct Authorization<'a> {
    credential: &'a str,
    additional: Option<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// An unordered list: clients differ in order and in spaces.
    fn parse(value: &'a str) -> Result<Self, OssProblem> {
        let (algorithm, fields) = value.split_once(' ').unwrap_or((value, ""));
        if algorithm != ALGORITHM {
            return Err(OssProblem::UnsupportedAlgorithm { given: shown_scheme(algorithm) });
        }
        let (mut credential, mut additional, mut signature) = (None, None, None);
        for field in fields.split(',') {
            let (name, value) = field.trim().split_once('=').ok_or(OssProblem::Authorization)?;
            let slot = match name {
                "Credential" => &mut credential,
                "AdditionalHeaders" => &mut additional,
                "Signature" => &mut signature,
                _ => return Err(OssProblem::Authorization),
            };
            if slot.replace(value).is_some() {
                return Err(OssProblem::Authorization);
            }
        }
        match (credential, signature) {
            (Some(credential), Some(signature)) if !credential.is_empty() && !signature.is_empty() => {
                Ok(Self { credential, additional, signature })
            }
            _ => Err(OssProblem::Authorization),
        }
    }
}
