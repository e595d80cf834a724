//! Tokens of identity providers: from a stranger's text to somebody whom a provider vouches for.

use std::{sync::Arc, time::Duration};

use tegata_model::{AccountNumber, OidcProviderName, SecretKey, Timestamp};
use tegata_oauth::{IdToken, TimesError};
use tegata_store::{account, oidc_provider};

use crate::{
    Core,
    error::{AuthnFailure, FederationFailure, OpError},
    principal::{LiveToken, Principal, Who, load_provider},
};

/// How far the clock of an issuer may be from ours.
const LEEWAY: Duration = Duration::from_mins(1);

/// A token, and the provider that its bearer says it is of.
#[derive(Debug)]
pub struct Federated {
    /// The account of the provider.
    pub account: AccountNumber,
    /// The provider.
    pub provider: OidcProviderName,
    /// The token as it was sent; white space around it does not count.
    pub token: SecretKey,
}

impl Federated {
    pub(super) fn sample(&self) -> String {
        format!("{}/{}", self.account, self.provider)
    }
}

fn refused(failure: FederationFailure) -> OpError {
    OpError::Authentication(AuthnFailure::Federation(failure))
}

impl Core {
    /// Judges a token. What costs nothing comes first, so that only tokens that could be good make us ask their issuer for keys.
    ///
    /// A provider that does not exist, is switched off or has another issuer answers as a role that trusts somebody else: only whoever
    /// knows the issuer learns which audiences are wanted.
    pub(super) async fn token_of_provider(&self, federated: &Federated, now: Timestamp) -> Result<LiveToken, OpError> {
        let token = IdToken::parse(federated.token.expose()).map_err(|error| refused(FederationFailure::Invalid(error.to_string())))?;
        let claimed = token.claimed();
        if same_url(&claimed.issuer, self.keyring.issuer()) {
            return Err(refused(FederationFailure::Invalid("it is one of this server's own".to_owned())));
        }
        let untrusted = || refused(FederationFailure::Untrusted);
        let owner = account::find_by_number(&self.store, federated.account).await?.ok_or_else(untrusted)?;
        let named = oidc_provider::find_by_name(&self.store, owner.id, &federated.provider.folded()).await?.ok_or_else(untrusted)?;
        let provider = load_provider(&self.store, owner.id, named.id).await?.filter(Principal::is_active).ok_or_else(untrusted)?;
        let Who::Provider(row) = &provider.who else { return Err(OpError::internal("a provider is no user and no role")) };
        if row.issuer.as_str() != claimed.issuer {
            return Err(untrusted());
        }
        if !claimed.audiences.iter().any(|audience| row.client_ids.iter().any(|accepted| accepted.as_str() == audience)) {
            return Err(refused(FederationFailure::Audience));
        }
        claimed.check_times(now, LEEWAY, row.issuance_limit).map_err(|problem| {
            refused(match problem {
                TimesError::Expired | TimesError::TooOld => FederationFailure::Expired,
                TimesError::NotYet => FederationFailure::Invalid(problem.to_string()),
            })
        })?;
        let keys = self.issuers.keys(self, &row.issuer, token.header(), now).await?.ok_or_else(|| refused(FederationFailure::Issuer))?;
        if !row.fingerprints.is_empty() && !row.fingerprints.iter().any(|print| keys.certificates.contains(&print.folded())) {
            tracing::warn!(issuer = %row.issuer, "the issuer did not prove itself by a certificate with a fingerprint of its provider");
            return Err(refused(FederationFailure::Issuer));
        }
        let verified = token.verify(&keys.set).map_err(|error| refused(FederationFailure::Signature(error.to_string())))?;
        Ok(LiveToken { provider: Arc::new(provider), verified })
    }

    /// A token that was good is good still, unless its time is over or its provider was changed in a way that ends it.
    pub(super) async fn token_again(&self, token: &Arc<LiveToken>, now: Timestamp) -> Result<Arc<LiveToken>, OpError> {
        if token.verified.claims().expires_at.plus(LEEWAY) <= now {
            return Err(refused(FederationFailure::Expired));
        }
        if token.provider.stamps.current(&self.store) {
            return Ok(Arc::clone(token));
        }
        let untrusted = || refused(FederationFailure::Untrusted);
        let Who::Provider(before) = &token.provider.who else { return Err(untrusted()) };
        let provider =
            load_provider(&self.store, before.account_id, before.id).await?.filter(Principal::is_active).ok_or_else(untrusted)?;
        if provider.epoch() != before.epoch {
            return Err(untrusted());
        }
        Ok(Arc::new(LiveToken { provider: Arc::new(provider), verified: token.verified.clone() }))
    }
}

fn same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}
