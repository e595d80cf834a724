//! Makes accounts, users, roles, policies, keys and buckets as one commit.

use std::time::Duration;

use tegata_model::{
    AccessKeyId, AccountAlias, AccountId, AccountNumber, ApiTokenId, BucketId, BucketName, Epoch, Generation, InstallationId, KeyId,
    LoginProfileId, MfaDeviceId, MfaDeviceName, OperatorId, OrganisationId, PasswordHash, PolicyId, PolicyName, PrincipalNumber, RoleId,
    RoleName, SecretKey, Status, UserId, UserName,
};
use tegata_policy::{DocumentKind, PrincipalName, ram};
use tegata_store::{
    ChangeSet, CommitError, StoreError,
    access_key::{self, AccessKeyRow},
    account::{self, AccountRow},
    api_token::{self, ApiTokenRow},
    audit::{self, AuditRow, CallerKind, Outcome},
    bucket::{self, Acl, BucketRow},
    client::{self, ClientKind},
    client_secret,
    installation::{self, AssignmentMode, InstallationRow},
    login_profile::{self, LoginProfileRow},
    mfa_device::{self, MfaDeviceRow},
    oidc_provider,
    policy::{self, PolicyKind, PolicyRow, PolicyVersionRow, Target},
    role::{self, RoleRow},
    user::{self, UserKind, UserRow},
};

use super::SYSTEM_POLICIES;
use crate::{
    Core,
    client::{new_client_row, new_secret_row},
    clock::{NoEntropy, random, random_text},
    directory::alias,
    keyring::{KeyringError, Place},
    leak::Checked,
    principal::{SYSTEM, oidc_provider_of, principal_text},
};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Something could not be provisioned. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// It exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// A document is not valid.
    #[error("the {what} is not valid: {problem}")]
    Document {
        /// Which document.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A trust policy names nobody.
    #[error("the trust policy of role `{role}` names {principal}, who does not exist")]
    NoSuchPrincipal {
        /// The role.
        role: String,
        /// The principal.
        principal: String,
    },
    /// A policy to be attached does not exist.
    #[error("policy `{0}` does not exist")]
    NoSuchPolicy(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealing failed.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// A number was out of range.
    #[error("{0}")]
    Number(String),
}

/// A client to be made.
#[derive(Debug)]
pub struct NewClient {
    /// Its public id: 19 digits.
    pub app_id: String,
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub kind: ClientKind,
    /// Its secret.
    pub secret: SecretKey,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// An account to be made. What is `None` is drawn at random.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its alias.
    pub alias: AccountAlias,
    /// Its public number.
    pub number: Option<AccountNumber>,
    /// Its operator spelling.
    pub operator_id: Option<OperatorId>,
    /// Its organisation spelling.
    pub organisation_id: Option<OrganisationId>,
    /// The account above it.
    pub parent: Option<AccountId>,
    /// The login of its root user.
    pub root_login: String,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub name: UserName,
    /// Its public number.
    pub number: Option<PrincipalNumber>,
}

/// A role to be made.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Its name.
    pub name: RoleName,
    /// Its public number.
    pub number: Option<PrincipalNumber>,
    /// What it is for.
    pub description: String,
    /// Who may assume it.
    pub trust_document: String,
    /// Longest life of its sessions.
    pub max_session: Duration,
}

/// A key to be made: given values for the sample directory, random ones otherwise.
#[derive(Debug)]
pub struct NewAccessKey {
    /// The public id.
    pub key_id: AccessKeyId,
    /// The secret.
    pub secret: SecretKey,
}

/// What a policy can be attached to.
#[derive(Debug, Clone, Copy)]
pub enum Attachable {
    /// A user.
    User(UserId),
    /// A role.
    Role(RoleId),
}

/// An account that is being provisioned.
#[derive(Debug, Clone)]
pub struct Provisioned {
    /// The account.
    pub account: AccountId,
    /// Its public number.
    pub number: AccountNumber,
    /// Its alias.
    pub alias: AccountAlias,
    /// Its operator spelling.
    pub operator_id: OperatorId,
    /// Its organisation spelling.
    pub organisation_id: OrganisationId,
    /// Its root user.
    pub root: UserId,
}

