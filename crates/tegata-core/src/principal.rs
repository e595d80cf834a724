//! What is known of principals and their credentials, read once and remembered while nothing of their accounts changes.
//!
//! Each remembered value carries the cache versions of the accounts it was read from. A change of an account's
//! directory raises its version before whoever changed it is answered, so a remembered value is either current or
//! visibly old. The commit of an effect checks the generations once more: a stale memory costs a retry, never a wrong effect.

use std::sync::{Arc, atomic::AtomicI64};

use quick_cache::sync::Cache;
use tegata_model::{
    AccessKeyId, AccountId, AccountNumber, Epoch, InstallationId, KeyId, OidcProviderId, OidcProviderName, RoleId, SecretKey, SessionId,
    Status, Timestamp, UserId,
};
use tegata_oauth::{AccessClaims, OrgClaims, Scope, VerifiedIdToken};
use tegata_policy::{DocumentKind, Policy, PrincipalName, ram};
use tegata_store::{
    Step, Store, StoreError, access_key,
    account::{self, AccountRow},
    api_token::ApiTokenRow,
    bucket,
    client::{self, ClientRow},
    client_secret::ClientSecretRow,
    consent, grant, group, installation,
    oidc_provider::{self, OidcProviderRow},
    policy,
    role::{self, RoleRow},
    security_preference, session,
    tag::{self, Tagged},
    user::{self, UserKind, UserRow},
};

use crate::{
    directory::{KeyPolicy, SecurityPreference},
    error::CallerKind,
    grant::{Bound, Facts},
    org::AppPlace,
    sam::{LiveAuthKey, LiveSam, Rights},
    token::Claims,
    view::Read,
};

/// The cache slot of what belongs to the server and not to an account: system policies.
pub(crate) const SYSTEM: AccountId = AccountId::from_bytes([0; 16]);

/// A user, an account owner or a role, with everything a decision about it needs.
#[derive(Debug)]
pub(crate) struct Principal {
    pub(crate) account: AccountRow,
    pub(crate) who: Who,
    /// The identity policies: its own, and those of its groups.
    pub(crate) policies: Vec<Policy>,
    /// What the permission language says of it, where it is a user.
    pub(crate) sam: Arc<Rights>,
    /// Its tags, where it is a role.
    pub(crate) tags: Vec<(String, String)>,
    /// What its account lets it do for itself.
    pub(crate) self_service: SelfService,
    /// Every aggregate this was read from, with its generation.
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

/// What an account lets its users do for themselves, without a policy that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SelfService {
    pub(crate) password: bool,
    pub(crate) keys: bool,
    pub(crate) factor: bool,
}

impl SelfService {
    /// A role has no affairs of its own.
    pub(crate) const NONE: Self = Self { password: false, keys: false, factor: false };

    async fn of(store: &Store, account: AccountId) -> Result<Self, StoreError> {
        let preference = SecurityPreference::of(security_preference::find(store, account).await?);
        Ok(Self { password: preference.users_change_password, keys: preference.users_manage_keys, factor: preference.users_manage_factor })
    }
}

/// Which kind of principal.
#[derive(Debug)]
pub(crate) enum Who {
    User(UserRow),
    Role {
        row: RoleRow,
        trust: Policy,
    },
    /// An identity provider, for the strangers it vouches for. It has no policies: only trust lets them in.
    Provider(OidcProviderRow),
    /// An OAuth client, for itself. It has no policies: what it may do is said by scopes.
    Client(Box<ClientRow>),
}

