//! Applications of an account: made, shown, changed, deleted.

use std::time::Duration;

use tegata_model::{AccountNumber, Timestamp};
use tegata_oauth::{RedirectUri, Scope};
use tegata_store::{
    client::{self, ClientKind, ClientRow, Family},
    client_secret, installation,
};

use super::{application_name, applications_name, changes, done, find_own, likeness::confusable, new_client_row, own, scope_of};
use crate::{
    actions::{Action, RAM_CREATE_APPLICATION, RAM_DELETE_APPLICATION, RAM_GET_APPLICATION, RAM_LIST_APPLICATIONS, RAM_UPDATE_APPLICATION},
    authz,
    caller::Caller,
    error::{Input, OpError, ProblemKind, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// How long access tokens of a client may live.
const ACCESS: std::ops::RangeInclusive<Duration> = Duration::from_mins(15)..=Duration::from_hours(3);
/// How long its refresh tokens may.
const REFRESH: std::ops::RangeInclusive<Duration> = Duration::from_hours(2)..=Duration::from_hours(365 * 24);
/// Most redirect URIs of a client.
const REDIRECTS: usize = 20;

/// A scope that applications can hold, and what it is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredefinedScope {
    /// As it stands in requests.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
}

/// The scopes that applications of accounts can hold. What lets a client act as a person is not among them: only the official
/// application has it. The last one is known to the vendor's tools and gives nothing here.
pub const PREDEFINED_SCOPES: [PredefinedScope; 4] = [
    PredefinedScope { name: Scope::OPENID, description: "Tell the application a random id of the person" },
    PredefinedScope { name: Scope::ALIUID, description: "Tell it the public numbers of the person and the account" },
    PredefinedScope { name: Scope::PROFILE, description: "Tell it the names of the person" },
    PredefinedScope { name: "/acs/mcp-server", description: "Hold a scope that the vendor's own tools ask for; it gives nothing here" },
];

/// What a scope is good for, in words; nothing for one that nobody knows.
pub fn scope_description(name: &str) -> &'static str {
    if name == Scope::USER_SESSION {
        return "Let the application act as the person, with everything that the person may do";
    }
    PREDEFINED_SCOPES.iter().find(|scope| scope.name == name).map(|scope| scope.description).unwrap_or_default()
}

/// What is said of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The account it belongs to.
    pub account: AccountNumber,
    /// The public id.
    pub app_id: String,
    /// Its name.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Where it runs.
    pub kind: ClientKind,
    /// Whether it must prove itself by a secret.
    pub secret_required: bool,
    /// Whether other accounts may install it.
    pub multi_tenant: bool,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Which scopes it may ask for.
    pub scopes: Vec<String>,
    /// Those that nobody can leave out.
    pub required_scopes: Vec<String>,
    /// How long its access tokens live.
    pub access_lifetime: Duration,
    /// How long its refresh tokens live.
    pub refresh_lifetime: Duration,
    /// The version of the protocol it was made for.
    pub protocol_version: String,
    /// How its ID tokens are signed.
    pub id_token_alg: IdTokenAlg,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is said of it was last changed.
    pub updated_at: Timestamp,
}

/// How the ID tokens of a client are signed (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdTokenAlg {
    /// RSA, which every client can read (OpenID Connect Core §15.1).
    #[default]
    Rs256,
    /// The curve P-256: shorter.
    Es256,
}

impl IdTokenAlg {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    /// As it stands in a token.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The one of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }
}

