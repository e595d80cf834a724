//! Every action of every operation, by its canonical name. Each dialect's spelling is an alias of one of these.

use std::fmt;

/// One thing a principal can ask for, as policies name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action(&'static str, Option<&'static str>);

impl Action {
    /// The canonical name, `service:Name`.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// A second spelling that policies may use: a statement that names either speaks of this action.
    pub const fn alias(self) -> Option<&'static str> {
        self.1
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! actions {
    (@alias) => { None };
    (@alias $alias:literal) => { Some($alias) };
    ($($(#[$doc:meta])* $constant:ident = $name:literal $(or $alias:literal)?;)*) => {
        $($(#[$doc])* pub const $constant: Action = Action($name, actions!(@alias $($alias)?));)*
        /// All of them, in the order above. The permission matrix is enumerated from this list.
        pub const ALL: &[Action] = &[$($constant),*];
    };
}

actions! {
    /// Become a role for a while.
    STS_ASSUME_ROLE = "sts:AssumeRole";
    /// Ask who one is; needs no permission.
    STS_GET_CALLER_IDENTITY = "sts:GetCallerIdentity";
    /// Become a role for a while, by the word of an OpenID provider. Trust policies speak of it as `sts:AssumeRole`.
    STS_ASSUME_ROLE_WITH_OIDC = "sts:AssumeRoleWithOIDC";
    /// Exchange one's temporary key for an access token.
    STS_EXCHANGE_TOKEN = "sts:ExchangeToken";
    /// List the buckets of one's account.
    OSS_LIST_BUCKETS = "oss:ListBuckets";
    /// Create a bucket.
    OSS_PUT_BUCKET = "oss:PutBucket";
    /// Delete an empty bucket.
    OSS_DELETE_BUCKET = "oss:DeleteBucket";
    /// Read what a bucket is.
    OSS_GET_BUCKET_INFO = "oss:GetBucketInfo";
    /// List the objects of a bucket.
    OSS_LIST_OBJECTS = "oss:ListObjects";
    /// Store an object.
    OSS_PUT_OBJECT = "oss:PutObject";
    /// Read an object or its metadata.
    OSS_GET_OBJECT = "oss:GetObject";
    /// Delete an object.
    OSS_DELETE_OBJECT = "oss:DeleteObject";
    /// Make a user.
    RAM_CREATE_USER = "ram:CreateUser";
    /// Read what is said of a user.
    RAM_GET_USER = "ram:GetUser";
    /// Rename a user, or change what is said of it.
    RAM_UPDATE_USER = "ram:UpdateUser";
    /// Delete a user that has nothing left.
    RAM_DELETE_USER = "ram:DeleteUser";
    /// List the users of one's account.
    RAM_LIST_USERS = "ram:ListUsers";
    /// List how the users of one's account are called.
    RAM_LIST_USER_BASIC_INFOS = "ram:ListUserBasicInfos" or "ims:ListUserBasicInfos";
    /// Make an access key.
    RAM_CREATE_ACCESS_KEY = "ram:CreateAccessKey";
    /// List the access keys of a user.
    RAM_LIST_ACCESS_KEYS = "ram:ListAccessKeys";
    /// Switch an access key on or off.
    RAM_UPDATE_ACCESS_KEY = "ram:UpdateAccessKey";
    /// Delete an access key.
    RAM_DELETE_ACCESS_KEY = "ram:DeleteAccessKey";
    /// Make a role.
    RAM_CREATE_ROLE = "ram:CreateRole";
    /// Read a role with its trust document.
    RAM_GET_ROLE = "ram:GetRole";
    /// Change whom a role trusts, or what is said of it.
    RAM_UPDATE_ROLE = "ram:UpdateRole";
    /// Delete a role that has nothing attached.
    RAM_DELETE_ROLE = "ram:DeleteRole";
    /// List the roles of one's account.
    RAM_LIST_ROLES = "ram:ListRoles";
    /// Make a policy.
    RAM_CREATE_POLICY = "ram:CreatePolicy";
    /// Read a policy with the version that counts.
    RAM_GET_POLICY = "ram:GetPolicy";
    /// Delete a policy that is attached to nobody.
    RAM_DELETE_POLICY = "ram:DeletePolicy";
    /// List the policies of one's account and of the server.
    RAM_LIST_POLICIES = "ram:ListPolicies";
    /// Add a version to a policy.
    RAM_CREATE_POLICY_VERSION = "ram:CreatePolicyVersion";
    /// Read one version of a policy.
    RAM_GET_POLICY_VERSION = "ram:GetPolicyVersion";
    /// Delete a version that does not count.
    RAM_DELETE_POLICY_VERSION = "ram:DeletePolicyVersion";
    /// List the versions of a policy.
    RAM_LIST_POLICY_VERSIONS = "ram:ListPolicyVersions";
    /// Say which version of a policy counts.
    RAM_SET_DEFAULT_POLICY_VERSION = "ram:SetDefaultPolicyVersion";
    /// Attach a policy to a user.
    RAM_ATTACH_POLICY_TO_USER = "ram:AttachPolicyToUser";
    /// Attach a policy to a group.
    RAM_ATTACH_POLICY_TO_GROUP = "ram:AttachPolicyToGroup";
    /// Attach a policy to a role.
    RAM_ATTACH_POLICY_TO_ROLE = "ram:AttachPolicyToRole";
    /// Detach a policy from a user.
    RAM_DETACH_POLICY_FROM_USER = "ram:DetachPolicyFromUser";
    /// Detach a policy from a group.
    RAM_DETACH_POLICY_FROM_GROUP = "ram:DetachPolicyFromGroup";
    /// Detach a policy from a role.
    RAM_DETACH_POLICY_FROM_ROLE = "ram:DetachPolicyFromRole";
    /// List what is attached to a user itself.
    RAM_LIST_POLICIES_FOR_USER = "ram:ListPoliciesForUser";
    /// List what is attached to a group.
    RAM_LIST_POLICIES_FOR_GROUP = "ram:ListPoliciesForGroup";
    /// List what is attached to a role.
    RAM_LIST_POLICIES_FOR_ROLE = "ram:ListPoliciesForRole";
    /// List to whom of one's account a policy is attached.
    RAM_LIST_ENTITIES_FOR_POLICY = "ram:ListEntitiesForPolicy";
    /// Say what a policy is for.
    RAM_UPDATE_POLICY_DESCRIPTION = "ram:UpdatePolicyDescription";
    /// Read when an access key was last used.
    RAM_GET_ACCESS_KEY_LAST_USED = "ram:GetAccessKeyLastUsed";
    /// Name one's account.
    RAM_SET_ACCOUNT_ALIAS = "ram:SetAccountAlias";
    /// Read how one's account is named.
    RAM_GET_ACCOUNT_ALIAS = "ram:GetAccountAlias";
    /// Name one's account by its number again.
    RAM_CLEAR_ACCOUNT_ALIAS = "ram:ClearAccountAlias";
    /// Name one's account, by the domain that its users sign in at.
    RAM_SET_DEFAULT_DOMAIN = "ram:SetDefaultDomain" or "ims:SetDefaultDomain";
    /// Read the domain that the users of one's account sign in at.
    RAM_GET_DEFAULT_DOMAIN = "ram:GetDefaultDomain" or "ims:GetDefaultDomain";
    /// Read how much of everything one's account has, and may have.
    RAM_GET_ACCOUNT_SUMMARY = "ram:GetAccountSummary" or "ims:GetAccountSummary";
    /// Tag roles and policies.
    RAM_TAG_RESOURCES = "ram:TagResources";
    /// Take tags off roles and policies.
    RAM_UNTAG_RESOURCES = "ram:UntagResources";
    /// List the tags of roles and policies.
    RAM_LIST_TAG_RESOURCES = "ram:ListTagResources";
    /// Read why a request was refused, from the message of its refusal.
    RAM_DECODE_DIAGNOSTIC_MESSAGE = "ram:DecodeDiagnosticMessage";
    /// Read what one's account demands of long-term keys.
    TEGATA_GET_KEY_POLICY = "tegata:GetKeyPolicy";
    /// Change what one's account demands of long-term keys.
    TEGATA_SET_KEY_POLICY = "tegata:SetKeyPolicy";
    /// List the long-term keys of one's account with their last use.
    TEGATA_LIST_LONG_TERM_KEYS = "tegata:ListLongTermKeys";
    /// Make a group.
    RAM_CREATE_GROUP = "ram:CreateGroup";
    /// Read what is said of a group.
    RAM_GET_GROUP = "ram:GetGroup";
    /// Rename a group, or change what is said of it.
    RAM_UPDATE_GROUP = "ram:UpdateGroup";
    /// Delete an empty group.
    RAM_DELETE_GROUP = "ram:DeleteGroup";
    /// List the groups of one's account.
    RAM_LIST_GROUPS = "ram:ListGroups";
    /// Put a user into a group.
    RAM_ADD_USER_TO_GROUP = "ram:AddUserToGroup";
    /// Take a user out of a group.
    RAM_REMOVE_USER_FROM_GROUP = "ram:RemoveUserFromGroup";
    /// List the groups that a user is in.
    RAM_LIST_GROUPS_FOR_USER = "ram:ListGroupsForUser";
    /// List the users of a group.
    RAM_LIST_USERS_FOR_GROUP = "ram:ListUsersForGroup";
    /// List the sessions of roles that began in one's account, or act in it.
    TEGATA_LIST_SESSIONS = "tegata:ListSessions";
    /// Read what is known of one session.
    TEGATA_GET_SESSION = "tegata:GetSession";
    /// End sessions before their time.
    TEGATA_REVOKE_SESSIONS = "tegata:RevokeSessions";
    /// Read why a request was answered as it was.
    TEGATA_EXPLAIN_REQUEST = "tegata:ExplainRequest";
    /// Read the audit trail of one's account.
    TEGATA_LIST_AUDIT_EVENTS = "tegata:ListAuditEvents";
    /// Say that a credential has become known to strangers, and so end it.
    TEGATA_REPORT_LEAKED_CREDENTIAL = "tegata:ReportLeakedCredential";
    /// Say what a declaration would change. Whoever may read the directory may, unless a statement denies this.
    TEGATA_PLAN_DIRECTORY = "tegata:PlanDirectory";
    /// Do what a declaration says. Whoever may do each of it singly may, unless a statement denies this.
    TEGATA_APPLY_DIRECTORY = "tegata:ApplyDirectory";
    /// Write the directory down as a declaration. Whoever may read the directory may, unless a statement denies this.
    TEGATA_EXPORT_DIRECTORY = "tegata:ExportDirectory";
    /// Say that the tokens of an OpenID provider are taken.
    RAM_CREATE_OIDC_PROVIDER = "ram:CreateOIDCProvider" or "ims:CreateOIDCProvider";
    /// Read what is said of an OpenID provider.
    RAM_GET_OIDC_PROVIDER = "ram:GetOIDCProvider" or "ims:GetOIDCProvider";
    /// Change for whom an OpenID provider's tokens must be, or what is said of it.
    RAM_UPDATE_OIDC_PROVIDER = "ram:UpdateOIDCProvider" or "ims:UpdateOIDCProvider";
    /// Take no more tokens of an OpenID provider.
    RAM_DELETE_OIDC_PROVIDER = "ram:DeleteOIDCProvider" or "ims:DeleteOIDCProvider";
    /// List the OpenID providers of one's account.
    RAM_LIST_OIDC_PROVIDERS = "ram:ListOIDCProviders" or "ims:ListOIDCProviders";
    /// Accept one more audience in the tokens of an OpenID provider.
    RAM_ADD_CLIENT_ID_TO_OIDC_PROVIDER = "ram:AddClientIdToOIDCProvider" or "ims:AddClientIdToOIDCProvider";
    /// Accept an audience no more.
    RAM_REMOVE_CLIENT_ID_FROM_OIDC_PROVIDER = "ram:RemoveClientIdFromOIDCProvider" or "ims:RemoveClientIdFromOIDCProvider";
    /// Accept one more certificate of an OpenID provider.
    RAM_ADD_FINGERPRINT_TO_OIDC_PROVIDER = "ram:AddFingerprintToOIDCProvider" or "ims:AddFingerprintToOIDCProvider";
    /// Accept a certificate no more.
    RAM_REMOVE_FINGERPRINT_FROM_OIDC_PROVIDER = "ram:RemoveFingerprintFromOIDCProvider" or "ims:RemoveFingerprintFromOIDCProvider";
    /// Make an application.
    RAM_CREATE_APPLICATION = "ram:CreateApplication" or "ims:CreateApplication";
    /// Read what is said of an application.
    RAM_GET_APPLICATION = "ram:GetApplication" or "ims:GetApplication";
    /// Change what is said of an application.
    RAM_UPDATE_APPLICATION = "ram:UpdateApplication" or "ims:UpdateApplication";
    /// Delete an application with everything that was issued to it.
    RAM_DELETE_APPLICATION = "ram:DeleteApplication" or "ims:DeleteApplication";
    /// List the applications of one's account.
    RAM_LIST_APPLICATIONS = "ram:ListApplications" or "ims:ListApplications";
    /// Make a secret of an application.
    RAM_CREATE_APP_SECRET = "ram:CreateAppSecret" or "ims:CreateAppSecret";
    /// Read what may be said of a secret.
    RAM_GET_APP_SECRET = "ram:GetAppSecret" or "ims:GetAppSecret";
    /// Delete a secret of an application.
    RAM_DELETE_APP_SECRET = "ram:DeleteAppSecret" or "ims:DeleteAppSecret";
    /// List the secrets of an application.
    RAM_LIST_APP_SECRET_IDS = "ram:ListAppSecretIds" or "ims:ListAppSecretIds";
    /// Install an application of one's account.
    RAM_PROVISION_APPLICATION = "ram:ProvisionApplication" or "ims:ProvisionApplication";
    /// Take an application of one's account out of use.
    RAM_DEPROVISION_APPLICATION = "ram:DeprovisionApplication" or "ims:DeprovisionApplication";
    /// Read how an application of one's account is installed.
    RAM_GET_APPLICATION_PROVISION_INFO = "ram:GetApplicationProvisionInfo" or "ims:GetApplicationProvisionInfo";
    /// List what is installed in one's account.
    RAM_LIST_APPLICATION_PROVISION_INFOS = "ram:ListApplicationProvisionInfos" or "ims:ListApplicationProvisionInfos";
    /// Install the official application: the administrator's consent.
    RAM_PROVISION_EXTERNAL_APPLICATION = "ram:ProvisionExternalApplication" or "ims:ProvisionExternalApplication";
    /// Take the official application out of use.
    RAM_DEPROVISION_EXTERNAL_APPLICATION = "ram:DeprovisionExternalApplication" or "ims:DeprovisionExternalApplication";
    /// Read how the official application is installed.
    RAM_GET_EXTERNAL_APPLICATION = "ram:GetExternalApplication" or "ims:GetExternalApplication";
    /// List what is installed in one's account and belongs to none.
    RAM_LIST_EXTERNAL_APPLICATIONS = "ram:ListExternalApplications" or "ims:ListExternalApplications";
    /// Let a user or a role use the official application.
    TEGATA_ASSIGN_APPLICATION = "tegata:AssignApplication";
    /// Let a user or a role use it no more.
    TEGATA_UNASSIGN_APPLICATION = "tegata:UnassignApplication";
    /// Say whether everybody of the account may use the official application, or those who are assigned.
    TEGATA_SET_ASSIGNMENT_MODE = "tegata:SetApplicationAssignmentMode";
    /// List who may use the official application.
    TEGATA_LIST_APPLICATION_ASSIGNMENTS = "tegata:ListApplicationAssignments";
    /// Get a token for a client itself. Clients ask, by scopes and not by policies; so for the next five.
    OAUTH_CLIENT_CREDENTIALS = "oauth:ClientCredentials";
    /// Get a token for an application itself, for its organisation. The application asks.
    OAUTH_ORG_TOKEN = "oauth:OrganisationToken";
    /// Get a token for an organisation for an API token: whoever has it asks.
    OAUTH_REDEEM_API_TOKEN = "oauth:RedeemApiToken";
    /// Make an API token of a user, for the programs it runs.
    TEGATA_CREATE_API_TOKEN = "tegata:CreateApiToken";
    /// List the API tokens of a user.
    TEGATA_LIST_API_TOKENS = "tegata:ListApiTokens";
    /// Take an API token back.
    TEGATA_REVOKE_API_TOKEN = "tegata:RevokeApiToken";
    /// Sign in: asked by a person at a page; so for the next three.
    TEGATA_SIGN_IN = "tegata:SignIn";
    /// Sign out.
    TEGATA_SIGN_OUT = "tegata:SignOut";
    /// Set a password by a link that is good once.
    TEGATA_SET_PASSWORD_BY_LINK = "tegata:SetPasswordByLink";
    /// Ask for a letter by which a password can be set: asked by whoever knows an address; so for the next two.
    TEGATA_REQUEST_PASSWORD_RESET = "tegata:RequestPasswordReset";
    /// Set a password by a token of a letter.
    TEGATA_RESET_PASSWORD = "tegata:ResetPassword";
    /// Say that something was not done by the person, and so end it.
    TEGATA_NOT_ME = "tegata:DisownEvent";
    /// Open a secret that waits for a code: asked by whoever has the code.
    TEGATA_UNWRAP_SECRET = "tegata:UnwrapSecret";
    /// Send a letter: done by this program itself.
    TEGATA_SEND_LETTER = "tegata:SendLetter";
    /// Agree that a client gets tokens: asked by a person at a page.
    OAUTH_APPROVE = "oauth:Approve";
    /// Get tokens for a code.
    OAUTH_REDEEM_CODE = "oauth:RedeemCode";
    /// Get tokens for a device code.
    OAUTH_REDEEM_DEVICE_CODE = "oauth:RedeemDeviceCode";
    /// Get tokens for a refresh token.
    OAUTH_REFRESH = "oauth:Refresh";
    /// Take a token back.
    OAUTH_REVOKE = "oauth:Revoke";
    /// Ask what a token is worth.
    OAUTH_INTROSPECT = "oauth:Introspect";
    /// Ask of whom an access token speaks.
    OAUTH_USER_INFO = "oauth:UserInfo";
    /// Get a temporary key of the person that an access token speaks of.
    OAUTH_EXCHANGE = "oauth:ExchangeForSession";
    /// Read where devices may ask from.
    TEGATA_GET_DEVICE_POLICY = "tegata:GetDevicePolicy";
    /// Say where devices may ask from.
    TEGATA_SET_DEVICE_POLICY = "tegata:SetDevicePolicy";
    /// Read whether applications of other accounts are let in.
    TEGATA_GET_APPLICATION_POLICY = "tegata:GetApplicationPolicy";
    /// Say whether applications of other accounts are let in.
    TEGATA_SET_APPLICATION_POLICY = "tegata:SetApplicationPolicy";
    /// List the roles that a person may become by single sign-on. Its tokens ask.
    TEGATA_LIST_ACCESS_CONFIGURATIONS = "tegata:ListAccessConfigurations";
    /// Give a user something to sign in with.
    RAM_CREATE_LOGIN_PROFILE = "ram:CreateLoginProfile";
    /// Read how a user signs in.
    RAM_GET_LOGIN_PROFILE = "ram:GetLoginProfile";
    /// Set a user's password, or change how it signs in.
    RAM_UPDATE_LOGIN_PROFILE = "ram:UpdateLoginProfile";
    /// Take from a user what it signs in with.
    RAM_DELETE_LOGIN_PROFILE = "ram:DeleteLoginProfile";
    /// Change one's own password.
    RAM_CHANGE_PASSWORD = "ram:ChangePassword";
    /// Say what the account asks of passwords.
    RAM_SET_PASSWORD_POLICY = "ram:SetPasswordPolicy";
    /// Read what the account asks of passwords.
    RAM_GET_PASSWORD_POLICY = "ram:GetPasswordPolicy";
    /// Say what users may do for themselves, and how they sign in.
    RAM_SET_SECURITY_PREFERENCE = "ram:SetSecurityPreference";
    /// Read what users may do for themselves, and how they sign in.
    RAM_GET_SECURITY_PREFERENCE = "ram:GetSecurityPreference";
    /// Make a device for one-time codes.
    RAM_CREATE_VIRTUAL_MFA_DEVICE = "ram:CreateVirtualMFADevice";
    /// List the devices for one-time codes.
    RAM_LIST_VIRTUAL_MFA_DEVICES = "ram:ListVirtualMFADevices";
    /// Delete a device that is nobody's factor.
    RAM_DELETE_VIRTUAL_MFA_DEVICE = "ram:DeleteVirtualMFADevice";
    /// Make a device the second factor of a user.
    RAM_BIND_MFA_DEVICE = "ram:BindMFADevice";
    /// Take its second factor from a user.
    RAM_UNBIND_MFA_DEVICE = "ram:UnbindMFADevice";
    /// Read which device is the second factor of a user.
    RAM_GET_USER_MFA_INFO = "ram:GetUserMFAInfo";
    /// Make an app of an organisation.
    CSP_CREATE_OAUTH_APP = "csp:CreateOAuthApp";
    /// List the apps that were made in an organisation.
    CSP_LIST_OAUTH_APPS = "csp:ListOAuthApps";
    /// Read what is said of an app.
    CSP_GET_OAUTH_APP = "csp:GetOAuthApp";
    /// Change what is said of an app; what it has where it was added stays.
    CSP_UPDATE_OAUTH_APP = "csp:UpdateOAuthApp";
    /// Delete apps for good.
    CSP_DELETE_OAUTH_APPS = "csp:DeleteOAuthApps";
    /// Give an app a new secret beside the old one.
    CSP_ROTATE_OAUTH_APP_SECRET = "csp:RotateOAuthAppSecret";
    /// Give an app a new secret in place of all others.
    CSP_REPLACE_OAUTH_APP_SECRET = "csp:ReplaceOAuthAppSecret";
    /// End the old secret of an app before its time.
    CSP_END_OAUTH_APP_SECRET_ROTATION = "csp:EndOAuthAppSecretRotation";
    /// As an app, give oneself a new secret.
    CSP_ROTATE_OWN_SECRET = "csp:RotateOwnSecret";
    /// Add apps to an organisation.
    CSP_ADD_CLIENTS = "csp:AddClients";
    /// List the apps that have roles in an organisation.
    CSP_LIST_CLIENTS = "csp:ListClients";
    /// Read which roles an app has in an organisation, and which not.
    CSP_GET_CLIENT = "csp:GetClient";
    /// Change the roles that an app has in an organisation.
    CSP_UPDATE_CLIENT_ROLES = "csp:UpdateClientRoles";
    /// Add an app to an organisation again, in one step.
    CSP_RESYNC_CLIENT = "csp:ResyncClient";
    /// Take apps out of an organisation.
    CSP_REMOVE_CLIENTS = "csp:RemoveClients";
    /// Read what is said of an organisation.
    CSP_GET_ORGANIZATION = "csp:GetOrganization";
    /// List the organisations one has to do with.
    CSP_LIST_OWN_ORGANIZATIONS = "csp:ListOwnOrganizations";
    /// List the roles that an organisation knows.
    CSP_LIST_ORGANIZATION_ROLES = "csp:ListOrganizationRoles";
    /// Read which roles one has in an organisation.
    CSP_GET_OWN_ROLES = "csp:GetOwnRoles";
    /// Read who one is.
    CSP_GET_OWN_PROFILE = "csp:GetOwnProfile";
    /// Look for the users of an organisation and their roles.
    CSP_SEARCH_USERS = "csp:SearchUsers";
    /// Change the roles that a user has in an organisation.
    CSP_UPDATE_USER_ROLES = "csp:UpdateUserRoles";
    /// List services with their roles.
    CSP_LIST_SERVICES = "csp:ListServices";
    /// Say which roles of services an organisation offers.
    CSP_SET_OFFERED_ROLES = "csp:SetOfferedRoles";
    /// Say which kind of organisation an account is, which decides the roles there are.
    CSP_SET_ORGANIZATION_KIND = "csp:SetOrganizationKind";
    /// Begin a session by password or auth key.
    SAM_SIGN_IN = "sam:SignIn";
    /// End the session that asks; needs no permission.
    SAM_SIGN_OUT = "sam:SignOut";
    /// Ask for a letter that helps to take off a lost second factor.
    SAM_REQUEST_FACTOR_REMOVAL = "sam:RequestFactorRemoval";
    /// Take one more token for the session that asks.
    SAM_RENEW_TOKEN = "sam:RenewToken";
    /// Go on as another user, who trusts the caller.
    SAM_SWITCH_USER = "sam:SwitchUser";
    /// Read what one's account is called as an operator.
    SAM_GET_OPERATOR = "sam:GetOperator";
    /// Make a token that shows who asks for help, and opens nothing.
    SAM_CREATE_SUPPORT_TOKEN = "sam:CreateSupportToken";
    /// List the auth keys of a user or of the owner.
    SAM_LIST_AUTH_KEYS = "sam:ListAuthKeys";
    /// Make an auth key.
    SAM_CREATE_AUTH_KEY = "sam:CreateAuthKey";
    /// Delete an auth key, and end what began with it.
    SAM_DELETE_AUTH_KEY = "sam:DeleteAuthKey";
    /// Read what a user may do by itself.
    SAM_GET_USER_PERMISSION = "sam:GetUserPermission";
    /// Write what a user may do by itself.
    SAM_UPDATE_USER_PERMISSION = "sam:UpdateUserPermission";
    /// Remove what a user may do by itself.
    SAM_DELETE_USER_PERMISSION = "sam:DeleteUserPermission";
    /// Read who may go on as a user.
    SAM_GET_USER_TRUST_POLICY = "sam:GetUserTrustPolicy";
    /// Say who may go on as a user.
    SAM_UPDATE_USER_TRUST_POLICY = "sam:UpdateUserTrustPolicy";
    /// Let nobody go on as a user any more.
    SAM_DELETE_USER_TRUST_POLICY = "sam:DeleteUserTrustPolicy";
    /// Read what every user of the account may do.
    SAM_GET_DEFAULT_PERMISSIONS = "sam:GetDefaultPermissions";
    /// Write what every user of the account may do.
    SAM_UPDATE_DEFAULT_PERMISSIONS = "sam:UpdateDefaultPermissions";
    /// Remove what every user of the account may do.
    SAM_DELETE_DEFAULT_PERMISSIONS = "sam:DeleteDefaultPermissions";
    /// List the sets of permissions.
    SAM_LIST_ROLES = "sam:ListRoles";
    /// Read a set of permissions.
    SAM_GET_ROLE = "sam:GetRole";
    /// Make a set of permissions.
    SAM_CREATE_ROLE = "sam:CreateRole";
    /// Change a set of permissions.
    SAM_UPDATE_ROLE = "sam:UpdateRole";
    /// Delete a set of permissions.
    SAM_DELETE_ROLE = "sam:DeleteRole";
    /// List the users that a set of permissions is attached to.
    SAM_LIST_ROLE_USERS = "sam:ListRoleUsers";
    /// List the sets of permissions that are attached to a user.
    SAM_LIST_USER_ROLES = "sam:ListUserRoles";
    /// Attach a set of permissions to a user.
    SAM_ATTACH_ROLE = "sam:AttachRole";
    /// Detach a set of permissions from a user.
    SAM_DETACH_ROLE = "sam:DetachRole";
}