/// A long-term key with its secret opened and its owner read.
#[derive(Debug)]
pub(crate) struct LiveKey {
    pub(crate) id: KeyId,
    pub(crate) key_id: AccessKeyId,
    pub(crate) secret: SecretKey,
    pub(crate) status: Status,
    pub(crate) epoch: Epoch,
    pub(crate) created_at: Timestamp,
    /// What its account demands of it.
    pub(crate) demands: KeyPolicy,
    /// Whether its owner is somebody who signs in.
    pub(crate) person: bool,
    /// The second, and a sum of the service, in which its use was last noted.
    pub(crate) noted: AtomicI64,
    pub(crate) owner: Arc<Principal>,
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

/// A role session whose token was opened, with its role read and every ancestor found unrevoked.
#[derive(Debug)]
pub(crate) struct LiveSession {
    pub(crate) key_id: AccessKeyId,
    pub(crate) secret: Arc<SecretKey>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) role: Arc<Principal>,
    pub(crate) session_policy: Option<Policy>,
    /// What the permission language lets it do, where it came of a session that keeps what it was given.
    pub(crate) permissions: Option<Arc<[Policy]>>,
    pub(crate) reads: Vec<Read>,
    pub(crate) stamps: Stamps,
}

/// A token of an identity provider whose signature holds.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) provider: Arc<Principal>,
    pub(crate) verified: VerifiedIdToken,
}

/// A client that asks, in the account it asks in.
#[derive(Debug)]
pub(crate) struct LiveClient {
    /// The client, in that account.
    pub(crate) principal: Arc<Principal>,
    /// Its secrets, those that have run out among them.
    pub(crate) secrets: Vec<ClientSecretRow>,
}

/// An access token whose signature holds, with everything it stands on found unrevoked.
#[derive(Debug)]
pub(crate) struct LiveAccess {
    /// Of whom it speaks: the user or role, else the client itself.
    pub(crate) principal: Arc<Principal>,
    pub(crate) claims: Arc<AccessClaims>,
    pub(crate) scope: Scope,
    pub(crate) session: SessionId,
    pub(crate) bound: Arc<Bound>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) reads: Vec<Read>,
    /// What the keys were read from that its signature was verified with.
    pub(crate) keys: Stamps,
}

/// Whoever shows an access token for an organisation, or the API token that brings one, with everything it stands on found unrevoked.
#[derive(Debug)]
pub(crate) struct LiveOrg {
    /// Of whom it speaks: the user, or the application itself.
    pub(crate) principal: Arc<Principal>,
    pub(crate) shown: OrgProof,
    pub(crate) bound: Arc<Bound>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) reads: Vec<Read>,
}

/// What was shown for an organisation.
#[derive(Debug)]
pub(crate) enum OrgProof {
    /// An access token, and its own id.
    Access(Arc<OrgClaims>, SessionId),
    /// An API token itself: good for nothing but an access token.
    ApiToken(Box<ApiTokenRow>),
}

impl LiveOrg {
    pub(crate) fn expires_at(&self) -> Timestamp {
        match &self.shown {
            OrgProof::Access(claims, _) => claims.expires_at(),
            OrgProof::ApiToken(row) => row.until(),
        }
    }
}

/// The cache versions of the accounts a value was read from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stamps(Vec<(AccountId, u64)>);

