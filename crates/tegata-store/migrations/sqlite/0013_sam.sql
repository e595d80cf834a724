-- Sessions of API keys and tokens. Neither rests here: both are made of the id by a code under the key kid. What can end a session is
-- in bound, what a person gave to the client that it came of in granted; the session itself is ended by its mark (session_marks). snapshot is the hash of the permissions it was given.
CREATE TABLE sam_sessions (
    id               BLOB NOT NULL PRIMARY KEY,
    account_id       BLOB NOT NULL REFERENCES accounts (id),
    user_id          BLOB NOT NULL,
    kid              INTEGER NOT NULL,
    bound            BLOB NOT NULL,
    snapshot         BLOB,
    granted          BLOB,
    second_factor    INTEGER NOT NULL,
    source_id        BLOB,
    source_user_id   BLOB,
    authenticated_at INTEGER NOT NULL,
    issued_at        INTEGER NOT NULL,
    first_expires_at INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    deadline         INTEGER NOT NULL
) STRICT;
CREATE INDEX sam_sessions_user ON sam_sessions (user_id);
CREATE INDEX sam_sessions_expiry ON sam_sessions (expires_at);

-- Auth keys: only a hash of the secret, which is drawn at random, rests here.
CREATE TABLE auth_keys (
    id          BLOB NOT NULL PRIMARY KEY,
    key_id      TEXT NOT NULL,
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    user_id     BLOB NOT NULL REFERENCES users (id),
    secret_hash BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX auth_keys_key ON auth_keys (key_id);
CREATE INDEX auth_keys_user ON auth_keys (user_id);

-- The newest one-time code that began a session: whoever repeats the very request soon is given that session again.
CREATE TABLE otp_uses (
    device_id  BLOB NOT NULL PRIMARY KEY,
    step       INTEGER NOT NULL,
    request    BLOB NOT NULL,
    source     TEXT NOT NULL,
    session_id BLOB NOT NULL,
    used_at    INTEGER NOT NULL
) STRICT;

-- Codes that take a lost factor from the owner of an account, each once; only hashes rest here.
CREATE TABLE backup_codes (
    user_id   BLOB NOT NULL,
    hash      BLOB NOT NULL,
    device_id BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT;
