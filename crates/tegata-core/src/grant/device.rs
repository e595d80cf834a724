//! Devices that have no browser (RFC 8628): they begin, wait while a person agrees elsewhere, and get their tokens once.
//!
//! Whoever waits is answered from its own row, without a trace in the audit: nobody has said yet who it speaks for. What the person
//! says is [`crate::signin::DeviceRequest`].

use std::{net::IpAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_model::{AccountId, ClientId, SecretKey, Timestamp, UserId};
use tegata_oauth::{Challenge, Scope, Verifier};
use tegata_store::{
    ChangeSet, CommitError, Step,
    attempt::Secret,
    device_code::{self, Decision, DeviceCodeRow},
    grant,
};

use super::{
    Bound, Fallen, GrantFailure, IssuedTokens, application, asking, find_grant, hash_of, standing_for,
    tokens::{Order, of_grant},
};
use crate::{
    Core, RequestMeta,
    actions::{Action, OAUTH_REDEEM_DEVICE_CODE},
    audit::Entry,
    authn::{PresentedClient, Proof},
    caller::{Caller, Evidence},
    client::{must_bind_key, official_by_app_id, scope_of},
    clock::{random, random_text},
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// How long a person may take.
const LIFETIME: Duration = Duration::from_mins(10);
/// How long a device waits between two questions.
const WAIT: Duration = Duration::from_secs(5);
/// How much longer after a question that came too soon (RFC 8628 §3.5), and at most.
const LONGER: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(1);
/// Devices that may begin from one network within a quarter of an hour.
const BEGUN: u32 = 100;
/// Letters of what a person types: no vowels, so no words, and nothing that looks like a digit.
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
const LEN: usize = 8;
/// Longest text that a device may say of itself.
const SAYS: usize = 64;
const USER_CODE: &[u8] = b"user-code";
const BEGINS: &[u8] = b"device-begins";

/// What a device asks for.
#[derive(Debug)]
pub struct BeginDevice {
    /// Which client it is, and what it shows for it. What the request is about is the client itself.
    pub client: PresentedClient,
    /// Which scopes; those of the official application if nothing is said, else `openid`.
    pub scope: Option<Scope>,
    /// The challenge whose verifier it will show with its questions.
    pub challenge: Option<Challenge>,
    /// True if it can show a number beside the code.
    pub shows_number: bool,
}

/// What a device is told.
#[derive(Debug)]
pub struct BegunDevice {
    /// What it asks with.
    pub code: SecretKey,
    /// What the person types: two groups of four consonants.
    pub user_code: String,
    /// What it shows beside that, if it can: 10 to 99.
    pub number: Option<u32>,
    /// How long the person may take.
    pub lifetime: Duration,
    /// How long it waits between two questions.
    pub interval: Duration,
}

/// What is typed, in the one form that is looked for.
pub(crate) fn plain_user_code(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).take(LEN + 1).map(|c| c.to_ascii_uppercase()).collect()
}

/// The same as people read it.
pub(crate) fn shown_user_code(plain: &str) -> String {
    let (one, two) = plain.split_at_checked(LEN / 2).unwrap_or((plain, ""));
    format!("{one}-{two}")
}

/// The network of an address: an IPv4 address is one, an IPv6 address is one of 64 bits.
pub(crate) fn network_of(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}

impl Core {
    pub(crate) fn user_code_mark(&self, plain: &str) -> Result<Vec<u8>, OpError> {
        self.keyring.mac(USER_CODE, plain.as_bytes()).map_err(OpError::internal)
    }

    /// Lets a device begin.
    pub async fn begin_device(&self, meta: &RequestMeta, begin: BeginDevice) -> Result<BegunDevice, OpError> {
        let unknown = || OpError::Authentication(crate::AuthnFailure::Client);
        let now = self.now();
        // An official application has no account here yet, so there is nobody to prove it to.
        let client = if let Some(row) = official_by_app_id(&begin.client.app_id) {
            row
        } else {
            let caller = self.authenticate(Proof::Client(begin.client), meta.clone()).await?;
            let Evidence::Client { client, .. } = &caller.evidence else { return Err(unknown()) };
            client.row().cloned().ok_or_else(unknown)?
        };
        let scope = crate::signin::scopes_of(&client, begin.scope.as_ref())?;
        let network = meta.source.map(network_of).unwrap_or_default();
        let mark = self.keyring.mac(BEGINS, &network).map_err(OpError::internal)?;
        let subject = mark.last_chunk::<16>().ok_or_else(|| OpError::internal("a code is longer than that"))?;
        self.count_try(ChangeSet::new(now), UserId::from_bytes(*subject), Secret::Device, BEGUN).await?;
        let number = if begin.shows_number {
            let [one, two] = random::<2>(self.entropy.as_ref())?;
            Some(10 + u32::from(u16::from_be_bytes([one, two])) % 90)
        } else {
            None
        };
        for _ in 0..4 {
            let code = URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref())?);
            let user_code = random_text(self.entropy.as_ref(), LETTERS, LEN)?;
            let row = DeviceCodeRow {
                hash: hash_of(&code),
                user_code: self.user_code_mark(&user_code)?,
                client_id: client.id,
                scopes: scope.to_words(),
                challenge: begin.challenge.as_ref().map(|challenge| challenge.as_str().to_owned()),
                dpop_key: None,
                number,
                source: meta.source,
                claims: meta.user_agent.chars().filter(|c| matches!(c, ' '..='~')).take(SAYS).collect(),
                wait: WAIT,
                polled_at: now.minus(WAIT),
                decision: Decision::Waits,
                expires_at: now.plus(LIFETIME),
                used_at: None,
            };
            let mut changes = ChangeSet::new(now);
            changes.push(device_code::insert(&row));
            match self.store.commit(changes).await {
                Ok(()) => {
                    let user_code = shown_user_code(&user_code);
                    return Ok(BegunDevice { code: SecretKey::new(code), user_code, number, lifetime: LIFETIME, interval: WAIT });
                }
                Err(CommitError::Exists(_)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(other) => return Err(OpError::internal(other)),
            }
        }
        Err(OpError::Conflict)
    }

    /// What a device that asks is told while it has nothing to fetch; the account once a person has agreed.
    pub(crate) async fn poll_device(&self, client: ClientId, code: &SecretKey, now: Timestamp) -> Result<AccountId, OpError> {
        let refused = |failure| Err(OpError::Grant(failure));
        let row = device_code::find(&self.store, &hash_of(code.expose())).await?;
        let Some(row) = row.filter(|row| row.client_id == client) else { return refused(GrantFailure::CodeUnknown) };
        if row.expires_at <= now {
            return refused(GrantFailure::DeviceExpired);
        }
        match row.decision {
            Decision::Agreed { account, .. } => Ok(account),
            Decision::Refused => refused(GrantFailure::DeviceRefused),
            Decision::Waits => {
                // Clocks of whole seconds: what came a second early may have come in time.
                let early = now.plus(Duration::from_secs(1)) < row.polled_at.plus(row.wait);
                let wait = if early { row.wait.saturating_add(LONGER).min(LONGEST) } else { row.wait };
                let mut changes = ChangeSet::new(now);
                changes.push(device_code::poll(&row, now, wait));
                self.written(changes).await?;
                refused(if early { GrantFailure::TooSoon } else { GrantFailure::Waiting })
            }
        }
    }
}