impl Stamps {
    /// Notes the version of an account *before* anything of it is read.
    pub(crate) fn note(&mut self, store: &Store, account: AccountId) {
        if !self.0.iter().any(|(known, _)| *known == account) {
            self.0.push((account, store.version(&account)));
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for stamp in &other.0 {
            // The older version wins: a value is as old as its oldest part.
            match self.0.iter_mut().find(|(known, _)| *known == stamp.0) {
                Some(known) => known.1 = known.1.min(stamp.1),
                None => self.0.push(*stamp),
            }
        }
    }

    pub(crate) fn current(&self, store: &Store) -> bool {
        store.fresh() && self.0.iter().all(|(account, version)| store.version(account) == *version)
    }
}

/// Remembered principals, keys and sessions.
pub(crate) struct Memory {
    users: Cache<UserId, Arc<Principal>>,
    roles: Cache<RoleId, Arc<Principal>>,
    role_names: Cache<(AccountId, String), (RoleId, u64)>,
    accounts: Cache<AccountNumber, Arc<AccountRow>>,
    pub(crate) keys: Cache<AccessKeyId, Arc<LiveKey>>,
    pub(crate) sessions: Cache<[u8; 32], Arc<LiveSession>>,
    pub(crate) clients: Cache<(String, AccountId), Arc<LiveClient>>,
    pub(crate) standings: Cache<Bound, Arc<Facts>>,
    pub(crate) tokens: Cache<[u8; 32], Arc<LiveAccess>>,
    pub(crate) org_tokens: Cache<[u8; 32], Arc<LiveOrg>>,
    /// Where apps stand, by their instances.
    pub(crate) app_places: Cache<InstallationId, Arc<AppPlace>>,
    /// Secrets that somebody chose and that were verified, by a code of each.
    pub(crate) chosen_secrets: Cache<Vec<u8>, ()>,
    /// Where secrets of clients were guessed wrong, and until when nothing more is looked at there.
    pub(crate) guesses: Cache<[u8; 16], Timestamp>,
    pub(crate) sams: Cache<[u8; 32], Arc<LiveSam>>,
    pub(crate) auth_keys: Cache<String, Arc<LiveAuthKey>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            users: Cache::new(16_384),
            roles: Cache::new(16_384),
            role_names: Cache::new(16_384),
            accounts: Cache::new(4_096),
            keys: Cache::new(32_768),
            sessions: Cache::new(32_768),
            clients: Cache::new(4_096),
            standings: Cache::new(32_768),
            tokens: Cache::new(65_536),
            org_tokens: Cache::new(32_768),
            app_places: Cache::new(4_096),
            chosen_secrets: Cache::new(4_096),
            guesses: Cache::new(16_384),
            sams: Cache::new(32_768),
            auth_keys: Cache::new(16_384),
        }
    }

    /// The account with this public number. Number and id never change, so only the id is trusted from memory.
    pub(crate) async fn account_by_number(&self, store: &Store, number: AccountNumber) -> Result<Option<Arc<AccountRow>>, StoreError> {
        if let Some(row) = self.accounts.get(&number) {
            return Ok(Some(row));
        }
        let Some(row) = account::find_by_number(store, number).await? else { return Ok(None) };
        let row = Arc::new(row);
        self.accounts.insert(number, Arc::clone(&row));
        Ok(Some(row))
    }

    pub(crate) async fn user(&self, store: &Store, id: UserId) -> Result<Option<Arc<Principal>>, StoreError> {
        if let Some(known) = self.users.get(&id)
            && known.stamps.current(store)
        {
            return Ok(Some(known));
        }
        let Some(principal) = load_user(store, id).await? else { return Ok(None) };
        let principal = Arc::new(principal);
        self.users.insert(id, Arc::clone(&principal));
        Ok(Some(principal))
    }

    pub(crate) async fn role(&self, store: &Store, id: RoleId) -> Result<Option<Arc<Principal>>, StoreError> {
        if let Some(known) = self.roles.get(&id)
            && known.stamps.current(store)
        {
            return Ok(Some(known));
        }
        let Some(principal) = load_role(store, id).await? else { return Ok(None) };
        let principal = Arc::new(principal);
        self.roles.insert(id, Arc::clone(&principal));
        Ok(Some(principal))
    }

    pub(crate) async fn role_by_name(&self, store: &Store, account: AccountId, folded: &str) -> Result<Option<Arc<Principal>>, StoreError> {
        let key = (account, folded.to_owned());
        let version = store.version(&account);
        if let Some((id, at)) = self.role_names.get(&key)
            && at == version
            && store.fresh()
        {
            return self.role(store, id).await;
        }
        let Some(row) = role::find_by_name(store, account, folded).await? else { return Ok(None) };
        self.role_names.insert(key, (row.id, version));
        self.role(store, row.id).await
    }
}

impl Principal {
    pub(crate) fn caller_kind(&self) -> CallerKind {
        match &self.who {
            Who::User(row) if row.kind == UserKind::Root => CallerKind::Owner,
            Who::User(_) => CallerKind::User,
            Who::Role { .. } => CallerKind::RoleSession,
            Who::Provider(_) => CallerKind::Federated,
            Who::Client(_) => CallerKind::Client,
        }
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.caller_kind() == CallerKind::Owner
    }

