//! Apps as they are defined: made, shown, changed, deleted. An app can do nothing before it is added to its organisation.

use std::{sync::Arc, time::Duration};

use tegata_model::{PasswordHash, SecretKey, Status, Timestamp};
use tegata_store::{
    app::{self, AppRow},
    client::{self, ClientKind, ClientRow, Family},
    client_secret, installation,
};

use super::{
    changes, done, fields, part,
    refusal::Refusal,
    scope::{AppScope, Handout, Roles},
    secret::{Kept, current, secret_row},
    standing::{Standing, enter},
    wrap::{Wrap, Wrapped, wrap},
};
use crate::{
    Core,
    actions::{Action, CSP_CREATE_OAUTH_APP, CSP_DELETE_OAUTH_APPS, CSP_GET_OAUTH_APP, CSP_LIST_OAUTH_APPS, CSP_UPDATE_OAUTH_APP},
    caller::Caller,
    client::{new_client_row, official_by_app_id},
    clock::random_text,
    error::{OpError, Quota},
    operation::{Effect, Operation},
    resource::{OrgPart, ResourceName},
    view::{Read, View},
};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Characters of an id that we make.
const ID_CHARS: usize = 35;
/// Apps that one request may delete.
const AT_ONCE: usize = 15;

/// What is said of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: String,
    /// The id of the organisation it was made in.
    pub org: String,
    /// For people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// What it may have at most.
    pub scope: AppScope,
    /// How long its access tokens live.
    pub access_lifetime: Duration,
    /// How long an old secret goes on once there is a new one.
    pub overlap: Duration,
    /// True if it may not replace its own secret.
    pub owner_rotates: bool,
    /// When and by whom it was made.
    pub created: (Timestamp, String),
    /// When and by whom it was changed last.
    pub updated: (Timestamp, String),
    /// When it last got a token.
    pub used_at: Option<Timestamp>,
    /// How old its secret is; the newer one while two count.
    pub secret_age: Option<Duration>,
    /// Until when its old secret counts, while two do.
    pub old_secret_until: Option<Timestamp>,
    /// True if it was added to its organisation.
    pub added: bool,
}

/// An app that has just been made, or whose secret has.
#[derive(Debug)]
pub struct AppSecret {
    /// Its id.
    pub id: String,
    /// Its secret, told this once; where there is a code it is told to whoever shows that, and to nobody else.
    pub secret: SecretKey,
    /// The code that the secret travels as, where that was wanted.
    pub wrapped: Option<Wrapped>,
}

/// An app as it is kept.
pub(super) struct Found {
    pub(super) client: ClientRow,
    pub(super) app: AppRow,
}

impl Found {
    pub(super) fn scope(&self) -> AppScope {
        AppScope::of_words(&self.app.scope)
    }
}

/// The app of this organisation with this id, noted as read.
pub(super) async fn find(view: &View<'_>, at: &Standing, id: &str) -> Result<Found, Refusable> {
    let store = &view.core().store;
    let missing = || Refusable::Refused(Refusal::AppNotFound(id.to_owned()));
    let client = client::find_by_app_id(store, id).await?.filter(|row| row.family == Family::OrgApp).ok_or_else(missing)?;
    if client.account_id != at.org.account.id {
        return Err(Refusable::Refused(Refusal::ForeignApp(id.to_owned())));
    }
    view.note(&[Read::Client(client.id, client.generation)]);
    let app = app::find(store, client.id).await?.ok_or_else(missing)?;
    Ok(Found { client, app })
}

/// A refusal that may stand beside others, or an error that ends everything.
pub(super) enum Refusable {
    Refused(Refusal),
    Failed(OpError),
}

