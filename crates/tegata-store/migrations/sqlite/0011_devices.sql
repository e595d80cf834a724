-- Devices that wait for a person to agree (RFC 8628). Only the hash of a device code and a code of what the person types rest here.
-- decision: 0 waits, 1 agreed, 2 refused. A device may ask again wait_seconds after polled_at.
CREATE TABLE device_codes (
    hash         BLOB NOT NULL PRIMARY KEY,
    user_code    BLOB NOT NULL,
    client_id    BLOB NOT NULL,
    scopes       TEXT NOT NULL,
    challenge    TEXT,
    dpop_key     TEXT,
    shown_number INTEGER NOT NULL,
    source       TEXT NOT NULL,
    claims       TEXT NOT NULL,
    wait_seconds INTEGER NOT NULL,
    polled_at    INTEGER NOT NULL,
    decision     INTEGER NOT NULL,
    account_id   BLOB,
    grant_id     BLOB,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (user_code);
CREATE INDEX device_codes_grant ON device_codes (grant_id);
CREATE INDEX device_codes_expiry ON device_codes (expires_at);

-- Where a device may ask from: 0 nowhere, 1 from the network of the person who agrees, 2 anywhere.
CREATE TABLE device_policies (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    origin     INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
