//! OpenID providers: issuers whose tokens an account takes, where a role trusts them.

use std::time::Duration;

use tegata_model::{
    AccountNumber, AudienceName, Epoch, Fingerprint, Generation, IssuerUrl, OidcProviderId, OidcProviderName, ProviderDescription, Status,
    Timestamp,
};
use tegata_store::oidc_provider::{self, OidcProviderRow};

use super::{Listed, Page, changes, done, own};
use crate::{
    actions::{
        Action, RAM_ADD_CLIENT_ID_TO_OIDC_PROVIDER, RAM_ADD_FINGERPRINT_TO_OIDC_PROVIDER, RAM_CREATE_OIDC_PROVIDER,
        RAM_DELETE_OIDC_PROVIDER, RAM_GET_OIDC_PROVIDER, RAM_LIST_OIDC_PROVIDERS, RAM_REMOVE_CLIENT_ID_FROM_OIDC_PROVIDER,
        RAM_REMOVE_FINGERPRINT_FROM_OIDC_PROVIDER, RAM_UPDATE_OIDC_PROVIDER,
    },
    authz::{self, Permit},
    caller::Caller,
    error::{Input, OpError, ProblemKind, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// How long ago a token may have been issued where nothing is said.
const USUAL_LIMIT: Duration = Duration::from_hours(12);
/// The most that may be asked for.
const LONGEST_LIMIT: Duration = Duration::from_hours(168);
/// Audiences of one provider.
const CLIENT_IDS: u32 = 50;
/// Certificates of one provider.
const FINGERPRINTS: u32 = 5;

/// What is said of an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// Its account.
    pub account: AccountNumber,
    /// Its name.
    pub name: OidcProviderName,
    /// What it calls itself in its tokens.
    pub issuer: IssuerUrl,
    /// Audiences that are accepted.
    pub client_ids: Vec<AudienceName>,
    /// Digests of certificates, one of which it must prove itself by; none means that any trusted authority will do.
    pub fingerprints: Vec<Fingerprint>,
    /// How long ago a token may have been issued; whole hours.
    pub issuance_limit: Duration,
    /// What it is for; empty if nothing was said.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OidcProvider {
    fn of(row: OidcProviderRow, account: AccountNumber) -> Self {
        Self {
            account,
            name: row.name,
            issuer: row.issuer,
            client_ids: row.client_ids,
            fingerprints: row.fingerprints,
            issuance_limit: row.issuance_limit,
            description: row.description,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn named(caller: &Caller, name: &OidcProviderName) -> ResourceName {
    ResourceName::OidcProvider { account: own(caller), name: name.clone() }
}

/// The provider of that name, noted as read. Ask for permission first.
async fn find(view: &View<'_>, caller: &Caller, name: &OidcProviderName) -> Result<OidcProviderRow, OpError> {
    let row = oidc_provider::find_by_name(&view.core().store, caller.account(), &name.folded()).await?;
    let row = row.ok_or_else(|| OpError::NotFound(named(caller, name)))?;
    view.note(&[Read::OidcProvider(row.id, row.generation)]);
    Ok(row)
}

fn issuance_limit(asked: Option<Duration>) -> Result<Duration, OpError> {
    let hours = asked.unwrap_or(USUAL_LIMIT);
    if (Duration::from_hours(1)..=LONGEST_LIMIT).contains(&hours) {
        return Ok(hours);
    }
    Err(OpError::invalid(Input::IssuanceLimit, ProblemKind::OutOfRange, "the limit is 1 to 168 hours"))
}

fn issuer_allowed(view: &View<'_>, issuer: &IssuerUrl) -> Result<(), OpError> {
    let core = view.core();
    if issuer.resembles(core.keyring.issuer()) {
        let rule = "this server's own tokens are not taken by the word of somebody else";
        return Err(OpError::invalid(Input::IssuerUrl, ProblemKind::Malformed, rule));
    }
    if !issuer.is_secure() && !core.limits().insecure_issuers {
        return Err(OpError::invalid(Input::IssuerUrl, ProblemKind::Malformed, "an issuer is named by an `https` URL"));
    }
    Ok(())
}

/// Each once, in the order given, and not too many.
fn distinct<T: Clone + PartialEq>(given: &[T], quota: Quota, most: u32) -> Result<Vec<T>, OpError> {
    let mut kept: Vec<T> = Vec::new();
    for one in given {
        if !kept.contains(one) {
            kept.push(one.clone());
        }
    }
    if kept.len() > most as usize { Err(OpError::LimitExceeded(quota, most)) } else { Ok(kept) }
}

fn client_ids(given: &[AudienceName]) -> Result<Vec<AudienceName>, OpError> {
    distinct(given, Quota::ClientIdsPerProvider, CLIENT_IDS)
}

/// Compared without case, so kept in one.
fn fingerprints(given: &[Fingerprint]) -> Result<Vec<Fingerprint>, OpError> {
    let folded: Result<Vec<Fingerprint>, _> = given.iter().map(|print| Fingerprint::new(&print.folded())).collect();
    distinct(&folded.map_err(OpError::internal)?, Quota::FingerprintsPerProvider, FINGERPRINTS)
}

/// Writes a provider that was changed.
fn updated(view: &View<'_>, caller: &Caller, permit: Permit, mut row: OidcProviderRow) -> Effect<OidcProvider> {
    row.updated_at = view.now();
    let mut changes = changes(view, caller);
    changes.push(oidc_provider::update(&row));
    done(OidcProvider::of(row, own(caller)), changes, permit)
}

/// Say that the tokens of an OpenID provider are taken. It lets nobody in by itself: roles must trust it.
#[derive(Debug, Clone)]
pub struct CreateOidcProvider {
    /// Its name.
    pub name: OidcProviderName,
    /// What it calls itself in its tokens.
    pub issuer: IssuerUrl,
    /// Audiences to accept.
    pub client_ids: Vec<AudienceName>,
    /// Digests of certificates, one of which it must prove itself by.
    pub fingerprints: Vec<Fingerprint>,
    /// How long ago a token may have been issued; 12 hours if nothing is said.
    pub issuance_limit: Option<Duration>,
    /// What it is for.
    pub description: Option<ProviderDescription>,
}

impl Operation for CreateOidcProvider {
    const ACTION: Action = RAM_CREATE_OIDC_PROVIDER;
    type Output = OidcProvider;

    fn resource(&self, caller: &Caller) -> ResourceName {
        named(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OidcProvider>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &ResourceName::OidcProviders { account: own(caller) }, &[])?;
        let (store, account, limit) = (&view.core().store, caller.account(), view.core().limits().quotas.oidc_providers);
        issuer_allowed(view, &self.issuer)?;
        let row = OidcProviderRow {
            id: OidcProviderId::from_bytes(view.core().new_id()?),
            account_id: account,
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_ids: client_ids(&self.client_ids)?,
            fingerprints: fingerprints(&self.fingerprints)?,
            issuance_limit: issuance_limit(self.issuance_limit)?,
            description: self.description.as_ref().map(ToString::to_string).unwrap_or_default(),
            status: Status::Active,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: view.now(),
            updated_at: view.now(),
        };
        let taken = oidc_provider::find_by_name(store, account, &self.name.folded()).await?.is_some()
            || oidc_provider::find_by_issuer(store, account, &self.issuer).await?.is_some();
        if taken {
            return Err(OpError::Exists(self.resource(caller)));
        }
        if oidc_provider::count(store, account).await? >= u64::from(limit) {
            return Err(OpError::LimitExceeded(Quota::OidcProviders, limit));
        }
        let mut changes = changes(view, caller);
        changes.push(oidc_provider::insert(&row));
        changes.push(oidc_provider::at_most(account, limit));
        Ok(done(OidcProvider::of(row, own(caller)), changes, permit).or_exists(self.resource(caller)))
    }
}

/// Read what is said of an OpenID provider.
#[derive(Debug, Clone)]
pub struct DescribeOidcProvider {
    /// Its name.
    pub name: OidcProviderName,
}

impl Operation for DescribeOidcProvider {
    const ACTION: Action = RAM_GET_OIDC_PROVIDER;
    type Output = OidcProvider;

    fn resource(&self, caller: &Caller) -> ResourceName {
        named(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OidcProvider>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(OidcProvider::of(find(view, caller, &self.name).await?, own(caller))))
    }
}

/// Change an OpenID provider; what is `None` stays. Sessions that exist go on.
#[derive(Debug, Clone)]
pub struct UpdateOidcProvider {
    /// Its name.
    pub name: OidcProviderName,
    /// All audiences to accept from now on.
    pub client_ids: Option<Vec<AudienceName>>,
    /// How long ago a token may have been issued.
    pub issuance_limit: Option<Duration>,
    /// What it is for.
    pub description: Option<ProviderDescription>,
}

impl Operation for UpdateOidcProvider {
    const ACTION: Action = RAM_UPDATE_OIDC_PROVIDER;
    type Output = OidcProvider;

    fn resource(&self, caller: &Caller) -> ResourceName {
        named(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OidcProvider>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut row = find(view, caller, &self.name).await?;
        if let Some(given) = &self.client_ids {
            row.client_ids = client_ids(given)?;
        }
        if self.issuance_limit.is_some() {
            row.issuance_limit = issuance_limit(self.issuance_limit)?;
        }
        if let Some(description) = &self.description {
            row.description = description.to_string();
        }
        Ok(updated(view, caller, permit, row))
    }
}

/// Take no more tokens of an OpenID provider. Every session that began with one ends; roles that trusted it trust nobody in its
/// place, also when one of the same name is made again.
#[derive(Debug, Clone)]
pub struct DeleteOidcProvider {
    /// Its name.
    pub name: OidcProviderName,
}

impl Operation for DeleteOidcProvider {
    const ACTION: Action = RAM_DELETE_OIDC_PROVIDER;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        named(caller, &self.name)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let row = find(view, caller, &self.name).await?;
        let mut changes = changes(view, caller);
        changes.push(oidc_provider::delete(row.id));
        Ok(done((), changes, permit))
    }
}

/// List the OpenID providers of the caller's account.
#[derive(Debug, Clone)]
pub struct ListOidcProviders {
    /// Which part.
    pub page: Page,
}

impl Operation for ListOidcProviders {
    const ACTION: Action = RAM_LIST_OIDC_PROVIDERS;
    type Output = Listed<OidcProvider>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::OidcProviders { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Listed<OidcProvider>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let rows = oidc_provider::list(&view.core().store, caller.account(), &self.page.after, self.page.rows()).await?;
        let account = own(caller);
        Ok(Effect::nothing(self.page.cut(rows, |row| row.name.folded(), |row| OidcProvider::of(row, account))))
    }
}

/// One value more or less: what four operations have in common. Doing it twice is no error, so that it can be tried again.
macro_rules! one_value {
    ($(#[$doc:meta])* $operation:ident, $action:ident, $(#[$value_doc:meta])* $value:ident: $type:ty, |$row:ident, $given:ident| $change:block) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $operation {
            /// The provider's name.
            pub name: OidcProviderName,
            $(#[$value_doc])*
            pub $value: $type,
        }

        impl Operation for $operation {
            const ACTION: Action = $action;
            type Output = OidcProvider;

            fn resource(&self, caller: &Caller) -> ResourceName {
                named(caller, &self.name)
            }

            async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<OidcProvider>, OpError> {
                let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
                let mut $row = find(view, caller, &self.name).await?;
                let $given = &self.$value;
                $change
                Ok(updated(view, caller, permit, $row))
            }
        }
    };
}

one_value!(
    /// Accept one more audience in the tokens of an OpenID provider.
    AddClientId,
    RAM_ADD_CLIENT_ID_TO_OIDC_PROVIDER,
    /// The audience.
    client_id: AudienceName,
    |row, given| {
        row.client_ids.push(given.clone());
        row.client_ids = client_ids(&row.client_ids)?;
    }
);

one_value!(
    /// Accept an audience no more.
    RemoveClientId,
    RAM_REMOVE_CLIENT_ID_FROM_OIDC_PROVIDER,
    /// The audience.
    client_id: AudienceName,
    |row, given| {
        row.client_ids.retain(|kept| kept != given);
    }
);

one_value!(
    /// Accept one more certificate of an OpenID provider.
    AddFingerprint,
    RAM_ADD_FINGERPRINT_TO_OIDC_PROVIDER,
    /// The digest of the certificate.
    fingerprint: Fingerprint,
    |row, given| {
        row.fingerprints.push(given.clone());
        row.fingerprints = fingerprints(&row.fingerprints)?;
    }
);

one_value!(
    /// Accept a certificate no more. The last one cannot be removed: without any, every authority would do.
    RemoveFingerprint,
    RAM_REMOVE_FINGERPRINT_FROM_OIDC_PROVIDER,
    /// The digest of the certificate.
    fingerprint: Fingerprint,
    |row, given| {
        let before = row.fingerprints.len();
        row.fingerprints.retain(|kept| kept.folded() != given.folded());
        if before > 0 && row.fingerprints.is_empty() {
            let rule = "the last fingerprint stays: without any, every authority that this server trusts would do; add another first";
            return Err(OpError::invalid(Input::Fingerprint, ProblemKind::TooSmall, rule));
        }
    }
);
