//! The applications that belong to this program and not to an account. They are code: no account can change them.

use std::time::Duration;

use tegata_model::{ClientId, Epoch, Generation, Status, Timestamp};
use tegata_oauth::Scope;
use tegata_store::client::{ClientKind, ClientRow, Family};

use crate::principal::SYSTEM;

/// The command line, as installations name it: one application with three public ids.
pub const OFFICIAL_CLI: ClientId = ClientId::from_bytes(*b"official-cli\0\0\0\0");
/// Its name, and what people call it.
pub const OFFICIAL_CLI_NAME: &str = "official-cli";

struct Spelling {
    id: ClientId,
    app_id: &'static str,
}

/// The two ids compiled into the vendor's tools, for its two sites; our own, whose tokens are bound to a key; and the one for single
/// sign-on.
const SPELLINGS: [Spelling; 4] = [
    Spelling { id: ClientId::from_bytes(*b"official-cli-cn\0"), app_id: "4038181954557748008" },
    Spelling { id: ClientId::from_bytes(*b"official-cli-int"), app_id: "4103531455503354461" },
    Spelling { id: ClientId::from_bytes(*b"official-cli-own"), app_id: "tegata-cli" },
    // What the vendor's tools call themselves at a portal for single sign-on.
    Spelling { id: CLOUD_SSO, app_id: "app-vaz16tltdxs96audqf35" },
];
/// The application for single sign-on: its tokens become roles, and never the person.
pub(crate) const CLOUD_SSO: ClientId = ClientId::from_bytes(*b"official-cli-sso");
/// How long its tokens live; it has nothing to renew them with.
const CLOUD_SSO_TOKEN: Duration = Duration::from_hours(6);
const KEY_BOUND: ClientId = ClientId::from_bytes(*b"official-cli-own");

/// How long a grant of it may go unused.
pub(crate) const IDLE: Duration = Duration::from_hours(7 * 24);
/// How long a grant of it lives.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// The official application with this id.
pub(crate) fn official(id: ClientId) -> Option<ClientRow> {
    SPELLINGS.iter().find(|spelling| spelling.id == id).map(row)
}

/// The official application with this public id.
pub(crate) fn official_by_app_id(app_id: &str) -> Option<ClientRow> {
    SPELLINGS.iter().find(|spelling| spelling.app_id == app_id).map(row)
}

/// The official application with this public id or name; by name it is the vendor's first spelling.
pub(crate) fn official_by_name(text: &str) -> Option<ClientRow> {
    // Who installs the application for single sign-on installs the one application that there is, with all its scopes.
    let text = if official_by_app_id(text).is_some_and(|row| row.id == CLOUD_SSO) { OFFICIAL_CLI_NAME } else { text };
    official_by_app_id(text).or_else(|| SPELLINGS.first().filter(|_| text == OFFICIAL_CLI_NAME).map(row))
}

/// The public ids of the official application.
pub fn official_app_ids() -> impl Iterator<Item = &'static str> {
    SPELLINGS.iter().map(|spelling| spelling.app_id)
}

/// Under which id tokens name what users give themselves by API tokens. Nobody can ask as it, and it is installed nowhere.
pub(crate) const API_TOKENS: ClientId = ClientId::from_bytes(*b"tegata-api-token");
/// How long an access token for an API token lives.
const API_TOKEN_ACCESS: Duration = Duration::from_mins(30);

/// What stands for the client where there is none: a user's API token.
pub(crate) fn api_tokens() -> ClientRow {
    let none = Vec::new();
    ClientRow {
        redirect_uris: none.clone(),
        scopes: none.clone(),
        required_scopes: none,
        access_lifetime: API_TOKEN_ACCESS,
        ..row(&Spelling { id: API_TOKENS, app_id: "tegata-api-token" })
    }
}

/// True if the tokens of this client are always bound to a key of its own (RFC 9449).
pub(crate) fn must_bind_key(id: ClientId) -> bool {
    id == KEY_BOUND
}

/// Under which id installations name this client.
pub(crate) fn installed_as(client: &ClientRow) -> ClientId {
    if official(client.id).is_some() { OFFICIAL_CLI } else { client.id }
}

fn row(spelling: &Spelling) -> ClientRow {
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let single = spelling.id == CLOUD_SSO;
    let scopes = if single { words(&[Scope::OPENID]) } else { words(&[Scope::OPENID, Scope::USER_SESSION]) };
    ClientRow {
        id: spelling.id,
        account_id: SYSTEM,
        app_id: spelling.app_id.to_owned(),
        name: OFFICIAL_CLI_NAME.to_owned(),
        display_name: OFFICIAL_CLI_NAME.to_owned(),
        kind: ClientKind::Native,
        secret_required: false,
        multi_tenant: true,
        redirect_uris: if single { Vec::new() } else { words(&["http://127.0.0.1/cli/callback"]) },
        scopes: scopes.clone(),
        required_scopes: scopes,
        access_lifetime: if single { CLOUD_SSO_TOKEN } else { Duration::from_hours(1) },
        refresh_lifetime: LONGEST,
        protocol_version: "2.0".to_owned(),
        id_token_alg: "RS256".to_owned(),
        status: Status::Active,
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: Timestamp::from_unix(0),
        updated_at: Timestamp::from_unix(0),
        family: Family::Application,
    }
}
