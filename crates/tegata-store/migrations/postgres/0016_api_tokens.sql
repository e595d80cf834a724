-- Tokens of users for programs, each for one organisation. Only a hash rests here. scopes is empty where the token has all that its user has.
CREATE TABLE api_tokens (
    id             BYTEA NOT NULL PRIMARY KEY,
    account_id     BYTEA NOT NULL REFERENCES accounts (id),
    user_id        BYTEA NOT NULL REFERENCES users (id),
    name           TEXT NOT NULL,
    hash           BYTEA NOT NULL,
    scopes         TEXT NOT NULL,
    idle_seconds   BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    used_at        BIGINT,
    deactivated_at BIGINT,
    deactivated_by TEXT
);
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);
CREATE INDEX api_tokens_user ON api_tokens (user_id, created_at, id);
CREATE INDEX api_tokens_account ON api_tokens (account_id);
