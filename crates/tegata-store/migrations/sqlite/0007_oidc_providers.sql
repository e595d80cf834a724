-- OpenID providers that an account trusts. client_ids and fingerprints are separated by commas, which neither contains.
CREATE TABLE oidc_providers (
    id                   BLOB NOT NULL PRIMARY KEY,
    account_id           BLOB NOT NULL REFERENCES accounts (id),
    name                 TEXT NOT NULL,
    name_folded          TEXT NOT NULL,
    issuer               TEXT NOT NULL,
    client_ids           TEXT NOT NULL,
    fingerprints         TEXT NOT NULL,
    issuance_limit_hours INTEGER NOT NULL,
    description          TEXT NOT NULL,
    status               INTEGER NOT NULL,
    epoch                INTEGER NOT NULL,
    generation           INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX oidc_providers_name ON oidc_providers (account_id, name_folded);
CREATE UNIQUE INDEX oidc_providers_issuer ON oidc_providers (account_id, issuer);

-- The keys an issuer last published, with the certificates it proved itself by: they outlive its outages and our restarts.
CREATE TABLE issuer_keys (
    issuer       TEXT NOT NULL PRIMARY KEY,
    keys         BLOB NOT NULL,
    certificates TEXT NOT NULL,
    fetched_at   INTEGER NOT NULL
) STRICT;
