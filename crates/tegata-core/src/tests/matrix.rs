//! The permission matrix: every action × who asks, as one reviewed snapshot. An action absent from it fails the build.

use std::collections::BTreeMap;

use tegata_model::Status;
use tegata_store::{ChangeSet, user};

use super::{assume, put, temporary};
use crate::{
    Caller, OpError,
    actions::{self, Action},
    object::{self, Conditions, CreateBucket, DeleteBucket, DeleteObject, DescribeBucket, GetObject, ListBuckets, ListObjects},
    sts::GetCallerIdentity,
    testing::TestCore,
};

fn word<T>(result: Result<T, OpError>) -> &'static str {
    match result {
        Ok(_) => "allowed",
        Err(OpError::Denied(_)) => "denied",
        Err(OpError::Authentication(_)) => "unauthenticated",
        Err(OpError::NotFound(_) | OpError::NotEmpty(_) | OpError::Exists(_) | OpError::InUse(..) | OpError::Precondition(_)) => {
            "allowed, absent"
        }
        // May ask; what it shows is good for nothing.
        Err(OpError::Grant(_) | OpError::Organisation(_)) => "allowed, refused",
        Err(other) => panic!("{other:?}"),
    }
}

async fn attempt(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    let bucket = || "photos".parse().unwrap();
    let key = || "k".parse().unwrap();
    match action {
        actions::STS_ASSUME_ROLE => word(core.perform(caller, &assume("app-uploader")).await),
        actions::STS_ASSUME_ROLE_WITH_OIDC => word(core.perform(caller, &super::federation::deployer()).await),
        actions::STS_GET_CALLER_IDENTITY => word(core.perform(caller, &GetCallerIdentity).await),
        actions::OSS_LIST_BUCKETS => {
            word(core.perform(caller, &ListBuckets { prefix: String::new(), after: String::new(), limit: 1 }).await)
        }
        actions::OSS_PUT_BUCKET => word(core.perform(caller, &CreateBucket { name: bucket(), storage_class: "Standard".into() }).await),
        actions::OSS_DELETE_BUCKET => word(core.perform(caller, &DeleteBucket { name: bucket() }).await),
        actions::OSS_GET_BUCKET_INFO => word(core.perform(caller, &DescribeBucket { name: bucket() }).await),
        actions::OSS_LIST_OBJECTS => {
            let list = ListObjects { bucket: bucket(), prefix: String::new(), delimiter: String::new(), after: String::new(), limit: 1 };
            word(core.perform(caller, &list).await)
        }
        actions::OSS_PUT_OBJECT => word(put(core, caller, "k", "x").await),
        actions::OSS_GET_OBJECT => {
            word(core.perform(caller, &GetObject { bucket: bucket(), key: key(), conditions: Conditions::default() }).await)
        }
        actions::OSS_DELETE_OBJECT => word(object::delete(core, caller, &DeleteObject { bucket: bucket(), key: key() }).await),
        other => Box::pin(administer(core, caller, other)).await,
    }
}

