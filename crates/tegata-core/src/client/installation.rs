//! Where applications are installed: in the account that they belong to; in any, for the official one; and for one that is offered to
//! others, where an account lets such in.

use tegata_model::{AccountNumber, Epoch, Generation, InstallationId, Timestamp};
use tegata_oauth::Scope;
use tegata_store::{
    client::{self, ClientRow, Family},
    installation::{self, AssignmentMode, InstallationRow},
};

use super::{
    ApplicationPolicy, OFFICIAL_CLI, application_name, applications_name, changes, done, find_own, installed_as, is_foreign, let_in,
    official_by_name, own, scope_of,
};
use crate::{
    actions::{
        Action, RAM_DEPROVISION_APPLICATION, RAM_DEPROVISION_EXTERNAL_APPLICATION, RAM_GET_APPLICATION_PROVISION_INFO,
        RAM_GET_EXTERNAL_APPLICATION, RAM_LIST_APPLICATION_PROVISION_INFOS, RAM_LIST_EXTERNAL_APPLICATIONS, RAM_PROVISION_APPLICATION,
        RAM_PROVISION_EXTERNAL_APPLICATION,
    },
    authz::{self, Permit},
    caller::Caller,
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// What is said of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The account it is in.
    pub account: AccountNumber,
    /// Its own id: a client installed again has another.
    pub id: InstallationId,
    /// The public id of the client.
    pub app_id: String,
    /// The client's name.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// True for the official application, which belongs to no account.
    pub official: bool,
    /// Which scopes the account agreed to.
    pub scopes: Vec<String>,
    /// Whether everybody of the account may use it, or those who are assigned.
    pub mode: AssignmentMode,
    /// When it was installed.
    pub created_at: Timestamp,
}

impl Installation {
    fn of(row: InstallationRow, client: &ClientRow, account: AccountNumber) -> Self {
        Self {
            account,
            id: row.id,
            app_id: client.app_id.clone(),
            name: client.name.clone(),
            display_name: client.display_name.clone(),
            official: row.client_id == OFFICIAL_CLI,
            scopes: row.scopes,
            mode: row.mode,
            created_at: row.created_at,
        }
    }
}

/// What is to be done with an application that comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    /// Let it in: the account must let such in, and the publisher must offer it.
    Install,
    /// See where it is installed, or take it out of use: possible whatever has been switched off since.
    Look,
}

/// The official application of that id or name, or the application of another account with that id. What the account does not let in
/// is refused before anything is looked for, and one that is not offered to others is as absent as one that never was.
async fn find_external(view: &View<'_>, caller: &Caller, app_id: &str, intent: Intent) -> Result<ClientRow, OpError> {
    if let Some(row) = official_by_name(app_id) {
        return Ok(row);
    }
    let (core, account) = (view.core(), caller.account());
    if intent == Intent::Install && !ApplicationPolicy::of(core, account).await?.foreign {
        let rule = "this account lets no applications of other accounts in";
        return Err(OpError::invalid(Input::ApplicationId, ProblemKind::Malformed, rule));
    }
    let absent = || OpError::NotFound(application_name(caller, app_id));
    let row = client::find_by_app_id(&core.store, app_id).await?;
    let row = row.filter(|row| is_foreign(row, account)).ok_or_else(absent)?;
    if intent == Intent::Install {
        let publisher = let_in(core, &row, account).await?.ok_or_else(absent)?;
        view.note(&[publisher]);
    }
    view.note(&[Read::Client(row.id, row.generation)]);
    Ok(row)
}

/// Where the application of that id or name is installed in the caller's account, noted as read.
pub(crate) async fn installed(view: &View<'_>, caller: &Caller, app_id: &str) -> Result<InstallationRow, OpError> {
    let client = match official_by_name(app_id) {
        Some(client) => installed_as(&client),
        None => match find_external(view, caller, app_id, Intent::Look).await {
            Ok(row) => row.id,
            Err(_) => find_own(view, caller, app_id).await?.id,
        },
    };
    view.installation(caller.account(), client).await?.ok_or_else(|| OpError::NotFound(application_name(caller, app_id)))
}

async fn client_of(view: &View<'_>, caller: &Caller, app_id: &str, external: bool, intent: Intent) -> Result<ClientRow, OpError> {
    if external { find_external(view, caller, app_id, intent).await } else { find_own(view, caller, app_id).await }
}

async fn install(
    view: &View<'_>,
    caller: &Caller,
    client: &ClientRow,
    asked: Option<&Scope>,
    permit: Permit,
) -> Result<Effect<Installation>, OpError> {
    let own_scopes = scope_of(&client.scopes)?;
    let scopes = match asked {
        None => own_scopes,
        Some(asked) => {
            if let Some(word) = asked.words().find(|word| !own_scopes.has(word)) {
                let rule = format!("the application does not hold the scope `{word}`");
                return Err(OpError::invalid(Input::Scopes, ProblemKind::Malformed, rule));
            }
            let required = scope_of(&client.required_scopes)?;
            Scope::of(asked.words().chain(required.words())).map_err(OpError::internal)?
        }
    };
    let mut changes = changes(view, caller);
    if let Some(mut row) = view.installation(caller.account(), installed_as(client)).await? {
        // Installed already: the account may have agreed to more or less. Nothing that was given before is taken back by this.
        changes.push(installation::set_scopes(row.id, &scopes.to_words()));
        row.scopes = scopes.to_words();
        return Ok(done(Installation::of(row, client, own(caller)), changes, permit));
    }
    let row = InstallationRow {
        id: InstallationId::from_bytes(view.core().new_id()?),
        account_id: caller.account(),
        client_id: installed_as(client),
        scopes: scopes.to_words(),
        mode: AssignmentMode::OnDemand,
        installed_by: caller.evidence.principal().id_bytes(),
        epoch: Epoch(0),
        generation: Generation(1),
        created_at: view.now(),
    };
    changes.push(installation::insert(&row));
    let exists = application_name(caller, &client.app_id);
    Ok(done(Installation::of(row, client, own(caller)), changes, permit).or_exists(exists))
}

