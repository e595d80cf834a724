//! What roles of organisations are worth outside of them: the policies of the account that stand for a role, where configuration says so.

use std::collections::{BTreeMap, BTreeSet};

use tegata_model::{ClientId, InstallationId, PolicyName};
use tegata_policy::{DocumentKind, Policy, ram};
use tegata_store::{account, client, installation, policy};

use super::{
    catalogue::{OrgKind, Services, profile},
    scope::Roles,
    standing::instance_perms,
};
use crate::{
    Core,
    error::OpError,
    principal::{Principal, SYSTEM, SelfService, Stamps, Who},
    sam::Rights,
    view::Read,
};

/// Which policies stand for which roles. By itself no role stands for any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolePolicies(BTreeMap<String, (String, Vec<PolicyName>)>);

/// A role or a policy is not named as it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolePolicyError {
    /// No kind of organisation has the role.
    #[error("`{0}` is no role: name one of organisations, `provider_support_user`, or one of a service, `vcd/vcd:user`")]
    NoRole(String),
    /// The service, or its role, is not among those that there are.
    #[error("`{0}` is no role of `services`")]
    NoServiceRole(String),
    /// Not the name of a policy.
    #[error("`{policy}`, for `{role}`, is not the name of a policy")]
    NoPolicy {
        /// For which role.
        role: String,
        /// What was said.
        policy: String,
    },
    /// The list is empty.
    #[error("`{0}` has no policies: leave it out, or name some")]
    Nothing(String),
}

impl RolePolicies {
    /// These policies for these roles: `provider_support_user`, or `vcd/vcd:user` for a role of one of the services.
    pub fn new(named: impl IntoIterator<Item = (String, Vec<String>)>, services: &Services) -> Result<Self, RolePolicyError> {
        let mut all = BTreeMap::new();
        for (role, policies) in named {
            let word = if let Some((service, of_service)) = role.split_once('/') {
                let found = services.named(service).filter(|found| found.roles.iter().any(|known| known == of_service));
                let found = found.ok_or_else(|| RolePolicyError::NoServiceRole(role.clone()))?;
                format!("external/{}/{of_service}", found.id)
            } else {
                let kinds = [OrgKind::Provider, OrgKind::Customer, OrgKind::Reseller, OrgKind::Standalone];
                if !kinds.into_iter().any(|kind| profile(kind).role(&role).is_some()) {
                    return Err(RolePolicyError::NoRole(role));
                }
                format!("csp:{role}")
            };
            if policies.is_empty() {
                return Err(RolePolicyError::Nothing(role));
            }
            let name = |policy: String| PolicyName::new(&policy).map_err(|_| RolePolicyError::NoPolicy { role: role.clone(), policy });
            let policies = policies.into_iter().map(name).collect::<Result<Vec<_>, _>>()?;
            all.insert(word, (role, policies));
        }
        Ok(Self(all))
    }

    /// Each role as configuration names it, with its policies.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[PolicyName])> {
        self.0.values().map(|(role, policies)| (role.as_str(), policies.as_slice()))
    }

    /// The policies of exactly these roles; a role that covers others brings its own alone.
    fn of<'a>(&'a self, words: &'a [String]) -> BTreeSet<&'a PolicyName> {
        words.iter().filter_map(|word| self.0.get(word)).flat_map(|(_, policies)| policies).collect()
    }
}

/// An app with the policies that stand for what it has of these roles now. `None` where it is no instance, or is gone.
///
/// A policy of the server wins over one of the account that has its name, so that nobody changes by a name what a role stands for.
/// One that does not exist gives nothing.
pub(crate) async fn load_app(
    core: &Core,
    client: ClientId,
    installation: InstallationId,
    words: &str,
) -> Result<Option<Principal>, OpError> {
    let store = &core.store;
    let Some(first) = installation::find(store, installation).await? else { return Ok(None) };
    let mut stamps = Stamps::default();
    stamps.note(store, first.account_id);
    stamps.note(store, SYSTEM);
    let Some(perms) = instance_perms(core, installation).await? else { return Ok(None) };
    let (Some(row), Some(account)) = (client::find(store, client).await?, account::find(store, first.account_id).await?) else {
        return Ok(None);
    };
    let mut reads = perms.reads;
    reads.push(Read::Client(row.id, row.generation));
    let had = Roles::of_words(words.split(' ')).words();
    let has = perms.roles.words();
    let left: Vec<String> = had.into_iter().filter(|word| has.contains(word)).collect();
    let mut policies = Vec::new();
    for name in core.role_policies.of(&left) {
        let found = match policy::find_by_name(store, None, &name.folded()).await? {
            Some(found) => Some(found),
            None => policy::find_by_name(store, Some(account.id), &name.folded()).await?,
        };
        let Some(found) = found else { continue };
        let Some(version) = policy::version(store, found.id, found.default_version).await? else { continue };
        reads.push(Read::Policy(found.id, found.generation));
        let label = found.name.to_string();
        policies.push(
            ram::parse(&version.document, DocumentKind::Identity)
                .map_or_else(|_| Policy::unreadable(label.clone()), |policy| policy.labelled(label.clone())),
        );
    }
    Ok(Some(Principal {
        account,
        who: Who::Client(Box::new(row)),
        policies,
        sam: Rights::none(),
        tags: Vec::new(),
        self_service: SelfService::NONE,
        reads,
        stamps,
    }))
}
