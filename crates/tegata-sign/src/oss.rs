//! OSS: bucket and key of a request, and which scheme it is signed with.
//!
//! Every scheme signs `/bucket/key` however the request was addressed, so the address comes first. Where a client is known
//! to put bucket and key elsewhere than the host says, there are two readings; the signature decides, the host's comes
//! first. Unsigned requests have one reading only.

use std::{borrow::Cow, net::IpAddr};

use crate::{
    arrived::{Arrived, ArrivedProblem, MAX_TOKEN_BYTES, shown, shown_scheme},
    form, oss_v1, oss_v4,
    presented::{Deviation, Presented},
};

/// How this server is reached.
#[derive(Debug, Clone, Default)]
pub struct Addressing {
    /// Host names of the endpoint, without port: `<bucket>.<name>` and `<name>/<bucket>` are both understood.
    pub suffixes: Vec<String>,
    /// Further host names, each standing for one bucket: (host, bucket).
    pub cnames: Vec<(String, String)>,
    /// The region a version 4 signature must name, such as `cn-hangzhou`.
    pub region: String,
}

/// What a request names. Raw text: whether the names are valid ones is the edge's business.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ObjectAddress {
    /// The service itself (list buckets).
    Service,
    /// A bucket.
    Bucket(String),
    /// An object.
    Object {
        /// The bucket.
        bucket: String,
        /// The key, decoded once.
        key: String,
    },
}

impl ObjectAddress {
    fn of(bucket: &str, key: &str) -> Self {
        match (bucket, key) {
            (bucket, "") => Self::Bucket(bucket.to_owned()),
            (bucket, key) => Self::Object { bucket: bucket.to_owned(), key: key.to_owned() },
        }
    }

    /// The resource every scheme signs, not encoded: `/`, `/bucket/` or `/bucket/key`.
    pub fn resource(&self) -> String {
        match self {
            Self::Service => "/".to_owned(),
            Self::Bucket(bucket) => format!("/{bucket}/"),
            Self::Object { bucket, key } => format!("/{bucket}/{key}"),
        }
    }
}

/// What is wrong with an OSS signature before any key is looked at. The dialect names each on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OssProblem {
    /// A limit, or something repeated.
    #[error(transparent)]
    Arrived(#[from] ArrivedProblem),
    /// Signed in more than one place: header and URL, or a URL in two versions.
    #[error("the request is signed in more than one place")]
    SignedTwice,
    /// The `Authorization` header does not have the form of its scheme.
    #[error("the `Authorization` header is malformed")]
    Authorization,
    /// A scheme or version that is not understood.
    #[error("unsupported algorithm `{given}`")]
    UnsupportedAlgorithm {
        /// What was asked for.
        given: String,
    },
    /// A parameter of a pre-signed URL is absent or empty.
    #[error("the parameter `{name}` is missing")]
    Missing {
        /// The parameter.
        name: &'static str,
    },
    /// The key id has characters no key id has.
    #[error("`{given}` is not an access key id")]
    AccessKeyId {
        /// What was sent.
        given: String,
    },
    /// V4: `Credential` does not end in `/<date>/<region>/oss/aliyun_v4_request`.
    #[error("`{given}` is not a credential scope")]
    CredentialScope {
        /// What was sent.
        given: String,
    },
    /// V4: the scope names another region than this server's.
    #[error("the signature is for the region `{given}`, not `{expected}`")]
    Region {
        /// What was sent.
        given: String,
        /// The configured one.
        expected: String,
    },
    /// V1, header: no date line, or not an HTTP date.
    #[error("the request needs a valid date")]
    Date {
        /// What was sent, if anything.
        given: Option<String>,
    },
    /// V4: no date line, an unreadable one, or one that is not on the day of the scope.
    #[error("the signing date is not valid")]
    SigningDate {
        /// What was sent, if anything.
        given: Option<String>,
    },
    /// V1, URL: `Expires` is not a number of seconds.
    #[error("`{given}` is not a time in seconds since 1970")]
    Expires {
        /// What was sent.
        given: String,
    },
    /// V4, URL: `x-oss-expires` is not a number from 1 to 604800.
    #[error("`{given}` is not a number of seconds from 1 to 604800")]
    Lifetime {
        /// What was sent.
        given: String,
    },
    /// V4: a list of additional headers that is empty.
    #[error("the list of additional headers is empty")]
    AdditionalHeadersEmpty,
    /// V4: a list of additional headers with something that is no header name.
    #[error("`{given}` is not a list of header names")]
    AdditionalHeaders {
        /// What was sent.
        given: String,
    },
    /// V4: `x-oss-content-sha256` is not `UNSIGNED-PAYLOAD`.
    #[error("the content hash must be `UNSIGNED-PAYLOAD`, not `{given}`")]
    ContentSha256 {
        /// What was sent.
        given: String,
    },
    /// A security token in header and URL, or in both of its headers.
    #[error("the security token is given more than once")]
    TokenTwice,
    /// A signed URL with its token in a header.
    #[error("the security token of a signed URL must be in the URL")]
    TokenOnlyInHeader,
    /// A signed header with its token in the URL.
    #[error("the security token of a signed header must be in a header")]
    TokenOnlyInUrl,
    /// The path does not begin with `/`, has a broken escape, or is not UTF-8.
    #[error("`{given}` is not a path")]
    Path {
        /// What was sent.
        given: String,
    },
    /// The `Host` header is not a host name.
    #[error("`{given}` is not a host name")]
    Host {
        /// What was sent.
        given: String,
    },
}