/// Everything that administers a directory. What is named exists in no account, so that who may do it changes nothing by it,
/// except where something is made.
async fn administer(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    use crate::directory as d;
    macro_rules! ask {
        ($($input:tt)*) => { word(Box::pin(core.perform(caller, &d::$($input)*)).await) };
    }
    let user = || "ghost".parse().unwrap();
    let group = || "ghosts".parse().unwrap();
    let role = || "ghost-role".parse().unwrap();
    let name = || "ghost-policy".parse().unwrap();
    let policy = || d::PolicyRef { kind: d::PolicyType::Custom, name: name() };
    let key_id = || "LTAIghost".parse().unwrap();
    let tagged = || vec![d::Taggable::Role(role()), d::Taggable::Policy(name())];
    let tag_key = || "team".parse().unwrap();
    // Each account keeps a name of its own, so that who may rename it changes nothing for the others.
    let caller_alias = |caller: &Caller| format!("named-{}", caller.account_number()).parse().unwrap();
    let provider = || "ghost-provider".parse().unwrap();
    let fingerprint = || "00".repeat(20).parse().unwrap();
    let page = || d::Page { after: String::new(), limit: 1 };
    let document = || crate::testing::UPLOADER.to_owned();
    let trust_document =
        || r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["a.test"]}}]}"#.to_owned();
    let declared = || d::Declaration::read(&serde_json::json!({"version": 1, "users": {"declared": {}}})).unwrap();
    match action {
        actions::RAM_CREATE_USER => {
            ask!(CreateUser { name: "made".parse().unwrap(), display_name: None, email: None, phone: None, comments: None })
        }
        actions::RAM_GET_USER => ask!(DescribeUser { name: user() }),
        actions::RAM_UPDATE_USER => {
            ask!(UpdateUser { name: user(), new_name: None, display_name: None, email: None, phone: None, comments: None })
        }
        actions::RAM_DELETE_USER => ask!(DeleteUser { name: user() }),
        actions::RAM_LIST_USERS => ask!(ListUsers { page: page() }),
        actions::RAM_LIST_USER_BASIC_INFOS => ask!(ListUserBasicInfos { page: page() }),
        actions::RAM_CREATE_ACCESS_KEY => ask!(CreateAccessKey { user: Some(user()) }),
        actions::RAM_LIST_ACCESS_KEYS => ask!(ListAccessKeys { user: Some(user()) }),
        actions::RAM_UPDATE_ACCESS_KEY => ask!(UpdateAccessKey { user: Some(user()), key_id: key_id(), status: Status::Active }),
        actions::RAM_DELETE_ACCESS_KEY => ask!(DeleteAccessKey { user: Some(user()), key_id: key_id() }),
        actions::RAM_CREATE_ROLE => {
            let name = "made-role".parse().unwrap();
            ask!(CreateRole { name, trust_document: trust_document(), description: None, max_session: None, tags: vec![] })
        }
        actions::RAM_GET_ROLE => ask!(DescribeRole { name: role() }),
        actions::RAM_UPDATE_ROLE => ask!(UpdateRole { name: role(), trust_document: None, description: None, max_session: None }),
        actions::RAM_DELETE_ROLE => ask!(DeleteRole { name: role() }),
        actions::RAM_LIST_ROLES => ask!(ListRoles { page: page(), filter: vec![] }),
        actions::RAM_CREATE_POLICY => {
            ask!(CreatePolicy { name: "made-policy".parse().unwrap(), document: document(), description: None, tags: vec![] })
        }
        actions::RAM_GET_POLICY => ask!(DescribePolicy { policy: policy() }),
        actions::RAM_DELETE_POLICY => ask!(DeletePolicy { name: name(), with_versions: false }),
        actions::RAM_LIST_POLICIES => ask!(ListPolicies { kind: None, filter: vec![], page: page() }),
        actions::RAM_CREATE_POLICY_VERSION => {
            ask!(CreatePolicyVersion { name: name(), document: document(), set_default: false, rotate: false })
        }
        actions::RAM_GET_POLICY_VERSION => ask!(DescribePolicyVersion { policy: policy(), version: 1 }),
        actions::RAM_DELETE_POLICY_VERSION => ask!(DeletePolicyVersion { name: name(), version: 1 }),
        actions::RAM_LIST_POLICY_VERSIONS => ask!(ListPolicyVersions { policy: policy() }),
        actions::RAM_SET_DEFAULT_POLICY_VERSION => ask!(SetDefaultPolicyVersion { name: name(), version: 1 }),
        actions::RAM_ATTACH_POLICY_TO_USER => ask!(AttachPolicyToUser { policy: policy(), to: user() }),
        actions::RAM_ATTACH_POLICY_TO_GROUP => ask!(AttachPolicyToGroup { policy: policy(), to: group() }),
        actions::RAM_ATTACH_POLICY_TO_ROLE => ask!(AttachPolicyToRole { policy: policy(), to: role() }),
        actions::RAM_DETACH_POLICY_FROM_USER => ask!(DetachPolicyFromUser { policy: policy(), from: user() }),
        actions::RAM_DETACH_POLICY_FROM_GROUP => ask!(DetachPolicyFromGroup { policy: policy(), from: group() }),
        actions::RAM_DETACH_POLICY_FROM_ROLE => ask!(DetachPolicyFromRole { policy: policy(), from: role() }),
        actions::RAM_LIST_POLICIES_FOR_USER => ask!(ListPoliciesForUser { of: user() }),
        actions::RAM_LIST_POLICIES_FOR_GROUP => ask!(ListPoliciesForGroup { of: group() }),
        actions::RAM_LIST_POLICIES_FOR_ROLE => ask!(ListPoliciesForRole { of: role() }),
        actions::RAM_LIST_ENTITIES_FOR_POLICY => ask!(ListEntitiesForPolicy { policy: policy() }),
        actions::RAM_CREATE_GROUP => ask!(CreateGroup { name: "made-group".parse().unwrap(), comments: None }),
        actions::RAM_GET_GROUP => ask!(DescribeGroup { name: group() }),
        actions::RAM_UPDATE_GROUP => ask!(UpdateGroup { name: group(), new_name: None, comments: None }),
        actions::RAM_DELETE_GROUP => ask!(DeleteGroup { name: group() }),
        actions::RAM_LIST_GROUPS => ask!(ListGroups { page: page() }),
        actions::TEGATA_PLAN_DIRECTORY => ask!(PlanDirectory { declaration: declared(), prune: false }),
        actions::TEGATA_APPLY_DIRECTORY => {
            ask!(ApplyDirectory { declaration: declared(), prune: false, plan: None, even_if_nobody_can_administer: false })
        }
        actions::TEGATA_EXPORT_DIRECTORY => ask!(ExportDirectory),
        actions::RAM_ADD_USER_TO_GROUP => ask!(AddUserToGroup { user: user(), group: group() }),
        actions::RAM_REMOVE_USER_FROM_GROUP => ask!(RemoveUserFromGroup { user: user(), group: group() }),
        actions::RAM_LIST_GROUPS_FOR_USER => ask!(ListGroupsForUser { user: user() }),
        actions::RAM_LIST_USERS_FOR_GROUP => ask!(ListUsersForGroup { group: group(), page: page() }),
        actions::RAM_UPDATE_POLICY_DESCRIPTION => {
            ask!(UpdatePolicyDescription { name: name(), description: "new".parse().unwrap() })
        }
        actions::RAM_GET_ACCESS_KEY_LAST_USED => ask!(DescribeKeyUse { user: Some(user()), key_id: key_id() }),
        actions::RAM_SET_ACCOUNT_ALIAS => ask!(SetAccountAlias { alias: caller_alias(caller) }),
        actions::RAM_GET_ACCOUNT_ALIAS => ask!(DescribeAccountAlias),
        actions::RAM_CLEAR_ACCOUNT_ALIAS => ask!(ClearAccountAlias),
        actions::RAM_SET_DEFAULT_DOMAIN => ask!(SetDefaultDomain { alias: caller_alias(caller) }),
        actions::RAM_GET_DEFAULT_DOMAIN => ask!(DescribeDefaultDomain),
        actions::RAM_GET_ACCOUNT_SUMMARY => ask!(DescribeAccountSummary),
        actions::RAM_TAG_RESOURCES => {
            ask!(TagResources { names: tagged(), tags: vec![d::Tag { key: tag_key(), value: "v".parse().unwrap() }] })
        }
        actions::RAM_UNTAG_RESOURCES => ask!(UntagResources { names: tagged(), keys: None }),
        actions::RAM_LIST_TAG_RESOURCES => {
            ask!(ListTagResources { kind: d::TaggableKind::Roles, names: vec![], filter: vec![], page: page() })
        }
        actions::RAM_DECODE_DIAGNOSTIC_MESSAGE => {
            match core.perform(caller, &d::DecodeDiagnosticMessage { message: "garbage".into() }).await {
                Err(OpError::Invalid(_)) => "allowed, absent",
                other => word(other),
            }
        }
        actions::TEGATA_GET_KEY_POLICY => ask!(DescribeKeyPolicy),
        actions::TEGATA_GET_DEVICE_POLICY => ask!(DescribeDevicePolicy),
        actions::TEGATA_SET_DEVICE_POLICY => ask!(SetDevicePolicy { origin: d::DeviceOrigin::SameNetwork }),
        actions::TEGATA_SET_KEY_POLICY => ask!(SetKeyPolicy { people: Some(true), ..d::SetKeyPolicy::default() }),
        actions::TEGATA_LIST_LONG_TERM_KEYS => ask!(ListLongTermKeys { page: page() }),
        actions::RAM_CREATE_OIDC_PROVIDER => ask!(CreateOidcProvider {
            name: "made-provider".parse().unwrap(),
            issuer: "https://made.test".parse().unwrap(),
            client_ids: Vec::new(),
            fingerprints: Vec::new(),
            issuance_limit: None,
            description: None
        }),
        actions::RAM_GET_OIDC_PROVIDER => ask!(DescribeOidcProvider { name: provider() }),
        actions::RAM_UPDATE_OIDC_PROVIDER => {
            ask!(UpdateOidcProvider { name: provider(), client_ids: None, issuance_limit: None, description: None })
        }
        actions::RAM_DELETE_OIDC_PROVIDER => ask!(DeleteOidcProvider { name: provider() }),
        actions::RAM_LIST_OIDC_PROVIDERS => ask!(ListOidcProviders { page: page() }),
        actions::RAM_ADD_CLIENT_ID_TO_OIDC_PROVIDER => ask!(AddClientId { name: provider(), client_id: "x".parse().unwrap() }),
        actions::RAM_REMOVE_CLIENT_ID_FROM_OIDC_PROVIDER => ask!(RemoveClientId { name: provider(), client_id: "x".parse().unwrap() }),
        actions::RAM_ADD_FINGERPRINT_TO_OIDC_PROVIDER => ask!(AddFingerprint { name: provider(), fingerprint: fingerprint() }),
        actions::RAM_REMOVE_FINGERPRINT_FROM_OIDC_PROVIDER => ask!(RemoveFingerprint { name: provider(), fingerprint: fingerprint() }),
        other => Box::pin(sign_in(core, caller, other)).await,
    }
}

