-- Clients (applications) of an account. Lists of texts are kept as one text, separated by spaces.
CREATE TABLE clients (
    id               BYTEA NOT NULL PRIMARY KEY,
    account_id       BYTEA NOT NULL REFERENCES accounts (id),
    app_id           TEXT NOT NULL,
    name             TEXT NOT NULL,
    name_folded      TEXT COLLATE "C" NOT NULL,
    display_name     TEXT NOT NULL,
    kind             BIGINT NOT NULL,
    secret_required  BIGINT NOT NULL,
    multi_tenant     BIGINT NOT NULL,
    redirect_uris    TEXT NOT NULL,
    scopes           TEXT NOT NULL,
    required_scopes  TEXT NOT NULL,
    access_seconds   BIGINT NOT NULL,
    refresh_seconds  BIGINT NOT NULL,
    protocol_version TEXT NOT NULL,
    id_token_alg     TEXT NOT NULL,
    status           BIGINT NOT NULL,
    epoch            BIGINT NOT NULL,
    generation       BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX clients_app ON clients (app_id);
CREATE UNIQUE INDEX clients_name ON clients (account_id, name_folded);

-- Only a keyed hash of a secret rests here.
CREATE TABLE client_secrets (
    id         BYTEA NOT NULL PRIMARY KEY,
    client_id  BYTEA NOT NULL REFERENCES clients (id),
    public_id  TEXT NOT NULL,
    hash       BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE UNIQUE INDEX client_secrets_public ON client_secrets (public_id);
CREATE INDEX client_secrets_client ON client_secrets (client_id);

-- A client made available in one account. The client may be one of this program's own, which has no row: hence no foreign key.
CREATE TABLE installations (
    id           BYTEA NOT NULL PRIMARY KEY,
    account_id   BYTEA NOT NULL REFERENCES accounts (id),
    client_id    BYTEA NOT NULL,
    scopes       TEXT NOT NULL,
    mode         BIGINT NOT NULL,
    installed_by BYTEA NOT NULL,
    epoch        BIGINT NOT NULL,
    generation   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX installations_client ON installations (account_id, client_id);

-- identity_id is a user or a role, as identity_kind says.
CREATE TABLE assignments (
    installation_id BYTEA NOT NULL REFERENCES installations (id),
    identity_id     BYTEA NOT NULL,
    identity_kind   BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (installation_id, identity_id)
);

-- person_id is who acts as the identity: the user itself, or whoever switched to the role.
CREATE TABLE consents (
    id              BYTEA NOT NULL PRIMARY KEY,
    installation_id BYTEA NOT NULL REFERENCES installations (id),
    identity_id     BYTEA NOT NULL,
    person_id       BYTEA NOT NULL,
    scopes          TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX consents_identity ON consents (installation_id, identity_id, person_id);

-- bound: what the chain of tokens stands on, by ids and epochs; written and read by the core only.
CREATE TABLE grants (
    id               BYTEA NOT NULL PRIMARY KEY,
    account_id       BYTEA NOT NULL REFERENCES accounts (id),
    installation_id  BYTEA NOT NULL,
    identity_id      BYTEA NOT NULL,
    bound            BYTEA NOT NULL,
    scopes           TEXT NOT NULL,
    refreshable      BIGINT NOT NULL,
    dpop_key         TEXT,
    auth_time        BIGINT NOT NULL,
    next_refresh     BIGINT NOT NULL,
    used_at          BIGINT NOT NULL,
    used_before_at   BIGINT NOT NULL,
    idle_seconds     BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    ended_at         BIGINT,
    epoch            BIGINT NOT NULL,
    generation       BIGINT NOT NULL,
    created_at       BIGINT NOT NULL
);
CREATE INDEX grants_identity ON grants (account_id, identity_id);
CREATE INDEX grants_expiry ON grants (expires_at);

-- Only the hash of a code rests here.
CREATE TABLE codes (
    hash         BYTEA NOT NULL PRIMARY KEY,
    grant_id     BYTEA NOT NULL REFERENCES grants (id),
    account_id   BYTEA NOT NULL,
    client_id    BYTEA NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge    TEXT,
    nonce        TEXT,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);
CREATE INDEX codes_grant ON codes (grant_id);
CREATE INDEX codes_expiry ON codes (expires_at);

-- purpose: which kind of token the key signs. Made, then used from active_at on, then only published until expires_at.
CREATE TABLE signing_keys (
    id         BYTEA NOT NULL PRIMARY KEY,
    purpose    TEXT NOT NULL,
    serial     BIGINT NOT NULL,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    active_at  BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE UNIQUE INDEX signing_keys_serial ON signing_keys (purpose, serial);
