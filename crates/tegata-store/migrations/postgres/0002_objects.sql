CREATE TABLE buckets (
    id            BYTEA NOT NULL PRIMARY KEY,
    account_id    BYTEA NOT NULL REFERENCES accounts (id),
    name          TEXT COLLATE "C" NOT NULL,
    acl           BIGINT NOT NULL,
    storage_class TEXT NOT NULL,
    generation    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX buckets_name ON buckets (name);
CREATE INDEX buckets_account ON buckets (account_id, name);

-- key is bytes: listing order is byte order on every engine.
CREATE TABLE objects (
    bucket_id    BYTEA NOT NULL REFERENCES buckets (id),
    key          BYTEA NOT NULL,
    blob_id      BYTEA NOT NULL,
    size         BIGINT NOT NULL,
    etag         TEXT NOT NULL,
    md5          BYTEA,
    crc64        BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    headers      TEXT NOT NULL,
    modified_at  BIGINT NOT NULL,
    PRIMARY KEY (bucket_id, key)
);
CREATE INDEX objects_blob ON objects (blob_id);