/// What people sign in with.
async fn sign_in(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    use crate::directory as d;
    macro_rules! ask {
        ($($input:tt)*) => { word(Box::pin(core.perform(caller, &d::$($input)*)).await) };
    }
    let user = || "ghost".parse().unwrap();
    let device = || "ghost-phone".parse().unwrap();
    let password = || std::sync::Arc::new(tegata_model::SecretKey::new("correct horse".to_owned()));
    let account = tegata_model::AccountNumber::new(1_000_000_000_000_001).unwrap();
    match action {
        actions::RAM_CREATE_LOGIN_PROFILE => {
            let new = d::NewLoginProfile {
                user: user(),
                password: Some(password()),
                reset_required: false,
                mfa_required: false,
                status: Status::Active,
            };
            word(d::create_login_profile(core, caller, new).await)
        }
        actions::RAM_GET_LOGIN_PROFILE => ask!(DescribeLoginProfile { user: user() }),
        actions::RAM_UPDATE_LOGIN_PROFILE => {
            let change =
                d::LoginProfileChange { user: user(), password: Some(password()), reset_required: None, mfa_required: None, status: None };
            word(d::update_login_profile(core, caller, change).await)
        }
        actions::RAM_DELETE_LOGIN_PROFILE => ask!(DeleteLoginProfile { user: user() }),
        actions::RAM_CHANGE_PASSWORD => {
            word(d::change_password(core, caller, tegata_model::SecretKey::new("wrong horse".to_owned()), password()).await)
        }
        actions::RAM_SET_PASSWORD_POLICY => ask!(SetPasswordPolicy::default()),
        actions::RAM_GET_PASSWORD_POLICY => ask!(DescribePasswordPolicy),
        actions::RAM_SET_SECURITY_PREFERENCE => ask!(SetSecurityPreference::default()),
        actions::RAM_GET_SECURITY_PREFERENCE => ask!(DescribeSecurityPreference),
        actions::RAM_CREATE_VIRTUAL_MFA_DEVICE => ask!(CreateVirtualMfaDevice { name: "made-phone".parse().unwrap() }),
        actions::RAM_LIST_VIRTUAL_MFA_DEVICES => ask!(ListVirtualMfaDevices { page: d::Page { after: String::new(), limit: 1 } }),
        actions::RAM_DELETE_VIRTUAL_MFA_DEVICE => ask!(DeleteVirtualMfaDevice { account, name: device() }),
        actions::RAM_BIND_MFA_DEVICE => {
            let (first, second) = ("123456".parse().unwrap(), "654321".parse().unwrap());
            ask!(BindMfaDevice { user: user(), account, device: device(), first, second })
        }
        actions::RAM_UNBIND_MFA_DEVICE => ask!(UnbindMfaDevice { user: user() }),
        actions::RAM_GET_USER_MFA_INFO => ask!(DescribeFactor { user: user() }),
        other => Box::pin(look_back(core, caller, other)).await,
    }
}

