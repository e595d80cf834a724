CREATE TABLE replay_nonces (
    nonce      BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX replay_nonces_expiry ON replay_nonces (expires_at);

CREATE TABLE audit (
    node          BYTEA NOT NULL,
    seq           BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    request_id    BYTEA NOT NULL,
    account_id    BYTEA,
    action        TEXT NOT NULL,
    resource      TEXT NOT NULL,
    caller_kind   BIGINT NOT NULL,
    caller_id     BYTEA,
    caller        TEXT NOT NULL,
    access_key_id TEXT,
    session_id    BYTEA,
    outcome       BIGINT NOT NULL,
    source        TEXT NOT NULL,
    detail        TEXT NOT NULL,
    PRIMARY KEY (node, seq)
);
CREATE INDEX audit_request ON audit (request_id);
-- The session that this row gave birth to.
CREATE INDEX audit_session ON audit (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX audit_account ON audit (account_id, at);

-- Refusals before anybody was authenticated are counted, never written one by one.
CREATE TABLE refusal_counts (
    minute BIGINT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    count  BIGINT NOT NULL,
    sample TEXT NOT NULL,
    PRIMARY KEY (minute, source, reason)
);