    /// True when neither it nor its account is switched off.
    pub(crate) fn is_active(&self) -> bool {
        self.account.status.is_active()
            && match &self.who {
                Who::User(row) => row.status.is_active(),
                Who::Role { row, .. } => row.status.is_active(),
                Who::Provider(row) => row.status.is_active(),
                Who::Client(row) => row.status.is_active(),
            }
    }

    pub(crate) fn name(&self) -> &str {
        match &self.who {
            Who::User(row) => row.name.as_str(),
            Who::Role { row, .. } => row.name.as_str(),
            Who::Provider(row) => row.name.as_str(),
            Who::Client(row) => row.name.as_str(),
        }
    }

    pub(crate) fn number_text(&self) -> String {
        match &self.who {
            Who::User(row) if row.kind == UserKind::Root => self.account.number.to_string(),
            Who::User(row) => row.number.to_string(),
            Who::Role { row, .. } => row.number.to_string(),
            Who::Provider(row) => row.name.to_string(),
            Who::Client(row) => row.app_id.clone(),
        }
    }

    pub(crate) fn id_bytes(&self) -> [u8; 16] {
        match &self.who {
            Who::User(row) => *row.id.as_bytes(),
            Who::Role { row, .. } => *row.id.as_bytes(),
            Who::Provider(row) => *row.id.as_bytes(),
            Who::Client(row) => *row.id.as_bytes(),
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        match &self.who {
            Who::User(row) => row.epoch,
            Who::Role { row, .. } => row.epoch,
            Who::Provider(row) => row.epoch,
            Who::Client(row) => row.epoch,
        }
    }
}

/// The OpenID provider with this id, in the account it was found in.
pub(crate) async fn load_provider(store: &Store, account: AccountId, id: OidcProviderId) -> Result<Option<Principal>, StoreError> {
    let mut stamps = Stamps::default();
    stamps.note(store, account);
    let Some(row) = oidc_provider::find(store, id).await?.filter(|row| row.account_id == account) else { return Ok(None) };
    let Some(account) = account::find(store, account).await? else { return Ok(None) };
    let reads = vec![Read::Account(account.id, account.generation), Read::OidcProvider(row.id, row.generation)];
    Ok(Some(Principal {
        account,
        who: Who::Provider(row),
        policies: Vec::new(),
        sam: Rights::none(),
        tags: Vec::new(),
        self_service: SelfService::NONE,
        reads,
        stamps,
    }))
}

async fn load_user(store: &Store, id: UserId) -> Result<Option<Principal>, StoreError> {
    // The account is not known before the row is read, so the row is read again under the account's version.
    let Some(first) = user::find(store, id).await? else { return Ok(None) };
    let mut stamps = Stamps::default();
    stamps.note(store, first.account_id);
    stamps.note(store, SYSTEM);
    let Some(row) = user::find(store, id).await? else { return Ok(None) };
    let Some(account) = account::find(store, row.account_id).await? else { return Ok(None) };
    let mut reads = vec![Read::Account(account.id, account.generation), Read::User(row.id, row.generation)];
    let mut targets = vec![*id.as_bytes()];
    for member_of in group::of_user(store, id).await? {
        reads.push(Read::Group(member_of.id, member_of.generation));
        targets.push(*member_of.id.as_bytes());
    }
    let policies = load_policies(store, &targets, &mut reads).await?;
    let self_service = SelfService::of(store, account.id).await?;
    let sam = Rights::of(store, &row).await?;
    Ok(Some(Principal { account, who: Who::User(row), policies, sam, tags: Vec::new(), self_service, reads, stamps }))
}

async fn load_role(store: &Store, id: RoleId) -> Result<Option<Principal>, StoreError> {
    let Some(first) = role::find(store, id).await? else { return Ok(None) };
    let mut stamps = Stamps::default();
    stamps.note(store, first.account_id);
    stamps.note(store, SYSTEM);
    let Some(row) = role::find(store, id).await? else { return Ok(None) };
    let Some(account) = account::find(store, row.account_id).await? else { return Ok(None) };
    let mut reads = vec![Read::Account(account.id, account.generation), Read::Role(row.id, row.generation)];
    let policies = load_policies(store, &[*id.as_bytes()], &mut reads).await?;
    let bindings = role::bindings(store, id).await?;
    let tags = tag::of(store, Tagged::Role(id)).await?.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let label = format!("trust policy of {}", row.name);
    let trust = match ram::parse(&row.trust_document, DocumentKind::Trust) {
        Ok(document) => document
            .labelled(label)
            .bind(|principal| bindings.iter().find(|(text, _)| *text == principal_text(principal)).map(|(_, subject)| *subject)),
        Err(_) => Policy::unreadable(label),
    };
    Ok(Some(Principal {
        account,
        who: Who::Role { row, trust },
        policies,
        sam: Rights::none(),
        tags,
        self_service: SelfService::NONE,
        reads,
        stamps,
    }))
}

async fn load_policies(store: &Store, targets: &[[u8; 16]], reads: &mut Vec<Read>) -> Result<Vec<Policy>, StoreError> {
    let attached = policy::attached_to(store, targets).await?;
    let mut policies = Vec::with_capacity(attached.len());
    for one in attached {
        reads.push(Read::Policy(one.policy_id, one.generation));
        let label = one.name.to_string();
        policies.push(
            ram::parse(&one.document, DocumentKind::Identity)
                .map_or_else(|_| Policy::unreadable(label.clone()), |p| p.labelled(label.clone())),
        );
    }
    Ok(policies)
}

/// The text under which a trust principal is bound to an id: language-neutral, one per principal.
pub(crate) fn principal_text(principal: &PrincipalName) -> String {
    match principal {
        PrincipalName::AccountMembers { account } => format!("account:{account}"),
        PrincipalName::Owner { account } => format!("owner:{account}"),
        PrincipalName::User { account, name } => format!("user:{account}:{}", name.to_ascii_lowercase()),
        PrincipalName::Role { account, name } => format!("role:{account}:{}", name.to_ascii_lowercase()),
        PrincipalName::Service(name) => format!("service:{name}"),
        PrincipalName::Federated(arn) => format!("federated:{}", arn.to_ascii_lowercase()),
    }
}

/// The account and name in the ARN of an OpenID provider, as trust documents write it.
pub(crate) fn oidc_provider_of(arn: &str) -> Option<(AccountNumber, OidcProviderName)> {
    let (account, name) = arn.strip_prefix("acs:ram::")?.split_once(":oidc-provider/")?;
    Some((account.parse().ok()?, name.parse().ok()?))
}

impl Read {
    /// The step of a change set that holds only while what was read has not changed.
    pub(crate) fn expectation(&self) -> Step {
        match self {
            Self::Account(id, generation) => account::expect(*id, *generation),
            Self::User(id, generation) => user::expect(*id, *generation),
            Self::Group(id, generation) => group::expect(*id, *generation),
            Self::Role(id, generation) => role::expect(*id, *generation),
            Self::Policy(id, generation) => policy::expect(*id, *generation),
            Self::Key(id, generation) => access_key::expect(*id, *generation),
            Self::Bucket(id, generation) => bucket::expect(*id, *generation),
            Self::Session(id, epoch) => session::expect(*id, *epoch),
            Self::OidcProvider(id, generation) => oidc_provider::expect(*id, *generation),
            Self::Client(id, generation) => client::expect(*id, *generation),
            Self::Installation(id, generation) => installation::expect(*id, *generation),
            Self::Grant(id, epoch) => grant::expect_alive(*id, *epoch),
            Self::Consent(id) => consent::expect(*id),
            Self::Browser(id, epoch) => tegata_store::browser_session::expect(*id, *epoch),
            Self::ApiToken(id) => tegata_store::api_token::expect(*id),
            Self::AuthKey(id) => tegata_store::auth_key::expect(*id),
        }
    }
}
