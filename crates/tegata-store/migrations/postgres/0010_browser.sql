-- Browsers that people have signed in with, or are about to: stage 0 waits for a one-time code, 1 for a new password, 2 is signed in.
-- Only the hashes of cookies rest here. role_id is set while the person acts as a role.
CREATE TABLE browser_sessions (
    id              BYTEA NOT NULL PRIMARY KEY,
    token_hash      BYTEA NOT NULL,
    browser_hash    BYTEA NOT NULL,
    account_id      BYTEA NOT NULL REFERENCES accounts (id),
    user_id         BYTEA NOT NULL,
    profile_id      BYTEA NOT NULL,
    profile_epoch   BIGINT NOT NULL,
    user_epoch      BIGINT NOT NULL,
    account_epoch   BIGINT NOT NULL,
    stage           BIGINT NOT NULL,
    second_factor   BIGINT NOT NULL,
    role_id         BYTEA,
    role_epoch      BIGINT NOT NULL,
    role_session_id BYTEA,
    role_expires_at BIGINT,
    signed_in_at    BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    epoch           BIGINT NOT NULL
);
CREATE UNIQUE INDEX browser_sessions_token ON browser_sessions (token_hash);
CREATE INDEX browser_sessions_known ON browser_sessions (browser_hash, user_id);
CREATE INDEX browser_sessions_acting ON browser_sessions (role_session_id);
CREATE INDEX browser_sessions_expires ON browser_sessions (expires_at);

-- Links that let a person set a password once. Only the hash of what stands in the link rests here.
CREATE TABLE sign_in_links (
    hash       BYTEA NOT NULL PRIMARY KEY,
    user_id    BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