async fn uninstall(view: &View<'_>, caller: &Caller, client: &ClientRow, permit: Permit) -> Result<Effect<()>, OpError> {
    let found = view.installation(caller.account(), installed_as(client)).await?;
    let row = found.ok_or_else(|| OpError::NotFound(application_name(caller, &client.app_id)))?;
    let mut changes = changes(view, caller);
    changes.extend(installation::delete(row.id));
    Ok(done((), changes, permit))
}

async fn describe(view: &View<'_>, caller: &Caller, client: &ClientRow) -> Result<Effect<Installation>, OpError> {
    let found = view.installation(caller.account(), installed_as(client)).await?;
    let row = found.ok_or_else(|| OpError::NotFound(application_name(caller, &client.app_id)))?;
    Ok(Effect::nothing(Installation::of(row, client, own(caller))))
}

async fn listed(view: &View<'_>, caller: &Caller, external: Option<bool>) -> Result<Vec<Installation>, OpError> {
    let mut found = Vec::new();
    for row in installation::list(&view.core().store, caller.account()).await? {
        let is_official = row.client_id == OFFICIAL_CLI;
        let client =
            if is_official { official_by_name(super::OFFICIAL_CLI_NAME) } else { client::find(&view.core().store, row.client_id).await? };
        let is_external = |client: &ClientRow| is_official || is_foreign(client, caller.account());
        let wanted =
            |client: &ClientRow| client.family == Family::Application && external.is_none_or(|wanted| wanted == is_external(client));
        if let Some(client) = client.filter(wanted) {
            found.push(Installation::of(row, &client, own(caller)));
        }
    }
    Ok(found)
}

macro_rules! installing {
    ($(#[$doc:meta])* $install:ident, $install_action:ident, $(#[$undoc:meta])* $uninstall:ident, $uninstall_action:ident,
        $(#[$readdoc:meta])* $describe:ident, $describe_action:ident, $external:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $install {
            /// The public id.
            pub app_id: String,
            /// Which scopes the account agrees to; all that the application has if nothing is said.
            pub scopes: Option<Scope>,
        }

        impl Operation for $install {
            const ACTION: Action = $install_action;
            type Output = Installation;

            fn resource(&self, caller: &Caller) -> ResourceName {
                application_name(caller, &self.app_id)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Installation>, OpError> {
                let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
                let client = client_of(view, caller, &self.app_id, $external, Intent::Install).await?;
                install(view, caller, &client, self.scopes.as_ref(), permit).await
            }
        }

        $(#[$undoc])*
        #[derive(Debug, Clone)]
        pub struct $uninstall {
            /// The public id.
            pub app_id: String,
        }

        impl Operation for $uninstall {
            const ACTION: Action = $uninstall_action;
            type Output = ();

            fn resource(&self, caller: &Caller) -> ResourceName {
                application_name(caller, &self.app_id)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
                let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
                let client = client_of(view, caller, &self.app_id, $external, Intent::Look).await?;
                uninstall(view, caller, &client, permit).await
            }
        }

        $(#[$readdoc])*
        #[derive(Debug, Clone)]
        pub struct $describe {
            /// The public id.
            pub app_id: String,
        }

        impl Operation for $describe {
            const ACTION: Action = $describe_action;
            type Output = Installation;

            fn resource(&self, caller: &Caller) -> ResourceName {
                application_name(caller, &self.app_id)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Installation>, OpError> {
                authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
                let client = client_of(view, caller, &self.app_id, $external, Intent::Look).await?;
                describe(view, caller, &client).await
            }
        }
    };
}

installing!(
    /// Install an application of one's own account.
    InstallClient,
    RAM_PROVISION_APPLICATION,
    /// Take an application out of use: everything that was issued through it ends at once.
    UninstallClient,
    RAM_DEPROVISION_APPLICATION,
    /// Read how an application of one's own account is installed.
    DescribeInstallation,
    RAM_GET_APPLICATION_PROVISION_INFO,
    false
);

installing!(
    /// Install the official application, or one of another account where such are let in: the administrator's consent for the whole
    /// account.
    InstallExternalClient,
    RAM_PROVISION_EXTERNAL_APPLICATION,
    /// Take the official application, or one of another account, out of use: everything that was issued through it ends at once.
    UninstallExternalClient,
    RAM_DEPROVISION_EXTERNAL_APPLICATION,
    /// Read how the official application, or one of another account, is installed.
    DescribeExternalClient,
    RAM_GET_EXTERNAL_APPLICATION,
    true
);

/// List what is installed in one's account.
#[derive(Debug, Clone, Copy)]
pub struct ListInstallations {
    /// Only what comes from outside, the official application among it, or only those of the account.
    pub external: Option<bool>,
}

impl Operation for ListInstallations {
    const ACTION: Action = RAM_LIST_APPLICATION_PROVISION_INFOS;
    type Output = Vec<Installation>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        applications_name(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Installation>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(listed(view, caller, self.external).await?))
    }
}

/// List what is installed in one's account and does not belong to it.
#[derive(Debug, Clone, Copy)]
pub struct ListExternalClients;

impl Operation for ListExternalClients {
    const ACTION: Action = RAM_LIST_EXTERNAL_APPLICATIONS;
    type Output = Vec<Installation>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        applications_name(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Installation>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(listed(view, caller, Some(true)).await?))
    }
}
