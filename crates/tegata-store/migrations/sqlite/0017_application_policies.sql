-- Whether an account lets applications of other accounts in; without a row it does not.
CREATE TABLE application_policies (
    account_id   BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    foreign_apps INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