/// Taking back, and knowing why. What is named is in no account.
async fn look_back(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    use crate::{leak::ReportLeakedCredential, session as s, trail as t};
    let page = || crate::directory::Page { after: String::new(), limit: 1 };
    let id = tegata_model::SessionId::from_bytes([9; 16]);
    match action {
        actions::TEGATA_LIST_SESSIONS => {
            word(core.perform(caller, &s::ListSessions { filter: s::SessionFilter::default(), page: page() }).await)
        }
        actions::TEGATA_GET_SESSION => word(core.perform(caller, &s::DescribeSession { id }).await),
        actions::TEGATA_REVOKE_SESSIONS => word(core.perform(caller, &s::RevokeSessions { whose: s::Whose::Session(id) }).await),
        actions::TEGATA_EXPLAIN_REQUEST => {
            let request = t::RequestRef::Whole(tegata_model::RequestId::from_bytes([9; 16]));
            word(core.perform(caller, &t::ExplainRequest { request }).await)
        }
        actions::TEGATA_LIST_AUDIT_EVENTS => {
            word(core.perform(caller, &t::ListAuditEvents { filter: t::AuditFilter::default(), page: page() }).await)
        }
        actions::TEGATA_REPORT_LEAKED_CREDENTIAL => {
            let text = tegata_model::SecretKey::new("nothing in it".to_owned());
            word(core.perform(caller, &ReportLeakedCredential { text, dry_run: false }).await)
        }
        other => Box::pin(applications(core, caller, other)).await,
    }
}

