//! What each operation of the SORACOM API is here: one row per API name and action.
//!
//! Where one action serves several API names, the resource tells them apart: a key of the owner is not a key of a user.

use std::sync::LazyLock;

use tegata_policy::sam::Api;

use crate::actions::{self, Action};

/// API name, action, and what the last segment of the resource must look like.
type Row = (&'static str, Action, Option<&'static str>);

/// A user, or what is below one.
const USER: Option<&str> = Some("user/*");
/// The owner, or what is below it.
const OWNER: Option<&str> = Some("root*");

const ROWS: &[Row] = &[
    ("User:listUsers", actions::RAM_LIST_USERS, None),
    ("User:getUser", actions::RAM_GET_USER, None),
    ("User:createUser", actions::RAM_CREATE_USER, None),
    ("User:updateUser", actions::RAM_UPDATE_USER, None),
    ("User:deleteUser", actions::RAM_DELETE_USER, None),
    ("User:hasUserPassword", actions::RAM_GET_LOGIN_PROFILE, None),
    ("User:createUserPassword", actions::RAM_CREATE_LOGIN_PROFILE, None),
    ("User:updateUserPassword", actions::RAM_CHANGE_PASSWORD, USER),
    ("User:deleteUserPassword", actions::RAM_DELETE_LOGIN_PROFILE, None),
    ("User:getUserPermission", actions::SAM_GET_USER_PERMISSION, None),
    ("User:updateUserPermission", actions::SAM_UPDATE_USER_PERMISSION, None),
    ("User:deleteUserPermission", actions::SAM_DELETE_USER_PERMISSION, None),
    ("User:getUserTrustPolicy", actions::SAM_GET_USER_TRUST_POLICY, None),
    ("User:updateUserTrustPolicy", actions::SAM_UPDATE_USER_TRUST_POLICY, None),
    ("User:deleteUserTrustPolicy", actions::SAM_DELETE_USER_TRUST_POLICY, None),
    ("User:getDefaultPermissions", actions::SAM_GET_DEFAULT_PERMISSIONS, None),
    ("User:updateDefaultPermissions", actions::SAM_UPDATE_DEFAULT_PERMISSIONS, None),
    ("User:deleteDefaultPermissions", actions::SAM_DELETE_DEFAULT_PERMISSIONS, None),
    ("User:listUserAuthKeys", actions::SAM_LIST_AUTH_KEYS, USER),
    ("User:getUserAuthKey", actions::SAM_LIST_AUTH_KEYS, USER),
    ("User:generateUserAuthKey", actions::SAM_CREATE_AUTH_KEY, USER),
    ("User:deleteUserAuthKey", actions::SAM_DELETE_AUTH_KEY, USER),
    ("Role:listRoles", actions::SAM_LIST_ROLES, None),
    ("Role:getRole", actions::SAM_GET_ROLE, None),
    ("Role:createRole", actions::SAM_CREATE_ROLE, None),
    ("Role:updateRole", actions::SAM_UPDATE_ROLE, None),
    ("Role:deleteRole", actions::SAM_DELETE_ROLE, None),
    ("Role:listRoleAttachedUsers", actions::SAM_LIST_ROLE_USERS, None),
    ("Role:listRoleVersions", actions::SAM_GET_ROLE, None),
    ("Role:listUserRoles", actions::SAM_LIST_USER_ROLES, None),
    ("Role:attachRole", actions::SAM_ATTACH_ROLE, None),
    ("Role:detachRole", actions::SAM_DETACH_ROLE, None),
    ("AuditLog:getApiAuditLogs", actions::TEGATA_LIST_AUDIT_EVENTS, None),
    // Sessions, second factors, the operator itself.
    ("Operator:getOperator", actions::SAM_GET_OPERATOR, None),
    ("Operator:generateSupportToken", actions::SAM_CREATE_SUPPORT_TOKEN, None),
    ("Operator:listOperatorAuthKeys", actions::SAM_LIST_AUTH_KEYS, OWNER),
    ("Operator:generateOperatorAuthKey", actions::SAM_CREATE_AUTH_KEY, OWNER),
    ("Operator:deleteOperatorAuthKey", actions::SAM_DELETE_AUTH_KEY, OWNER),
    ("Operator:generateAuthToken", actions::SAM_RENEW_TOKEN, None),
    ("Operator:updateOperatorPassword", actions::RAM_CHANGE_PASSWORD, OWNER),
    ("Operator:revokeOperatorAuthTokens", actions::TEGATA_REVOKE_SESSIONS, Some("session/root*")),
    ("User:revokeUserAuthTokens", actions::TEGATA_REVOKE_SESSIONS, Some("session/user/*")),
    ("Operator:getMFAStatus", actions::RAM_GET_USER_MFA_INFO, OWNER),
    ("Operator:enableMFA", actions::RAM_CREATE_VIRTUAL_MFA_DEVICE, OWNER),
    ("Operator:verifyMFA", actions::RAM_BIND_MFA_DEVICE, OWNER),
    ("Operator:revokeMFA", actions::RAM_UNBIND_MFA_DEVICE, OWNER),
    ("Operator:issueMFARevokingToken", actions::SAM_REQUEST_FACTOR_REMOVAL, None),
    ("User:getUserMFAStatus", actions::RAM_GET_USER_MFA_INFO, USER),
    ("User:enableUserMFA", actions::RAM_CREATE_VIRTUAL_MFA_DEVICE, Some("mfa/*")),
    ("User:verifyUserMFA", actions::RAM_BIND_MFA_DEVICE, USER),
    ("User:revokeUserMFA", actions::RAM_UNBIND_MFA_DEVICE, USER),
    ("Auth:exchangeForTemporaryKey", actions::STS_EXCHANGE_TOKEN, None),
    ("Auth:auth", actions::SAM_SIGN_IN, None),
    ("Auth:logout", actions::SAM_SIGN_OUT, None),
    ("Auth:switchUser", actions::SAM_SWITCH_USER, None),
];

static APIS: LazyLock<Vec<Api<'static>>> =
    LazyLock::new(|| ROWS.iter().map(|(name, action, resource)| Api { name, action: action.name(), resource: *resource }).collect());

/// Every operation of the API that means something here, with its action.
pub fn apis() -> &'static [Api<'static>] {
    &APIS
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_of_this_dialect_has_a_name_in_it() {
        let known: HashSet<&str> = apis().iter().map(|api| api.action).collect();
        let missing: Vec<&str> =
            actions::ALL.iter().map(|action| action.name()).filter(|name| name.starts_with("sam:") && !known.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
        let names: HashSet<&str> = apis().iter().map(|api| api.name).collect();
        assert_eq!(names.len(), apis().len(), "each name once");
    }
}
