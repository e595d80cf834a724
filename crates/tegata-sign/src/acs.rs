//! Which of the two ACS schemes a request uses.

use crate::{
    acs_rpc::{self, RpcProblem},
    acs3::{self, Acs3Problem},
    arrived::{Arrived, ArrivedProblem, shown_scheme},
    presented::Presented,
};

/// What is wrong with the proof of an ACS request before any key is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcsProblem {
    /// A limit, or something repeated.
    #[error(transparent)]
    Arrived(#[from] ArrivedProblem),
    /// It is an RPC signature, and wrong.
    #[error(transparent)]
    Rpc(#[from] RpcProblem),
    /// It is an ACS3 signature, and wrong.
    #[error(transparent)]
    Acs3(#[from] Acs3Problem),
    /// A bearer token takes the place of a signature: never anonymous, and not for this crate.
    #[error("a bearer token is not a signature")]
    Bearer,
    /// `Authorization` names a scheme that is none of ours, and there is no RPC signature.
    #[error("unsupported authorization `{scheme}`")]
    Authorization {
        /// The first word of the header.
        scheme: String,
    },
}

/// Reads the signature of an ACS request. `None` means that it carries no proof at all.
///
/// In this order: an `Authorization` that begins with `ACS3-` is ACS3 (operation from signed headers); a bearer token; a
/// parameter `Signature` is RPC (operation from parameters, whatever the unsigned `x-acs-action` says).
pub fn present(arrived: &Arrived<'_>) -> Result<Option<Presented>, AcsProblem> {
    let authorization = arrived.header("authorization")?;
    if authorization.is_some_and(acs3::claims) {
        return Ok(Some(acs3::present(arrived)?));
    }
    if arrived.headers.iter().any(|(name, _)| name == "x-acs-bearer-token")
        || arrived.parameters().any(|(name, value)| name == "BearerToken" || (name == "SignatureType" && value == "BEARERTOKEN"))
    {
        return Err(AcsProblem::Bearer);
    }
    if arrived.parameter("Signature").is_some() {
        return Ok(Some(acs_rpc::present(arrived)?));
    }
    match authorization {
        Some(value) => Err(AcsProblem::Authorization { scheme: shown_scheme(value) }),
        None => Ok(None),
    }
}