/// Applications. What is named exists in no account, but for the official one, which is installed and taken out again.
async fn applications(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    use crate::{client as c, grant as g};
    macro_rules! ask {
        ($($input:tt)*) => { word(Box::pin(core.perform(caller, &c::$($input)*)).await) };
    }
    let ghost = || crate::sam::Holder::User("ghost".parse().unwrap());
    let app_id = || "1".to_owned();
    let official = || "official-cli".to_owned();
    let secret_id = || "1".to_owned();
    let token = || tegata_model::SecretKey::new("x".to_owned());
    let identity = || c::IdentityName::User("ghost".parse().unwrap());
    match action {
        actions::RAM_CREATE_APPLICATION => {
            let (kind, settings) = (c::ClientKind::Server, c::ClientSettings::default());
            ask!(CreateClient { name: Some("made".to_owned()), kind, protocol_version: None, settings })
        }
        actions::RAM_GET_APPLICATION => ask!(DescribeClient { app_id: app_id() }),
        actions::RAM_UPDATE_APPLICATION => ask!(UpdateClient { app_id: app_id(), settings: c::ClientSettings::default() }),
        actions::RAM_DELETE_APPLICATION => ask!(DeleteClient { app_id: app_id() }),
        actions::RAM_LIST_APPLICATIONS => ask!(ListClients),
        actions::RAM_CREATE_APP_SECRET => ask!(CreateClientSecret { app_id: app_id(), overlap: None }),
        actions::RAM_GET_APP_SECRET => ask!(DescribeClientSecret { app_id: app_id(), secret_id: secret_id() }),
        actions::RAM_DELETE_APP_SECRET => ask!(DeleteClientSecret { app_id: app_id(), secret_id: secret_id() }),
        actions::RAM_LIST_APP_SECRET_IDS => ask!(ListClientSecrets { app_id: app_id() }),
        actions::RAM_PROVISION_APPLICATION => ask!(InstallClient { app_id: app_id(), scopes: None }),
        actions::RAM_DEPROVISION_APPLICATION => ask!(UninstallClient { app_id: app_id() }),
        actions::RAM_GET_APPLICATION_PROVISION_INFO => ask!(DescribeInstallation { app_id: app_id() }),
        actions::RAM_LIST_APPLICATION_PROVISION_INFOS => ask!(ListInstallations { external: None }),
        actions::RAM_PROVISION_EXTERNAL_APPLICATION => ask!(InstallExternalClient { app_id: official(), scopes: None }),
        actions::RAM_DEPROVISION_EXTERNAL_APPLICATION => ask!(UninstallExternalClient { app_id: app_id() }),
        actions::RAM_GET_EXTERNAL_APPLICATION => ask!(DescribeExternalClient { app_id: app_id() }),
        actions::RAM_LIST_EXTERNAL_APPLICATIONS => ask!(ListExternalClients),
        actions::TEGATA_ASSIGN_APPLICATION => ask!(AssignClient { app_id: official(), identity: identity() }),
        actions::TEGATA_GET_APPLICATION_POLICY => ask!(DescribeApplicationPolicy),
        actions::TEGATA_SET_APPLICATION_POLICY => ask!(SetApplicationPolicy { foreign: false }),
        actions::TEGATA_SET_ASSIGNMENT_MODE => ask!(SetAssignmentMode { app_id: official(), mode: crate::client::AssignmentMode::All }),
        actions::TEGATA_UNASSIGN_APPLICATION => ask!(UnassignClient { app_id: official(), identity: identity() }),
        actions::TEGATA_LIST_APPLICATION_ASSIGNMENTS => ask!(ListAssignments { app_id: official() }),
        // Only clients and their tokens may ask for these; see the tests of grants.
        actions::OAUTH_CLIENT_CREDENTIALS => word(core.perform(caller, &g::ClientCredentials { scope: None, key: None }).await),
        actions::OAUTH_REDEEM_CODE => {
            word(core.perform(caller, &g::RedeemCode { code: token(), redirect_uri: None, verifier: None, key: None }).await)
        }
        actions::OAUTH_REDEEM_DEVICE_CODE => {
            word(core.perform(caller, &g::RedeemDeviceCode { code: token(), verifier: None, key: None }).await)
        }
        actions::TEGATA_LIST_ACCESS_CONFIGURATIONS => word(core.perform(caller, &crate::sts::ListAccessConfigurations).await),
        actions::OAUTH_REFRESH => word(core.perform(caller, &g::RefreshGrant { token: token(), scope: None, key: None }).await),
        actions::OAUTH_REVOKE => word(core.perform(caller, &g::Revoke { token: token() }).await),
        actions::OAUTH_INTROSPECT => word(core.perform(caller, &g::Introspect { token: token() }).await),
        actions::OAUTH_USER_INFO => word(core.perform(caller, &g::UserInfo).await),
        actions::OAUTH_EXCHANGE => word(core.perform(caller, &g::ExchangeForSession).await),
        actions::STS_EXCHANGE_TOKEN => {
            let scope = tegata_oauth::Scope::parse("profile").unwrap();
            let signed = g::SignedHere::of(core, caller, &[]);
            word(core.perform(caller, &g::ExchangeToken { app_id: app_id(), scope, actor: None, signed }).await)
        }
        actions::OAUTH_ORG_TOKEN => word(core.perform(caller, &g::OrganisationToken::default()).await),
        actions::OAUTH_REDEEM_API_TOKEN => word(core.perform(caller, &g::RedeemApiToken::default()).await),
        actions::TEGATA_CREATE_API_TOKEN => {
            let user = Some("ghost".parse().unwrap());
            let hour = std::time::Duration::from_hours(1);
            let input = crate::directory::CreateApiToken { user, name: "made".to_owned(), scope: Vec::new(), lifetime: hour, idle: hour };
            word(core.perform(caller, &input).await)
        }
        actions::TEGATA_LIST_API_TOKENS => {
            word(core.perform(caller, &crate::directory::ListApiTokens { user: Some("ghost".parse().unwrap()) }).await)
        }
        actions::TEGATA_REVOKE_API_TOKEN => {
            let (user, id) = (Some("ghost".parse().unwrap()), "x".to_owned());
            word(core.perform(caller, &crate::directory::RevokeApiToken { user, id }).await)
        }
        // Only sessions of API keys may ask for these; see the tests of those.
        actions::SAM_RENEW_TOKEN => word(core.perform(caller, &crate::sam::RenewToken { lifetime: None }).await),
        actions::SAM_SIGN_OUT => word(core.perform(caller, &crate::sam::SignOut).await),
        actions::SAM_SWITCH_USER => {
            let switch = crate::sam::SwitchUser { operator: "OP0000000001".into(), user: "ghost".into(), lifetime: None };
            word(core.perform(caller, &switch).await)
        }
        actions::SAM_GET_OPERATOR => word(core.perform(caller, &crate::sam::DescribeOperator).await),
        actions::SAM_CREATE_SUPPORT_TOKEN => word(core.perform(caller, &crate::sam::CreateSupportToken).await),
        actions::SAM_LIST_AUTH_KEYS => word(core.perform(caller, &crate::sam::ListAuthKeys { holder: ghost() }).await),
        actions::SAM_CREATE_AUTH_KEY => word(core.perform(caller, &crate::sam::CreateAuthKey { holder: ghost() }).await),
        actions::SAM_DELETE_AUTH_KEY => {
            word(core.perform(caller, &crate::sam::DeleteAuthKey { holder: ghost(), key_id: "keyId-ghost".into() }).await)
        }
        // Asked by a person at a page, who has no key there.
        actions::SAM_SIGN_IN
        | actions::SAM_REQUEST_FACTOR_REMOVAL
        | actions::OAUTH_APPROVE
        | actions::TEGATA_SIGN_IN
        | actions::TEGATA_SIGN_OUT
        | actions::TEGATA_SET_PASSWORD_BY_LINK => "asked at a page",
        other => Box::pin(organisations(core, caller, other)).await,
    }
}

