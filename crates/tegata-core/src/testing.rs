//! A core on a fresh database, with a clock moved by hand and seeded entropy.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use tegata_model::{AccessKeyId, AccountAlias, AccountNumber, BucketName, PolicyName, RequestId, RoleName, SecretKey, Timestamp, UserName};
use tegata_sign::{Arrived, Presented, acs_rpc};
use tegata_store::{blob::Blobs, testing::TestStore};

use crate::{
    Caller, Core, OpError, Parts, RequestMeta,
    authn::Proof,
    clock::{Clock, Entropy, NoEntropy},
    directory::{Attachable, NewAccessKey, NewAccount, NewClient, NewRole, NewUser, Provisioned},
    keyring::{Keyring, MasterKey},
    limits::Limits,
    mail::{Language, MailError, Mailer, Message, Sending},
    mint::TemporaryCredential,
    outbound::{Answer, Fetched, Outbound, OutboundError},
};

/// Why a test could not be set up.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.unix()))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_secs()).unwrap_or(0), Ordering::SeqCst);
    }

    /// Stands at `at` from now on.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.unix(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// Entropy that is the same in every run (a splitmix64 sequence): for tests only.
#[derive(Debug, Default)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            for (slot, byte) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *slot = byte;
            }
        }
        Ok(())
    }
}

/// Entropy that has run dry.
#[derive(Debug, Default)]
pub struct Dry;

impl Entropy for Dry {
    fn fill(&self, _bytes: &mut [u8]) -> Result<(), NoEntropy> {
        Err(NoEntropy)
    }
}

/// A world of other servers that answer what a test has laid out, and count how often they were asked.
#[derive(Debug, Default)]
pub struct TestOutbound {
    answers: Mutex<HashMap<String, Fetched>>,
    asked: AtomicU64,
}

impl TestOutbound {
    /// From now on this URL answers with this.
    pub fn put(&self, url: &str, body: impl Into<Vec<u8>>, certificates: &[&str]) {
        let fetched = Fetched { body: body.into(), certificates: certificates.iter().map(|&digest| digest.to_owned()).collect() };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(url.to_owned(), fetched);
    }

    /// From now on nobody answers at all.
    pub fn silence(&self) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How often any server was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// An issuer with this set of keys.
    pub fn issuer(&self, issuer: &str, keys: &str, certificates: &[&str]) {
        let keys_at = format!("{issuer}/keys");
        let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys_at}"}}"#);
        self.put(&tegata_oauth::Discovery::url(issuer), document, certificates);
        self.put(&keys_at, keys, &[]);
    }
}

impl Outbound for TestOutbound {
    fn get<'a>(&'a self, url: &'a str) -> Answer<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            // Others get a turn, as they would while a server thinks.
            tokio::task::yield_now().await;
            let found = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
            found.ok_or_else(|| OutboundError::Unreachable { host: url.to_owned(), cause: "nobody there".to_owned() })
        })
    }
}

/// A post office that keeps what it is given, or fails as it is told.
#[derive(Debug, Default)]
pub struct TestMailer {
    sent: Mutex<Vec<Message>>,
    failing: Mutex<Option<MailError>>,
}

impl TestMailer {
    /// What was sent since this was last asked.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on every message fails like this, or none.
    pub fn fail(&self, error: Option<MailError>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }
}

impl Mailer for TestMailer {
    fn language(&self) -> Language {
        Language::English
    }

    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if let Some(error) = self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                return Err(error);
            }
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
            Ok(())
        })
    }
}

/// The instant at which test clocks start: 2026-01-02T03:04:05Z.
pub const START: Timestamp = Timestamp::from_unix(1_767_323_045);

/// The issuer of test cores.
pub const ISSUER: &str = "http://tegata.test";
/// The master key of test cores.
pub const MASTER: [u8; 32] = [7; 32];

/// A key pair of a test: `LTAITEST…` and its secret, or a temporary one with its token.
#[derive(Debug)]
pub struct TestKey {
    /// The public id.
    pub key_id: AccessKeyId,
    /// The secret.
    pub secret: SecretKey,
    /// The token of a temporary key.
    pub token: Option<SecretKey>,
}

impl From<TemporaryCredential> for TestKey {
    fn from(credential: TemporaryCredential) -> Self {
        Self { key_id: credential.access_key_id, secret: credential.secret, token: Some(credential.security_token) }
    }
}

impl TestKey {
    /// What a signer signs with.
    pub fn credential(&self) -> tegata_sign::Credential<'_> {
        tegata_sign::Credential {
            access_key_id: &self.key_id,
            secret: &self.secret,
            security_token: self.token.as_ref().map(SecretKey::expose),
        }
    }
}