impl<E: Into<OpError>> From<E> for Refusable {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Refusable {
    pub(super) fn into_error(self, at: &Standing, caller: &Caller) -> OpError {
        match self {
            // Where apps are managed, one of another organisation is as absent as one that never was.
            Self::Refused(Refusal::ForeignApp(id)) => at.refuse(caller, Refusal::AppNotFound(id)),
            Self::Refused(refusal) => at.refuse(caller, refusal),
            Self::Failed(error) => error,
        }
    }
}

/// Refuses whoever cannot hand out all that the app may have and has: nobody touches what is stronger than oneself.
pub(super) async fn judge(view: &View<'_>, at: &Standing, handout: &Handout, found: &Found) -> Result<(), Refusable> {
    if at.actor.owner {
        return Ok(());
    }
    handout.judge(&found.scope(), &view.core().services).map_err(Refusable::Refused)?;
    if let Some(row) = view.installation(at.org.account.id, found.client.id).await?
        && let Some(instance) = app::find_instance(&view.core().store, row.id).await?
    {
        handout.judge_roles(&Roles::of_words(instance.scope.split(' '))).map_err(Refusable::Refused)?;
    }
    Ok(())
}

async fn shown(view: &View<'_>, at: &Standing, found: Found) -> Result<App, OpError> {
    let store = &view.core().store;
    let scope = found.scope();
    let secrets = client_secret::of_client(store, found.client.id).await?;
    let counting = |expires: Option<Timestamp>| expires.is_none_or(|expires| view.now() < expires);
    let old = secrets.iter().filter(|row| row.expires_at.is_some() && counting(row.expires_at)).filter_map(|row| row.expires_at).max();
    let added = installation::find_by_client(store, at.org.account.id, found.client.id).await?.is_some();
    let Found { client, app } = found;
    Ok(App {
        used_at: view.core().app_uses.latest(client.id, app.used_at),
        id: client.app_id,
        org: at.org.id().as_str().to_owned(),
        display_name: client.display_name,
        description: app.description,
        scope,
        access_lifetime: client.access_lifetime,
        overlap: app.overlap,
        owner_rotates: app.owner_rotates,
        created: (client.created_at, app.created_by),
        updated: (client.updated_at, app.updated_by),
        secret_age: current(&secrets).map(|row| view.now().since(row.created_at)),
        old_secret_until: old,
        added,
    })
}

/// An app to be made.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// The id of the organisation.
    pub org: String,
    /// Its id; made if nothing is said.
    pub id: Option<String>,
    /// Its secret; made if nothing is said.
    pub secret: Option<Arc<SecretKey>>,
    /// For people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// How long its access tokens live, in seconds; 30 minutes if nothing is said.
    pub access_seconds: Option<i64>,
    /// How long an old secret goes on, in seconds; 48 hours if nothing is said.
    pub overlap_seconds: Option<i64>,
    /// True if it may not replace its own secret.
    pub owner_rotates: bool,
    /// What it may have at most.
    pub scope: AppScope,
    /// The secret shall travel as a code.
    pub wrap: Option<Wrap>,
}

/// Makes an app.
pub async fn create_app(core: &Core, caller: &Caller, new: NewApp) -> Result<AppSecret, OpError> {
    let mut operation = CreateApp { new, hash: None };
    if let Some(secret) = operation.new.secret.clone() {
        core.check(caller, &operation).await?;
        operation.hash = Some(core.hash_password(caller.meta().source, secret).await?);
    }
    core.perform(caller, &operation).await
}

#[derive(Debug)]
struct CreateApp {
    new: NewApp,
    hash: Option<PasswordHash>,
}

