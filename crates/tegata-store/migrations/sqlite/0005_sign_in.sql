-- What people sign in with. A session that begins with a password names the row by id, so a profile made again revives nothing.
CREATE TABLE login_profiles (
    id             BLOB NOT NULL PRIMARY KEY,
    account_id     BLOB NOT NULL REFERENCES accounts (id),
    user_id        BLOB NOT NULL REFERENCES users (id),
    password_hash  TEXT,
    password_count INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    initial        INTEGER NOT NULL,
    reset_required INTEGER NOT NULL,
    mfa_required   INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    last_login_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX login_profiles_user ON login_profiles (user_id);

-- Passwords that a profile had before, by their number, so that they are not used again.
CREATE TABLE earlier_passwords (
    profile_id    BLOB NOT NULL REFERENCES login_profiles (id),
    number        INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (profile_id, number)
) STRICT, WITHOUT ROWID;

-- How often a secret of somebody was tried lately. Counted before the secret is looked at.
CREATE TABLE secret_attempts (
    subject BLOB NOT NULL,
    secret  INTEGER NOT NULL,
    tries   INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (subject, secret)
) STRICT, WITHOUT ROWID;
CREATE INDEX secret_attempts_since ON secret_attempts (since);

-- An account without a row has the default.
CREATE TABLE password_policies (
    account_id           BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    min_length           INTEGER NOT NULL,
    require_lowercase    INTEGER NOT NULL,
    require_uppercase    INTEGER NOT NULL,
    require_numbers      INTEGER NOT NULL,
    require_symbols      INTEGER NOT NULL,
    different_characters INTEGER NOT NULL,
    forbid_user_name     INTEGER NOT NULL,
    max_age_days         INTEGER NOT NULL,
    hard_expiry          INTEGER NOT NULL,
    initial_age_days     INTEGER NOT NULL,
    reuse_prevention     INTEGER NOT NULL,
    max_attempts         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE security_preferences (
    account_id            BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    remember_mfa          INTEGER NOT NULL,
    users_change_password INTEGER NOT NULL,
    users_manage_keys     INTEGER NOT NULL,
    users_manage_mfa      INTEGER NOT NULL,
    users_manage_public   INTEGER NOT NULL,
    session_hours         INTEGER NOT NULL,
    login_networks        TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Devices for one-time codes; the seed is sealed. The step of the newest code that was used only rises.
CREATE TABLE mfa_devices (
    id          BLOB NOT NULL PRIMARY KEY,
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    sealed_seed BLOB NOT NULL,
    user_id     BLOB REFERENCES users (id),
    last_step   INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    bound_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mfa_devices_name ON mfa_devices (account_id, name_folded);
CREATE UNIQUE INDEX mfa_devices_user ON mfa_devices (user_id);
