-- What administrators say of users, groups, roles and policies, and when they last did.
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN phone TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN comments TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE users SET updated_at = created_at;

ALTER TABLE groups ADD COLUMN comments TEXT NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE groups SET updated_at = created_at;

ALTER TABLE memberships ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0;

ALTER TABLE roles ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE roles SET updated_at = created_at;

-- The highest version number ever given: numbers are not used twice.
ALTER TABLE policies ADD COLUMN last_version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE policies ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE policies SET updated_at = created_at,
    last_version = coalesce((SELECT max(version) FROM policy_versions WHERE policy_id = policies.id), 1);
