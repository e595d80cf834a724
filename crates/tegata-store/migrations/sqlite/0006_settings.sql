-- Labels of roles and policies (and of users): target_id is one of them, as target_kind says.
CREATE TABLE tags (
    target_id   BLOB NOT NULL,
    tag_key     TEXT NOT NULL,
    account_id  BLOB NOT NULL REFERENCES accounts (id),
    target_kind INTEGER NOT NULL,
    tag_value   TEXT NOT NULL,
    PRIMARY KEY (target_id, tag_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_account ON tags (account_id, target_kind);

-- What an account demands of long-term keys. An account without a row demands nothing.
CREATE TABLE key_policies (
    account_id      BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    max_age_seconds INTEGER,
    networks        TEXT NOT NULL,
    people          INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a long-term key was last used. Written now and then, apart from the keys, so that it changes no generation.
CREATE TABLE access_key_uses (
    key_id  BLOB NOT NULL PRIMARY KEY,
    used_at INTEGER NOT NULL,
    service TEXT NOT NULL
) STRICT, WITHOUT ROWID;
