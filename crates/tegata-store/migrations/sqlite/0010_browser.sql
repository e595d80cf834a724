-- Browsers that people have signed in with, or are about to: stage 0 waits for a one-time code, 1 for a new password, 2 is signed in.
-- Only the hashes of cookies rest here. role_id is set while the person acts as a role.
CREATE TABLE browser_sessions (
    id              BLOB NOT NULL PRIMARY KEY,
    token_hash      BLOB NOT NULL,
    browser_hash    BLOB NOT NULL,
    account_id      BLOB NOT NULL REFERENCES accounts (id),
    user_id         BLOB NOT NULL,
    profile_id      BLOB NOT NULL,
    profile_epoch   INTEGER NOT NULL,
    user_epoch      INTEGER NOT NULL,
    account_epoch   INTEGER NOT NULL,
    stage           INTEGER NOT NULL,
    second_factor   INTEGER NOT NULL,
    role_id         BLOB,
    role_epoch      INTEGER NOT NULL,
    role_session_id BLOB,
    role_expires_at INTEGER,
    signed_in_at    INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    epoch           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX browser_sessions_token ON browser_sessions (token_hash);
CREATE INDEX browser_sessions_known ON browser_sessions (browser_hash, user_id);
CREATE INDEX browser_sessions_acting ON browser_sessions (role_session_id);
CREATE INDEX browser_sessions_expires ON browser_sessions (expires_at);

-- Links that let a person set a password once. Only the hash of what stands in the link rests here.
CREATE TABLE sign_in_links (
    hash       BLOB NOT NULL PRIMARY KEY,
    user_id    BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
