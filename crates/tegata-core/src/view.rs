//! What is, as one operation sees it: reads, each with the generation it had, and the one instant of the request.

use std::sync::{Arc, Mutex};

use tegata_model::{
    AccountId, AccountNumber, ApiTokenId, BucketId, BucketName, ClientId, ConsentId, Epoch, Generation, GrantId, GroupId, InstallationId,
    KeyId, ObjectKey, OidcProviderId, PolicyId, RoleId, RoleName, SessionId, Timestamp, UserId,
};
use tegata_store::{
    Step,
    account::AccountRow,
    bucket::{self, BucketRow},
    object::{self, ObjectRow},
};

use crate::{Core, error::OpError, principal::Principal};

/// One aggregate that was read, with the generation (for a session: the epoch of its mark) found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Account(AccountId, Generation),
    User(UserId, Generation),
    Group(GroupId, Generation),
    Role(RoleId, Generation),
    Policy(PolicyId, Generation),
    Key(KeyId, Generation),
    Bucket(BucketId, Generation),
    Session(SessionId, Epoch),
    OidcProvider(OidcProviderId, Generation),
    Client(ClientId, Generation),
    Installation(InstallationId, Generation),
    /// By its epoch: a refresh token that is used changes nothing of what the grant gave before.
    Grant(GrantId, Epoch),
    Consent(ConsentId),
    Browser(SessionId, Epoch),
    ApiToken(ApiTokenId),
}

/// A view for one run of one operation. It notes what is read; the commit holds only while none of that has changed.
pub struct View<'a> {
    core: &'a Core,
    now: Timestamp,
    reads: Mutex<Vec<Read>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(core: &'a Core, now: Timestamp) -> Self {
        Self { core, now, reads: Mutex::new(Vec::new()) }
    }

    /// The instant of this request; read once.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn core(&self) -> &Core {
        self.core
    }

    pub(crate) fn note(&self, reads: &[Read]) {
        let mut noted = self.reads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for read in reads {
            if !noted.contains(read) {
                noted.push(*read);
            }
        }
    }

    /// Notes many reads at once. One that is noted twice is only expected twice.
    pub(crate) fn note_all(&self, reads: impl IntoIterator<Item = Read>) {
        self.reads.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(reads);
    }

    /// Expectations for everything noted, in order.
    pub(crate) fn expectations(self) -> Vec<Step> {
        let reads = self.reads.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        reads.iter().map(Read::expectation).collect()
    }

    pub(crate) async fn account_by_number(&self, number: AccountNumber) -> Result<Option<Arc<AccountRow>>, OpError> {
        Ok(self.core.memory.account_by_number(&self.core.store, number).await?)
    }

    pub(crate) async fn role(&self, account: AccountId, name: &RoleName) -> Result<Option<Arc<Principal>>, OpError> {
        let role = self.core.memory.role_by_name(&self.core.store, account, &name.folded()).await?;
        if let Some(role) = &role {
            self.note(&role.reads);
        }
        Ok(role)
    }

    pub(crate) async fn bucket(&self, name: &BucketName) -> Result<Option<BucketRow>, OpError> {
        let row = bucket::find_by_name(&self.core.store, name).await?;
        if let Some(row) = &row {
            self.note(&[Read::Bucket(row.id, row.generation)]);
        }
        Ok(row)
    }

    /// The object as it is. Its change is guarded by the statement that replaces or deletes it, not by a generation.
    pub(crate) async fn object(&self, bucket: BucketId, key: &ObjectKey) -> Result<Option<ObjectRow>, OpError> {
        Ok(object::find(&self.core.store, bucket, key).await?)
    }
}