impl Operation for CreateApp {
    const ACTION: Action = CSP_CREATE_OAUTH_APP;
    type Output = AppSecret;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.new.org, OrgPart::App, self.new.id.as_deref().unwrap_or("*"))
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<AppSecret>, OpError> {
        let resource = self.resource(caller);
        let at = enter(view, caller, Self::ACTION, &resource, &self.new.org).await?;
        let handout = at.handout(caller)?;
        let (core, new) = (view.core(), &self.new);
        let refuse = |refusal| at.refuse(caller, refusal);
        new.scope.check(at.org.profile(), &core.services).map_err(refuse)?;
        handout.judge(&new.scope, &core.services).map_err(refuse)?;
        let given = new.id.as_deref().map_or(Ok(()), fields::id);
        given
            .and_then(|()| fields::display_name(&new.display_name))
            .and_then(|()| fields::description(&new.description))
            .map_err(refuse)?;
        new.secret.as_deref().map_or(Ok(()), |secret| fields::secret(secret.expose())).map_err(refuse)?;
        let account = at.org.account.id;
        let id = match &new.id {
            Some(id) => id.clone(),
            None => random_text(core.entropy.as_ref(), LETTERS, ID_CHARS)?,
        };
        let mut row = new_client_row(core, account, ClientKind::Server, &id)?;
        row.app_id.clone_from(&id);
        row.family = Family::OrgApp;
        row.display_name.clone_from(&new.display_name);
        row.multi_tenant = false;
        row.scopes = Vec::new();
        row.required_scopes = Vec::new();
        row.access_lifetime = fields::ttl(new.access_seconds).map_err(refuse)?;
        row.status = Status::Active;
        let overlap = fields::overlap(new.overlap_seconds, None).map_err(refuse)?;
        let exists = part(caller, &new.org, OrgPart::App, &id);
        if official_by_app_id(&id).is_some() || client::find_by_app_id(&core.store, &id).await?.is_some() {
            return Err(OpError::Exists(exists));
        }
        let limit = core.limits().quotas.clients;
        if client::count(&core.store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::Clients, limit));
        }
        let (secret, kept) = match (&new.secret, &self.hash) {
            (Some(secret), Some(hash)) => (SecretKey::new(secret.expose().to_owned()), Kept::Slow(hash.clone())),
            _ => Kept::fresh(core)?,
        };
        let by = caller.audit_name();
        let said = AppRow {
            client_id: row.id,
            scope: new.scope.to_words(),
            description: new.description.clone(),
            owner_rotates: new.owner_rotates,
            overlap,
            created_by: by.clone(),
            updated_by: by,
            used_at: None,
        };
        let mut changes = changes(view, &at);
        changes.push(client::insert(&row));
        changes.push(client::at_most(account, limit));
        changes.push(app::insert(&said));
        changes.extend(client_secret::insert(&secret_row(core, row.id, &kept, &secret)?));
        let wrapped = wrap(core, &mut changes, caller, &at.org.account, (new.wrap.as_ref(), &id, &secret))?;
        Ok(done(AppSecret { id, secret, wrapped }, changes, &at).or_exists(exists))
    }
}

/// Read what is said of an app.
#[derive(Debug, Clone)]
pub struct DescribeApp {
    /// The id of the organisation.
    pub org: String,
    /// The id of the app.
    pub id: String,
}

impl Operation for DescribeApp {
    const ACTION: Action = CSP_GET_OAUTH_APP;
    type Output = App;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::App, &self.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<App>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.handout(caller)?;
        let found = find(view, &at, &self.id).await.map_err(|error| error.into_error(&at, caller))?;
        Ok(Effect::nothing(shown(view, &at, found).await?))
    }
}

/// List the apps that were made in an organisation.
#[derive(Debug, Clone)]
pub struct ListApps {
    /// The id of the organisation.
    pub org: String,
    /// Only those with this in their id, their name or what they are for, without case; empty for all.
    pub search: String,
    /// How many to pass over.
    pub skip: usize,
    /// How many to show.
    pub limit: usize,
}

/// Some of a list, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// Those that were asked for.
    pub items: Vec<T>,
    /// How many there are.
    pub total: usize,
}

impl Operation for ListApps {
    const ACTION: Action = CSP_LIST_OAUTH_APPS;
    type Output = Listing<App>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::App, "*")
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listing<App>>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        at.handout(caller)?;
        let store = &view.core().store;
        let term = self.search.to_lowercase();
        let mut found = Vec::new();
        for client in client::list(store, at.org.account.id, Family::OrgApp).await? {
            let Some(app) = app::find(store, client.id).await? else { continue };
            let matches = [&client.app_id, &client.display_name, &app.description].iter().any(|text| text.to_lowercase().contains(&term));
            if matches {
                found.push(Found { client, app });
            }
        }
        found.sort_by(|one, two| (&one.client.display_name, &one.client.app_id).cmp(&(&two.client.display_name, &two.client.app_id)));
        let total = found.len();
        let mut items = Vec::new();
        for one in found.into_iter().skip(self.skip).take(self.limit) {
            items.push(shown(view, &at, one).await?);
        }
        Ok(Effect::nothing(Listing { items, total }))
    }
}

