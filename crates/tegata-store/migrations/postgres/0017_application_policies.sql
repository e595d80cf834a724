-- Whether an account lets applications of other accounts in; without a row it does not.
CREATE TABLE application_policies (
    account_id   BYTEA NOT NULL PRIMARY KEY REFERENCES accounts (id),
    foreign_apps BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