impl Client {
    pub(super) fn of(row: ClientRow, account: AccountNumber) -> Self {
        Self {
            account,
            app_id: row.app_id,
            name: row.name,
            display_name: row.display_name,
            kind: row.kind,
            secret_required: row.secret_required,
            multi_tenant: row.multi_tenant,
            redirect_uris: row.redirect_uris,
            scopes: row.scopes,
            required_scopes: row.required_scopes,
            access_lifetime: row.access_lifetime,
            refresh_lifetime: row.refresh_lifetime,
            protocol_version: row.protocol_version,
            id_token_alg: IdTokenAlg::of_name(&row.id_token_alg).unwrap_or_default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// What can be said of a client when it is made and afterwards; what is `None` is left as it is.
#[derive(Debug, Clone, Default)]
pub struct ClientSettings {
    /// For people.
    pub display_name: Option<String>,
    /// Where codes may be sent.
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// Which scopes it may ask for; `openid` is always among them.
    pub scopes: Option<Scope>,
    /// Those that nobody can leave out; others than its scopes are ignored.
    pub required_scopes: Option<Scope>,
    /// Whether it must prove itself by a secret; only a native client can do without.
    pub secret_required: Option<bool>,
    /// Whether other accounts may install it.
    pub multi_tenant: Option<bool>,
    /// How long its access tokens live.
    pub access_lifetime: Option<Duration>,
    /// How long its refresh tokens live.
    pub refresh_lifetime: Option<Duration>,
    /// How its ID tokens are signed.
    pub id_token_alg: Option<IdTokenAlg>,
}

impl ClientSettings {
    fn apply(&self, row: &mut ClientRow) -> Result<(), OpError> {
        if let Some(name) = &self.display_name {
            check_name(name)?;
            row.display_name.clone_from(name);
        }
        if let Some(uris) = &self.redirect_uris {
            if uris.len() > REDIRECTS {
                let rule = format!("there may be at most {REDIRECTS} redirect URIs");
                return Err(OpError::invalid(Input::RedirectUris, ProblemKind::TooLarge, rule));
            }
            row.redirect_uris = uris.iter().map(ToString::to_string).collect();
        }
        if let Some(scopes) = &self.scopes {
            let known = |word: &str| PREDEFINED_SCOPES.iter().any(|scope| scope.name == word);
            if let Some(word) = scopes.words().find(|word| !known(word)) {
                let rule = format!("the scope `{word}` is none that an application can hold");
                return Err(OpError::invalid(Input::Scopes, ProblemKind::Malformed, rule));
            }
            let all = std::iter::once(Scope::OPENID).chain(scopes.words());
            row.scopes = Scope::of(all).map_err(OpError::internal)?.to_words();
        }
        let scopes = scope_of(&row.scopes)?;
        let required = match &self.required_scopes {
            Some(asked) => asked.clone(),
            None => scope_of(&row.required_scopes)?,
        };
        let all = Scope::of(std::iter::once(Scope::OPENID).chain(required.words())).map_err(OpError::internal)?;
        row.required_scopes = all.common(&scopes).to_words();
        row.secret_required = row.kind != ClientKind::Native || self.secret_required.unwrap_or(row.secret_required);
        if let Some(alg) = self.id_token_alg {
            alg.name().clone_into(&mut row.id_token_alg);
        }
        row.multi_tenant = self.multi_tenant.unwrap_or(row.multi_tenant);
        row.access_lifetime = within(self.access_lifetime, row.access_lifetime, &ACCESS, Input::AccessLifetime)?;
        row.refresh_lifetime = within(self.refresh_lifetime, row.refresh_lifetime, &REFRESH, Input::RefreshLifetime)?;
        Ok(())
    }
}

fn within(asked: Option<Duration>, kept: Duration, range: &std::ops::RangeInclusive<Duration>, input: Input) -> Result<Duration, OpError> {
    match asked {
        None => Ok(kept),
        Some(asked) if range.contains(&asked) => Ok(asked),
        Some(_) => {
            let rule = format!("it is {} to {} seconds", range.start().as_secs(), range.end().as_secs());
            Err(OpError::invalid(input, ProblemKind::OutOfRange, rule))
        }
    }
}

/// Nobody shall take an application for the official one.
fn check_name(name: &str) -> Result<(), OpError> {
    if confusable(name) {
        let rule = format!("`{name}` could be taken for the official application");
        return Err(OpError::invalid(Input::ApplicationName, ProblemKind::Malformed, rule));
    }
    Ok(())
}

/// Make an application. It can do nothing before it is installed.
#[derive(Debug, Clone)]
pub struct CreateClient {
    /// Its name: 1 to 64 letters, digits and `.`, `_`, `-`. Made of the display name if nothing is said.
    pub name: Option<String>,
    /// Where it runs.
    pub kind: ClientKind,
    /// The version of the protocol it is made for, as it was said.
    pub protocol_version: Option<String>,
    /// The rest.
    pub settings: ClientSettings,
}

impl Operation for CreateClient {
    const ACTION: Action = RAM_CREATE_APPLICATION;
    type Output = Client;

    fn resource(&self, caller: &Caller) -> ResourceName {
        applications_name(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Client>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let (core, account) = (view.core(), caller.account());
        let limit = core.limits().quotas.clients;
        let mut row = new_client_row(core, account, self.kind, "")?;
        let display = self.settings.display_name.clone().unwrap_or_default();
        let made: String = display.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        row.name = self.name.clone().unwrap_or(if made.is_empty() { row.app_id.clone() } else { made });
        check_name(&row.name)?;
        row.display_name.clone_from(&row.name);
        if let Some(version) = &self.protocol_version {
            row.protocol_version.clone_from(version);
        }
        self.settings.apply(&mut row)?;
        if client::find_by_name(&core.store, account, &row.name.to_ascii_lowercase()).await?.is_some() {
            return Err(OpError::Exists(application_name(caller, &row.name)));
        }
        if client::count(&core.store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Clients, limit));
        }
        let mut changes = changes(view, caller);
        changes.push(client::insert(&row));
        changes.push(client::at_most(account, limit));
        let exists = application_name(caller, &row.name);
        Ok(done(Client::of(row, own(caller)), changes, permit).or_exists(exists))
    }
}

/// Read what is said of an application of one's account.
#[derive(Debug, Clone)]
pub struct DescribeClient {
    /// The public id.
    pub app_id: String,
}

impl Operation for DescribeClient {
    const ACTION: Action = RAM_GET_APPLICATION;
    type Output = Client;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Client>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(Client::of(find_own(view, caller, &self.app_id).await?, own(caller))))
    }
}

