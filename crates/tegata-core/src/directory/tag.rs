//! Tags of roles and policies, and conditions that ask for them.

use std::collections::HashMap;

use tegata_model::{PolicyName, RoleName, TagKey, TagValue};
use tegata_store::{
    Store,
    policy::{self as policy_rows, PolicyRow},
    role::{self as role_rows, RoleRow},
    tag::{self, TagRow, Tagged},
};

use super::{Listed, Page, PolicyRef, PolicyType, changes, find_role, own, role_name};
use crate::{
    actions::{Action, RAM_LIST_TAG_RESOURCES, RAM_TAG_RESOURCES, RAM_UNTAG_RESOURCES},
    audit::Entry,
    authz::{self, Permit},
    caller::Caller,
    error::{Input, OpError, ProblemKind, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// Most tags of one call (RAM 2015-05-01, TagResources).
pub const TAGS_AT_ONCE: usize = 20;
/// Most things that one call tags (RAM 2015-05-01, TagResources).
pub const RESOURCES_AT_ONCE: usize = 50;
/// Rows looked at in one go where tags select among them.
const CHUNK: u32 = 500;

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// What it is called: once on each thing.
    pub key: TagKey,
    /// What it says; may be empty.
    pub value: TagValue,
}

/// What a list is narrowed by: all of them must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagFilter {
    /// A tag of this key.
    pub key: TagKey,
    /// With this value; any value if nothing is said.
    pub value: Option<TagValue>,
}

/// Something that can be tagged, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taggable {
    /// A role.
    Role(RoleName),
    /// A policy of the account.
    Policy(PolicyName),
}

/// The kinds of things that can be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaggableKind {
    /// Roles.
    Roles,
    /// Policies of the account.
    Policies,
}

impl Taggable {
    fn resource(&self, caller: &Caller) -> ResourceName {
        match self {
            Self::Role(name) => role_name(caller, name),
            Self::Policy(name) => ResourceName::Policy { account: own(caller), name: name.clone() },
        }
    }

    async fn find(&self, view: &View<'_>, caller: &Caller) -> Result<Tagged, OpError> {
        self.find_named(view, caller).await.map(|(target, _)| target)
    }

    /// With the name as it was given when it was made.
    async fn find_named(&self, view: &View<'_>, caller: &Caller) -> Result<(Tagged, String), OpError> {
        Ok(match self {
            Self::Role(name) => {
                let row = find_role(view, caller, name).await?;
                (Tagged::Role(row.id), row.name.to_string())
            }
            Self::Policy(name) => {
                let row = PolicyRef { kind: PolicyType::Custom, name: name.clone() }.find(view, caller).await?;
                (Tagged::Policy(row.id), row.name.to_string())
            }
        })
    }
}

impl TaggableKind {
    fn resource(self, caller: &Caller) -> ResourceName {
        match self {
            Self::Roles => ResourceName::Roles { account: own(caller) },
            Self::Policies => ResourceName::Policies { account: own(caller) },
        }
    }
}

impl Tag {
    fn of(row: &TagRow) -> Result<Self, OpError> {
        let unreadable = |_| OpError::internal("a tag in the store is not one");
        Ok(Self { key: TagKey::new(&row.key).map_err(unreadable)?, value: TagValue::new(&row.value).map_err(unreadable)? })
    }
}

/// The tags of several things, by id.
pub(super) struct TagsOf(HashMap<[u8; 16], Vec<Tag>>);

impl TagsOf {
    fn of(rows: Vec<TagRow>) -> Result<Self, OpError> {
        let mut all: HashMap<[u8; 16], Vec<Tag>> = HashMap::new();
        for row in rows {
            all.entry(row.target_id).or_default().push(Tag::of(&row)?);
        }
        Ok(Self(all))
    }

