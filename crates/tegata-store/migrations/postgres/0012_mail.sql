-- Letters that wait to be sent. Whom a letter is for and what it says is sealed, because letters hold links.
CREATE TABLE outbox (
    id         BYTEA NOT NULL PRIMARY KEY,
    account_id BYTEA NOT NULL,
    user_id    BYTEA NOT NULL,
    kind       TEXT NOT NULL,
    sealed     BYTEA NOT NULL,
    tries      BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX outbox_next ON outbox (next_at);

-- What stands in the links of letters, as hashes. purpose: 0 a new password, 1 the end of a second factor, 2 "that was not me".
-- For the last, kind and subject say what happened, and to what.
CREATE TABLE mail_links (
    hash       BYTEA NOT NULL PRIMARY KEY,
    purpose    BIGINT NOT NULL,
    account_id BYTEA NOT NULL,
    user_id    BYTEA NOT NULL,
    kind       BIGINT NOT NULL,
    subject    BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX mail_links_user ON mail_links (user_id, purpose);
CREATE INDEX mail_links_expiry ON mail_links (expires_at);

-- Letters that anybody can ask for, by a code of where they went: there are only so many in an hour.
CREATE TABLE asked_letters (
    id        BYTEA NOT NULL PRIMARY KEY,
    recipient BYTEA NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX asked_letters_recipient ON asked_letters (recipient, at);
CREATE INDEX asked_letters_at ON asked_letters (at);

-- Whoever has forgotten a password knows an address.
-- Whole: beside a partial index with a value in its condition SQLite prepares each question about users anew for each value bound.
CREATE INDEX users_email ON users (email);
-- All browsers of a person are forgotten together.
CREATE INDEX browser_sessions_user ON browser_sessions (user_id);
