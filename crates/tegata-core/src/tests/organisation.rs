//! Access tokens for organisations: who gets them, what ends them, and what verifies what.

use std::time::Duration;

use tegata_model::SecretKey;
use tegata_oauth::{AccessClaims, JwkSet, OrgClaims};
use tegata_store::{ChangeSet, user};

use super::grants::{bench_caller, by_alice, secret};
use crate::{
    Caller, GrantFailure, OpError, OrgBearer,
    authn::Proof,
    directory::{CreateApiToken, CreatedApiToken, DeleteAccessKey, DeleteUser, ListApiTokens, RevokeApiToken},
    grant::{IntrospectOrganisationToken, OrganisationIntrospection, OrganisationTokens, RedeemApiToken},
    testing::{TestCore, api_token_of},
};

async fn redeem(core: &TestCore, token: &str) -> Result<OrganisationTokens, OpError> {
    let caller = core.authenticate(Proof::ApiToken(secret(token)), core.meta()).await?;
    core.perform(&caller, &RedeemApiToken::default()).await
}

async fn bearer(core: &TestCore, token: &SecretKey) -> Result<Caller, OpError> {
    core.authenticate(Proof::Organisation(secret(token.expose())), core.meta()).await
}

async fn worth(core: &TestCore, token: &str) -> OrganisationIntrospection {
    let bench = bench_caller(core).await.unwrap();
    core.perform(&bench, &IntrospectOrganisationToken { token: secret(token) }).await.unwrap()
}

fn is_bad_token<T: std::fmt::Debug>(result: Result<T, OpError>) -> bool {
    matches!(result.err(), Some(OpError::Grant(GrantFailure::RefreshUnknown)))
}

/// As alice makes one for a user.
async fn made(core: &TestCore, user: &str, lifetime: Duration, idle: Duration) -> CreatedApiToken {
    let user = Some(user.parse().unwrap());
    by_alice(core, &CreateApiToken { user, name: "for a test".to_owned(), scope: Vec::new(), lifetime, idle }).await.unwrap()
}

#[tokio::test]
async fn an_api_token_brings_access_tokens_until_it_is_taken_back() {
    for core in TestCore::each().await.unwrap() {
        let token = api_token_of("bob");
        let issued = redeem(&core, &token).await.unwrap();
        assert_eq!(issued.lifetime, Duration::from_mins(30));
        let caller = bearer(&core, &issued.access_token).await.unwrap();
        assert!(matches!(caller.organisation_bearer(), Some(OrgBearer::User(_))));
        assert_eq!(caller.audit_name(), "user bob");
        assert!(
            matches!(worth(&core, issued.access_token.expose()).await, OrganisationIntrospection::Access(claims) if claims.username == "bob")
        );
        assert!(matches!(worth(&core, &token).await, OrganisationIntrospection::ApiToken { .. }));
        // An API token is no access token, and an access token brings none.
        assert!(bearer(&core, &secret(&token)).await.is_err());
        assert!(core.perform(&caller, &RedeemApiToken::default()).await.is_err());
        // What a policy lets its user do, it may not.
        assert!(core.perform(&caller, &ListApiTokens { user: None }).await.is_err());

        let listed = by_alice(&core, &ListApiTokens { user: Some("bob".parse().unwrap()) }).await.unwrap();
        let [one] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!(one.used_at, Some(core.now()));
        let revoke = RevokeApiToken { user: Some("bob".parse().unwrap()), id: one.id.clone() };
        by_alice(&core, &revoke).await.unwrap();
        by_alice(&core, &revoke).await.unwrap();
        assert!(bearer(&core, &issued.access_token).await.is_err());
        assert!(is_bad_token(redeem(&core, &token).await));
        assert_eq!(worth(&core, issued.access_token.expose()).await, OrganisationIntrospection::Inactive);
        assert_eq!(worth(&core, &token).await, OrganisationIntrospection::Inactive);
        let details = core.api_token_details(&secret(&token)).await.unwrap().unwrap();
        assert_eq!(details.token.deactivated.unwrap().1, "user alice");
        // Somebody else's token is as absent as one that never was.
        let foreign = RevokeApiToken { user: Some("dan".parse().unwrap()), id: one.id.clone() };
        assert!(matches!(by_alice(&core, &foreign).await, Err(OpError::NotFound(_))));
    }
}

