-- What users may do, in the words of the SORACOM permission language. Only texts rest here; they are compiled when they are read.
CREATE TABLE sam_permissions (
    user_id     BYTEA NOT NULL PRIMARY KEY REFERENCES users (id),
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    document    TEXT NOT NULL,
    description TEXT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- What every user of an account may do.
CREATE TABLE sam_defaults (
    account_id BYTEA NOT NULL PRIMARY KEY REFERENCES accounts (id),
    document   TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Permissions under a name, attached to users.
CREATE TABLE sam_roles (
    id          BYTEA NOT NULL PRIMARY KEY,
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    name        TEXT COLLATE "C" NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    document    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX sam_roles_name ON sam_roles (account_id, name_folded);

CREATE TABLE sam_role_users (
    user_id     BYTEA NOT NULL REFERENCES users (id),
    role_id     BYTEA NOT NULL REFERENCES sam_roles (id),
    attached_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX sam_role_users_role ON sam_role_users (role_id);

-- Who may go on as a user, and whom the document meant when it was saved: a recreated name inherits nothing.
CREATE TABLE sam_trusts (
    user_id    BYTEA NOT NULL PRIMARY KEY REFERENCES users (id),
    account_id BYTEA NOT NULL REFERENCES accounts (id),
    document   TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE sam_trust_bindings (
    user_id   BYTEA NOT NULL REFERENCES users (id),
    principal TEXT COLLATE "C" NOT NULL,
    subject   BYTEA NOT NULL,
    PRIMARY KEY (user_id, principal)
);

-- The permissions that sessions were given when they began, each set once under its hash.
CREATE TABLE sam_snapshots (
    hash       BYTEA NOT NULL PRIMARY KEY,
    content    TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sam_snapshots_expiry ON sam_snapshots (expires_at);
