-- Tokens of users for programs, each for one organisation. Only a hash rests here. scopes is empty where the token has all that its user has.
CREATE TABLE api_tokens (
    id             BLOB NOT NULL PRIMARY KEY,
    account_id     BLOB NOT NULL REFERENCES accounts (id),
    user_id        BLOB NOT NULL REFERENCES users (id),
    name           TEXT NOT NULL,
    hash           BLOB NOT NULL,
    scopes         TEXT NOT NULL,
    idle_seconds   INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    used_at        INTEGER,
    deactivated_at INTEGER,
    deactivated_by TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);
CREATE INDEX api_tokens_user ON api_tokens (user_id, created_at, id);
CREATE INDEX api_tokens_account ON api_tokens (account_id);
