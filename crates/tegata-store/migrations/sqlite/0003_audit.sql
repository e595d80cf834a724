CREATE TABLE replay_nonces (
    nonce      BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_nonces_expiry ON replay_nonces (expires_at);

CREATE TABLE audit (
    node          BLOB NOT NULL,
    seq           INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    request_id    BLOB NOT NULL,
    account_id    BLOB,
    action        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    caller_kind   INTEGER NOT NULL,
    caller_id     BLOB,
    caller        TEXT NOT NULL,
    access_key_id TEXT,
    session_id    BLOB,
    outcome       INTEGER NOT NULL,
    source        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    PRIMARY KEY (node, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_request ON audit (request_id);
-- The session that this row gave birth to.
CREATE INDEX audit_session ON audit (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX audit_account ON audit (account_id, at);

-- Refusals before anybody was authenticated are counted, never written one by one.
CREATE TABLE refusal_counts (
    minute INTEGER NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    count  INTEGER NOT NULL,
    sample TEXT NOT NULL,
    PRIMARY KEY (minute, source, reason)
) STRICT, WITHOUT ROWID;
