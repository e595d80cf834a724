//! What the users of an account may do for themselves, and from where and for how long they sign in.

use tegata_model::AccountId;
use tegata_policy::Network;
use tegata_store::security_preference::{self, SecurityPreferenceRow};

use super::{
    changes, done, own,
    password_policy::{chosen, ranged},
};
use crate::{
    actions::{Action, RAM_GET_SECURITY_PREFERENCE, RAM_SET_SECURITY_PREFERENCE},
    authz,
    caller::Caller,
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Most networks that an account may name.
const NETWORKS: usize = 40;

/// What the users of an account may do for themselves, and how they sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings, each with a name of its own on every wire")]
pub struct SecurityPreference {
    /// Whether a browser may remember that a second factor was given.
    pub remember_factor: bool,
    /// Whether users may change their own passwords without a policy that says so.
    pub users_change_password: bool,
    /// Whether users may manage their own access keys without a policy that says so.
    pub users_manage_keys: bool,
    /// Whether users may manage their own second factor without a policy that says so.
    pub users_manage_factor: bool,
    /// Whether users may manage their own public keys without a policy that says so.
    pub users_manage_public_keys: bool,
    /// How long a sign-in lasts: 1 to 24 hours.
    pub session_hours: u32,
    /// The networks that users may sign in from, as addresses and CIDR blocks; empty for all.
    pub login_networks: Vec<String>,
}

impl Default for SecurityPreference {
    fn default() -> Self {
        Self {
            remember_factor: false,
            users_change_password: true,
            users_manage_keys: false,
            users_manage_factor: true,
            users_manage_public_keys: false,
            session_hours: 6,
            login_networks: Vec::new(),
        }
    }
}

impl SecurityPreference {
    pub(crate) fn of(row: Option<SecurityPreferenceRow>) -> Self {
        row.map_or_else(Self::default, |row| Self {
            remember_factor: row.remember_mfa,
            users_change_password: row.users_change_password,
            users_manage_keys: row.users_manage_keys,
            users_manage_factor: row.users_manage_mfa,
            users_manage_public_keys: row.users_manage_public,
            session_hours: row.session_hours,
            login_networks: row.login_networks.split(';').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        })
    }

    fn row(&self, account_id: AccountId) -> SecurityPreferenceRow {
        SecurityPreferenceRow {
            account_id,
            remember_mfa: self.remember_factor,
            users_change_password: self.users_change_password,
            users_manage_keys: self.users_manage_keys,
            users_manage_mfa: self.users_manage_factor,
            users_manage_public: self.users_manage_public_keys,
            session_hours: self.session_hours,
            login_networks: self.login_networks.join(";"),
        }
    }
}

/// Says what users may do for themselves, and how they sign in. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct SetSecurityPreference {
    /// Whether a browser may remember that a second factor was given.
    pub remember_factor: Option<bool>,
    /// Whether users may change their own passwords.
    pub users_change_password: Option<bool>,
    /// Whether users may manage their own access keys.
    pub users_manage_keys: Option<bool>,
    /// Whether users may manage their own second factor.
    pub users_manage_factor: Option<bool>,
    /// Whether users may manage their own public keys.
    pub users_manage_public_keys: Option<bool>,
    /// How long a sign-in lasts, in hours.
    pub session_hours: Option<u32>,
    /// The networks that users may sign in from.
    pub login_networks: Option<Vec<String>>,
}

impl Operation for SetSecurityPreference {
    const ACTION: Action = RAM_SET_SECURITY_PREFERENCE;
    type Output = SecurityPreference;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<SecurityPreference>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut preference = SecurityPreference::of(security_preference::find(&view.core().store, caller.account()).await?);
        ranged(&mut preference.session_hours, self.session_hours, 1..=24, Input::LoginSession, "the hours that a sign-in lasts")?;
        if let Some(networks) = &self.login_networks {
            if let Some(bad) = networks.iter().find(|one| Network::parse(one).is_none()) {
                let shown: String = bad.chars().take(64).collect();
                let rule = format!("`{shown}` is no address and no CIDR block");
                return Err(OpError::invalid(Input::LoginNetworks, ProblemKind::Malformed, rule));
            }
            if networks.len() > NETWORKS {
                let rule = format!("there may be at most {NETWORKS} networks to sign in from");
                return Err(OpError::invalid(Input::LoginNetworks, ProblemKind::TooLarge, rule));
            }
            preference.login_networks.clone_from(networks);
        }
        chosen(&mut preference.remember_factor, self.remember_factor);
        chosen(&mut preference.users_change_password, self.users_change_password);
        chosen(&mut preference.users_manage_keys, self.users_manage_keys);
        chosen(&mut preference.users_manage_factor, self.users_manage_factor);
        chosen(&mut preference.users_manage_public_keys, self.users_manage_public_keys);
        let mut changes = changes(view, caller);
        changes.extend(security_preference::set(&preference.row(caller.account())));
        Ok(done(preference, changes, permit))
    }
}

/// Read what users may do for themselves, and how they sign in.
#[derive(Debug, Clone)]
pub struct DescribeSecurityPreference;

impl Operation for DescribeSecurityPreference {
    const ACTION: Action = RAM_GET_SECURITY_PREFERENCE;
    type Output = SecurityPreference;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<SecurityPreference>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(SecurityPreference::of(security_preference::find(&view.core().store, caller.account()).await?)))
    }
}
