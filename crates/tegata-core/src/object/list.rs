//! List the objects of a bucket, in the byte order of their keys.

use tegata_model::{AccountNumber, BucketName};
use tegata_store::object;

use super::{StoredObject, own_account, own_bucket, page_size};
use crate::{
    actions::{Action, OSS_LIST_OBJECTS},
    authz,
    caller::Caller,
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// List the objects of a bucket.
#[derive(Debug, Clone)]
pub struct ListObjects {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin with this.
    pub prefix: String,
    /// Roll up the keys that share their text up to this, after the prefix. Empty: do not.
    pub delimiter: String,
    /// Only keys after this one.
    pub after: String,
    /// At most this many keys and rolled-up prefixes.
    pub limit: usize,
}

/// A page of objects.
#[derive(Debug, Clone)]
pub struct ListedObjects {
    /// The account that owns them.
    pub owner: AccountNumber,
    /// The objects, in order.
    pub objects: Vec<StoredObject>,
    /// The rolled-up prefixes, in order.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins (exclusive); `None` when this is the last.
    pub next: Option<String>,
}

/// A byte that no UTF-8 text contains: `prefix` + this is greater than every key with that prefix.
const PAST: u8 = 0xFF;

impl Operation for ListObjects {
    const ACTION: Action = OSS_LIST_OBJECTS;
    type Output = ListedObjects;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Bucket { account: own_account(caller), name: self.bucket.clone() }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ListedObjects>, OpError> {
        let resource = self.resource(caller);
        // An absent parameter is the empty text for policies.
        authz::permit(view, caller, Self::ACTION, &resource, &[("oss:Prefix", &self.prefix), ("oss:Delimiter", &self.delimiter)])?;
        let bucket = own_bucket(view, caller, Self::ACTION, &resource, &self.bucket).await?;
        let mut page = ListedObjects { owner: own_account(caller), objects: Vec::new(), common_prefixes: Vec::new(), next: None };
        if self.limit == 0 {
            return Ok(Effect::nothing(page));
        }
        let mut after = self.start();
        let mut last = String::new();
        loop {
            let room = self.limit - page.objects.len() - page.common_prefixes.len();
            // One more than there is room for tells whether the page is the last.
            let rows = object::list(&view.core().store, bucket.id, self.prefix.as_bytes(), &after, page_size(room)).await?;
            let read_all = rows.len() <= room;
            let mut jumped = false;
            for row in rows {
                if page.objects.len() + page.common_prefixes.len() == self.limit {
                    page.next = Some(last);
                    return Ok(Effect::nothing(page));
                }
                if let Some(rolled) = self.rolled_up(row.key.as_str()) {
                    after = [rolled.as_bytes(), &[PAST]].concat();
                    last.clone_from(&rolled);
                    page.common_prefixes.push(rolled);
                    jumped = true;
                    break;
                }
                row.key.as_str().clone_into(&mut last);
                after = row.key.as_str().as_bytes().to_vec();
                page.objects.push(StoredObject::of(&row));
            }
            if read_all && !jumped {
                return Ok(Effect::nothing(page));
            }
        }
    }
}

impl ListObjects {
    fn rolled_up(&self, key: &str) -> Option<String> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let end = rest.find(self.delimiter.as_str())? + self.delimiter.len();
        rest.get(..end).map(|head| format!("{}{head}", self.prefix))
    }

    /// A page that ended with a rolled-up prefix goes on after everything beneath it.
    fn start(&self) -> Vec<u8> {
        let mut start = self.after.as_bytes().to_vec();
        if self.rolled_up(&self.after).is_some_and(|rolled| rolled == self.after) {
            start.push(PAST);
        }
        start
    }
}
