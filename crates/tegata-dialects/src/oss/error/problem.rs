//! The part of the table that needs no core: proofs that cannot be read, heads and bodies past their limits.

use tegata_sign::oss::OssProblem;

use super::OssError;
use crate::edge::limits::{BodyProblem, HeadProblem, Repeated};

impl From<OssProblem> for OssError {
    fn from(problem: OssProblem) -> Self {
        let message = problem.to_string();
        let argument = || Self::new(400, "InvalidArgument", message.clone());
        match problem {
            OssProblem::Arrived(_)
            | OssProblem::Authorization
            | OssProblem::UnsupportedAlgorithm { .. }
            | OssProblem::AdditionalHeaders { .. }
            | OssProblem::Region { .. }
            | OssProblem::Host { .. } => argument(),
            OssProblem::SignedTwice => argument().ec("0002-00000039"),
            // The URL of version 4 is known by its names.
            OssProblem::Missing { name } if name.starts_with("x-oss-") => argument(),
            OssProblem::Missing { .. } => {
                let text = "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters";
                Self::new(403, "AccessDenied", text).ec("0002-00000067")
            }
            OssProblem::AccessKeyId { given } => {
                let text = "The OSS Access Key Id you provided is not valid: it consists of letters, digits, and the characters `.`, `_`, `=`, `-`.";
                Self::new(403, "InvalidAccessKeyId", text).ec("0002-00000901").with("OSSAccessKeyId", given)
            }
            OssProblem::CredentialScope { .. } => argument().ec("0002-00000213"),
            OssProblem::Date { given } => Self::new(403, "AccessDenied", "OSS authentication requires a valid Date.")
                .ec(if given.is_some() { "0002-00000505" } else { "0002-00000503" }),
            // Mobile clients know this text.
            OssProblem::SigningDate { .. } => {
                Self::new(400, "InvalidArgument", "Invalid signing date in Authorization header.").ec("0002-00000212")
            }
            OssProblem::Expires { .. } => {
                Self::new(403, "AccessDenied", "Invalid date (should be seconds since epoch).").ec("0002-00000070")
            }
            OssProblem::Lifetime { .. } => argument().ec("0002-00000232"),
            OssProblem::AdditionalHeadersEmpty => argument().ec("0002-00000209"),
            OssProblem::ContentSha256 { .. } => argument().ec("0002-00000214"),
            OssProblem::TokenTwice => argument().ec("0002-00000010"),
            OssProblem::TokenOnlyInHeader => {
                Self::new(400, "InvalidRequest", "Security-token must be provided by query string parameter.").ec("0002-00000005")
            }
            OssProblem::TokenOnlyInUrl => Self::new(400, "InvalidRequest", message),
            OssProblem::Path { .. } => Self::object_name("a path is percent-encoded UTF-8"),
        }
    }
}

impl From<HeadProblem> for OssError {
    fn from(problem: HeadProblem) -> Self {
        Self::new(400, "InvalidArgument", problem.to_string())
    }
}

impl From<Repeated> for OssError {
    fn from(Repeated(name): Repeated) -> Self {
        Self::new(400, "InvalidArgument", format!("the header `{name}` is repeated"))
    }
}

impl From<BodyProblem> for OssError {
    fn from(problem: BodyProblem) -> Self {
        match problem {
            BodyProblem::TooLarge(limit) => Self::new(400, "MalformedXML", format!("the body is larger than {limit} bytes")),
            BodyProblem::Incomplete => {
                Self::new(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
            }
        }
    }
}