const V1_URL: [&str; 2] = ["OSSAccessKeyId", "Signature"];
const V4_URL: [&str; 3] = ["x-oss-signature-version", "x-oss-credential", "x-oss-signature"];

/// Reads the signature of an OSS request, whichever of the schemes and places it uses. `None` means unsigned.
pub fn present(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<Option<Presented>, OssProblem> {
    let in_url = |names: &[&str]| arrived.query.iter().any(|(name, _)| names.contains(&name.as_str()));
    match (arrived.header("authorization")?, in_url(&V1_URL), in_url(&V4_URL)) {
        (None, false, false) => Ok(None),
        (None, true, false) => oss_v1::present(arrived, addressing).map(Some),
        (None, false, true) => oss_v4::present(arrived, addressing).map(Some),
        (Some(value), false, false) if value == "OSS" || value.starts_with("OSS ") => oss_v1::present(arrived, addressing).map(Some),
        (Some(value), false, false) if value.starts_with("OSS4-") => oss_v4::present(arrived, addressing).map(Some),
        (Some(value), false, false) => Err(OssProblem::UnsupportedAlgorithm { given: shown_scheme(value) }),
        _ => Err(OssProblem::SignedTwice),
    }
}

/// What an unsigned request names: the host, the configured names, the path; no second reading.
pub fn unsigned_address(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<ObjectAddress, OssProblem> {
    arrived.check()?;
    let path = decoded_path(arrived)?;
    Ok(match locate(arrived, addressing)? {
        Host::Bucket(bucket) => ObjectAddress::of(&bucket, &path),
        Host::Endpoint | Host::Foreign(_) => path_style(&path),
    })
}

/// One plausible address.
pub(crate) struct Place {
    pub(crate) address: ObjectAddress,
    pub(crate) deviation: Option<Deviation>,
    /// Path style without a slash behind the bucket, the one case where V1 tolerates a resource without it.
    pub(crate) slashless: bool,
}

impl Place {
    fn host_style(bucket: &str, path: &str, deviation: Option<Deviation>) -> Self {
        Self { address: ObjectAddress::of(bucket, path), deviation, slashless: false }
    }

    fn path_style(path: &str, deviation: Option<Deviation>) -> Self {
        Self { address: path_style(path), deviation, slashless: !path.is_empty() && !path.contains('/') }
    }
}

/// The plausible addresses of a signed request, the preferred one first.
pub(crate) fn places(arrived: &Arrived<'_>, addressing: &Addressing) -> Result<(Place, Option<Place>), OssProblem> {
    let path = decoded_path(arrived)?;
    Ok(match locate(arrived, addressing)? {
        Host::Endpoint => (Place::path_style(&path, None), None),
        Host::Bucket(bucket) => {
            // One library repeats the bucket of the host in the path.
            let again = path.strip_prefix(bucket.as_ref()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            (Place::host_style(&bucket, &path, None), again.then(|| Place::path_style(&path, Some(Deviation::Addressing))))
        }
        // The same library calls an endpoint that is a bare address by a host name of its own making.
        Host::Foreign(bucket) => (Place::host_style(&bucket, &path, Some(Deviation::Addressing)), Some(Place::path_style(&path, None))),
    })
}

enum Host<'a> {
    /// The endpoint itself: path style.
    Endpoint,
    /// The bucket by configured suffix or name.
    Bucket(Cow<'a, str>),
    /// Not configured; its first label.
    Foreign(Cow<'a, str>),
}

fn locate<'a>(arrived: &Arrived<'_>, addressing: &'a Addressing) -> Result<Host<'a>, OssProblem> {
    let Some(given) = arrived.header("host")? else { return Ok(Host::Endpoint) };
    let refused = || OssProblem::Host { given: shown(given) };
    let host = without_port(given).ok_or_else(refused)?.to_ascii_lowercase();
    if let Some((_, bucket)) = addressing.cnames.iter().find(|(name, _)| name.eq_ignore_ascii_case(&host)) {
        return Ok(Host::Bucket(Cow::Borrowed(bucket)));
    }
    if host.parse::<IpAddr>().is_ok() || addressing.suffixes.iter().any(|suffix| suffix.eq_ignore_ascii_case(&host)) {
        return Ok(Host::Endpoint);
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err(refused());
    }
    // One library puts a dot where the bucket would be when it means none.
    if host.starts_with('.') {
        return Ok(Host::Endpoint);
    }
    // The longest suffix wins, so that one endpoint may be named below another.
    let bucket = addressing
        .suffixes
        .iter()
        .filter_map(|suffix| host.strip_suffix(&suffix.to_ascii_lowercase())?.strip_suffix('.').map(str::to_owned))
        .min_by_key(String::len);
    Ok(match bucket {
        Some(bucket) => Host::Bucket(Cow::Owned(bucket)),
        None => host.split_once('.').map_or(Host::Endpoint, |(label, _)| Host::Foreign(Cow::Owned(label.to_owned()))),
    })
}

/// The host of a `Host` value: no port, no brackets, no dot of the root.
fn without_port(given: &str) -> Option<&str> {
    if let Some(rest) = given.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        return (port.is_empty() || port.starts_with(':')).then_some(address);
    }
    let host = given.split_once(':').map_or(Some(given), |(host, port)| port.bytes().all(|b| b.is_ascii_digit()).then_some(host))?;
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then_some(host)
}

/// The path behind its first slash, decoded exactly once and otherwise untouched: `//`, `..` and `+` are just characters.
fn decoded_path(arrived: &Arrived<'_>) -> Result<String, OssProblem> {
    let refused = || OssProblem::Path { given: shown(arrived.path) };
    if arrived.path.is_empty() {
        return Ok(String::new());
    }
    form::percent_decode(arrived.path.strip_prefix('/').ok_or_else(refused)?).map_err(|_| refused())
}

fn path_style(path: &str) -> ObjectAddress {
    match path.split_once('/') {
        None if path.is_empty() => ObjectAddress::Service,
        None => ObjectAddress::of(path, ""),
        Some((bucket, key)) => ObjectAddress::of(bucket, key),
    }
}

/// The token of a header-signed request, and whether it stood in the unsigned header some clients use.
pub(crate) fn header_token(arrived: &Arrived<'_>) -> Result<(Option<String>, bool), OssProblem> {
    let (strict, alias) = (arrived.header("x-oss-security-token")?, arrived.header("security-token")?);
    match (strict, alias, url_token_name(arrived)) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(OssProblem::TokenTwice),
        (None, None, Some(_)) => Err(OssProblem::TokenOnlyInUrl),
        (Some(token), None, None) => Ok((usable_token(token)?, false)),
        (None, Some(token), None) => Ok((usable_token(token)?, true)),
        (None, None, None) => Ok((None, false)),
    }
}

/// The token of a URL-signed request, from the parameter that its scheme uses.
pub(crate) fn url_token(arrived: &Arrived<'_>, name: &str) -> Result<Option<String>, OssProblem> {
    let in_header = arrived.headers.iter().any(|(name, _)| matches!(name.as_str(), "x-oss-security-token" | "security-token"));
    match (in_header, url_token_name(arrived)) {
        (true, Some(_)) => Err(OssProblem::TokenTwice),
        (true, None) => Err(OssProblem::TokenOnlyInHeader),
        (false, _) => Ok(arrived.query_value(name).map(usable_token).transpose()?.flatten()),
    }
}

fn url_token_name<'a>(arrived: &Arrived<'a>) -> Option<&'a str> {
    arrived.query.iter().map(|(name, _)| name.as_str()).find(|name| matches!(*name, "security-token" | "x-oss-security-token"))
}

