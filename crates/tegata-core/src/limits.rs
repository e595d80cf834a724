//! Limits of what is asked and kept. All of them are configuration with a safe default.

use std::time::Duration;

/// How far things may go. Built by the binary from its configuration.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How far a signed request's time may lie from ours, in either direction.
    pub clock_skew: Duration,
    /// How long a nonce is remembered after its use; at least twice the skew.
    pub nonce_memory: Duration,
    /// The longest validity of a pre-signed URL.
    pub presigned_url: Duration,
    /// How long a chain of sessions may live after the key or password that began it was last used.
    pub root_deadline: Duration,
    /// How many sessions may follow one another by role chaining.
    pub chain_depth: usize,
    /// Largest session policy, in characters.
    pub session_policy_chars: usize,
    /// Largest object, in bytes.
    pub object_bytes: u64,
    /// How many of each thing an account may have.
    pub quotas: Quotas,
    /// After how long the keys of an issuer are fetched again.
    pub issuer_keys_refresh: Duration,
    /// How long the keys of an issuer that cannot be reached go on being used.
    pub issuer_keys_outage: Duration,
    /// Whether issuers may be named by `http` URLs, whose keys anybody on the way could replace: for tests only.
    pub insecure_issuers: bool,
    /// How many passwords are worked on at once, and how many wait.
    pub hashing: Hashing,
    /// Refusals of one principal that get a row of their own within one minute; the rest are counted.
    pub refusal_rows_per_minute: u32,
}

/// Bounds of the work on passwords, which is slow and large by design: some 20 ms and 19 MiB each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// At most this many at once; one for each processor by default.
    pub at_once: usize,
    /// At most this many wait, over all addresses.
    pub waiting: usize,
    /// At most this many wait for one address.
    pub waiting_per_address: usize,
}

impl Default for Hashing {
    fn default() -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { at_once, waiting: 256, waiting_per_address: 32 }
    }
}

/// How many of each thing an account, or one of its users, groups, roles and policies, may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Users of an account.
    pub users: u32,
    /// Access keys of a user.
    pub keys_per_user: u32,
    /// Groups of an account.
    pub groups: u32,
    /// Groups that one user is in.
    pub groups_per_user: u32,
    /// Roles of an account.
    pub roles: u32,
    /// Custom policies of an account.
    pub policies: u32,
    /// Versions of a policy.
    pub versions_per_policy: u32,
    /// Characters of a policy or trust document.
    pub document_chars: usize,
    /// Custom policies attached to a user.
    pub policies_per_user: u32,
    /// Custom policies attached to a group.
    pub policies_per_group: u32,
    /// Custom policies attached to a role.
    pub policies_per_role: u32,
    /// System policies attached to a user, a group or a role.
    pub system_policies: u32,
    /// Tags of one role or policy.
    pub tags_per_resource: u32,
    /// Applications of an account.
    pub clients: u32,
    /// Secrets of an application that count at one time.
    pub secrets_per_client: u32,
    /// Users and roles assigned to an application.
    pub assignments: u32,
    /// OpenID providers of an account.
    pub oidc_providers: u32,
    /// Devices for one-time codes of an account.
    pub mfa_devices: u32,
    /// API tokens of a user that can be used.
    pub api_tokens_per_user: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            users: 1000,
            keys_per_user: 2,
            groups: 50,
            groups_per_user: 5,
            roles: 1000,
            policies: 1500,
            versions_per_policy: 5,
            document_chars: 6144,
            policies_per_user: 10,
            policies_per_group: 5,
            policies_per_role: 5,
            system_policies: 20,
            tags_per_resource: 20,
            clients: 100,
            secrets_per_client: 2,
            assignments: 5000,
            oidc_providers: 100,
            mfa_devices: 1000,
            api_tokens_per_user: 100,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            clock_skew: 15 * minute,
            nonce_memory: 31 * minute,
            presigned_url: 7 * 24 * 60 * minute,
            root_deadline: 12 * 60 * minute,
            chain_depth: 6,
            session_policy_chars: 2048,
            object_bytes: 5 * 1024 * 1024 * 1024,
            quotas: Quotas::default(),
            issuer_keys_refresh: 15 * minute,
            issuer_keys_outage: 24 * 60 * minute,
            insecure_issuers: false,
            hashing: Hashing::default(),
            refusal_rows_per_minute: 120,
        }
    }
}
