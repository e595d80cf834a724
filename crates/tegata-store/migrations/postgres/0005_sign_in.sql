-- What people sign in with. A session that begins with a password names the row by id, so a profile made again revives nothing.
CREATE TABLE login_profiles (
    id             BYTEA NOT NULL PRIMARY KEY,
    account_id     BYTEA NOT NULL REFERENCES accounts (id),
    user_id        BYTEA NOT NULL REFERENCES users (id),
    password_hash  TEXT,
    password_count BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL,
    initial        BIGINT NOT NULL,
    reset_required BIGINT NOT NULL,
    mfa_required   BIGINT NOT NULL,
    status         BIGINT NOT NULL,
    epoch          BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    last_login_at  BIGINT
);
CREATE UNIQUE INDEX login_profiles_user ON login_profiles (user_id);

-- Passwords that a profile had before, by their number, so that they are not used again.
CREATE TABLE earlier_passwords (
    profile_id    BYTEA NOT NULL REFERENCES login_profiles (id),
    number        BIGINT NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (profile_id, number)
);

-- How often a secret of somebody was tried lately. Counted before the secret is looked at.
CREATE TABLE secret_attempts (
    subject BYTEA NOT NULL,
    secret  BIGINT NOT NULL,
    tries   BIGINT NOT NULL,
    since   BIGINT NOT NULL,
    PRIMARY KEY (subject, secret)
);
CREATE INDEX secret_attempts_since ON secret_attempts (since);

-- An account without a row has the default.
CREATE TABLE password_policies (
    account_id           BYTEA NOT NULL PRIMARY KEY REFERENCES accounts (id),
    min_length           BIGINT NOT NULL,
    require_lowercase    BIGINT NOT NULL,
    require_uppercase    BIGINT NOT NULL,
    require_numbers      BIGINT NOT NULL,
    require_symbols      BIGINT NOT NULL,
    different_characters BIGINT NOT NULL,
    forbid_user_name     BIGINT NOT NULL,
    max_age_days         BIGINT NOT NULL,
    hard_expiry          BIGINT NOT NULL,
    initial_age_days     BIGINT NOT NULL,
    reuse_prevention     BIGINT NOT NULL,
    max_attempts         BIGINT NOT NULL
);

CREATE TABLE security_preferences (
    account_id            BYTEA NOT NULL PRIMARY KEY REFERENCES accounts (id),
    remember_mfa          BIGINT NOT NULL,
    users_change_password BIGINT NOT NULL,
    users_manage_keys     BIGINT NOT NULL,
    users_manage_mfa      BIGINT NOT NULL,
    users_manage_public   BIGINT NOT NULL,
    session_hours         BIGINT NOT NULL,
    login_networks        TEXT NOT NULL
);

-- Devices for one-time codes; the seed is sealed. The step of the newest code that was used only rises.
CREATE TABLE mfa_devices (
    id          BYTEA NOT NULL PRIMARY KEY,
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    sealed_seed BYTEA NOT NULL,
    user_id     BYTEA REFERENCES users (id),
    last_step   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    bound_at    BIGINT
);
CREATE UNIQUE INDEX mfa_devices_name ON mfa_devices (account_id, name_folded);
CREATE UNIQUE INDEX mfa_devices_user ON mfa_devices (user_id);
