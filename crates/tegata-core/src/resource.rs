//! What an operation acts on, by name: asked about before anybody looks whether it exists.

use std::fmt;

use tegata_model::{
    AccessKeyId, AccountAlias, AccountNumber, BucketName, GroupName, MfaDeviceName, ObjectKey, OidcProviderName, PolicyName, RoleName,
    SessionId, UserName,
};
use tegata_policy::Resource;

use crate::trail::RequestRef;

/// The name of one resource. Every dialect spells it its own way; policies see its five segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceName {
    /// The name of an account, as people type it.
    Account(AccountAlias),
    /// What an account demands of long-term keys, and the report on them.
    KeyPolicy {
        /// The account.
        account: AccountNumber,
    },
    /// The owner of an account.
    Owner {
        /// The account.
        account: AccountNumber,
    },
    /// All users, groups, roles and policies of an account.
    Directory {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// The users of an account, as a collection.
    Users {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// An access key, below whoever it belongs to.
    AccessKey {
        /// Whose it is: a user or the owner.
        of: Box<ResourceName>,
        /// Its public id.
        key_id: AccessKeyId,
    },
    /// The groups of an account, as a collection.
    Groups {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// A group of an account.
    Group {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: GroupName,
    },
    /// A user as a member of a group.
    Membership {
        /// The account of both.
        account: AccountNumber,
        /// The user.
        user: UserName,
        /// The group.
        group: GroupName,
    },
    /// The roles of an account, as a collection.
    Roles {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// The policies of an account, as a collection.
    Policies {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// A policy that every account has.
    SystemPolicy {
        /// Its name.
        name: PolicyName,
    },
    /// One version of a policy.
    PolicyVersion {
        /// The policy.
        of: Box<ResourceName>,
        /// The number of the version.
        version: u32,
    },
    /// A policy as it is attached to a user, group or role.
    Attachment {
        /// To whom.
        to: Box<ResourceName>,
        /// The policy.
        policy: Box<ResourceName>,
    },
    /// A user of an account.
    User {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: UserName,
    },
    /// A role of an account.
    Role {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: RoleName,
    },
    /// A policy of an account.
    Policy {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: PolicyName,
    },
    /// The OpenID providers of an account, as a collection.
    OidcProviders {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// An OpenID provider of an account.
    OidcProvider {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: OidcProviderName,
    },
    /// What a user signs in with.
    LoginProfile {
        /// The user.
        of: Box<ResourceName>,
    },
    /// The second factor of a user.
    Factor {
        /// The user.
        of: Box<ResourceName>,
    },
    /// An API token of a user.
    ApiToken {
        /// The user.
        of: Box<ResourceName>,
        /// Its id, as it was asked for.
        id: String,
    },
    /// The devices for one-time codes of an account, as a collection.
    MfaDevices {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// A device for one-time codes.
    MfaDevice {
        /// The account it belongs to.
        account: AccountNumber,
        /// Its name.
        name: MfaDeviceName,
    },
    /// A device for one-time codes as the factor of somebody.
    BoundMfaDevice {
        /// The device.
        device: Box<ResourceName>,
    },
    /// What holds for an account as a whole.
    AccountSettings {
        /// The account.
        account: AccountNumber,
    },
    /// The buckets of an account, as a collection.
    Buckets {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// A bucket.
    Bucket {
        /// The account it belongs to, or would.
        account: AccountNumber,
        /// Its name.
        name: BucketName,
    },
    /// An object of a bucket.
    Object {
        /// The account the bucket belongs to, or would.
        account: AccountNumber,
        /// The bucket.
        bucket: BucketName,
        /// The key in the bucket.
        key: ObjectKey,
    },
    /// The applications of an account, as a collection.
    Applications {
        /// The account they belong to.
        account: AccountNumber,
    },
    /// An application, its own or one that is installed in it.
    Application {
        /// The account.
        account: AccountNumber,
        /// The public id.
        app_id: String,
    },
    /// A secret of an application.
    ApplicationSecret {
        /// The account.
        account: AccountNumber,
        /// The public id of the application.
        app_id: String,
        /// The public id of the secret.
        secret_id: String,
    },
    /// The role sessions that began in an account or act in it, as a collection.
    Sessions {
        /// The account.
        account: AccountNumber,
    },
    /// One role session.
    Session {
        /// The account that looks at it.
        account: AccountNumber,
        /// Its id.
        id: SessionId,
    },
    /// The sessions of one user or of one role.
    SessionsOf(Box<ResourceName>),
    /// The sessions that began with one access key.
    SessionsOfKey {
        /// The account of the key.
        account: AccountNumber,
        /// Its public id.
        key_id: AccessKeyId,
    },
    /// The requests of an account, as a collection.
    Requests {
        /// The account whose trail they stand in.
        account: AccountNumber,
    },
    /// One request that was answered.
    Request {
        /// The account whose trail it stands in.
        account: AccountNumber,
        /// Its id as it was told.
        id: RequestRef,
    },
    /// The credentials of an account, as a collection.
    Credentials {
        /// The account.
        account: AccountNumber,
    },
    /// An organisation, as who asks sees it.
    Organisation {
        /// The account of who asks.
        account: AccountNumber,
        /// The id of the organisation, as it was said.
        org: String,
    },
    /// Something of an organisation.
    OrgPart {
        /// The account of who asks.
        account: AccountNumber,
        /// The id of the organisation, as it was said.
        org: String,
        /// What kind of thing.
        part: OrgPart,
        /// Which one, as it was said; `*` for all of them.
        name: String,
    },
    /// Oneself; no permission is needed.
    Caller,
}

/// What there is in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgPart {
    /// An app that was made in it.
    App,
    /// An app as it was added to it.
    Instance,
    /// A user with roles in it.
    User,
    /// A service that is offered in it.
    Service,
}

impl OrgPart {
    fn word(self) -> &'static str {
        match self {
            Self::App => "oauth-app",
            Self::Instance => "client",
            Self::User => "user",
            Self::Service => "service",
        }
    }
}

/// The segments of a resource as owned text, from which [`Resource`] borrows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments {
    service: &'static str,
    account: String,
    relative: String,
}

impl Segments {
    /// Something below this.
    fn below(mut self, more: &str) -> Self {
        self.relative = format!("{}/{more}", self.relative);
        self
    }

    pub(crate) fn as_resource(&self) -> Resource<'_> {
        Resource { service: self.service, region: "", account: &self.account, relative: &self.relative }
    }
}

impl ResourceName {
    pub(crate) fn segments(&self) -> Segments {
        let (service, account, relative) = match self {
            Self::Account(alias) => ("ram", None, format!("account/{alias}")),
            Self::User { account, name } => ("ram", Some(account), format!("user/{name}")),
            Self::Role { account, name } => ("ram", Some(account), format!("role/{name}")),
            Self::Policy { account, name } => ("ram", Some(account), format!("policy/{name}")),
            Self::AccountSettings { account } | Self::Directory { account } => ("ram", Some(account), "*".to_owned()),
            Self::KeyPolicy { account } => ("tegata", Some(account), "keypolicy".to_owned()),
            Self::Owner { account } => ("ram", Some(account), "root".to_owned()),
            Self::Users { account } => ("ram", Some(account), "user/*".to_owned()),
            Self::Groups { account } => ("ram", Some(account), "group/*".to_owned()),
            Self::Roles { account } => ("ram", Some(account), "role/*".to_owned()),
            Self::Policies { account } => ("ram", Some(account), "policy/*".to_owned()),
            Self::OidcProviders { account } => ("ram", Some(account), "oidc-provider/*".to_owned()),
            Self::OidcProvider { account, name } => ("ram", Some(account), format!("oidc-provider/{name}")),
            Self::Group { account, name } => ("ram", Some(account), format!("group/{name}")),
            Self::Membership { account, user, group } => ("ram", Some(account), format!("group/{group}/user/{user}")),
            Self::SystemPolicy { name } => {
                return Segments { service: "ram", account: "system".to_owned(), relative: format!("policy/{name}") };
            }
            Self::AccessKey { of, key_id } => return of.segments().below(&format!("accesskey/{key_id}")),
            Self::PolicyVersion { of, version } => return of.segments().below(&format!("v{version}")),
            Self::Attachment { to, policy } => {
                let policy = policy.segments();
                let system = if policy.account == "system" { "system-" } else { "" };
                return to.segments().below(&format!("{system}{}", policy.relative));
            }
            Self::LoginProfile { of } => return of.segments().below("login-profile"),
            Self::Factor { of } => return of.segments().below("mfa"),
            Self::ApiToken { of, id } => return of.segments().below("api-token").below(id),
            Self::MfaDevices { account } => ("ram", Some(account), "mfa/*".to_owned()),
            Self::MfaDevice { account, name } => ("ram", Some(account), format!("mfa/{name}")),
            Self::BoundMfaDevice { device } => return device.segments().below("user"),
            Self::Buckets { account } => ("oss", Some(account), "*".to_owned()),
            Self::Bucket { account, name } => ("oss", Some(account), name.to_string()),
            Self::Object { account, bucket, key } => ("oss", Some(account), format!("{bucket}/{key}")),
            Self::Applications { account } => ("ram", Some(account), "application/*".to_owned()),
            Self::Application { account, app_id } => ("ram", Some(account), format!("application/{app_id}")),
            Self::ApplicationSecret { account, app_id, secret_id } => {
                ("ram", Some(account), format!("application/{app_id}/secret/{secret_id}"))
            }
            Self::Sessions { account } => ("tegata", Some(account), "session/*".to_owned()),
            Self::Session { account, id } => ("tegata", Some(account), format!("session/{id}")),
            Self::SessionsOf(whose) => {
                let Segments { account, relative, .. } = whose.segments();
                return Segments { service: "tegata", account, relative: format!("session/{relative}") };
            }
            Self::SessionsOfKey { account, key_id } => ("tegata", Some(account), format!("session/accesskey/{key_id}")),
            Self::Requests { account } => ("tegata", Some(account), "request/*".to_owned()),
            Self::Request { account, id } => ("tegata", Some(account), format!("request/{id}")),
            Self::Credentials { account } => ("tegata", Some(account), "credential/*".to_owned()),
            Self::Organisation { account, org } => ("csp", Some(account), format!("org/{org}")),
            Self::OrgPart { account, org, part, name } => ("csp", Some(account), format!("org/{org}/{}/{name}", part.word())),
            Self::Caller => ("sts", None, "*".to_owned()),
        };
        Segments { service, account: account.map(ToString::to_string).unwrap_or_default(), relative }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.segments();
        // The region is written as `*` where the service has regions, as people write it in policies.
        let region = if segments.service == "oss" { "*" } else { "" };
        write!(f, "acs:{}:{region}:{}:{}", segments.service, segments.account, segments.relative)
    }
}