    /// Of roles that stand in order of their names.
    pub(super) async fn roles(store: &Store, caller: &Caller, rows: &[RoleRow]) -> Result<Self, OpError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Self::of(Vec::new()) };
        Self::of(tag::of_roles(store, caller.account(), &first.name.folded(), &last.name.folded()).await?)
    }

    /// Of policies of the account that stand in order of their names.
    pub(super) async fn policies(store: &Store, caller: &Caller, rows: &[PolicyRow]) -> Result<Self, OpError> {
        let mut own = rows.iter().filter(|row| row.account_id.is_some());
        let Some(first) = own.next() else { return Self::of(Vec::new()) };
        let last = own.next_back().unwrap_or(first);
        Self::of(tag::of_policies(store, caller.account(), &first.name.folded(), &last.name.folded()).await?)
    }

    pub(super) fn take(&mut self, id: &[u8; 16]) -> Vec<Tag> {
        self.0.remove(id).unwrap_or_default()
    }

    pub(super) fn fit(&self, id: &[u8; 16], filter: &[TagFilter]) -> bool {
        let tags = self.0.get(id).map_or(&[][..], Vec::as_slice);
        fit(tags, filter)
    }
}

fn fit(tags: &[Tag], filter: &[TagFilter]) -> bool {
    let one =
        |wanted: &TagFilter| tags.iter().any(|tag| tag.key == wanted.key && wanted.value.as_ref().is_none_or(|value| *value == tag.value));
    filter.iter().all(one)
}

/// The tags of one thing, by key.
pub(super) async fn of(view: &View<'_>, target: Tagged) -> Result<Vec<Tag>, OpError> {
    tag::of(&view.core().store, target).await?.iter().map(Tag::of).collect()
}

/// Roles that fit a filter, as many as a page and one more, with their tags.
pub(super) async fn roles(
    view: &View<'_>,
    caller: &Caller,
    page: &Page,
    filter: &[TagFilter],
) -> Result<Vec<(RoleRow, Vec<Tag>)>, OpError> {
    let (store, mut after, mut kept) = (&view.core().store, page.after.clone(), Vec::new());
    let (wanted, chunk) = (page.rows(), if filter.is_empty() { page.rows() } else { CHUNK });
    loop {
        let rows = role_rows::list(store, caller.account(), &after, chunk).await?;
        let mut tags = TagsOf::roles(store, caller, &rows).await?;
        let last = rows.last().filter(|_| rows.len() >= usize::try_from(chunk).unwrap_or(usize::MAX)).map(|row| row.name.folded());
        for row in rows {
            if tags.fit(row.id.as_bytes(), filter) && kept.len() < usize::try_from(wanted).unwrap_or(usize::MAX) {
                let carried = tags.take(row.id.as_bytes());
                kept.push((row, carried));
            }
        }
        match last {
            Some(last) if kept.len() < usize::try_from(wanted).unwrap_or(usize::MAX) => after = last,
            _ => return Ok(kept),
        }
    }
}

/// Policies of the account that fit a filter, at most `wanted`, with their tags.
pub(super) async fn policies(
    view: &View<'_>,
    caller: &Caller,
    after: &str,
    wanted: u32,
    filter: &[TagFilter],
) -> Result<Vec<(PolicyRow, Vec<Tag>)>, OpError> {
    let (store, mut after, mut kept) = (&view.core().store, after.to_owned(), Vec::new());
    let chunk = if filter.is_empty() { wanted } else { CHUNK };
    loop {
        let rows = policy_rows::list(store, Some(caller.account()), &after, chunk).await?;
        let mut tags = TagsOf::policies(store, caller, &rows).await?;
        let last = rows.last().filter(|_| rows.len() >= usize::try_from(chunk).unwrap_or(usize::MAX)).map(|row| row.name.folded());
        for row in rows {
            if tags.fit(row.id.as_bytes(), filter) && kept.len() < usize::try_from(wanted).unwrap_or(usize::MAX) {
                let carried = tags.take(row.id.as_bytes());
                kept.push((row, carried));
            }
        }
        match last {
            Some(last) if kept.len() < usize::try_from(wanted).unwrap_or(usize::MAX) => after = last,
            _ => return Ok(kept),
        }
    }
}

/// Asks for an action on something that may carry tags: conditions see them as `acs:ResourceTag/<key>`.
///
/// They are read before permission is given, but what is answered depends on them only where a policy asks for them: then what
/// does not exist is refused as what carries no tags is.
pub(super) async fn permit(view: &View<'_>, caller: &Caller, action: Action, resource: &ResourceName) -> Result<Permit, OpError> {
    permit_with(view, caller, action, resource, &[]).await
}

