-- Clients (applications) of an account. Lists of texts are kept as one text, separated by spaces.
CREATE TABLE clients (
    id               BLOB NOT NULL PRIMARY KEY,
    account_id       BLOB NOT NULL REFERENCES accounts (id),
    app_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    name_folded      TEXT NOT NULL,
    display_name     TEXT NOT NULL,
    kind             INTEGER NOT NULL,
    secret_required  INTEGER NOT NULL,
    multi_tenant     INTEGER NOT NULL,
    redirect_uris    TEXT NOT NULL,
    scopes           TEXT NOT NULL,
    required_scopes  TEXT NOT NULL,
    access_seconds   INTEGER NOT NULL,
    refresh_seconds  INTEGER NOT NULL,
    protocol_version TEXT NOT NULL,
    id_token_alg     TEXT NOT NULL,
    status           INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    generation       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX clients_app ON clients (app_id);
CREATE UNIQUE INDEX clients_name ON clients (account_id, name_folded);

-- Only a keyed hash of a secret rests here.
CREATE TABLE client_secrets (
    id         BLOB NOT NULL PRIMARY KEY,
    client_id  BLOB NOT NULL REFERENCES clients (id),
    public_id  TEXT NOT NULL,
    hash       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX client_secrets_public ON client_secrets (public_id);
CREATE INDEX client_secrets_client ON client_secrets (client_id);

-- A client made available in one account. The client may be one of this program's own, which has no row: hence no foreign key.
CREATE TABLE installations (
    id           BLOB NOT NULL PRIMARY KEY,
    account_id   BLOB NOT NULL REFERENCES accounts (id),
    client_id    BLOB NOT NULL,
    scopes       TEXT NOT NULL,
    mode         INTEGER NOT NULL,
    installed_by BLOB NOT NULL,
    epoch        INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX installations_client ON installations (account_id, client_id);

-- identity_id is a user or a role, as identity_kind says.
CREATE TABLE assignments (
    installation_id BLOB NOT NULL REFERENCES installations (id),
    identity_id     BLOB NOT NULL,
    identity_kind   INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (installation_id, identity_id)
) STRICT, WITHOUT ROWID;

-- person_id is who acts as the identity: the user itself, or whoever switched to the role.
CREATE TABLE consents (
    id              BLOB NOT NULL PRIMARY KEY,
    installation_id BLOB NOT NULL REFERENCES installations (id),
    identity_id     BLOB NOT NULL,
    person_id       BLOB NOT NULL,
    scopes          TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX consents_identity ON consents (installation_id, identity_id, person_id);

-- bound: what the chain of tokens stands on, by ids and epochs; written and read by the core only.
CREATE TABLE grants (
    id               BLOB NOT NULL PRIMARY KEY,
    account_id       BLOB NOT NULL REFERENCES accounts (id),
    installation_id  BLOB NOT NULL,
    identity_id      BLOB NOT NULL,
    bound            BLOB NOT NULL,
    scopes           TEXT NOT NULL,
    refreshable      INTEGER NOT NULL,
    dpop_key         TEXT,
    auth_time        INTEGER NOT NULL,
    next_refresh     INTEGER NOT NULL,
    used_at          INTEGER NOT NULL,
    used_before_at   INTEGER NOT NULL,
    idle_seconds     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    epoch            INTEGER NOT NULL,
    generation       INTEGER NOT NULL,
    created_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX grants_identity ON grants (account_id, identity_id);
CREATE INDEX grants_expiry ON grants (expires_at);

-- Only the hash of a code rests here.
CREATE TABLE codes (
    hash         BLOB NOT NULL PRIMARY KEY,
    grant_id     BLOB NOT NULL REFERENCES grants (id),
    account_id   BLOB NOT NULL,
    client_id    BLOB NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge    TEXT,
    nonce        TEXT,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER
) STRICT;
CREATE INDEX codes_grant ON codes (grant_id);
CREATE INDEX codes_expiry ON codes (expires_at);

-- purpose: which kind of token the key signs. Made, then used from active_at on, then only published until expires_at.
CREATE TABLE signing_keys (
    id         BLOB NOT NULL PRIMARY KEY,
    purpose    TEXT NOT NULL,
    serial     INTEGER NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    active_at  INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE UNIQUE INDEX signing_keys_serial ON signing_keys (purpose, serial);
