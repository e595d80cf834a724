-- Which family of programs a client belongs to: applications of people, or apps of an organisation. Apps have names of their own.
ALTER TABLE clients ADD COLUMN family INTEGER NOT NULL DEFAULT 0;

-- How the secret is kept: by a keyed hash, where we made it, or by a slow one, where somebody chose it.
ALTER TABLE client_secrets ADD COLUMN method INTEGER NOT NULL DEFAULT 0;

-- What kind of organisation an account is. One without a row is a customer if it has an account above it, else a provider.
CREATE TABLE organisations (
    account_id   BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    kind         INTEGER NOT NULL,
    display_name TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The roles of services that may be given in an organisation.
CREATE TABLE offered_roles (
    account_id BLOB NOT NULL REFERENCES accounts (id),
    service    TEXT NOT NULL,
    role       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, service, role)
) STRICT, WITHOUT ROWID;

-- Roles of users in an organisation: its own, where service is empty, or those of a service.
CREATE TABLE role_bindings (
    account_id BLOB NOT NULL REFERENCES accounts (id),
    user_id    BLOB NOT NULL REFERENCES users (id),
    service    TEXT NOT NULL,
    role       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (account_id, user_id, service, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_bindings_user ON role_bindings (user_id);

-- What is said of an app besides what is said of every client. scope: words, separated by spaces.
CREATE TABLE apps (
    client_id        BLOB NOT NULL PRIMARY KEY REFERENCES clients (id),
    scope            TEXT NOT NULL,
    description      TEXT NOT NULL,
    owner_rotates    INTEGER NOT NULL,
    overlap_seconds  INTEGER NOT NULL,
    created_by       TEXT NOT NULL,
    updated_by       TEXT NOT NULL,
    used_at          INTEGER
) STRICT, WITHOUT ROWID;

-- What an app got when it was added to an organisation, what its definition was then, and what was left out, with the reasons.
CREATE TABLE instances (
    installation_id BLOB NOT NULL PRIMARY KEY REFERENCES installations (id),
    scope           TEXT NOT NULL,
    definition      TEXT NOT NULL,
    dropped         TEXT NOT NULL,
    added_by        TEXT NOT NULL,
    changed_by      TEXT NOT NULL,
    changed_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