/// Collects what is to be made; [`Provision::commit`] makes all of it or nothing.
pub struct Provision<'a> {
    core: &'a Core,
    changes: ChangeSet,
    accounts: Vec<(AccountNumber, AccountId)>,
    users: Vec<(AccountNumber, String, UserId)>,
    roles: Vec<(AccountNumber, String, RoleId)>,
    policies: Vec<(Option<AccountId>, String, PolicyId)>,
    made: Vec<String>,
}

impl Core {
    /// Begins to provision.
    pub fn provision(&self) -> Provision<'_> {
        Provision {
            core: self,
            changes: ChangeSet::new(self.now()),
            accounts: Vec::new(),
            users: Vec::new(),
            roles: Vec::new(),
            policies: Vec::new(),
            made: Vec::new(),
        }
    }

    /// True when the server has no account yet: the first start.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(account::list(&self.store).await?.is_empty())
    }

    /// A key with random values, of the form the field knows.
    pub fn new_access_key(&self) -> Result<NewAccessKey, ProvisionError> {
        let entropy = self.entropy.as_ref();
        let id = Checked::KEY_ID.close(&format!("LTAI{}", random_text(entropy, LETTERS, 14)?));
        let key_id = AccessKeyId::new(&id).map_err(|error| ProvisionError::Number(error.to_string()))?;
        let secret = Checked::KEY_SECRET.close(&random_text(entropy, LETTERS, 24)?);
        Ok(NewAccessKey { key_id, secret: SecretKey::new(secret) })
    }
}

