//! Tokens for a refresh token (RFC 6749 §6), which is replaced each time it is used.

use std::time::Duration;

use tegata_model::{SecretKey, Timestamp};
use tegata_oauth::Scope;
use tegata_store::{
    ChangeSet,
    grant::{self, GrantRow},
};

use super::{
    Bound, Fallen, GrantFailure, IssuedTokens, RefreshToken, application, asking, find_grant, standing_for,
    tokens::{Order, of_grant},
};
use crate::{
    actions::{Action, OAUTH_REFRESH},
    audit::Entry,
    caller::Caller,
    client::{must_bind_key, scope_of},
    error::OpError,
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// How long after the first use of its successor an old token is merely refused: clients race with themselves.
const GRACE: Duration = Duration::from_mins(1);

/// Tokens for a refresh token.
#[derive(Debug)]
pub struct RefreshGrant {
    /// The token.
    pub token: SecretKey,
    /// Fewer scopes than the grant has.
    pub scope: Option<Scope>,
    /// The thumbprint of the key whose possession was proven.
    pub key: Option<String>,
}

/// What comes of a refresh token.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is the newest: it is used now, and the next one follows.
    First,
    /// It was used before, and its successor was not: the same successor again, since the answer may have been lost.
    Again,
}

/// Where a refresh token of this number stands. Numbers below `next_refresh` have been used.
fn place(row: &GrantRow, number: i64, now: Timestamp) -> Result<Step, GrantFailure> {
    // The latest moment at which the successor of this token was first used.
    let replaced_at = match row.next_refresh - number {
        0 => return Ok(Step::First),
        1 => return Ok(Step::Again),
        2 => row.used_at,
        3.. => row.used_before_at,
        _ => return Err(GrantFailure::RefreshUnknown),
    };
    if now <= replaced_at.plus(GRACE) { Err(GrantFailure::RefreshReplaced) } else { Err(GrantFailure::RefreshReused(row.id)) }
}

impl Operation for RefreshGrant {
    const ACTION: Action = OAUTH_REFRESH;
    type Output = IssuedTokens;

    fn resource(&self, caller: &Caller) -> ResourceName {
        application(caller)
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<IssuedTokens>, OpError> {
        let refused = |failure| OpError::Grant(failure);
        let (live, _) = asking(caller, Self::ACTION, &self.resource(caller))?;
        let client = live.row().ok_or(refused(GrantFailure::NotForYou))?;
        let core = view.core();
        let token = RefreshToken::read(&core.keyring, self.token.expose()).ok_or(refused(GrantFailure::RefreshUnknown))?;
        let row = find_grant(view, token.grant).await?;
        let bound = Bound::of_bytes(&row.bound).ok_or(refused(GrantFailure::Fallen(Fallen::Grant)))?;
        if bound.client != client.id || row.account_id != caller.account() || !row.refreshable {
            return Err(refused(GrantFailure::RefreshUnknown));
        }
        if row.used_at.plus(row.idle) <= view.now() {
            return Err(refused(GrantFailure::Expired));
        }
        match (&row.dpop_key, &self.key) {
            (Some(_), None) => return Err(refused(GrantFailure::KeyNeeded)),
            (Some(known), Some(shown)) if known != shown => return Err(refused(GrantFailure::KeyOther)),
            (None, _) if must_bind_key(client.id) => return Err(refused(GrantFailure::KeyNeeded)),
            _ => {}
        }
        let granted = scope_of(&row.scopes)?;
        let scope = match &self.scope {
            None => granted,
            Some(asked) if asked.within(&granted) => asked.clone(),
            Some(asked) => {
                let first = asked.words().find(|word| !granted.has(word)).unwrap_or_default();
                return Err(refused(GrantFailure::Scope(first.to_owned())));
            }
        };
        let mut changes = ChangeSet::new(view.now());
        let number = i64::from(token.number);
        // A token that is bound to a key is of no use to whoever finds it, so it stays as it is.
        let next = if row.dpop_key.is_some() {
            if number != row.next_refresh {
                return Err(refused(GrantFailure::RefreshUnknown));
            }
            changes.push(grant::touch(row.id, view.now()));
            number
        } else {
            match place(&row, number, view.now()).map_err(OpError::Grant)? {
                Step::First => {
                    changes.push(grant::use_refresh(row.id, number, view.now()));
                    number + 1
                }
                Step::Again => number + 1,
            }
        };
        let standing = standing_for(view, caller, &bound).await?;
        let order = Order { scope, key: self.key.clone(), nonce: None, refresh_number: Some(next), with_id_token: true };
        let (issued, session) = of_grant(view, standing, &bound, &row, order).await?;
        let note = format!("token {session} of {} for `{}`, refresh {next}", row.id, issued.scope);
        Ok(Effect::with(issued, changes, Entry { note: Some(note), ..Entry::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tegata_model::{AccountId, Epoch, Generation, GrantId, InstallationId};

    #[test]
    fn where_a_refresh_token_stands() {
        let at = Timestamp::from_unix;
        let row = GrantRow {
            id: GrantId::from_bytes([1; 16]),
            account_id: AccountId::from_bytes([2; 16]),
            installation_id: InstallationId::from_bytes([3; 16]),
            identity_id: [4; 16],
            bound: Vec::new(),
            scopes: Vec::new(),
            refreshable: true,
            dpop_key: None,
            auth_time: at(0),
            next_refresh: 5,
            used_at: at(1000),
            used_before_at: at(900),
            idle: Duration::from_hours(1),
            expires_at: at(9000),
            ended_at: None,
            epoch: Epoch(0),
            generation: Generation(1),
            created_at: at(0),
        };
        assert_eq!(place(&row, 5, at(5000)), Ok(Step::First));
        assert_eq!(place(&row, 4, at(5000)), Ok(Step::Again));
        assert_eq!(place(&row, 3, at(1060)), Err(GrantFailure::RefreshReplaced));
        assert_eq!(place(&row, 3, at(1061)), Err(GrantFailure::RefreshReused(row.id)));
        assert_eq!(place(&row, 2, at(960)), Err(GrantFailure::RefreshReplaced));
        assert_eq!(place(&row, 0, at(1001)), Err(GrantFailure::RefreshReused(row.id)));
        assert_eq!(place(&row, 6, at(1001)), Err(GrantFailure::RefreshUnknown));
    }
}
