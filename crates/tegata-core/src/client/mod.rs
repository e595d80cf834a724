//! OAuth clients: applications of an account, their secrets, where they are installed, and who is assigned to them.
//!
//! | module | what |
//! |---|---|
//! | `official` | the applications that belong to this program |

mod official;

pub(crate) use official::{IDLE, installed_as, must_bind_key, official, official_by_app_id};
pub use official::{OFFICIAL_CLI, OFFICIAL_CLI_NAME, official_app_ids};

use tegata_model::{SecretKey, Timestamp};
use tegata_oauth::Scope;
use tegata_store::client_secret::ClientSecretRow;

use crate::{
    error::OpError,
    keyring::{Keyring, KeyringError},
};

const SECRET_PURPOSE: &[u8] = b"client-secret";

/// What rests of a secret: a code of it that only this server can make. The secret is 256 random bits, so nothing slower is needed.
fn secret_hash(keyring: &Keyring, id: &[u8; 16], secret: &SecretKey) -> Result<Vec<u8>, KeyringError> {
    keyring.mac(SECRET_PURPOSE, &[&id[..], secret.expose().as_bytes()].concat())
}

/// True if the text is this secret and the secret still counts.
pub(crate) fn secret_holds(keyring: &Keyring, row: &ClientSecretRow, secret: &SecretKey, now: Timestamp) -> bool {
    let message = [&row.id.as_bytes()[..], secret.expose().as_bytes()].concat();
    row.expires_at.is_none_or(|expires| now < expires) && keyring.mac_holds(SECRET_PURPOSE, &message, &row.hash)
}

/// Stored scopes.
pub(crate) fn scope_of(words: &[String]) -> Result<Scope, OpError> {
    Scope::of(words.iter().map(String::as_str)).map_err(OpError::internal)
}