/// Apps and roles of an organisation. The administrator has a role there that manages everything; policies allow nothing.
async fn organisations(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    use crate::org as o;
    let org = || core.acme.organisation_id.as_str().to_owned();
    let id = || "ghost".to_owned();
    let ids = || vec![id()];
    macro_rules! ask {
        ($($input:tt)*) => { word(Box::pin(core.perform(caller, &o::$($input)*)).await) };
    }
    let change = || o::SecretChange { org: org(), id: id(), secret: None, overlap_seconds: None, wrap: None };
    match action {
        actions::CSP_CREATE_OAUTH_APP => {
            let scope = o::AppScope { org_roles: ["provider_service_manager".to_owned()].into(), ..o::AppScope::default() };
            let new = o::NewApp {
                org: org(),
                id: None,
                secret: None,
                display_name: "made".to_owned(),
                description: String::new(),
                access_seconds: None,
                overlap_seconds: None,
                owner_rotates: false,
                scope,
                wrap: None,
            };
            word(o::create_app(core, caller, new).await)
        }
        actions::CSP_LIST_OAUTH_APPS => ask!(ListApps { org: org(), search: String::new(), skip: 0, limit: 1 }),
        actions::CSP_GET_OAUTH_APP => ask!(DescribeApp { org: org(), id: id() }),
        actions::CSP_UPDATE_OAUTH_APP => ask!(UpdateApp { org: org(), id: id(), ..o::UpdateApp::default() }),
        actions::CSP_DELETE_OAUTH_APPS => ask!(DeleteApps { org: org(), ids: ids() }),
        actions::CSP_ROTATE_OAUTH_APP_SECRET => word(o::rotate_secret(core, caller, change()).await),
        actions::CSP_REPLACE_OAUTH_APP_SECRET => word(o::replace_secret(core, caller, change()).await),
        actions::CSP_END_OAUTH_APP_SECRET_ROTATION => ask!(EndRotation { org: org(), id: id() }),
        // Only an app itself may, by its secret; see the tests of apps.
        actions::CSP_ROTATE_OWN_SECRET => word(o::rotate_own_secret(core, caller, change()).await),
        actions::CSP_ADD_CLIENTS => ask!(AddApps { org: org(), ids: ids(), requested: o::Requested::default(), preview: false }),
        actions::CSP_LIST_CLIENTS => ask!(ListInstances { org: org(), skip: 0, limit: 1 }),
        actions::CSP_GET_CLIENT => ask!(DescribeInstance { org: org(), id: id() }),
        actions::CSP_UPDATE_CLIENT_ROLES => {
            ask!(ChangeInstance { org: org(), id: id(), add: o::Roles::default(), remove: o::Roles::default() })
        }
        actions::CSP_RESYNC_CLIENT => ask!(ResyncInstance { org: org(), id: id() }),
        actions::CSP_REMOVE_CLIENTS => ask!(RemoveApps { org: org(), ids: ids() }),
        actions::CSP_GET_ORGANIZATION => ask!(DescribeOrganisation { org: org() }),
        actions::CSP_LIST_OWN_ORGANIZATIONS => ask!(ListOwnOrganisations),
        actions::CSP_LIST_ORGANIZATION_ROLES => ask!(ListOrgRoles { org: org() }),
        actions::CSP_GET_OWN_ROLES => ask!(DescribeOwnRoles { org: org() }),
        actions::CSP_GET_OWN_PROFILE => ask!(DescribeOwnProfile),
        actions::CSP_SEARCH_USERS => ask!(SearchMembers { org: org(), term: String::new(), skip: 0, limit: 1 }),
        actions::CSP_UPDATE_USER_ROLES => {
            let user = tegata_model::UserId::from_bytes([9; 16]);
            ask!(ChangeMember { org: org(), user, named: id(), add: Vec::new(), remove: o::Roles::default() })
        }
        actions::CSP_LIST_SERVICES => ask!(ListServices { org: Some(org()) }),
        actions::CSP_SET_ORGANIZATION_KIND => ask!(SetOrganisationKind { org: org(), kind: o::OrgKind::Standalone, name: None }),
        actions::CSP_SET_OFFERED_ROLES => ask!(SetOfferedRoles { org: org(), roles: Vec::new() }),
        // Asked by whoever holds a letter, or knows where one would go.
        actions::TEGATA_REQUEST_PASSWORD_RESET | actions::TEGATA_RESET_PASSWORD | actions::TEGATA_NOT_ME => "asked by letter",
        actions::TEGATA_UNWRAP_SECRET => "asked by code",
        actions::TEGATA_SEND_LETTER => "done by the server",
        other => sam(core, caller, other).await,
    }
}

