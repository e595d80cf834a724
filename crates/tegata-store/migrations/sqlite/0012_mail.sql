-- Letters that wait to be sent. Whom a letter is for and what it says is sealed, because letters hold links.
CREATE TABLE outbox (
    id         BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    kind       TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    tries      INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_next ON outbox (next_at);

-- What stands in the links of letters, as hashes. purpose: 0 a new password, 1 the end of a second factor, 2 "that was not me".
-- For the last, kind and subject say what happened, and to what.
CREATE TABLE mail_links (
    hash       BLOB NOT NULL PRIMARY KEY,
    purpose    INTEGER NOT NULL,
    account_id BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    subject    BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;
CREATE INDEX mail_links_user ON mail_links (user_id, purpose);
CREATE INDEX mail_links_expiry ON mail_links (expires_at);

-- Letters that anybody can ask for, by a code of where they went: there are only so many in an hour.
CREATE TABLE asked_letters (
    id        BLOB NOT NULL PRIMARY KEY,
    recipient BLOB NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX asked_letters_recipient ON asked_letters (recipient, at);
CREATE INDEX asked_letters_at ON asked_letters (at);

-- Whoever has forgotten a password knows an address.
-- Whole: beside a partial index with a value in its condition SQLite prepares each question about users anew for each value bound.
CREATE INDEX users_email ON users (email);
-- All browsers of a person are forgotten together.
CREATE INDEX browser_sessions_user ON browser_sessions (user_id);
