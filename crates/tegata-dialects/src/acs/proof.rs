//! What a request presents, and which operation it asks for: read from signed places only.

use tegata_core::authn::Proof;
use tegata_sign::{Scheme, acs, acs3};

use super::{ask::Entry, catalogue::Product, error::AcsError, params::Received};

/// A request's proof and the operation it names.
pub(crate) struct Call {
    pub(crate) proof: Option<Proof>,
    action: Option<String>,
    version: Option<String>,
}

/// Reads the proof by the dispatch rule of this wire. No proof at all is `None`; a broken one is an error, never anonymous.
///
/// The operation of an ACS3 request stands in its signed headers, that of every other request in its parameters.
pub(crate) fn read(received: &Received) -> Result<Call, AcsError> {
    let arrived = received.arrived();
    let presented = acs::present(&arrived)?;
    if presented.is_none() {
        no_duplicates(received)?;
        // Who names the operation where ACS3 does forgot to sign, and nothing else.
        if received.parameter("Action").is_none() && received.head.header("x-acs-action").is_some() {
            return Err(AcsError::unsigned(received));
        }
    }
    let (action, version) = match &presented {
        Some(presented) if presented.scheme() == Scheme::Acs3 => acs3::operation(&arrived).unzip(),
        _ => (received.parameter("Action"), received.parameter("Version")),
    };
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Call { action: given(action), version: given(version), proof: presented.map(Proof::Signed) })
}

/// Signed requests are checked where their signature is read.
fn no_duplicates(received: &Received) -> Result<(), AcsError> {
    let mut names: Vec<_> = received.pairs().map(|(name, _)| name).collect();
    names.sort_unstable();
    let twice = names.iter().zip(names.iter().skip(1)).find(|(left, right)| left == right);
    twice.map_or(Ok(()), |(name, _)| Err(AcsError::repeated(name)))
}

/// A person with a browser: nothing of an API request about it.
pub(crate) fn is_visitor(received: &Received) -> bool {
    let head = &received.head;
    head.method == "GET"
        && head.header("authorization").is_none()
        && head.header("x-acs-action").is_none()
        && !received.pairs().any(|(name, _)| matches!(name, "Action" | "Version" | "Signature" | "AccessKeyId"))
}

/// The operation that a request names.
pub(crate) fn operation(call: &Call) -> Result<&'static Entry, AcsError> {
    let action = call.action.as_deref().ok_or_else(|| AcsError::missing("Action"))?;
    let version = call.version.as_deref().ok_or_else(|| AcsError::missing("Version"))?;
    let product = Product::of_version(version).ok_or_else(|| AcsError::version(version))?;
    product.entries().find(|entry| entry.spec.name == action).ok_or_else(|| {
        let why = match (product, action) {
            (Product::Sts, "AssumeRoleWithSAML") => "this server does not offer federation by SAML",
            (Product::Sts, "GenerateSessionAccessKey") => "this server does not offer RSA key pairs",
            (Product::Sts, _) => "STS has no such operation",
            (Product::Ram | Product::Ims, _) => "this server does not offer it",
            (Product::Own, _) => "this version has no such operation",
        };
        AcsError::no_action(action, why)
    })
}