/// The same where tags are given: conditions see these as `acs:RequestTag/<key>`.
pub(super) async fn permit_with(
    view: &View<'_>,
    caller: &Caller,
    action: Action,
    resource: &ResourceName,
    given: &[Tag],
) -> Result<Permit, OpError> {
    if caller.evidence.principal().is_owner() {
        return authz::permit(view, caller, action, resource, &[]);
    }
    let carried = carried(view, caller, resource).await?;
    let mut keys: Vec<(String, &str)> = carried.iter().map(|row| (resource_key(&row.key), row.value.as_str())).collect();
    keys.extend(given.iter().map(|tag| (format!("acs:RequestTag/{}", tag.key), tag.value.as_str())));
    let extra: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    authz::permit(view, caller, action, resource, &extra)
}

/// The condition key of a tag that something carries.
pub(crate) fn resource_key(tag: &str) -> String {
    format!("acs:ResourceTag/{tag}")
}

/// What something of the caller's own account carries. Its generation is noted before its tags are read.
async fn carried(view: &View<'_>, caller: &Caller, resource: &ResourceName) -> Result<Vec<TagRow>, OpError> {
    let (store, account) = (&view.core().store, caller.account());
    let target = match resource {
        ResourceName::Role { account: number, name } if *number == own(caller) => {
            role_rows::find_by_name(store, account, &name.folded()).await?.map(|row| {
                view.note(&[Read::Role(row.id, row.generation)]);
                Tagged::Role(row.id)
            })
        }
        ResourceName::Policy { account: number, name } if *number == own(caller) => {
            policy_rows::find_by_name(store, Some(account), &name.folded()).await?.map(|row| {
                view.note(&[Read::Policy(row.id, row.generation)]);
                Tagged::Policy(row.id)
            })
        }
        _ => None,
    };
    match target {
        Some(target) => Ok(tag::of(store, target).await?),
        None => Ok(Vec::new()),
    }
}

/// Tags that something new is given: not too many, each key once.
pub(super) fn check(view: &View<'_>, tags: &[Tag]) -> Result<(), OpError> {
    if tags.len() > TAGS_AT_ONCE {
        return Err(OpError::invalid(Input::Tags, ProblemKind::TooLarge, format!("one call may give at most {TAGS_AT_ONCE} tags")));
    }
    let repeated = |(at, tag): (usize, &Tag)| tags.iter().take(at).any(|other| other.key == tag.key);
    if tags.iter().enumerate().any(repeated) {
        return Err(OpError::invalid(Input::Tags, ProblemKind::Malformed, "a key may stand once"));
    }
    let most = view.core().limits().quotas.tags_per_resource;
    if tags.len() > usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(OpError::LimitExceeded(Quota::TagsPerResource, most));
    }
    Ok(())
}

/// The steps that tag something new or known.
pub(super) fn steps(view: &View<'_>, caller: &Caller, target: Tagged, tags: &[Tag]) -> Vec<tegata_store::Step> {
    if tags.is_empty() {
        return Vec::new();
    }
    let pairs = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    tag::set(target, caller.account(), pairs, view.core().limits().quotas.tags_per_resource).collect()
}

fn check_names(names: &[Taggable]) -> Result<(), OpError> {
    if (1..=RESOURCES_AT_ONCE).contains(&names.len()) {
        return Ok(());
    }
    Err(OpError::invalid(Input::ResourceNames, ProblemKind::TooLarge, format!("one call names 1 to {RESOURCES_AT_ONCE} of them")))
}

/// What the audit calls several things: the one that is meant, or all of their kind.
fn audited(names: &[Taggable], caller: &Caller) -> ResourceName {
    match names {
        [one] => one.resource(caller),
        [Taggable::Policy(_), ..] => TaggableKind::Policies.resource(caller),
        _ => TaggableKind::Roles.resource(caller),
    }
}

fn note(names: &[Taggable]) -> String {
    let names: Vec<&str> = names
        .iter()
        .map(|name| match name {
            Taggable::Role(name) => name.as_str(),
            Taggable::Policy(name) => name.as_str(),
        })
        .collect();
    format!("tags of {}", names.join(", "))
}