/// Change what is said of an app; what is `None` stays. Where it was added it keeps what it has: the two then differ, and show it.
#[derive(Debug, Clone, Default)]
pub struct UpdateApp {
    /// The id of the organisation.
    pub org: String,
    /// The id of the app.
    pub id: String,
    /// For people.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How long its access tokens live, in seconds.
    pub access_seconds: Option<i64>,
    /// How long an old secret goes on, in seconds.
    pub overlap_seconds: Option<i64>,
    /// True if it may not replace its own secret.
    pub owner_rotates: Option<bool>,
    /// What it may have at most.
    pub scope: Option<AppScope>,
}

impl Operation for UpdateApp {
    const ACTION: Action = CSP_UPDATE_OAUTH_APP;
    type Output = App;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::App, &self.id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<App>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let refuse = |refusal| at.refuse(caller, refusal);
        if let Some(scope) = &self.scope {
            scope.check(at.org.profile(), &view.core().services).map_err(refuse)?;
            handout.judge(scope, &view.core().services).map_err(refuse)?;
        }
        let mut found = find(view, &at, &self.id).await.map_err(|error| error.into_error(&at, caller))?;
        judge(view, &at, &handout, &found).await.map_err(|error| error.into_error(&at, caller))?;
        let Found { client, app } = &mut found;
        if let Some(name) = &self.display_name {
            fields::display_name(name).map_err(refuse)?;
            client.display_name.clone_from(name);
        }
        if let Some(text) = &self.description {
            fields::description(text).map_err(refuse)?;
            app.description.clone_from(text);
        }
        if self.access_seconds.is_some() {
            client.access_lifetime = fields::ttl(self.access_seconds).map_err(refuse)?;
        }
        app.overlap = fields::overlap(self.overlap_seconds, Some(app.overlap)).map_err(refuse)?;
        app.owner_rotates = self.owner_rotates.unwrap_or(app.owner_rotates);
        if let Some(scope) = &self.scope {
            app.scope = scope.to_words();
        }
        app.updated_by = caller.audit_name();
        client.updated_at = view.now();
        let mut changes = changes(view, &at);
        changes.push(client::update(client));
        changes.extend(app::update(app));
        let shown = shown(view, &at, found).await?;
        Ok(done(shown, changes, &at))
    }
}

/// What became of several apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several {
    /// The ids of those that it was done to.
    pub succeeded: Vec<String>,
    /// The others, and why.
    pub failed: Vec<(String, Refusal)>,
}

/// Delete apps for good: what they have ends at once, and their ids do not come back.
#[derive(Debug, Clone)]
pub struct DeleteApps {
    /// The id of the organisation.
    pub org: String,
    /// The ids of the apps, at most 15.
    pub ids: Vec<String>,
}

impl Operation for DeleteApps {
    const ACTION: Action = CSP_DELETE_OAUTH_APPS;
    type Output = Several;

    fn resource(&self, caller: &Caller) -> ResourceName {
        part(caller, &self.org, OrgPart::App, &self.ids.join(","))
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Several>, OpError> {
        let at = enter(view, caller, Self::ACTION, &self.resource(caller), &self.org).await?;
        let handout = at.handout(caller)?;
        let ids = fields::ids(&self.ids, AT_ONCE).map_err(|refusal| at.refuse(caller, refusal))?;
        let mut several = Several { succeeded: Vec::new(), failed: Vec::new() };
        let mut changes = changes(view, &at);
        for id in ids {
            let outcome = async {
                let found = find(view, &at, id).await?;
                judge(view, &at, &handout, &found).await.map(|()| found)
            };
            match outcome.await {
                Ok(found) => {
                    if let Some(row) = view.installation(at.org.account.id, found.client.id).await? {
                        changes.extend(installation::delete(row.id));
                    }
                    changes.push(client_secret::delete_all(found.client.id));
                    changes.push(app::delete(found.client.id));
                    changes.push(client::delete(found.client.id));
                    several.succeeded.push(id.to_owned());
                }
                Err(Refusable::Refused(refusal)) => {
                    let refusal = if let Refusal::ForeignApp(id) = refusal { Refusal::AppNotFound(id) } else { refusal };
                    several.failed.push((id.to_owned(), refusal));
                }
                Err(Refusable::Failed(error)) => return Err(error),
            }
        }
        match several.failed.first() {
            Some((_, refusal)) if several.succeeded.is_empty() && several.failed.len() == 1 => Err(at.refuse(caller, refusal.clone())),
            _ => Ok(done(several, changes, &at)),
        }
    }
}
