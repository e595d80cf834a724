//! Organizations as they are seen, their roles, and the services there are.

use serde_json::{Value, json};
use tegata_core::org::{
    DescribeOrganisation, ListOrgRoles, ListOwnOrganisations, ListServices, OrgKind, OrgRole, Organisation, Service, SetOfferedRoles,
};

use super::{
    Asked, Csp, CspFault, Reply, Row,
    parts::{list, object, role_names, text},
    proof::bearer_caller,
    rows,
};

pub(crate) const ROWS: &[Row] = rows! {
    "GET" "/csp/gateway/am/api/orgs/{org}" "GetOrganization" describe;
    "GET" "/csp/gateway/am/api/orgs/{org}/roles" "ListOrganizationRoles" roles;
    "GET" "/csp/gateway/am/api/loggedin/user/orgs" "ListOwnOrganizations" own;
    "GET" "/csp/gateway/am/api/v2/loggedin/user/orgs" "ListOwnOrganizationsPaged" own;
    "GET" "/csp/gateway/slc/api/definitions" "ListServiceDefinitions" services;
    "GET" "/csp/gateway/slc/api/v2/ui/definitions" "ListServiceDefinitionsOfOrg" services;
    "GET" "/csp/gateway/slc/api/definitions/external/{id}" "GetServiceDefinition" service;
    "GET" "/csp/gateway/slc/api/definitions/external/{id}/service-roles" "ListRolesOfService" roles_of_service;
    "PUT" "/csp/gateway/slc/api/orgs/{org}/services" "SetOfferedRoles" offer;
    "GET" "/cphub/api/auth/v1/loggedinuser/orgs" "PartnerListOwnOrganizations" own;
    "GET" "/cphub/api/core/v1/mgmt/orgs/{org}" "PartnerGetOrganization" partner;
    "GET" "/cphub/api/core/v1/mgmt/orgs/{org}/tenants" "PartnerListTenants" tenants;
};

fn kind(kind: OrgKind) -> &'static str {
    match kind {
        OrgKind::Provider => "PROVIDER",
        OrgKind::Customer => "TENANT",
        OrgKind::Reseller => "RESELLER",
        OrgKind::Standalone => "CSP",
    }
}

fn link(id: &str) -> String {
    format!("/csp/gateway/am/api/orgs/{id}")
}

fn shown(org: &Organisation) -> Value {
    json!({
        "id": org.id,
        "orgId": org.id,
        "name": org.name,
        "displayName": org.display_name,
        "refLink": link(&org.id),
        "parentRefLink": org.parent.as_deref().map(link),
        "type": kind(org.kind),
        "orgType": kind(org.kind),
        "status": "ACTIVE",
        "metadata": null,
        "language": "en",
        "locale": "en_US",
        "isMfaRequired": false,
        "enforceUserApiTokenMfa": false,
    })
}

/// A role of an organization, as both wires show it.
pub(super) fn shown_role(role: &OrgRole, org: &str) -> Value {
    json!({
        "id": role.name,
        "name": role.name,
        "displayName": role.display_name,
        "organizationLink": link(org),
        "orgId": org,
        "refLink": format!("{}/roles/{}", link(org), role.name),
        "visible": true,
        "addOn": role.addon,
        "memberType": "DIRECT",
    })
}

async fn describe(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    Ok(Reply::json(shown(&csp.core.perform(&caller, &DescribeOrganisation { org: asked.variable("org").to_owned() }).await?)))
}

async fn partner(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    describe(csp, asked).await
}

async fn roles(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let org = asked.variable("org");
    let found = csp.core.perform(&caller, &ListOrgRoles { org: org.to_owned() }).await?;
    let wanted = asked.parameter("name");
    let found: Vec<Value> =
        found.iter().filter(|role| wanted.is_none_or(|name| name == role.name)).map(|role| shown_role(role, org)).collect();
    let links: Vec<Value> = found.iter().filter_map(|role| role.get("refLink").cloned()).collect();
    Ok(Reply::json(json!({ "orgRolesData": found, "refLinks": links })))
}

async fn own(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let found = csp.core.perform(&caller, &ListOwnOrganisations).await?;
    let links: Vec<String> = found.iter().map(|org| link(&org.id)).collect();
    let items: Vec<Value> = found.iter().map(shown).collect();
    Ok(Reply::json(json!({ "items": items, "results": items, "refLinks": links, "totalResults": links.len() })))
}

/// The customers below an organization that whoever asks has to do with.
async fn tenants(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let org = asked.variable("org");
    csp.core.perform(&caller, &DescribeOrganisation { org: org.to_owned() }).await?;
    let found = csp.core.perform(&caller, &ListOwnOrganisations).await?;
    let items: Vec<Value> = found.iter().filter(|one| one.parent.as_deref() == Some(org)).map(shown).collect();
    Ok(Reply::json(json!({ "items": items, "totalResults": items.len() })))
}

fn shown_service(service: &Service) -> Value {
    json!({
        "id": service.id,
        "name": service.name,
        "displayName": service.name,
        "visible": true,
        "serviceDefinitionLink": format!("/csp/gateway/slc/api/definitions/external/{}", service.id),
        "roles": service.roles.iter().map(|role| json!({ "name": role, "displayName": role })).collect::<Vec<_>>(),
    })
}

async fn services(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let found = csp.core.perform(&caller, &ListServices { org: asked.parameter("orgId").map(str::to_owned) }).await?;
    Ok(Reply::json(json!({ "results": found.iter().map(shown_service).collect::<Vec<_>>(), "totalResults": found.len() })))
}

async fn one_service(csp: &Csp, asked: &Asked) -> Result<Service, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let found = csp.core.perform(&caller, &ListServices { org: None }).await?;
    let id = asked.variable("id");
    found.into_iter().find(|service| service.id == id).ok_or_else(|| CspFault::not_found("there is no such service"))
}

async fn service(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    Ok(Reply::json(shown_service(&one_service(csp, asked).await?)))
}

async fn roles_of_service(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let service = one_service(csp, asked).await?;
    let roles: Vec<Value> = service.roles.iter().map(|role| json!({ "name": role, "displayName": role, "visible": true })).collect();
    Ok(Reply::json(json!({ "serviceRoles": roles, "results": roles, "totalResults": roles.len() })))
}

/// What an organization offers from now on. The vendor has no such request in public.
async fn offer(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    let mut roles = Vec::new();
    for item in list(members, "services")?.ok_or_else(|| CspFault::missing("services"))? {
        let service = object(item, "services")?;
        let id = text(service, "serviceDefinitionId")?.ok_or_else(|| CspFault::missing("serviceDefinitionId"))?;
        roles.extend(role_names(service, "roles")?.unwrap_or_default().into_iter().map(|role| (id.to_owned(), role)));
    }
    let org = asked.variable("org").to_owned();
    csp.core.perform(&caller, &SetOfferedRoles { org: org.clone(), roles }).await?;
    let found = csp.core.perform(&caller, &ListServices { org: Some(org) }).await?;
    Ok(Reply::json(json!({ "results": found.iter().map(shown_service).collect::<Vec<_>>(), "totalResults": found.len() })))
}