/// What the permission language is written with.
async fn sam(core: &TestCore, caller: &Caller, action: Action) -> &'static str {
    use crate::sam as s;
    macro_rules! ask {
        ($($input:tt)*) => { word(core.perform(caller, &s::$($input)*).await) };
    }
    let user = || "ghost".parse().unwrap();
    let name = || "ghost-role".parse().unwrap();
    let document = || r#"{"statements":[]}"#.to_owned();
    match action {
        actions::SAM_GET_USER_PERMISSION => ask!(DescribePermission { user: user() }),
        actions::SAM_UPDATE_USER_PERMISSION => ask!(SetPermission { user: user(), document: document(), description: None }),
        actions::SAM_DELETE_USER_PERMISSION => ask!(RemovePermission { user: user() }),
        actions::SAM_GET_USER_TRUST_POLICY => ask!(DescribeTrust { user: user() }),
        actions::SAM_UPDATE_USER_TRUST_POLICY => ask!(SetTrust { user: user(), document: document() }),
        actions::SAM_DELETE_USER_TRUST_POLICY => ask!(RemoveTrust { user: user() }),
        actions::SAM_GET_DEFAULT_PERMISSIONS => ask!(DescribeDefaults),
        actions::SAM_UPDATE_DEFAULT_PERMISSIONS => ask!(SetDefaults { document: document() }),
        actions::SAM_DELETE_DEFAULT_PERMISSIONS => ask!(RemoveDefaults),
        actions::SAM_LIST_ROLES => ask!(ListSamRoles),
        actions::SAM_GET_ROLE => ask!(DescribeSamRole { name: name() }),
        actions::SAM_CREATE_ROLE => {
            ask!(CreateSamRole { name: "made-set".parse().unwrap(), document: document(), description: None })
        }
        actions::SAM_UPDATE_ROLE => ask!(UpdateSamRole { name: name(), document: document(), description: None }),
        actions::SAM_DELETE_ROLE => ask!(DeleteSamRole { name: name() }),
        actions::SAM_LIST_ROLE_USERS => ask!(ListSamRoleUsers { name: name() }),
        actions::SAM_LIST_USER_ROLES => ask!(ListUserSamRoles { user: user() }),
        actions::SAM_ATTACH_ROLE => ask!(AttachSamRole { user: user(), role: name() }),
        actions::SAM_DETACH_ROLE => ask!(DetachSamRole { user: user(), role: name() }),
        other => panic!("{other} is missing from the permission matrix"),
    }
}

