CREATE TABLE buckets (
    id            BLOB NOT NULL PRIMARY KEY,
    account_id    BLOB NOT NULL REFERENCES accounts (id),
    name          TEXT NOT NULL,
    acl           INTEGER NOT NULL,
    storage_class TEXT NOT NULL,
    generation    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX buckets_name ON buckets (name);
CREATE INDEX buckets_account ON buckets (account_id, name);

-- key is bytes: listing order is byte order on every engine.
CREATE TABLE objects (
    bucket_id    BLOB NOT NULL REFERENCES buckets (id),
    key          BLOB NOT NULL,
    blob_id      BLOB NOT NULL,
    size         INTEGER NOT NULL,
    etag         TEXT NOT NULL,
    md5          BLOB,
    crc64        INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    headers      TEXT NOT NULL,
    modified_at  INTEGER NOT NULL,
    PRIMARY KEY (bucket_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_blob ON objects (blob_id);
