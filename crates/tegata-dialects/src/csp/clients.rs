//! Apps where they were added: `…/clients`, here and at the partner console.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tegata_core::org::{
    AddApps, Added, ChangeInstance, DescribeInstance, Dropped, Instance, ListInstances, RemoveApps, Requested, ResyncInstance, Roles,
};

use super::{
    Asked, Csp, CspFault, Reply, Row,
    parts::{Change, Page, change, failure, ids, names, nothing_of, role_names, service_roles, several, shown_services},
    proof::bearer_caller,
    rows,
};

pub(crate) const ROWS: &[Row] = rows! {
    "POST" "/csp/gateway/am/api/orgs/{org}/clients" "AddClients" add;
    "GET" "/csp/gateway/am/api/orgs/{org}/clients" "ListClients" list_clients;
    "DELETE" "/csp/gateway/am/api/orgs/{org}/clients" "RemoveClients" remove;
    "GET" "/csp/gateway/am/api/orgs/{org}/clients/{id}" "GetClient" describe;
    "POST" "/csp/gateway/am/api/orgs/{org}/clients/{id}/resync" "ResyncClient" resync;
    "POST" "/cphub/api/auth/v2/orgs/{org}/clients" "PartnerAddClients" add;
    "GET" "/cphub/api/auth/v2/orgs/{org}/clients" "PartnerListClients" list_clients;
    "DELETE" "/cphub/api/auth/v2/orgs/{org}/clients" "PartnerRemoveClients" remove;
    "GET" "/cphub/api/auth/v2/orgs/{org}/clients/{id}" "PartnerGetClient" describe;
    "PATCH" "/cphub/api/auth/v2/clients/{id}/orgs/{org}/roles" "PartnerUpdateClientRoles" update;
};

fn dropped(dropped: &[Dropped]) -> Vec<Value> {
    dropped.iter().map(|one| json!({ "serviceDefinitionId": one.service, "role": one.role, "reason": one.why.word() })).collect()
}

fn shown(found: &Instance) -> Value {
    let missing: Vec<Value> =
        found.missing.iter().map(|one| json!({ "serviceDefinitionId": one.service, "role": one.role, "reason": one.why })).collect();
    json!({
        "id": found.id,
        "displayName": found.display_name,
        "description": found.description,
        "isHidden": false,
        "organizationRoles": names(&found.roles.org_roles),
        "serviceRoles": shown_services(&found.roles.services),
        "missingRoles": missing,
        "extraRoles": found.extra,
        "outdated": found.outdated,
        "addedAt": found.added.0.unix(),
        "addedBy": found.added.1,
        "lastUpdatedAt": found.changed.0.unix(),
        "lastUpdatedBy": found.changed.1,
        "sourceOrg": { "orgId": found.org },
    })
}

fn shown_added(added: &[Added]) -> Value {
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for one in added {
        match &one.outcome {
            Ok(got) => done.push(json!({
                "id": one.id,
                "organizationRoles": names(&got.roles.org_roles),
                "serviceRoles": shown_services(&got.roles.services),
                "droppedRoles": dropped(&got.dropped),
            })),
            Err(refusal) => failures.push(failure(&one.id, refusal)),
        }
    }
    json!({ "failures": failures, "added": done })
}

/// The roles of the body are an upper bound; a list that is missing bounds nothing. `dryRun=true` tells what would be.
async fn add(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    nothing_of(members, &["customRoles", "orgRoleBindingOrgs"])?;
    let (new, old) = (role_names(members, "organizationRoles")?, role_names(members, "organizationRoleNames")?);
    let org_roles = match (new, old) {
        (None, None) => None,
        (new, old) => Some(new.into_iter().chain(old).flatten().collect::<BTreeSet<String>>()),
    };
    let services = service_roles(members, "serviceRoles", &["serviceRoles", "serviceRoleNames", "roles"])?;
    let preview = match asked.parameter("dryRun") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(CspFault::invalid("dryRun", "`true` or `false` is needed")),
    };
    let requested = Requested { org_roles, services };
    let add = AddApps { org: asked.variable("org").to_owned(), ids: ids(members, "ids")?, requested, preview };
    Ok(Reply::json(shown_added(&csp.core.perform(&caller, &add).await?)))
}

async fn list_clients(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let page = Page::read(asked)?;
    let org = asked.variable("org").to_owned();
    let path = format!("/csp/gateway/am/api/orgs/{org}/clients");
    let found = csp.core.perform(&caller, &ListInstances { org, skip: page.skip(), limit: page.limit() }).await?;
    Ok(Reply::json(page.show(&path, found.items.iter().map(shown).collect(), found.total)))
}

async fn remove(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let remove = RemoveApps { org: asked.variable("org").to_owned(), ids: ids(asked.json()?, "ids")? };
    Ok(Reply::json(several(&csp.core.perform(&caller, &remove).await?)))
}

async fn describe(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let describe = DescribeInstance { org: asked.variable("org").to_owned(), id: asked.variable("id").to_owned() };
    Ok(Reply::json(shown(&csp.core.perform(&caller, &describe).await?)))
}

/// Taken out and added again in one step.
async fn resync(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let resync = ResyncInstance { org: asked.variable("org").to_owned(), id: asked.variable("id").to_owned() };
    Ok(Reply::json(shown(&csp.core.perform(&caller, &resync).await?)))
}

async fn update(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    nothing_of(members, &["orgRoleBindingOrgs"])?;
    let Change { add, remove } = change(members)?;
    let mut roles = Roles::default();
    for one in add {
        if one.expires.is_some() {
            return Err(CspFault::invalid("expiresAt", "the roles of apps do not end by themselves here"));
        }
        match one.service {
            None => {
                roles.org_roles.insert(one.role);
            }
            Some(service) => {
                roles.services.entry(service).or_default().insert(one.role);
            }
        }
    }
    let change = ChangeInstance { org: asked.variable("org").to_owned(), id: asked.variable("id").to_owned(), add: roles, remove };
    Ok(Reply::json(shown(&csp.core.perform(&caller, &change).await?)))
}