/// Put tags on roles or policies; a key that one has already gets the new value.
#[derive(Debug, Clone)]
pub struct TagResources {
    /// What is tagged: 1 to 50.
    pub names: Vec<Taggable>,
    /// The tags: 1 to 20.
    pub tags: Vec<Tag>,
}

impl Operation for TagResources {
    const ACTION: Action = RAM_TAG_RESOURCES;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        audited(&self.names, caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        check_names(&self.names)?;
        check(view, &self.tags)?;
        let permit = permit_all(view, caller, Self::ACTION, &self.names, &self.tags).await?;
        let most = view.core().limits().quotas.tags_per_resource;
        let mut changes = changes(view, caller);
        for name in &self.names {
            let target = name.find(view, caller).await?;
            let has = of(view, target).await?;
            let new = self.tags.iter().filter(|tag| has.iter().all(|known| known.key != tag.key)).count();
            if has.len() + new > usize::try_from(most).unwrap_or(usize::MAX) {
                return Err(OpError::LimitExceeded(Quota::TagsPerResource, most));
            }
            changes.extend(steps(view, caller, target, &self.tags));
        }
        Ok(Effect::with((), changes, Entry { by: permit.spend(), note: Some(note(&self.names)), ..Entry::default() }))
    }
}

/// Every one of them must be allowed, before anybody looks whether it exists.
async fn permit_all(view: &View<'_>, caller: &Caller, action: Action, names: &[Taggable], given: &[Tag]) -> Result<Permit, OpError> {
    let mut all: Option<Permit> = None;
    for name in names {
        let permit = permit_with(view, caller, action, &name.resource(caller), given).await?;
        all = Some(match all {
            Some(all) => all.and(permit),
            None => permit,
        });
    }
    all.ok_or_else(|| OpError::internal("nothing was named"))
}

/// Take tags off roles or policies; what one does not have is no matter.
#[derive(Debug, Clone)]
pub struct UntagResources {
    /// What is meant: 1 to 50.
    pub names: Vec<Taggable>,
    /// The keys, at most 20; `None` for all tags.
    pub keys: Option<Vec<TagKey>>,
}

impl Operation for UntagResources {
    const ACTION: Action = RAM_UNTAG_RESOURCES;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        audited(&self.names, caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        check_names(&self.names)?;
        if self.keys.as_ref().is_some_and(|keys| keys.len() > TAGS_AT_ONCE) {
            return Err(OpError::invalid(Input::Tags, ProblemKind::TooLarge, format!("one call may name at most {TAGS_AT_ONCE} keys")));
        }
        let permit = permit_all(view, caller, Self::ACTION, &self.names, &[]).await?;
        let mut changes = changes(view, caller);
        for name in &self.names {
            let target = name.find(view, caller).await?;
            match &self.keys {
                Some(keys) => changes.extend(tag::remove(target, keys.iter().map(TagKey::as_str))),
                None => changes.extend(tag::remove_all(target)),
            }
        }
        Ok(Effect::with((), changes, Entry { by: permit.spend(), note: Some(note(&self.names)), ..Entry::default() }))
    }
}

/// One tag of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedResource {
    /// The name of what carries it.
    pub name: String,
    /// The tag.
    pub tag: Tag,
}

/// List the tags of roles or policies.
#[derive(Debug, Clone)]
pub struct ListTagResources {
    /// Of which kind of things.
    pub kind: TaggableKind,
    /// Only of these, at most 50; of all if none is named.
    pub names: Vec<Taggable>,
    /// Only of those that carry all of these.
    pub filter: Vec<TagFilter>,
    /// Which part; the limit counts tags.
    pub page: Page,
}

/// How the marker of a list of tags parts a name and a key: no name has it.
const BETWEEN: char = '/';

