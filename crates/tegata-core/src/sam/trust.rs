//! Whom a user trusts to go on in its name. The check stands beside the evidence that it makes.

pub(crate) use crate::authz::trust_user as trusts;
