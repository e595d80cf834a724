-- What users may do, in the words of the SORACOM permission language. Only texts rest here; they are compiled when they are read.
CREATE TABLE sam_permissions (
    user_id     BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    document    TEXT NOT NULL,
    description TEXT NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

-- What every user of an account may do.
CREATE TABLE sam_defaults (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    document   TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Permissions under a name, attached to users.
CREATE TABLE sam_roles (
    id          BLOB NOT NULL PRIMARY KEY,
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT NOT NULL,
    document    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sam_roles_name ON sam_roles (account_id, name_folded);

CREATE TABLE sam_role_users (
    user_id     BLOB NOT NULL REFERENCES users (id),
    role_id     BLOB NOT NULL REFERENCES sam_roles (id),
    attached_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, role_id)
) STRICT;
CREATE INDEX sam_role_users_role ON sam_role_users (role_id);

-- Who may go on as a user, and whom the document meant when it was saved: a recreated name inherits nothing.
CREATE TABLE sam_trusts (
    user_id    BLOB NOT NULL PRIMARY KEY REFERENCES users (id),
    account_id BLOB NOT NULL REFERENCES accounts (id),
    document   TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sam_trust_bindings (
    user_id   BLOB NOT NULL REFERENCES users (id),
    principal TEXT NOT NULL,
    subject   BLOB NOT NULL,
    PRIMARY KEY (user_id, principal)
) STRICT;

-- The permissions that sessions were given when they began, each set once under its hash.
CREATE TABLE sam_snapshots (
    hash       BLOB NOT NULL PRIMARY KEY,
    content    TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sam_snapshots_expiry ON sam_snapshots (expires_at);
