//! A person at a browser who agrees that a device signs in (RFC 8628 §3.3).
//!
//! Whoever relays somebody else's sign-in knows the code and the number. What he does not have is the network of the person, so by
//! default a device may only ask from there.

use std::net::IpAddr;

use tegata_store::{
    ChangeSet, CommitError, attempt,
    device_code::{self, Decision, DeviceCodeRow},
    device_policy::DeviceOrigin,
};

use super::{Application, Browser, Readiness};
use crate::{
    Core, RequestMeta,
    audit::Entry,
    client::official,
    directory::DevicePolicy,
    error::OpError,
    grant::{network_of, plain_user_code, shown_user_code},
    signin::Stage,
};

/// Codes that a person may type within a quarter of an hour; each page of one approval looks once.
const CODES: u32 = 40;

/// A device that waits for the person.
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    row: DeviceCodeRow,
    application: Application,
    user_code: String,
    /// What is still missing besides the person's word.
    pub readiness: Readiness,
}

/// Why a device does not sign in, as the person hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceRefusal {
    /// No device waits for that code.
    Unknown,
    /// Too many codes.
    TooMany,
    /// The account lets no device sign in.
    Off,
    /// The device asks from another network than the person's.
    Elsewhere,
    /// That is not the number; the device is refused for good.
    Number,
}

impl DeviceRequest {
    /// The client that it is.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// The code, as the device shows it.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// What it says of itself, which nobody has verified.
    pub fn claims(&self) -> &str {
        if self.row.claims.is_empty() { "-" } else { &self.row.claims }
    }

    /// Where it asks from.
    pub fn address(&self) -> String {
        self.row.source.map_or_else(|| "-".to_owned(), |source| source.to_string())
    }

    /// Three numbers, of which the device shows one; none where it cannot show any.
    pub fn numbers(&self) -> Vec<u32> {
        let Some(number) = self.row.number else { return Vec::new() };
        let byte = |index: usize| u32::from(self.row.user_code.iter().rev().nth(index).copied().unwrap_or(0));
        let other = |step: u32| 10 + (number.saturating_sub(10) + step) % 90;
        let mut numbers = vec![number, other(1 + byte(0) % 44), other(45 + byte(1) % 44)];
        numbers.sort_unstable();
        numbers
    }
}

fn same_network(one: Option<IpAddr>, two: Option<IpAddr>) -> bool {
    // What is unknown is nowhere near.
    matches!((one, two), (Some(one), Some(two)) if network_of(one) == network_of(two))
}

/// What a person says, or why not.
type Said<T> = Result<Result<T, DeviceRefusal>, OpError>;

impl Core {
    /// The device that waits for what a person has typed. Each look counts.
    pub async fn device_request(&self, meta: &RequestMeta, browser: &Browser, typed: &str) -> Said<DeviceRequest> {
        let (now, who) = (self.now(), browser.who());
        if browser.stage() != Stage::SignedIn {
            return Ok(Err(DeviceRefusal::Unknown));
        }
        match self.count_try(ChangeSet::new(now), who.user, attempt::Secret::UserCode, CODES).await {
            Ok(()) => {}
            Err(OpError::Throttled(_)) => {
                self.recorder.count(now, meta.source, "too-many-user-codes", &browser.person());
                return Ok(Err(DeviceRefusal::TooMany));
            }
            Err(other) => return Err(other),
        }
        let plain = plain_user_code(typed);
        let found = device_code::find_by_user_code(&self.store, &self.user_code_mark(&plain)?).await?;
        let found = found.filter(|row| row.decision == Decision::Waits && row.expires_at > now);
        let Some(row) = found else {
            self.recorder.count(now, meta.source, "wrong-user-code", &browser.person());
            return Ok(Err(DeviceRefusal::Unknown));
        };
        let client = match official(row.client_id) {
            Some(client) => Some(client),
            None => tegata_store::client::find(&self.store, row.client_id).await?,
        };
        let Some(client) = client.filter(|client| client.status.is_active()) else { return Ok(Err(DeviceRefusal::Unknown)) };
        let account = browser.0.principal.account.id;
        match DevicePolicy::of(&self.store, account).await?.origin {
            DeviceOrigin::Off => return Ok(Err(DeviceRefusal::Off)),
            DeviceOrigin::SameNetwork if !same_network(row.source, meta.source) => {
                self.recorder.count(now, meta.source, "device-elsewhere", &browser.person());
                return Ok(Err(DeviceRefusal::Elsewhere));
            }
            DeviceOrigin::SameNetwork | DeviceOrigin::Anywhere => {}
        }
        let scope = crate::client::scope_of(&row.scopes)?;
        let application = Application { row: client, redirect_uri: String::new(), form_action: String::new(), scope };
        let readiness = self.readiness(&application, &who).await?;
        Ok(Ok(DeviceRequest { row, application, user_code: shown_user_code(&plain), readiness }))
    }

    /// The person agrees: everything that a client needs for a code is needed here too. One commit: consent, grant, decision and
    /// their row.
    pub async fn approve_device(&self, meta: &RequestMeta, browser: &Browser, typed: &str, number: Option<&str>) -> Said<()> {
        for _ in 0..8 {
            match self.try_approve_device(meta, browser, typed, number).await {
                Err(OpError::Conflict) => {}
                other => return other,
            }
        }
        Err(OpError::Conflict)
    }

    async fn try_approve_device(&self, meta: &RequestMeta, browser: &Browser, typed: &str, number: Option<&str>) -> Said<()> {
        // What can end the sign-in is asked again here, not only when the page was drawn.
        let browser = Browser(self.browser_again(&browser.0).await?);
        let request = match self.device_request(meta, &browser, typed).await? {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let now = self.now();
        if let Some(shown) = request.row.number
            && number != Some(shown.to_string().as_str())
        {
            self.refuse(meta, &browser, &request, "another number than the device shows was picked").await?;
            return Ok(Err(DeviceRefusal::Number));
        }
        let mut born = self.birth(meta, &request.application, &browser.who(), true, (false, None)).await?;
        born.changes.push(device_code::agree(&request.row.hash, born.row.account_id, born.row.id, now));
        born.changes.push(tegata_store::grant::insert(&born.row));
        let name = request.application.display_name();
        let note = format!("{} of {name} for `{}`, for a device at {}", born.row.id, born.scope, request.address());
        let entry = Entry { note: Some(note), ..Entry::default() };
        born.changes.push(self.recorder.approval(now, meta, &born.identity, request.application.app_id(), entry));
        self.born(born.changes).await?;
        Ok(Ok(()))
    }

    /// The person refuses.
    pub async fn refuse_device(&self, meta: &RequestMeta, browser: &Browser, typed: &str) -> Said<()> {
        let request = match self.device_request(meta, browser, typed).await? {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.refuse(meta, browser, &request, "refused a device").await?;
        Ok(Ok(()))
    }

    async fn refuse(&self, meta: &RequestMeta, browser: &Browser, request: &DeviceRequest, why: &str) -> Result<(), OpError> {
        let now = self.now();
        let mut changes = ChangeSet::new(now);
        changes.push(device_code::refuse(&request.row.hash, now));
        let entry = Entry { note: Some(format!("{why} at {}", request.address())), ..Entry::default() };
        changes.push(self.recorder.approval(now, meta, &browser.0.principal, request.application.app_id(), entry));
        match self.store.commit(changes).await {
            // Somebody was quicker.
            Ok(()) | Err(CommitError::Changed) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(other) => Err(OpError::internal(other)),
        }
    }
}
