-- The sessions of an account, in the order in which they began: their ids say when. It takes the place of an index on the id
-- alone, so that becoming a role writes as many entries as before.
DROP INDEX audit_session;
CREATE INDEX audit_sessions ON audit (account_id, session_id) WHERE session_id IS NOT NULL;
