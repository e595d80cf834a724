//! OAuth clients: applications of an account, their secrets, where they are installed, and who is assigned to them.
//!
//! | module | what |
//! |---|---|
//! | `official` | the applications that belong to this program |
//! | `application`, `secret` | applications of an account, and their secrets |
//! | `installation`, `assignment` | where they are available, and to whom |
//! | `foreign` | whether those of other accounts are let in |
//! | `likeness` | names that could be taken for the official one |

mod application;
mod assignment;
mod foreign;
mod installation;
mod likeness;
mod official;
mod secret;

pub use application::{
    Client, ClientSettings, CreateClient, DeleteClient, DescribeClient, IdTokenAlg, ListClients, PREDEFINED_SCOPES, PredefinedScope,
    UpdateClient, scope_description,
};
pub use assignment::{AssignClient, Assignment, Assignments, IdentityName, ListAssignments, SetAssignmentMode, UnassignClient};
pub use foreign::{ApplicationPolicy, DescribeApplicationPolicy, SetApplicationPolicy};
pub use installation::{
    DescribeExternalClient, DescribeInstallation, InstallClient, InstallExternalClient, Installation, ListExternalClients,
    ListInstallations, UninstallClient, UninstallExternalClient,
};
pub use secret::{ClientSecret, CreateClientSecret, CreatedClientSecret, DeleteClientSecret, DescribeClientSecret, ListClientSecrets};

pub(crate) use foreign::{is_foreign, let_in};
pub(crate) use installation::installed;
pub(crate) use official::{
    API_TOKENS, CLOUD_SSO, IDLE, api_tokens, installed_as, must_bind_key, official, official_by_app_id, official_by_name,
};
pub use official::{OFFICIAL_CLI, OFFICIAL_CLI_NAME, official_app_ids};

use std::time::Duration;

use tegata_model::{AccountId, AccountNumber, ClientId, ClientSecretId, Epoch, Generation, SecretKey, Status, Timestamp};
use tegata_oauth::Scope;
pub use tegata_store::client::ClientKind;
pub use tegata_store::installation::AssignmentMode;
use tegata_store::{
    ChangeSet,
    client::{self as client_rows, ClientRow, Family},
    client_secret::{ClientSecretRow, Method},
};

use crate::{
    Core,
    audit::Entry,
    authz::Permit,
    caller::Caller,
    clock::{NoEntropy, random_text},
    error::OpError,
    keyring::{Keyring, KeyringError},
    operation::Effect,
    resource::ResourceName,
    view::{Read, View},
};

/// The caller's account, which everything here belongs to.
fn own(caller: &Caller) -> AccountNumber {
    caller.evidence.principal().account.number
}

fn applications_name(caller: &Caller) -> ResourceName {
    ResourceName::Applications { account: own(caller) }
}

fn application_name(caller: &Caller, app_id: &str) -> ResourceName {
    ResourceName::Application { account: own(caller), app_id: app_id.to_owned() }
}

/// The application of the caller's account with this public id, noted as read. One of another account is as absent as one that never
/// was, and so is an app of an organisation, which has operations of its own.
pub(crate) async fn find_own(view: &View<'_>, caller: &Caller, app_id: &str) -> Result<ClientRow, OpError> {
    let row = client_rows::find_by_app_id(&view.core().store, app_id).await?;
    let row = row
        .filter(|row| row.account_id == caller.account() && row.family == Family::Application)
        .ok_or_else(|| OpError::NotFound(application_name(caller, app_id)))?;
    view.note(&[Read::Client(row.id, row.generation)]);
    Ok(row)
}

/// A change of the caller's account: whoever remembers anything of it reads again.
fn changes(view: &View<'_>, caller: &Caller) -> ChangeSet {
    let mut changes = ChangeSet::new(view.now());
    changes.touch(caller.account());
    changes
}

/// An effect allowed by a permit.
fn done<T>(output: T, changes: ChangeSet, permit: Permit) -> Effect<T> {
    Effect::with(output, changes, Entry { by: permit.spend(), ..Entry::default() })
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8] = b"0123456789";
const SECRET_ID_DIGITS: usize = 19;

const SECRET_PURPOSE: &[u8] = b"client-secret";

/// What rests of a secret: a code of it that only this server can make. The secret is 256 random bits, so nothing slower is needed.
fn secret_hash(keyring: &Keyring, id: &[u8; 16], secret: &SecretKey) -> Result<Vec<u8>, KeyringError> {
    keyring.mac(SECRET_PURPOSE, &[&id[..], secret.expose().as_bytes()].concat())
}

/// The row of a secret.
pub(crate) fn new_secret_row(core: &Core, client: ClientId, secret: &SecretKey) -> Result<ClientSecretRow, KeyringError> {
    let id = ClientSecretId::from_bytes(core.new_id()?);
    let public_id = random_text(core.entropy.as_ref(), DIGITS, SECRET_ID_DIGITS)?;
    let hash = secret_hash(&core.keyring, id.as_bytes(), secret)?;
    Ok(ClientSecretRow { id, client_id: client, public_id, hash, created_at: core.now(), expires_at: None, method: Method::Keyed })
}

/// A fresh secret: 64 letters and digits, with more than 256 random bits.
pub(crate) fn new_secret(core: &Core) -> Result<SecretKey, NoEntropy> {
    random_text(core.entropy.as_ref(), LETTERS, 64).map(SecretKey::new)
}

/// A client as it is made when nothing more is said.
pub(crate) fn new_client_row(core: &Core, account: AccountId, kind: ClientKind, name: &str) -> Result<ClientRow, NoEntropy> {
    let now = core.now();
    // 19 digits that fit a 64-bit number and do not begin with a zero.
    let app_id = format!("5{}", random_text(core.entropy.as_ref(), DIGITS, 18)?);
    Ok(ClientRow {
        id: ClientId::from_bytes(core.new_id()?),
        account_id: account,
        app_id,
        name: name.to_owned(),
        display_name: name.to_owned(),
        kind,
        secret_required: kind != ClientKind::Native,
        multi_tenant: kind != ClientKind::Web,
        redirect_uris: Vec::new(),
        scopes: vec![Scope::OPENID.to_owned()],
        required_scopes: vec![Scope::OPENID.to_owned()],
        access_lifetime: Duration::from_hours(1),
        refresh_lifetime: if kind == ClientKind::Web { Duration::from_hours(90 * 24) } else { Duration::from_hours(30 * 24) },
        protocol_version: "2.0".to_owned(),
        id_token_alg: "RS256".to_owned(),
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: now,
        updated_at: now,
        family: Family::Application,
    })
}

/// True if the text is this secret, which we made, and the secret still counts.
pub(crate) fn secret_holds(keyring: &Keyring, row: &ClientSecretRow, secret: &SecretKey, now: Timestamp) -> bool {
    let message = [&row.id.as_bytes()[..], secret.expose().as_bytes()].concat();
    let keyed = row.method == Method::Keyed;
    keyed && row.expires_at.is_none_or(|expires| now < expires) && keyring.mac_holds(SECRET_PURPOSE, &message, &row.hash)
}

/// Stored scopes.
pub(crate) fn scope_of(words: &[String]) -> Result<Scope, OpError> {
    Scope::of(words.iter().map(String::as_str)).map_err(OpError::internal)
}