#[tokio::test]
async fn permission_matrix() {
    let core = TestCore::new().await.unwrap();
    put(&core, &core.user("alice").await.unwrap(), "k", "x").await.unwrap();
    let issuer = super::federation::world(&core).await;
    let token = issuer.token(&super::federation::claims()).unwrap();
    let alice = core.user_id(&core.user("alice").await.unwrap()).unwrap();
    let mut provision = core.provision();
    provision.bind(&core.acme, alice, None, "provider_admin");
    provision.commit().await.unwrap();
    let session = temporary(&core, "bob", None).await;
    let deny =
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let narrowed = temporary(&core, "bob", Some(deny)).await;
    let expired = temporary(&core, "bob", None).await;
    let mut table: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for action in actions::ALL {
        let row = table.entry(action.name()).or_default();
        for who in [
            "owner",
            "administrator",
            "member",
            "nobody",
            "stranger",
            "session",
            "denying session",
            "federated",
            "client",
            "expired",
            "switched off",
        ] {
            // Callers that are taken back are authenticated first: the operation itself must notice.
            let caller = match who {
                "owner" => core.user("root").await,
                "administrator" => core.user("alice").await,
                "member" => core.user("bob").await,
                "nobody" => core.user("dan").await,
                "stranger" => core.user("mallory").await,
                "session" => core.caller(&session).await,
                "denying session" => core.caller(&narrowed).await,
                "federated" => super::federation::present(&core, "ci", &token).await,
                "client" => super::grants::bench_caller(&core).await,
                "expired" => core.caller(&expired).await,
                _ => core.user("appserver").await,
            }
            .unwrap();
            let appserver = user::find_by_name(&core.store, core.acme.account, "appserver").await.unwrap().unwrap().id;
            let switch = async |status| {
                let mut changes = ChangeSet::new(core.now());
                changes.push(user::set_status(appserver, status));
                changes.touch(core.acme.account);
                core.store.commit(changes).await.unwrap();
            };
            let hour = std::time::Duration::from_hours(1);
            match who {
                "expired" => core.clock.set(crate::testing::START.plus(hour)),
                "switched off" => switch(Status::Inactive).await,
                _ => {}
            }
            row.push(format!("{who}: {}", Box::pin(attempt(&core, &caller, *action)).await));
            core.clock.set(crate::testing::START);
            if who == "switched off" {
                switch(Status::Active).await;
            }
            if *action == actions::OSS_DELETE_OBJECT {
                put(&core, &core.user("alice").await.unwrap(), "k", "x").await.unwrap();
            }
        }
    }
    let text: Vec<String> = table.iter().map(|(action, row)| format!("{action}\n  {}", row.join("\n  "))).collect();
    insta::assert_snapshot!(text.join("\n"));
}