fn usable_token(token: &str) -> Result<Option<String>, OssProblem> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(ArrivedProblem::TooLong { what: "security token", limit: MAX_TOKEN_BYTES }.into());
    }
    Ok((!token.is_empty()).then(|| token.to_owned()))
}

/// What both versions sign of the headers: all `x-oss-*`, and whichever others `also` names; sorted, trimmed, none twice.
pub(crate) fn signed_headers(headers: &[(String, String)], also: impl Fn(&str) -> bool) -> Result<Vec<(&str, &str)>, ArrivedProblem> {
    let mut chosen: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-oss-") || also(name))
        .map(|(name, value)| (name.as_str(), crate::arrived::trimmed(value)))
        .collect();
    chosen.sort_unstable();
    match crate::arrived::no_neighbours(&chosen) {
        Err(ArrivedProblem::ParameterRepeated { name }) => Err(ArrivedProblem::HeaderRepeated { name }),
        other => other.map(|()| chosen),
    }
}

/// Refuses a query parameter that occurs twice: the signature would speak of one, the operation might read the other.
pub(crate) fn refuse_repeated_parameters(arrived: &Arrived<'_>) -> Result<(), ArrivedProblem> {
    let mut parameters: Vec<_> = arrived.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    parameters.sort_unstable();
    crate::arrived::no_neighbours(&parameters)
}

/// A request to be signed. Header names in lower case.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// The method.
    pub method: &'a str,
    /// What it names.
    pub address: &'a ObjectAddress,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// The headers that will be sent, as far as they are signed.
    pub headers: &'a [(String, String)],
}

/// `pairs` of text, owned.
pub(crate) fn owned<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
