//! Secrets of applications: shown once, replaced with an overlap.

use std::time::Duration;

use tegata_model::{SecretKey, Timestamp};
use tegata_store::client_secret::{self, ClientSecretRow};

use super::{application_name, changes, done, find_own, new_secret, new_secret_row, own};
use crate::{
    actions::{Action, RAM_CREATE_APP_SECRET, RAM_DELETE_APP_SECRET, RAM_GET_APP_SECRET, RAM_LIST_APP_SECRET_IDS},
    authz,
    caller::Caller,
    error::{OpError, Quota},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// What may be said of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// The public id of the application.
    pub app_id: String,
    /// Its own public id.
    pub secret_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not count any more.
    pub expires_at: Option<Timestamp>,
}

/// A secret that has just been made.
#[derive(Debug)]
pub struct CreatedClientSecret {
    /// What may be said of it.
    pub secret: ClientSecret,
    /// The secret itself, told this once.
    pub value: SecretKey,
}

fn shown(row: &ClientSecretRow, app_id: &str) -> ClientSecret {
    ClientSecret { app_id: app_id.to_owned(), secret_id: row.public_id.clone(), created_at: row.created_at, expires_at: row.expires_at }
}

fn secret_name(caller: &Caller, app_id: &str, secret_id: &str) -> ResourceName {
    ResourceName::ApplicationSecret { account: own(caller), app_id: app_id.to_owned(), secret_id: secret_id.to_owned() }
}

/// Make a secret.
#[derive(Debug, Clone)]
pub struct CreateClientSecret {
    /// The public id of the application.
    pub app_id: String,
    /// How long the secrets that there are go on counting; until they are deleted if nothing is said.
    pub overlap: Option<Duration>,
}

impl Operation for CreateClientSecret {
    const ACTION: Action = RAM_CREATE_APP_SECRET;
    type Output = CreatedClientSecret;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<CreatedClientSecret>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let client = find_own(view, caller, &self.app_id).await?;
        let core = view.core();
        let limit = core.limits().quotas.secrets_per_client;
        let mut changes = changes(view, caller);
        let mut kept = 0;
        for row in client_secret::of_client(&core.store, client.id).await? {
            if row.expires_at.is_some_and(|expires| expires <= view.now()) {
                changes.extend(client_secret::delete(&row));
                continue;
            }
            kept += 1;
            if let Some(overlap) = self.overlap {
                let until = view.now().plus(overlap);
                let until = row.expires_at.map_or(until, |expires| expires.min(until));
                changes.extend(client_secret::set_expiry(&row, until));
            }
        }
        if kept >= limit {
            return Err(OpError::LimitExceeded(Quota::SecretsPerClient, limit));
        }
        let value = new_secret(core)?;
        let row = new_secret_row(core, client.id, &value).map_err(OpError::internal)?;
        changes.extend(client_secret::insert(&row));
        changes.push(client_secret::at_most(client.id, limit));
        let secret = shown(&row, &client.app_id);
        Ok(done(CreatedClientSecret { secret, value }, changes, permit))
    }
}

/// Read what may be said of a secret; the secret itself rests nowhere.
#[derive(Debug, Clone)]
pub struct DescribeClientSecret {
    /// The public id of the application.
    pub app_id: String,
    /// The public id of the secret.
    pub secret_id: String,
}

impl Operation for DescribeClientSecret {
    const ACTION: Action = RAM_GET_APP_SECRET;
    type Output = ClientSecret;

    fn resource(&self, caller: &Caller) -> ResourceName {
        secret_name(caller, &self.app_id, &self.secret_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<ClientSecret>, OpError> {
        authz::permit(view, caller, Self::ACTION, &application_name(caller, &self.app_id), &[])?;
        let client = find_own(view, caller, &self.app_id).await?;
        let rows = client_secret::of_client(&view.core().store, client.id).await?;
        let row = rows.iter().find(|row| row.public_id == self.secret_id).ok_or_else(|| OpError::NotFound(self.resource(caller)))?;
        Ok(Effect::nothing(shown(row, &client.app_id)))
    }
}

/// Delete a secret: it stops counting at once.
#[derive(Debug, Clone)]
pub struct DeleteClientSecret {
    /// The public id of the application.
    pub app_id: String,
    /// The public id of the secret.
    pub secret_id: String,
}

impl Operation for DeleteClientSecret {
    const ACTION: Action = RAM_DELETE_APP_SECRET;
    type Output = ();

    fn resource(&self, caller: &Caller) -> ResourceName {
        secret_name(caller, &self.app_id, &self.secret_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<()>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &application_name(caller, &self.app_id), &[])?;
        let client = find_own(view, caller, &self.app_id).await?;
        let rows = client_secret::of_client(&view.core().store, client.id).await?;
        let row = rows.iter().find(|row| row.public_id == self.secret_id).ok_or_else(|| OpError::NotFound(self.resource(caller)))?;
        let mut changes = changes(view, caller);
        changes.extend(client_secret::delete(row));
        Ok(done((), changes, permit))
    }
}

/// List the secrets of an application, without the secrets themselves.
#[derive(Debug, Clone)]
pub struct ListClientSecrets {
    /// The public id of the application.
    pub app_id: String,
}

impl Operation for ListClientSecrets {
    const ACTION: Action = RAM_LIST_APP_SECRET_IDS;
    type Output = Vec<ClientSecret>;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application_name(caller, &self.app_id)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Vec<ClientSecret>>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let client = find_own(view, caller, &self.app_id).await?;
        let rows = client_secret::of_client(&view.core().store, client.id).await?;
        Ok(Effect::nothing(rows.iter().map(|row| shown(row, &client.app_id)).collect()))
    }
}