/// Tokens for a device code, once a person has agreed. The code is used up by asking; asking twice ends what the first one got.
#[derive(Debug)]
pub struct RedeemDeviceCode {
    /// The device code.
    pub code: SecretKey,
    /// The proof that the client is the one that began, where it gave a challenge.
    pub verifier: Option<Verifier>,
    /// The thumbprint of the key that the tokens shall be bound to.
    pub key: Option<String>,
}

impl Operation for RedeemDeviceCode {
    const ACTION: Action = OAUTH_REDEEM_DEVICE_CODE;
    type Output = IssuedTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    fn spends(&self, now: Timestamp) -> Vec<Step> {
        vec![device_code::claim(&hash_of(self.code.expose()), now)]
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<IssuedTokens>, OpError> {
        let refused = |failure| OpError::Grant(failure);
        let (live, _) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let client = live.row().ok_or(refused(GrantFailure::NotForYou))?;
        let row = device_code::find(&view.core().store, &hash_of(self.code.expose())).await?;
        let row = row.filter(|row| row.client_id == client.id).ok_or(refused(GrantFailure::CodeUnknown))?;
        let (account, grant_id) = match row.decision {
            Decision::Agreed { account, grant } => (account, grant),
            Decision::Waits => return Err(refused(GrantFailure::Waiting)),
            Decision::Refused => return Err(refused(GrantFailure::DeviceRefused)),
        };
        if account != caller.account() {
            return Err(refused(GrantFailure::CodeUnknown));
        }
        if row.used_at.is_some() {
            return Err(refused(GrantFailure::CodeUsed(grant_id)));
        }
        if row.expires_at <= view.now() {
            return Err(refused(GrantFailure::DeviceExpired));
        }
        let challenge = row.challenge.as_deref().map(Challenge::parse).transpose().map_err(OpError::internal)?;
        let answered = match (&challenge, &self.verifier) {
            (Some(challenge), Some(verifier)) => challenge.answers(verifier),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !answered {
            return Err(refused(GrantFailure::Verifier));
        }
        if self.key.is_none() && must_bind_key(client.id) {
            return Err(refused(GrantFailure::KeyNeeded));
        }
        let found = find_grant(view, grant_id).await?;
        let bound = Bound::of_bytes(&found.bound).ok_or(refused(GrantFailure::Fallen(Fallen::Grant)))?;
        let standing = standing_for(view, caller, &bound).await?;
        let mut changes = ChangeSet::new(view.now());
        if let (Some(key), false) = (&self.key, client.secret_required) {
            changes.push(grant::bind_key(found.id, key));
        }
        let order = Order {
            scope: scope_of(&found.scopes)?,
            key: self.key.clone(),
            nonce: None,
            refresh_number: found.refreshable.then_some(found.next_refresh),
            with_id_token: true,
        };
        let (issued, session) = of_grant(view, standing, &bound, &found, order).await?;
        let note = format!("token {session} of {} for `{}`, for a device", found.id, issued.scope);
        Ok(Effect::with(issued, changes, Entry { note: Some(note), ..Entry::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk "] {
            assert_eq!(plain_user_code(typed), "BCDFGHJK");
        }
        assert_eq!(plain_user_code("BCDFGHJKLMN").len(), 9);
        assert_eq!(shown_user_code("BCDFGHJK"), "BCDF-GHJK");
        assert_eq!(shown_user_code(""), "-");
    }

    #[test]
    fn networks() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