#[tokio::test]
async fn api_tokens_end_with_their_life_their_idleness_and_their_user() {
    for core in TestCore::each().await.unwrap() {
        let hour = Duration::from_hours(1);
        let short = made(&core, "dan", 2 * hour, Duration::ZERO).await;
        let idle = made(&core, "dan", 100 * hour, 2 * hour).await;
        assert_eq!((short.value.expose().len(), short.token.deactivated), (64, None));
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!(short.value.expose().chars().all(good));
        core.clock.set(core.now().plus(hour + Duration::from_mins(50)));
        // It lives no longer than the token that brought it.
        assert_eq!(redeem(&core, short.value.expose()).await.unwrap().lifetime, Duration::from_mins(10));
        redeem(&core, idle.value.expose()).await.unwrap();
        core.clock.set(core.now().plus(hour + Duration::from_mins(50)));
        assert!(is_bad_token(redeem(&core, short.value.expose()).await));
        let issued = redeem(&core, idle.value.expose()).await.unwrap();
        // The user goes, and everything with it.
        let dan = || "dan".parse().unwrap();
        by_alice(&core, &DeleteAccessKey { user: Some(dan()), key_id: "LTAITESTdan".parse().unwrap() }).await.unwrap();
        by_alice(&core, &DeleteUser { name: dan() }).await.unwrap();
        assert!(bearer(&core, &issued.access_token).await.is_err());
        assert!(is_bad_token(redeem(&core, idle.value.expose()).await));
    }
}

#[tokio::test]
async fn a_switched_off_user_and_a_marked_session_get_nothing() {
    for core in TestCore::each().await.unwrap() {
        let issued = redeem(&core, &api_token_of("bob")).await.unwrap();
        let bob = user::find_by_name(&core.store, core.acme.account, "bob").await.unwrap().unwrap().id;
        let mut changes = ChangeSet::new(core.now());
        changes.push(user::set_status(bob, tegata_model::Status::Inactive));
        changes.touch(core.acme.account);
        core.store.commit(changes).await.unwrap();
        assert!(bearer(&core, &issued.access_token).await.is_err());
        assert!(is_bad_token(redeem(&core, &api_token_of("bob")).await));
        assert!(is_bad_token(redeem(&core, &"A".repeat(64)).await));
        assert!(is_bad_token(redeem(&core, "short").await));
        // Wrong lives and names are refused by name.
        let wrong = |name: &str, lifetime| CreateApiToken {
            user: Some("dan".parse().unwrap()),
            name: name.to_owned(),
            scope: Vec::new(),
            lifetime,
            idle: Duration::ZERO,
        };
        for input in
            [wrong("", Duration::from_hours(1)), wrong("x", Duration::from_secs(1)), wrong("x", Duration::from_hours(24 * 366 * 6))]
        {
            assert!(matches!(by_alice(&core, &input).await, Err(OpError::Invalid(_))), "{input:?}");
        }
        // Nobody makes one for a user without being allowed to.
        let caller = core.user("appserver").await.unwrap();
        assert!(matches!(core.perform(&caller, &wrong("x", Duration::from_hours(1))).await, Err(OpError::Denied(_))));
    }
}

#[tokio::test]
async fn each_kind_of_token_is_verified_by_its_own_keys_only() {
    let core = TestCore::new().await.unwrap();
    let issued = redeem(&core, &api_token_of("bob")).await.unwrap();
    let text = issued.access_token.expose();
    let own = core.organisation_keys().await.unwrap();
    let set = |keys: &serde_json::Value| JwkSet::parse(keys.to_string().as_bytes()).unwrap();
    let claims = OrgClaims::verify(text, &set(&serde_json::json!({ "keys": own.keys }))).unwrap();
    assert_eq!((claims.context_name.as_str(), claims.domain.as_str()), (core.acme.organisation_id.as_str(), "tegata"));
    assert!(own.pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    let others = core.public_keys().await.unwrap();
    assert!(OrgClaims::verify(text, &set(&others)).is_err());
    assert!(AccessClaims::verify(text, &set(&serde_json::json!({ "keys": own.keys }))).is_err());
    for key in &own.keys {
        assert!(!others["keys"].as_array().unwrap().contains(key));
    }
    // Nor is it an access token of the authorization server.
    assert!(super::grants::access(&core, text, None).await.is_err());
}
