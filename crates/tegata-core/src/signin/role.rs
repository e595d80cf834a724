//! A person at a browser that acts as a role: asked of the person's policies and of the role's trust, as `AssumeRole` asks them.

use tegata_model::{AccountNumber, Epoch, RoleName, RoleSessionName, SessionId};
use tegata_store::{ChangeSet, browser_session, session};

use super::Browser;
use crate::{
    Core, RequestMeta,
    actions::{Action, STS_ASSUME_ROLE},
    audit::Entry,
    authz::Admitted,
    caller::{Caller, Evidence},
    error::OpError,
    operation::{Effect, Operation},
    principal::Who,
    resource::ResourceName,
    sts::AssumeRole,
    view::View,
};

/// Let a browser act as a role.
struct SwitchRole {
    assume: AssumeRole,
}

impl Operation for SwitchRole {
    const ACTION: Action = STS_ASSUME_ROLE;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        self.assume.resource(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let Evidence::Browser(live) = &caller.evidence else { return Err(OpError::internal("only browsers switch")) };
        let Admitted { role, permitted: mut by, trusted: trusted_by, .. } = self.assume.admit(view, caller).await?;
        let Who::Role { row: found, .. } = &role.who else { return Err(OpError::internal("only roles are assumed")) };
        let mut row = live.row.clone();
        let mut changes = ChangeSet::new(view.now());
        // What the role acted as before ends here.
        if let (Some(acting), Some(until)) = (row.role_session_id, row.role_expires_at) {
            changes.push(session::raise_mark(acting, until));
        }
        row.role_id = Some(found.id);
        row.role_epoch = found.epoch;
        row.role_session_id = Some(SessionId::from_bytes(view.core().new_id()?));
        row.role_expires_at = Some(view.now().plus(found.max_session).min(row.expires_at));
        changes.push(browser_session::set_role(&row));
        changes.touch(live.row.account_id);
        let other_side = if role.account.id == caller.account() {
            by.extend(trusted_by);
            None
        } else {
            Some((role.account.id, trusted_by))
        };
        let note = Some("at a browser".to_owned());
        Ok(Effect::with((), changes, Entry { by, born: None, other_side, note }))
    }
}

impl Core {
    /// Lets the person at a browser act as a role. Whether the account or the role does not exist or does not trust the person is
    /// told apart only within the person's own account.
    pub async fn switch_role(&self, meta: &RequestMeta, browser: &Browser, account: &str, role: &str) -> Result<bool, OpError> {
        let Some(caller) = self.person_caller(browser, meta.clone()) else { return Ok(false) };
        let account = account.trim();
        let number = match account.parse::<AccountNumber>() {
            Ok(number) => Some(number),
            Err(_) => match tegata_model::AccountAlias::new(&account.to_ascii_lowercase()) {
                Ok(alias) => tegata_store::account::find_by_alias(&self.store, &alias).await?.map(|row| row.number),
                Err(_) => None,
            },
        };
        let (Some(number), Ok(role)) = (number, RoleName::new(role.trim())) else { return Ok(false) };
        let session_name = RoleSessionName::new(&browser.person_name()).or_else(|_| RoleSessionName::new("browser"));
        let assume = AssumeRole {
            account: number,
            role,
            session_name: session_name.map_err(OpError::internal)?,
            lifetime: None,
            policy: None,
            external_id: None,
            source_identity: None,
        };
        match self.perform(&caller, &SwitchRole { assume }).await {
            Ok(()) => Ok(true),
            Err(OpError::Denied(_) | OpError::NotFound(_) | OpError::Invalid(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Lets the person at a browser be itself again. What the role acted as ends.
    pub async fn switch_back(&self, browser: &Browser) -> Result<(), OpError> {
        let mut row = browser.0.row.clone();
        let (Some(acting), Some(until)) = (row.role_session_id, row.role_expires_at) else { return Ok(()) };
        let mut changes = ChangeSet::new(self.now());
        changes.push(session::raise_mark(acting, until));
        (row.role_id, row.role_epoch, row.role_session_id, row.role_expires_at) = (None, Epoch(0), None, None);
        changes.push(browser_session::set_role(&row));
        changes.touch(row.account_id);
        changes.touch(browser.0.principal.account.id);
        self.written(changes).await
    }
}
