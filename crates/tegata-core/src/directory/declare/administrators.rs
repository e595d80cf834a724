//! Whether anybody is left who can administer the account.

use std::collections::BTreeMap;

use tegata_model::{AccountNumber, Timestamp};
use tegata_policy::{Context, DocumentKind, Layer, LayerKind, Policy, Request, evaluate, ram};

use super::current::{Key, State};
use crate::{
    actions::{Action, RAM_ATTACH_POLICY_TO_USER, RAM_CREATE_POLICY_VERSION},
    resource::ResourceName,
};

/// A user who can administer: who can give anybody anything, and can change what is given.
///
/// Only members count, since the owner of the account always can; only those that are switched on; and only what their
/// policies allow to whoever comes over TLS with a second factor, from an address that nobody knows.
pub(super) fn find(state: &State, account: AccountNumber, now: Timestamp) -> Option<&str> {
    let asked: [(Action, ResourceName); 3] = [
        (RAM_ATTACH_POLICY_TO_USER, ResourceName::Users { account }),
        (RAM_ATTACH_POLICY_TO_USER, ResourceName::Policies { account }),
        (RAM_CREATE_POLICY_VERSION, ResourceName::Policies { account }),
    ];
    let asked = asked.map(|(action, resource)| (action, resource.segments()));
    let mut context = Context::new();
    context.set("acs:CurrentTime", now.to_iso());
    context.set("acs:SecureTransport", "true");
    context.set("acs:MFAPresent", "true");
    let groups = state.groups_of_users();
    let mut read: BTreeMap<&Key, Policy> = BTreeMap::new();
    for (key, user) in state.users.iter().filter(|(_, user)| user.active) {
        let through = groups.get(key.as_str()).into_iter().flatten().filter_map(|group| state.groups.get(*group));
        let held: Vec<&Key> = user.policies.iter().chain(through.flat_map(|group| &group.policies)).collect();
        for policy in &held {
            read.entry(policy).or_insert_with(|| {
                let document = state.policies.get(*policy).map_or("", |is| is.document.as_str());
                ram::parse(document, DocumentKind::Identity).unwrap_or_else(|_| Policy::unreadable(policy.1.as_str()))
            });
        }
        let policies: Vec<&Policy> = held.iter().filter_map(|policy| read.get(policy)).collect();
        if policies.is_empty() {
            continue;
        }
        let layers = [Layer { kind: LayerKind::Identity, policies }];
        let may = asked.iter().all(|(action, segments)| {
            let request = Request {
                action: action.name(),
                alias: action.alias(),
                resource: segments.as_resource(),
                principal: None,
                context: &context,
            };
            evaluate(&request, &layers).allowed
        });
        if may {
            return Some(key);
        }
    }
    None
}
