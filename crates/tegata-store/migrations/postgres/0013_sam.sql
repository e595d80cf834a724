-- Sessions of API keys and tokens. Neither rests here: both are made of the id by a code under the key kid. What can end a session is
-- in bound, what a person gave to the client that it came of in granted; the session itself is ended by its mark (session_marks). snapshot is the hash of the permissions it was given.
CREATE TABLE sam_sessions (
    id               BYTEA NOT NULL PRIMARY KEY,
    account_id       BYTEA NOT NULL REFERENCES accounts (id),
    user_id          BYTEA NOT NULL,
    kid              BIGINT NOT NULL,
    bound            BYTEA NOT NULL,
    snapshot         BYTEA,
    granted          BYTEA,
    second_factor    BIGINT NOT NULL,
    source_id        BYTEA,
    source_user_id   BYTEA,
    authenticated_at BIGINT NOT NULL,
    issued_at        BIGINT NOT NULL,
    first_expires_at BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    deadline         BIGINT NOT NULL
);
CREATE INDEX sam_sessions_user ON sam_sessions (user_id);
CREATE INDEX sam_sessions_expiry ON sam_sessions (expires_at);

-- Auth keys: only a hash of the secret, which is drawn at random, rests here.
CREATE TABLE auth_keys (
    id          BYTEA NOT NULL PRIMARY KEY,
    key_id      TEXT NOT NULL,
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    user_id     BYTEA NOT NULL REFERENCES users (id),
    secret_hash BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE UNIQUE INDEX auth_keys_key ON auth_keys (key_id);
CREATE INDEX auth_keys_user ON auth_keys (user_id);

-- The newest one-time code that began a session: whoever repeats the very request soon is given that session again.
CREATE TABLE otp_uses (
    device_id  BYTEA NOT NULL PRIMARY KEY,
    step       BIGINT NOT NULL,
    request    BYTEA NOT NULL,
    source     TEXT NOT NULL,
    session_id BYTEA NOT NULL,
    used_at    BIGINT NOT NULL
);

-- Codes that take a lost factor from the owner of an account, each once; only hashes rest here.
CREATE TABLE backup_codes (
    user_id   BYTEA NOT NULL,
    hash      BYTEA NOT NULL,
    device_id BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
