CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE accounts (
    id              BYTEA NOT NULL PRIMARY KEY,
    number          BIGINT NOT NULL,
    alias           TEXT NOT NULL,
    alias_folded    TEXT COLLATE "C" NOT NULL,
    operator_id     TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    parent_id       BYTEA REFERENCES accounts (id),
    status          BIGINT NOT NULL,
    epoch           BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_number ON accounts (number);
CREATE UNIQUE INDEX accounts_alias ON accounts (alias_folded);
CREATE UNIQUE INDEX accounts_operator ON accounts (operator_id);
CREATE UNIQUE INDEX accounts_organisation ON accounts (organisation_id);

CREATE TABLE users (
    id           BYTEA NOT NULL PRIMARY KEY,
    account_id   BYTEA NOT NULL REFERENCES accounts (id),
    number       BIGINT NOT NULL,
    kind         BIGINT NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    name_folded  TEXT COLLATE "C",
    login        TEXT,
    display_name TEXT NOT NULL,
    status       BIGINT NOT NULL,
    epoch        BIGINT NOT NULL,
    generation   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_number ON users (number);
CREATE UNIQUE INDEX users_name ON users (account_id, name_folded);
CREATE UNIQUE INDEX users_login ON users (login);

CREATE TABLE groups (
    id          BYTEA NOT NULL PRIMARY KEY,
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    name        TEXT COLLATE "C" NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    generation  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX groups_name ON groups (account_id, name_folded);

CREATE TABLE memberships (
    group_id BYTEA NOT NULL REFERENCES groups (id),
    user_id  BYTEA NOT NULL REFERENCES users (id),
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE roles (
    id                  BYTEA NOT NULL PRIMARY KEY,
    account_id          BYTEA NOT NULL REFERENCES accounts (id),
    number              BIGINT NOT NULL,
    name                TEXT COLLATE "C" NOT NULL,
    name_folded         TEXT COLLATE "C" NOT NULL,
    description         TEXT NOT NULL,
    trust_document      TEXT NOT NULL,
    max_session_seconds BIGINT NOT NULL,
    status              BIGINT NOT NULL,
    epoch               BIGINT NOT NULL,
    generation          BIGINT NOT NULL,
    created_at          BIGINT NOT NULL
);
CREATE UNIQUE INDEX roles_number ON roles (number);
CREATE UNIQUE INDEX roles_name ON roles (account_id, name_folded);

-- Who a trust document meant when it was saved: a recreated name inherits nothing.
CREATE TABLE trust_bindings (
    role_id   BYTEA NOT NULL REFERENCES roles (id),
    principal TEXT COLLATE "C" NOT NULL,
    subject   BYTEA NOT NULL,
    PRIMARY KEY (role_id, principal)
);

-- System policies belong to the account of sixteen zero bytes, which has no row: hence no foreign key.
CREATE TABLE policies (
    id              BYTEA NOT NULL PRIMARY KEY,
    account_id      BYTEA NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    name_folded     TEXT COLLATE "C" NOT NULL,
    kind            BIGINT NOT NULL,
    description     TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX policies_name ON policies (account_id, name_folded);

CREATE TABLE policy_versions (
    policy_id  BYTEA NOT NULL REFERENCES policies (id),
    version    BIGINT NOT NULL,
    document   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (policy_id, version)
);

-- target_id is a user, group or role, as target_kind says.
CREATE TABLE attachments (
    target_id   BYTEA NOT NULL,
    policy_id   BYTEA NOT NULL REFERENCES policies (id),
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    target_kind BIGINT NOT NULL,
    attached_at BIGINT NOT NULL,
    PRIMARY KEY (target_id, policy_id)
);
CREATE INDEX attachments_policy ON attachments (policy_id);

CREATE TABLE access_keys (
    id            BYTEA NOT NULL PRIMARY KEY,
    key_id        TEXT COLLATE "C" NOT NULL,
    account_id    BYTEA NOT NULL REFERENCES accounts (id),
    user_id       BYTEA NOT NULL REFERENCES users (id),
    sealed_secret BYTEA NOT NULL,
    status        BIGINT NOT NULL,
    epoch         BIGINT NOT NULL,
    generation    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX access_keys_key ON access_keys (key_id);
CREATE INDEX access_keys_user ON access_keys (user_id);

-- A session without a mark has epoch 0.
CREATE TABLE session_marks (
    session_id BYTEA NOT NULL PRIMARY KEY,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_marks_expiry ON session_marks (expires_at);

CREATE TABLE session_policies (
    id         BYTEA NOT NULL PRIMARY KEY,
    document   TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_policies_expiry ON session_policies (expires_at);

CREATE TABLE keyring (
    kid        BIGINT NOT NULL PRIMARY KEY,
    purpose    TEXT COLLATE "C" NOT NULL,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- The feed tells other processes which accounts' directories changed, in the order of the commits.
CREATE TABLE feed_head (
    id  BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);
INSERT INTO feed_head (id, seq) VALUES (1, 0);

CREATE TABLE feed (
    seq        BIGINT NOT NULL PRIMARY KEY,
    account_id BYTEA NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX feed_time ON feed (at);