impl Provision<'_> {
    pub(crate) fn core(&self) -> &Core {
        self.core
    }

    /// Adds steps of another module's making.
    pub(crate) fn push(&mut self, steps: impl IntoIterator<Item = tegata_store::Step>) {
        self.changes.extend(steps);
    }

    fn number_in(&self, range: &std::ops::RangeInclusive<u64>) -> Result<u64, ProvisionError> {
        let width = range.end() - range.start() + 1;
        Ok(range.start() + u64::from_be_bytes(random(self.core.entropy.as_ref())?) % width)
    }

    fn principal_number(&self, given: Option<PrincipalNumber>) -> Result<PrincipalNumber, ProvisionError> {
        match given {
            Some(number) => Ok(number),
            None => {
                PrincipalNumber::new(self.number_in(&PrincipalNumber::RANGE)?).map_err(|error| ProvisionError::Number(error.to_string()))
            }
        }
    }

    /// The policies every server has; those that exist are left alone.
    pub async fn system_policies(&mut self) -> Result<(), ProvisionError> {
        for system in SYSTEM_POLICIES {
            let name = PolicyName::new(system.name).map_err(|error| ProvisionError::Number(error.to_string()))?;
            if policy::find_by_name(&self.core.store, None, &name.folded()).await?.is_none() {
                self.insert_policy(None, &name, PolicyKind::System, system.description, system.document)?;
            }
        }
        Ok(())
    }

    /// An account with its root user.
    pub fn account(&mut self, new: NewAccount) -> Result<Provisioned, ProvisionError> {
        let now = self.core.now();
        let number = match new.number {
            Some(number) => number,
            None => {
                AccountNumber::new(self.number_in(&AccountNumber::RANGE)?).map_err(|error| ProvisionError::Number(error.to_string()))?
            }
        };
        if alias::is_number(&new.alias) && new.alias.as_str() != number.to_string() {
            return Err(ProvisionError::Number("a name of 16 digits would be taken for the number of another account".to_owned()));
        }
        let operator_id = match new.operator_id {
            Some(id) => id,
            None => OperatorId::from_number(u64::from_be_bytes(random(self.core.entropy.as_ref())?)),
        };
        let organisation_id = match new.organisation_id {
            Some(id) => id,
            None => OrganisationId::from_random(random(self.core.entropy.as_ref())?),
        };
        let id = AccountId::from_bytes(self.core.new_id()?);
        let row = AccountRow {
            id,
            number,
            alias: new.alias.clone(),
            operator_id: operator_id.clone(),
            organisation_id: organisation_id.clone(),
            parent_id: new.parent,
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: now,
        };
        let root = UserRow {
            id: UserId::from_bytes(self.core.new_id()?),
            account_id: id,
            number: self.principal_number(None)?,
            kind: UserKind::Root,
            name: UserName::new("root").map_err(|error| ProvisionError::Number(error.to_string()))?,
            login: Some(new.root_login),
            display_name: "root".to_owned(),
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: now,
            email: String::new(),
            phone: String::new(),
            comments: String::new(),
            updated_at: now,
        };
        self.changes.push(account::insert(&row));
        self.changes.push(user::insert(&root));
        self.changes.touch(id);
        self.accounts.push((number, id));
        self.made.push(format!("account {}", new.alias));
        Ok(Provisioned { account: id, number, alias: new.alias, operator_id, organisation_id, root: root.id })
    }

    /// A user.
    pub fn user(&mut self, owner: &Provisioned, new: &NewUser) -> Result<UserId, ProvisionError> {
        let id = UserId::from_bytes(self.core.new_id()?);
        let row = UserRow {
            id,
            account_id: owner.account,
            number: self.principal_number(new.number)?,
            kind: UserKind::Member,
            name: new.name.clone(),
            login: None,
            display_name: new.name.to_string(),
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: self.core.now(),
            email: String::new(),
            phone: String::new(),
            comments: String::new(),
            updated_at: self.core.now(),
        };
        self.changes.push(user::insert(&row));
        self.users.push((owner.number, new.name.folded(), id));
        self.made.push(format!("user {}", new.name));
        Ok(id)
    }

    /// A role. Whoever its trust policy names must exist, now or in this same commit, and is bound by id.
    pub async fn role(&mut self, owner: &Provisioned, new: &NewRole) -> Result<RoleId, ProvisionError> {
        let what = || format!("trust policy of role `{}`", new.name);
        let trust = ram::parse(&new.trust_document, DocumentKind::Trust)
            .map_err(|problem| ProvisionError::Document { what: what(), problem: problem.to_string() })?;
        let id = RoleId::from_bytes(self.core.new_id()?);
        let row = RoleRow {
            id,
            account_id: owner.account,
            number: self.principal_number(new.number)?,
            name: new.name.clone(),
            description: new.description.clone(),
            trust_document: new.trust_document.clone(),
            max_session: new.max_session,
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: self.core.now(),
            updated_at: self.core.now(),
        };
        self.changes.push(role::insert(&row));
        self.roles.push((owner.number, new.name.folded(), id));
        for principal in trust.principals() {
            let subject = self
                .subject(&principal)
                .await?
                .ok_or_else(|| ProvisionError::NoSuchPrincipal { role: new.name.to_string(), principal: principal_text(&principal) })?;
            self.changes.push(role::bind(id, &principal_text(&principal), subject));
        }
        self.made.push(format!("role {}", new.name));
        Ok(id)
    }

    /// The id behind a principal that a trust policy names.
    async fn subject(&self, principal: &PrincipalName) -> Result<Option<[u8; 16]>, StoreError> {
        let store = &self.core.store;
        let number = |text: &str| text.parse::<AccountNumber>().ok();
        Ok(match principal {
            PrincipalName::AccountMembers { account } => match number(account) {
                Some(number) => match self.accounts.iter().find(|(known, _)| *known == number) {
                    Some((_, id)) => Some(*id.as_bytes()),
                    None => account::find_by_number(store, number).await?.map(|row| *row.id.as_bytes()),
                },
                None => None,
            },
            PrincipalName::User { account, name } => {
                let Some(number) = number(account) else { return Ok(None) };
                let folded = name.to_ascii_lowercase();
                if let Some((.., id)) = self.users.iter().find(|(known, known_name, _)| *known == number && *known_name == folded) {
                    return Ok(Some(*id.as_bytes()));
                }
                let Some(owner) = account::find_by_number(store, number).await? else { return Ok(None) };
                user::find_by_name(store, owner.id, &folded).await?.map(|row| *row.id.as_bytes())
            }
            PrincipalName::Role { account, name } => {
                let Some(number) = number(account) else { return Ok(None) };
                let folded = name.to_ascii_lowercase();
                if let Some((.., id)) = self.roles.iter().find(|(known, known_name, _)| *known == number && *known_name == folded) {
                    return Ok(Some(*id.as_bytes()));
                }
                let Some(owner) = account::find_by_number(store, number).await? else { return Ok(None) };
                role::find_by_name(store, owner.id, &folded).await?.map(|row| *row.id.as_bytes())
            }
            PrincipalName::Federated(arn) if arn.contains(":oidc-provider/") => {
                let Some((number, name)) = oidc_provider_of(arn) else { return Ok(None) };
                let Some(owner) = account::find_by_number(store, number).await? else { return Ok(None) };
                oidc_provider::find_by_name(store, owner.id, &name.folded()).await?.map(|row| *row.id.as_bytes())
            }
            // Services and SAML federations are bound by name: they are not rows of ours.
            PrincipalName::Service(_) | PrincipalName::Federated(_) => Some([0; 16]),
        })
    }

    /// A policy of an account.
    pub fn policy(&mut self, owner: &Provisioned, name: &PolicyName, document: &str) -> Result<PolicyId, ProvisionError> {
        self.insert_policy(Some(owner.account), name, PolicyKind::Custom, "", document)
    }

    fn insert_policy(
        &mut self,
        account: Option<AccountId>,
        name: &PolicyName,
        kind: PolicyKind,
        description: &str,
        document: &str,
    ) -> Result<PolicyId, ProvisionError> {
        ram::parse(document, DocumentKind::Identity)
            .map_err(|problem| ProvisionError::Document { what: format!("policy `{name}`"), problem: problem.to_string() })?;
        let id = PolicyId::from_bytes(self.core.new_id()?);
        let now = self.core.now();
        let row = PolicyRow {
            id,
            account_id: account,
            name: name.clone(),
            kind,
            description: description.to_owned(),
            default_version: 1,
            generation: Generation(1),
            created_at: now,
            last_version: 1,
            updated_at: now,
        };
        self.changes.push(policy::insert(&row));
        self.changes.extend(policy::add_version(&PolicyVersionRow {
            policy_id: id,
            version: 1,
            document: document.to_owned(),
            created_at: now,
        }));
        self.policies.push((account, name.folded(), id));
        self.made.push(format!("policy {name}"));
        Ok(id)
    }

    /// Attaches a policy of the account or of the server.
    pub async fn attach(&mut self, owner: &Provisioned, name: &PolicyName, target: Attachable) -> Result<(), ProvisionError> {
        let folded = name.folded();
        let known =
            self.policies.iter().find(|(account, known, _)| account.is_none_or(|account| account == owner.account) && *known == folded);
        let id = match known {
            Some((.., id)) => *id,
            None => match policy::find_by_name(&self.core.store, Some(owner.account), &folded).await? {
                Some(row) => row.id,
                None => policy::find_by_name(&self.core.store, None, &folded)
                    .await?
                    .map(|row| row.id)
                    .ok_or_else(|| ProvisionError::NoSuchPolicy(name.to_string()))?,
            },
        };
        let target = match target {
            Attachable::User(id) => Target::User(id),
            Attachable::Role(id) => Target::Role(id),
        };
        self.changes.extend(policy::attach(target, id, owner.account, self.core.now()));
        Ok(())
    }

    /// An access key.
    pub fn access_key(&mut self, owner: &Provisioned, user: UserId, new: &NewAccessKey) -> Result<(), ProvisionError> {
        let id = KeyId::from_bytes(self.core.new_id()?);
        let place = Place { table: "access_keys", row: id.as_bytes(), account: &owner.account };
        let sealed_secret = self.core.keyring.seal_row(self.core.entropy.as_ref(), &place, &new.secret)?;
        self.changes.extend(access_key::insert(&AccessKeyRow {
            id,
            key_id: new.key_id.clone(),
            account_id: owner.account,
            user_id: user,
            sealed_secret,
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: self.core.now(),
        }));
        self.made.push(format!("access key {}", new.key_id));
        Ok(())
    }

    /// An API token of the user, for its programs: for all that it may, for five years.
    pub fn api_token(&mut self, owner: &Provisioned, user: UserId, token: &SecretKey) -> Result<(), ProvisionError> {
        let now = self.core.now();
        self.changes.push(api_token::insert(&ApiTokenRow {
            id: ApiTokenId::from_bytes(self.core.new_id()?),
            account_id: owner.account,
            user_id: user,
            name: "provisioned".to_owned(),
            hash: super::api_token::hash(token),
            scopes: Vec::new(),
            idle: Duration::ZERO,
            created_at: now,
            expires_at: now.plus(Duration::from_hours(24 * 365 * 5)),
            used_at: None,
            deactivated_at: None,
            deactivated_by: None,
        }));
        self.made.push("an API token".to_owned());
        Ok(())
    }

    /// A password to sign in with, already hashed; whatever the account asks of passwords is not looked at.
    pub fn login_profile(&mut self, owner: &Provisioned, user: UserId, hash: PasswordHash) -> Result<(), ProvisionError> {
        let now = self.core.now();
        self.changes.extend(login_profile::insert(&LoginProfileRow {
            id: LoginProfileId::from_bytes(self.core.new_id()?),
            account_id: owner.account,
            user_id: user,
            password_hash: Some(hash),
            password_count: 1,
            changed_at: now,
            initial: false,
            reset_required: false,
            mfa_required: false,
            status: Status::Active,
            epoch: Epoch(0),
            created_at: now,
            updated_at: now,
            last_login_at: None,
        }));
        self.made.push("a login profile".to_owned());
        Ok(())
    }

    /// A device for one-time codes with a seed that is known, in base32, as the second factor of a user.
    pub fn factor(&mut self, owner: &Provisioned, user: UserId, name: MfaDeviceName, seed: &SecretKey) -> Result<(), ProvisionError> {
        let id = MfaDeviceId::from_bytes(self.core.new_id()?);
        let place = Place { table: "mfa_devices", row: id.as_bytes(), account: &owner.account };
        let sealed_seed = self.core.keyring.seal_row(self.core.entropy.as_ref(), &place, seed)?;
        let now = self.core.now();
        self.made.push(format!("device {name}"));
        let device = MfaDeviceRow {
            id,
            account_id: owner.account,
            name,
            sealed_seed,
            user_id: Some(user),
            last_step: 0,
            created_at: now,
            bound_at: Some(now),
        };
        self.changes.push(mfa_device::insert(&device));
        Ok(())
    }

    /// A private bucket.
    pub fn bucket(&mut self, owner: &Provisioned, name: &BucketName) -> Result<(), ProvisionError> {
        self.changes.push(bucket::insert(&BucketRow {
            id: BucketId::from_bytes(self.core.new_id()?),
            account_id: owner.account,
            name: name.clone(),
            acl: Acl::Private,
            storage_class: "Standard".to_owned(),
            generation: Generation(1),
            created_at: self.core.now(),
        }));
        self.made.push(format!("bucket {name}"));
        Ok(())
    }

    /// A client with its secret, installed in its own account with all the scopes it has.
    pub fn client(&mut self, owner: &Provisioned, new: &NewClient) -> Result<(), ProvisionError> {
        let now = self.core.now();
        let mut row = new_client_row(self.core, owner.account, new.kind, &new.name)?;
        row.app_id.clone_from(&new.app_id);
        row.secret_required = true;
        row.redirect_uris.clone_from(&new.redirect_uris);
        row.scopes.clone_from(&new.scopes);
        let secret = new_secret_row(self.core, row.id, &new.secret).map_err(ProvisionError::Keyring)?;
        self.changes.push(client::insert(&row));
        self.changes.extend(client_secret::insert(&secret));
        self.changes.push(installation::insert(&InstallationRow {
            id: InstallationId::from_bytes(self.core.new_id()?),
            account_id: owner.account,
            client_id: row.id,
            scopes: row.scopes,
            mode: AssignmentMode::OnDemand,
            installed_by: *owner.root.as_bytes(),
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: now,
        }));
        self.made.push(format!("application {}", new.name));
        Ok(())
    }

    /// Makes all of it, or nothing, with one audit row that names the operator of the machine.
    pub async fn commit(mut self) -> Result<(), ProvisionError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let core = self.core;
        self.changes.touch(SYSTEM);
        let detail = serde_json::json!({ "reason": format!("made {}", self.made.join(", ")) });
        self.changes.push(audit::insert(AuditRow {
            node: core.recorder.node(),
            seq: core.recorder.next_seq(),
            at: core.now(),
            request_id: core.new_request_id(),
            account_id: self.accounts.first().map(|(_, id)| *id),
            action: "tegata:Provision".into(),
            resource: "*".to_owned(),
            caller_kind: CallerKind::System,
            caller_id: None,
            caller: "operator".to_owned(),
            access_key_id: None,
            session_id: None,
            outcome: Outcome::Done,
            source: "-".to_owned(),
            detail: detail.to_string(),
        }));
        core.store.commit(self.changes).await.map_err(|error| match error {
            CommitError::Exists(what) => ProvisionError::Exists(what.to_owned()),
            CommitError::Store(error) => error.into(),
            other => ProvisionError::Number(other.to_string()),
        })
    }
}