/// A core with the sample principals: account `acme` (1000000000000001) with users `alice` (administrator), `bob` and `appserver` (may
/// assume `app-uploader`), `dan` (nothing), role `app-uploader` (put, get, list on bucket `photos`), account `globex` with user `mallory` (administrator there).
pub struct TestCore {
    core: Core,
    /// Moves time.
    pub clock: Arc<ManualClock>,
    /// The other servers there are.
    pub outbound: Arc<TestOutbound>,
    /// Where its letters go.
    pub mailer: Arc<TestMailer>,
    /// The rows behind it.
    pub store: TestStore,
    /// The account.
    pub acme: Provisioned,
    /// The other account.
    pub globex: Provisioned,
    requests: AtomicU64,
}

impl Deref for TestCore {
    type Target = Core;
    fn deref(&self) -> &Core {
        &self.core
    }
}

impl TestCore {
    /// One on SQLite.
    pub async fn new() -> Result<Self, Broken> {
        Self::on(TestStore::sqlite().await?).await
    }

    /// One on each engine there is: PostgreSQL only when `TEGATA_TEST_POSTGRES` is set.
    pub async fn each() -> Result<Vec<Self>, Broken> {
        let mut cores = Vec::new();
        for store in TestStore::each().await? {
            cores.push(Self::on(store).await?);
        }
        Ok(cores)
    }

    /// One on this store.
    pub async fn on(store: TestStore) -> Result<Self, Broken> {
        let clock = Arc::new(ManualClock::new(START));
        let outbound = Arc::new(TestOutbound::default());
        let mailer = Arc::new(TestMailer::default());
        let posted: Arc<dyn Mailer> = Arc::<TestMailer>::clone(&mailer);
        let core = Self::node_of(&store, Arc::clone(&clock), 1, Limits::default(), Arc::clone(&outbound), Some(posted)).await?;
        let (acme, globex) = seed(&core).await?;
        Ok(Self { core, clock, outbound, mailer, store, acme, globex, requests: AtomicU64::new(0) })
    }

    /// One more node on the same rows and blobs.
    pub async fn node(store: &TestStore, clock: Arc<ManualClock>, seed: u64, limits: Limits) -> Result<Core, Broken> {
        Self::node_with(store, clock, seed, limits, Arc::default()).await
    }

    /// One more node, with its own way to other servers.
    pub async fn node_with(
        store: &TestStore,
        clock: Arc<ManualClock>,
        seed: u64,
        limits: Limits,
        outbound: Arc<TestOutbound>,
    ) -> Result<Core, Broken> {
        Self::node_of(store, clock, seed, limits, outbound, None).await
    }

    /// One more node, with its own way to other servers and to people.
    pub async fn node_of(
        store: &TestStore,
        clock: Arc<ManualClock>,
        seed: u64,
        limits: Limits,
        outbound: Arc<TestOutbound>,
        mailer: Option<Arc<dyn Mailer>>,
    ) -> Result<Core, Broken> {
        let entropy = SeededEntropy::new(seed);
        let keyring = Keyring::open(store, &MasterKey::new(MASTER), ISSUER, &entropy, clock.now()).await?;
        let rows: tegata_store::Store = (**store).clone();
        let blobs = Blobs::local(&store.folder().join("blobs"))?;
        Ok(Core::new(Parts {
            store: rows,
            blobs,
            keyring,
            clock,
            entropy: Arc::new(entropy),
            outbound,
            mailer,
            limits,
            services: crate::org::Services::sample(),
            role_policies: role_policies(),
        })?)
    }

    /// The long-term key of a sample user, `root` of acme among them.
    pub fn key(&self, user: &str) -> Result<TestKey, Broken> {
        sample_key(user).map(|NewAccessKey { key_id, secret }| TestKey { key_id, secret, token: None })
    }

    /// What the edge would know of a request.
    pub fn meta(&self) -> RequestMeta {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        RequestMeta {
            id: RequestId::from_bytes(id),
            source: Some([192, 0, 2, 7].into()),
            secure: false,
            user_agent: "test/1".to_owned(),
            call: None,
        }
    }

    /// A signature of some request by a key, made now with this nonce.
    pub fn signed(&self, key: &TestKey, nonce: &str) -> Result<Presented, Broken> {
        let parameters = vec![("Action".to_owned(), "GetCallerIdentity".to_owned()), ("Version".to_owned(), "2015-04-01".to_owned())];
        let mut query = parameters.clone();
        query.extend(acs_rpc::sign("GET", &parameters, &key.credential(), self.core.now(), nonce));
        let arrived = Arrived { method: "GET", path: "/", query: &query, headers: &[], form: &[], body_sha256: None };
        Ok(acs_rpc::present(&arrived)?)
    }

    /// The caller that a key makes, with a fresh nonce.
    pub async fn caller(&self, key: &TestKey) -> Result<Caller, OpError> {
        let nonce = format!("own-nonce-{}", self.requests.fetch_add(1, Ordering::SeqCst));
        let presented = self.signed(key, &nonce).map_err(OpError::internal)?;
        self.core.authenticate(Proof::Signed(presented), self.meta()).await
    }

    /// The user that a caller is.
    pub fn user_id(&self, caller: &Caller) -> Option<tegata_model::UserId> {
        match &caller.evidence.principal().who {
            crate::principal::Who::User(row) => Some(row.id),
            _ => None,
        }
    }

