-- Secrets that wait for whoever shows a code, once. Only a hash of the code rests here; sealed is empty once it was opened.
CREATE TABLE wrapped_secrets (
    hash        BLOB NOT NULL PRIMARY KEY,
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    app_id      TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    made_by     TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    opened_at   INTEGER,
    opened_from TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX wrapped_secrets_end ON wrapped_secrets (expires_at);
CREATE INDEX wrapped_secrets_account ON wrapped_secrets (account_id);
