//! What a request presents: a signature in the header or in the URL.

use tegata_core::{Addressing, Presented};
use tegata_sign::oss;

use super::error::OssError;
use crate::edge::limits::Head;

/// Reads the proof. `None` is an unsigned request; a broken signature is an error, never anonymous.
pub(crate) fn read(head: &Head, addressing: &Addressing) -> Result<Option<Presented>, OssError> {
    Ok(oss::present(&head.arrived(&[], None), addressing)?)
}