/// Change what is said of an application. Tokens that exist go on.
#[derive(Debug, Clone)]
pub struct UpdateClient {
    /// The public id.
    pub app_id: String,
    /// What is to be changed.
    pub settings: ClientSettings,
}

impl Operation for UpdateClient {
    const ACTION: Action = RAM_UPDATE_APPLICATION;
    type Output = Client;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Client>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut row = find_own(view, caller, &self.app_id).await?;
        self.settings.apply(&mut row)?;
        row.updated_at = view.now();
        let mut changes = changes(view, caller);
        changes.push(client::update(&row));
        Ok(done(Client::of(row, own(caller)), changes, permit))
    }
}

/// Delete an application with its secrets and its installations, those in other accounts too: everything that was issued to it ends at once.
#[derive(Debug, Clone)]
pub struct DeleteClient {
    /// The public id.
    pub app_id: String,
}

impl Operation for DeleteClient {
    const ACTION: Action = RAM_DELETE_APPLICATION;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let row = find_own(view, caller, &self.app_id).await?;
        let mut changes = changes(view, caller);
        for installation in installation::of_client(&view.core().store, row.id).await? {
            changes.extend(installation::delete(installation.id));
            changes.touch(installation.account_id);
        }
        changes.push(client_secret::delete_all(row.id));
        changes.push(client::delete(row.id));
        Ok(done((), changes, permit))
    }
}

/// List the applications of one's account.
#[derive(Debug, Clone, Copy)]
pub struct ListClients;

impl Operation for ListClients {
    const ACTION: Action = RAM_LIST_APPLICATIONS;
    type Output = Vec<Client>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        applications_name(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<Client>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let rows = client::list(&view.core().store, caller.account(), Family::Application).await?;
        Ok(Effect::nothing(rows.into_iter().map(|row| Client::of(row, own(caller))).collect()))
    }
}
