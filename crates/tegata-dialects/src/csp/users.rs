//! People: who one is, which roles one has, who else is there, and changes of their roles.

use serde_json::{Value, json};
use tegata_core::{
    Caller,
    grant::{user_of_uuid, uuid},
    org::{ChangeMember, DescribeOwnProfile, DescribeOwnRoles, ListOrgRoles, ListServices, Member, SearchMembers},
};

use super::{
    Asked, Csp, CspFault, Reply, Row,
    orgs::shown_role,
    parts::{Change, Page, change, nothing_of, shown_services},
    proof::bearer_caller,
    rows,
};

pub(crate) const ROWS: &[Row] = rows! {
    "GET" "/csp/gateway/am/api/loggedin/user" "GetOwnProfile" profile;
    "GET" "/csp/gateway/am/api/loggedin/user/orgs/{org}/roles" "GetOwnRoles" own_roles;
    "GET" "/csp/gateway/am/api/loggedin/user/orgs/{org}/service-roles" "GetOwnServiceRoles" own_services;
    "GET" "/csp/gateway/am/api/orgs/{org}/users/search" "SearchUsers" search;
    "GET" "/csp/gateway/am/api/v2/orgs/{org}/users" "ListUsers" search;
    "PATCH" "/csp/gateway/am/api/v3/users/{user}/orgs/{org}/roles" "UpdateUserRoles" update;
    "GET" "/cphub/api/auth/v1/orgs/{org}/org-roles" "PartnerListOrgRoles" partner_roles;
    "GET" "/cphub/api/auth/v1/loggedinuser/orgs/{org}/service-roles" "PartnerGetOwnServiceRoles" partner_services;
};

fn shown_user(member: &Member) -> Value {
    json!({
        "userId": uuid(*member.id.as_bytes()),
        "username": member.name,
        "acct": format!("{}@{}", member.name, member.account),
        "domain": member.account,
        "firstName": member.display_name,
        "lastName": "",
        "email": (!member.email.is_empty()).then_some(&member.email),
    })
}

fn shown(member: &Member) -> Value {
    json!({
        "user": shown_user(member),
        "organizationRoles": own_role_list(member),
        "serviceRoles": shown_services(&member.roles.services),
        "owner": member.owner,
    })
}

fn own_role_list(member: &Member) -> Vec<Value> {
    let ends = |role: &String| member.expires.get(&(String::new(), role.clone())).map(|at| at.unix());
    member.roles.org_roles.iter().map(|role| json!({ "name": role, "expiresAt": ends(role), "membershipType": "DIRECT" })).collect()
}

async fn profile(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    Ok(Reply::json(shown_user(&csp.core.perform(&caller, &DescribeOwnProfile).await?)))
}

async fn own(csp: &Csp, asked: &Asked) -> Result<(Caller, Member), CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let found = csp.core.perform(&caller, &DescribeOwnRoles { org: asked.variable("org").to_owned() }).await?;
    Ok((caller, found))
}

/// The roles of whoever asks, as the organization knows them; one that comes from the provider above has only a name.
async fn own_roles(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let (caller, found) = own(csp, asked).await?;
    let org = asked.variable("org");
    if found.roles.org_roles.is_empty() {
        return Ok(Reply::json(json!([])));
    }
    let known = csp.core.perform(&caller, &ListOrgRoles { org: org.to_owned() }).await?;
    let shown = |name: &String| {
        let mut role = known.iter().find(|role| role.name == name).map_or_else(|| json!({ "name": name }), |role| shown_role(role, org));
        if let (Value::Object(members), Some(at)) = (&mut role, found.expires.get(&(String::new(), name.clone()))) {
            members.insert("expiresAt".to_owned(), json!(at.unix()));
        }
        role
    };
    Ok(Reply::json(found.roles.org_roles.iter().map(shown).collect()))
}

async fn own_services(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let (_, mut found) = own(csp, asked).await?;
    if let Some(link) = asked.parameter("serviceDefinitionLink") {
        let wanted = link.rsplit('/').next().unwrap_or_default();
        found.roles.services.retain(|id, _| id == wanted);
    }
    let services: Vec<Value> = found
        .roles
        .services
        .iter()
        .map(|(id, roles)| {
            let each: Vec<Value> = roles.iter().map(|role| json!({ "name": role, "resource": null, "membershipType": "DIRECT" })).collect();
            json!({ "serviceDefinitionLink": format!("/csp/gateway/slc/api/definitions/external/{id}"),
                "serviceRoleNames": roles.iter().collect::<Vec<_>>(), "serviceRoles": each })
        })
        .collect();
    Ok(Reply::json(json!({ "serviceRoles": services })))
}

async fn search(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let page = Page::read(asked)?;
    let org = asked.variable("org").to_owned();
    let path = format!("/csp/gateway/am/api/orgs/{org}/users/search");
    let term = asked.parameter("userSearchTerm").unwrap_or_default().to_owned();
    let found = csp.core.perform(&caller, &SearchMembers { org, term, skip: page.skip(), limit: page.limit() }).await?;
    Ok(Reply::json(page.show(&path, found.items.iter().map(shown).collect(), found.total)))
}

async fn update(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let members = asked.json()?;
    nothing_of(members, &["orgRoleBindingOrgs"])?;
    let Change { add, remove } = change(members)?;
    let named = asked.variable("user").to_owned();
    let user = user_of_uuid(&named).ok_or_else(|| CspFault::not_found("there is no such user in this organization"))?;
    let change = ChangeMember { org: asked.variable("org").to_owned(), user, named, add, remove };
    Ok(Reply::json(shown(&csp.core.perform(&caller, &change).await?)))
}

async fn partner_roles(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let caller = bearer_caller(csp, asked).await?;
    let org = asked.variable("org");
    let found = csp.core.perform(&caller, &ListOrgRoles { org: org.to_owned() }).await?;
    Ok(Reply::json(json!({ "orgRoles": found.iter().map(|role| shown_role(role, org)).collect::<Vec<_>>() })))
}

async fn partner_services(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let (caller, found) = own(csp, asked).await?;
    let known = csp.core.perform(&caller, &ListServices { org: None }).await?;
    let services: Vec<Value> = found
        .roles
        .services
        .iter()
        .map(|(id, roles)| {
            let name = known.iter().find(|service| service.id == *id).map_or(id.as_str(), |service| service.name.as_str());
            let each: Vec<Value> = roles
                .iter()
                .map(|role| {
                    json!({ "name": role, "roleId": role, "displayName": role, "defaultRole": false, "enabled": true, "hidden": false,
                        "status": "ENABLED", "memberType": "DIRECT", "resource": null })
                })
                .collect();
            json!({ "serviceId": id, "serviceDisplayName": name, "resourceTypes": [], "resources": [], "roles": each })
        })
        .collect();
    Ok(Reply::json(Value::Array(services)))
}