    /// The caller that a sample user makes.
    pub async fn user(&self, user: &str) -> Result<Caller, OpError> {
        self.caller(&self.key(user).map_err(OpError::internal)?).await
    }
}

/// The code that a device with this seed (base32) shows `steps` of half a minute from `at`.
pub fn one_time_code(seed: &str, at: Timestamp, steps: i64) -> Result<String, Broken> {
    let code = crate::otp::code(&SecretKey::new(seed.to_owned()), crate::otp::step_at(at) + steps).ok_or("the seed is no base32")?;
    Ok(code.digits().to_owned())
}

/// What roles of the sample services stand for: reading, and an own policy of the account.
fn role_policies() -> crate::org::RolePolicies {
    let named = [("vcd/vcd:user", "AliyunOSSReadOnlyAccess"), ("vcd/vcd:admin", "AliyunOSSFullAccess"), ("vmc/vmc:auditor", "auditing")];
    let named = named.map(|(role, policy)| (role.to_owned(), vec![policy.to_owned()]));
    crate::org::RolePolicies::new(named, &crate::org::Services::sample()).unwrap_or_default()
}

fn sample_key(user: &str) -> Result<NewAccessKey, Broken> {
    let key_id = AccessKeyId::new(&format!("LTAITEST{user}"))?;
    Ok(NewAccessKey { key_id, secret: SecretKey::new(format!("secret-of-{user}-0123456789abcdef")) })
}

/// What `app-uploader` may do.
pub const UPLOADER: &str = r#"{"Version":"1","Statement":[
  {"Effect":"Allow","Action":["oss:PutObject","oss:GetObject"],"Resource":"acs:oss:*:*:photos/*"},
  {"Effect":"Allow","Action":"oss:ListObjects","Resource":"acs:oss:*:*:photos"}]}"#;
/// Whom `app-uploader` trusts.
pub const UPLOADER_TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
  "Principal":{"RAM":["acs:ram::1000000000000001:user/bob","acs:ram::1000000000000001:user/appserver"]}}]}"#;
/// What `bob` and `appserver` may do.
pub const ASSUME_UPLOADER: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"acs:ram:*:1000000000000001:role/app-uploader"}]}"#;

/// The API token of a sample user.
pub fn api_token_of(user: &str) -> String {
    format!("{:x<64}", format!("api_token-of-{user}-"))
}

/// The sample client `bench`: its public id and its secret.
pub const BENCH: (&str, &str) = ("5000000000000000001", "secret-of-bench-0123456789abcdef");

async fn seed(core: &Core) -> Result<(Provisioned, Provisioned), Broken> {
    let mut provision = core.provision();
    provision.system_policies().await?;
    let account = |alias: &str, number| -> Result<NewAccount, Broken> {
        let (alias, number) = (AccountAlias::new(alias)?, Some(AccountNumber::new(number)?));
        let root_login = format!("root@{alias}.test");
        Ok(NewAccount { alias, number, operator_id: None, organisation_id: None, parent: None, root_login })
    };
    let acme = provision.account(account("acme", 1_000_000_000_000_001)?)?;
    let globex = provision.account(account("globex", 1_000_000_000_000_002)?)?;
    provision.access_key(&acme, acme.root, &sample_key("root")?)?;
    provision.policy(&acme, &PolicyName::new("assume-uploader")?, ASSUME_UPLOADER)?;
    provision.policy(&acme, &PolicyName::new("uploader")?, UPLOADER)?;
    for (owner, name, policy) in [
        (&acme, "alice", Some("AdministratorAccess")),
        (&acme, "bob", Some("assume-uploader")),
        (&acme, "appserver", Some("assume-uploader")),
        (&acme, "dan", None),
        (&globex, "mallory", Some("AdministratorAccess")),
    ] {
        let user = provision.user(owner, &NewUser { name: UserName::new(name)?, number: None })?;
        provision.access_key(owner, user, &sample_key(name)?)?;
        provision.api_token(owner, user, &SecretKey::new(api_token_of(name)))?;
        if let Some(policy) = policy {
            provision.attach(owner, &PolicyName::new(policy)?, Attachable::User(user)).await?;
        }
    }
    let role = NewRole {
        name: RoleName::new("app-uploader")?,
        number: None,
        description: String::new(),
        trust_document: UPLOADER_TRUST.to_owned(),
        max_session: Duration::from_hours(1),
    };
    let role = provision.role(&acme, &role).await?;
    provision.attach(&acme, &PolicyName::new("uploader")?, Attachable::Role(role)).await?;
    provision.bucket(&acme, &BucketName::new("photos")?)?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let bench = NewClient {
        app_id: BENCH.0.to_owned(),
        name: "bench".to_owned(),
        kind: crate::client::ClientKind::Web,
        secret: SecretKey::new(BENCH.1.to_owned()),
        redirect_uris: words(&["https://bench.test/cb"]),
        scopes: words(&["openid", "aliuid", "profile"]),
    };
    provision.client(&acme, &bench)?;
    provision.commit().await?;
    Ok((acme, globex))
}