impl Operation for ListTagResources {
    const ACTION: Action = RAM_LIST_TAG_RESOURCES;
    type Output = Listed<TaggedResource>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        if self.names.is_empty() { self.kind.resource(caller) } else { audited(&self.names, caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        let carriers = if self.names.is_empty() {
            authz::permit(view, caller, Self::ACTION, &self.kind.resource(caller), &[])?;
            self.all(view, caller).await?
        } else {
            check_names(&self.names)?;
            permit_all(view, caller, Self::ACTION, &self.names, &[]).await?;
            self.named(view, caller).await?
        };
        let after = self.page.after.split_once(BETWEEN);
        let rows: Vec<(String, TaggedResource)> = carriers
            .into_iter()
            .filter(|(_, _, tags)| fit(tags, &self.filter))
            .flat_map(|(folded, name, tags)| tags.into_iter().map(move |tag| (folded.clone(), TaggedResource { name: name.clone(), tag })))
            .filter(|(folded, one)| after.is_none_or(|after| (folded.as_str(), one.tag.key.as_str()) > after))
            .take(usize::try_from(self.page.rows()).unwrap_or(usize::MAX))
            .collect();
        let marker = |(folded, one): &(String, TaggedResource)| format!("{folded}{BETWEEN}{}", one.tag.key);
        Ok(Effect::nothing(self.page.cut(rows, marker, |(_, one)| one)))
    }
}

/// Something with its tags: folded name, name, tags.
type Carrier = (String, String, Vec<Tag>);

impl ListTagResources {
    /// Those that are named, in order of their names.
    async fn named(&self, view: &View<'_>, caller: &Caller) -> Result<Vec<Carrier>, OpError> {
        let mut found: Vec<Carrier> = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let (target, name) = name.find_named(view, caller).await?;
            found.push((name.to_ascii_lowercase(), name, of(view, target).await?));
        }
        found.sort();
        found.dedup_by(|one, other| one.0 == other.0);
        Ok(found)
    }

    /// All of the kind that carry tags, from the one on that the page before ended with; enough for this page.
    async fn all(&self, view: &View<'_>, caller: &Caller) -> Result<Vec<Carrier>, OpError> {
        let (store, mut found, mut count) = (&view.core().store, Vec::new(), 0);
        let begin = self.page.after.split_once(BETWEEN).map(|(name, _)| name.to_owned());
        // The one that the page before ended with may have more tags.
        let mut after = String::new();
        if let Some(name) = begin {
            found.extend(self.resumed(view, caller, &name).await?);
            after = name;
        }
        while count <= self.page.limit {
            let rows: Vec<(String, String, [u8; 16])> = match self.kind {
                TaggableKind::Roles => {
                    let rows = role_rows::list(store, caller.account(), &after, CHUNK).await?;
                    rows.into_iter().map(|row| (row.name.folded(), row.name.to_string(), *row.id.as_bytes())).collect()
                }
                TaggableKind::Policies => {
                    let rows = policy_rows::list(store, Some(caller.account()), &after, CHUNK).await?;
                    rows.into_iter().map(|row| (row.name.folded(), row.name.to_string(), *row.id.as_bytes())).collect()
                }
            };
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { break };
            let tags = match self.kind {
                TaggableKind::Roles => tag::of_roles(store, caller.account(), &first.0, &last.0).await?,
                TaggableKind::Policies => tag::of_policies(store, caller.account(), &first.0, &last.0).await?,
            };
            let mut tags = TagsOf::of(tags)?;
            after.clone_from(&last.0);
            for (folded, name, id) in rows {
                let carried = tags.take(&id);
                if fit(&carried, &self.filter) {
                    count += carried.len();
                    found.push((folded, name, carried));
                }
            }
        }
        Ok(found)
    }

    /// What the page before ended with, if it is still there.
    async fn resumed(&self, view: &View<'_>, caller: &Caller, folded: &str) -> Result<Option<Carrier>, OpError> {
        let store = &view.core().store;
        let found = match self.kind {
            TaggableKind::Roles => {
                role_rows::find_by_name(store, caller.account(), folded).await?.map(|row| (row.name.to_string(), Tagged::Role(row.id)))
            }
            TaggableKind::Policies => policy_rows::find_by_name(store, Some(caller.account()), folded)
                .await?
                .map(|row| (row.name.to_string(), Tagged::Policy(row.id))),
        };
        Ok(match found {
            Some((name, target)) => Some((folded.to_owned(), name, of(view, target).await?)),
            None => None,
        })
    }
}
