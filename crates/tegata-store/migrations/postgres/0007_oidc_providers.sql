-- OpenID providers that an account trusts. client_ids and fingerprints are separated by commas, which neither contains.
CREATE TABLE oidc_providers (
    id                   BYTEA NOT NULL PRIMARY KEY,
    account_id           BYTEA NOT NULL REFERENCES accounts (id),
    name                 TEXT COLLATE "C" NOT NULL,
    name_folded          TEXT COLLATE "C" NOT NULL,
    issuer               TEXT COLLATE "C" NOT NULL,
    client_ids           TEXT NOT NULL,
    fingerprints         TEXT NOT NULL,
    issuance_limit_hours BIGINT NOT NULL,
    description          TEXT NOT NULL,
    status               BIGINT NOT NULL,
    epoch                BIGINT NOT NULL,
    generation           BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL
);
CREATE UNIQUE INDEX oidc_providers_name ON oidc_providers (account_id, name_folded);
CREATE UNIQUE INDEX oidc_providers_issuer ON oidc_providers (account_id, issuer);

-- The keys an issuer last published, with the certificates it proved itself by: they outlive its outages and our restarts.
CREATE TABLE issuer_keys (
    issuer       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    keys         BYTEA NOT NULL,
    certificates TEXT NOT NULL,
    fetched_at   BIGINT NOT NULL
);
