CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id              BLOB NOT NULL PRIMARY KEY,
    number          INTEGER NOT NULL,
    alias           TEXT NOT NULL,
    alias_folded    TEXT NOT NULL,
    operator_id     TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    parent_id       BLOB REFERENCES accounts (id),
    status          INTEGER NOT NULL,
    epoch           INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX accounts_number ON accounts (number);
CREATE UNIQUE INDEX accounts_alias ON accounts (alias_folded);
CREATE UNIQUE INDEX accounts_operator ON accounts (operator_id);
CREATE UNIQUE INDEX accounts_organisation ON accounts (organisation_id);

CREATE TABLE users (
    id           BLOB NOT NULL PRIMARY KEY,
    account_id   BLOB NOT NULL REFERENCES accounts (id),
    number       INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    name         TEXT NOT NULL,
    name_folded  TEXT,
    login        TEXT,
    display_name TEXT NOT NULL,
    status       INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_number ON users (number);
CREATE UNIQUE INDEX users_name ON users (account_id, name_folded);
CREATE UNIQUE INDEX users_login ON users (login);

CREATE TABLE groups (
    id          BLOB NOT NULL PRIMARY KEY,
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX groups_name ON groups (account_id, name_folded);

CREATE TABLE memberships (
    group_id BLOB NOT NULL REFERENCES groups (id),
    user_id  BLOB NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE roles (
    id                  BLOB NOT NULL PRIMARY KEY,
    account_id          BLOB NOT NULL REFERENCES accounts (id),
    number              INTEGER NOT NULL,
    name                TEXT NOT NULL,
    name_folded         TEXT NOT NULL,
    description         TEXT NOT NULL,
    trust_document      TEXT NOT NULL,
    max_session_seconds INTEGER NOT NULL,
    status              INTEGER NOT NULL,
    epoch               INTEGER NOT NULL,
    generation          INTEGER NOT NULL,
    created_at          INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX roles_number ON roles (number);
CREATE UNIQUE INDEX roles_name ON roles (account_id, name_folded);

-- Who a trust document meant when it was saved: a recreated name inherits nothing.
CREATE TABLE trust_bindings (
    role_id   BLOB NOT NULL REFERENCES roles (id),
    principal TEXT NOT NULL,
    subject   BLOB NOT NULL,
    PRIMARY KEY (role_id, principal)
) STRICT, WITHOUT ROWID;

-- System policies belong to the account of sixteen zero bytes, which has no row: hence no foreign key.
CREATE TABLE policies (
    id              BLOB NOT NULL PRIMARY KEY,
    account_id      BLOB NOT NULL,
    name            TEXT NOT NULL,
    name_folded     TEXT NOT NULL,
    kind            INTEGER NOT NULL,
    description     TEXT NOT NULL,
    default_version INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX policies_name ON policies (account_id, name_folded);

CREATE TABLE policy_versions (
    policy_id  BLOB NOT NULL REFERENCES policies (id),
    version    INTEGER NOT NULL,
    document   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (policy_id, version)
) STRICT;

-- target_id is a user, group or role, as target_kind says.
CREATE TABLE attachments (
    target_id   BLOB NOT NULL,
    policy_id   BLOB NOT NULL REFERENCES policies (id),
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    target_kind INTEGER NOT NULL,
    attached_at INTEGER NOT NULL,
    PRIMARY KEY (target_id, policy_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_policy ON attachments (policy_id);

CREATE TABLE access_keys (
    id            BLOB NOT NULL PRIMARY KEY,
    key_id        TEXT NOT NULL,
    account_id    BLOB NOT NULL REFERENCES accounts (id),
    user_id       BLOB NOT NULL REFERENCES users (id),
    sealed_secret BLOB NOT NULL,
    status        INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    generation    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX access_keys_key ON access_keys (key_id);
CREATE INDEX access_keys_user ON access_keys (user_id);

-- A session without a mark has epoch 0.
CREATE TABLE session_marks (
    session_id BLOB NOT NULL PRIMARY KEY,
    epoch      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_marks_expiry ON session_marks (expires_at);

CREATE TABLE session_policies (
    id         BLOB NOT NULL PRIMARY KEY,
    document   TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_policies_expiry ON session_policies (expires_at);

CREATE TABLE keyring (
    kid        INTEGER NOT NULL PRIMARY KEY,
    purpose    TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

-- The feed tells other processes which accounts' directories changed, in the order of the commits.
CREATE TABLE feed_head (
    id  INTEGER NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO feed_head (id, seq) VALUES (1, 0);

CREATE TABLE feed (
    seq        INTEGER NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_time ON feed (at);
