-- Secrets that wait for whoever shows a code, once. Only a hash of the code rests here; sealed is empty once it was opened.
CREATE TABLE wrapped_secrets (
    hash        BYTEA NOT NULL PRIMARY KEY,
    account_id  BYTEA NOT NULL REFERENCES accounts (id),
    app_id      TEXT NOT NULL,
    sealed      BYTEA NOT NULL,
    made_by     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    opened_at   BIGINT,
    opened_from TEXT
);
CREATE INDEX wrapped_secrets_end ON wrapped_secrets (expires_at);
CREATE INDEX wrapped_secrets_account ON wrapped_secrets (account_id);
