//! Applications of other accounts: let in where an account says so, and ended by either side.

use std::time::Duration;

use tegata_model::Status;
use tegata_oauth::{RedirectUri, Scope};
use tegata_store::{ChangeSet, account, client as client_rows};

use super::grants::{by_alice, client, failure, is_active, refresh, request, secret, signed_in};
use crate::{
    Fallen, GrantFailure, OpError,
    authn::About,
    client::{
        ClientKind, ClientSettings, CreateClient, CreateClientSecret, DeleteClient, DescribeApplicationPolicy, IdTokenAlg,
        InstallExternalClient, ListInstallations, SetApplicationPolicy, UninstallExternalClient, UpdateClient,
    },
    grant::{Introspect, Introspection, IssuedTokens, RedeemCode, RefreshGrant, Revoke},
    signin::Readiness,
    testing::TestCore,
};

const PLACE: &str = "https://photos.example/callback";

/// An application of globex for others, with its secret.
async fn photo_book(core: &TestCore, multi_tenant: bool) -> (String, String) {
    let mallory = core.user("mallory").await.unwrap();
    let settings = ClientSettings {
        multi_tenant: Some(multi_tenant),
        redirect_uris: Some(vec![RedirectUri::parse(PLACE).unwrap()]),
        scopes: Some(Scope::parse("openid profile").unwrap()),
        id_token_alg: Some(IdTokenAlg::Es256),
        ..ClientSettings::default()
    };
    let new = CreateClient { name: Some("photo-book".to_owned()), kind: ClientKind::Web, protocol_version: None, settings };
    let made = core.perform(&mallory, &new).await.unwrap();
    assert_eq!((made.id_token_alg, made.multi_tenant), (IdTokenAlg::Es256, multi_tenant));
    let mallory = core.user("mallory").await.unwrap();
    let shown = core.perform(&mallory, &CreateClientSecret { app_id: made.app_id.clone(), overlap: None }).await.unwrap();
    (made.app_id, shown.value.expose().to_owned())
}

async fn let_in(core: &TestCore, foreign: bool) {
    assert_eq!(by_alice(core, &SetApplicationPolicy { foreign }).await.unwrap().foreign, foreign);
}

fn install(app_id: &str) -> InstallExternalClient {
    InstallExternalClient { app_id: app_id.to_owned(), scopes: None }
}

/// What bob's agreement gives the application.
async fn sign_in(core: &TestCore, app_id: &str, shown: &str) -> Result<IssuedTokens, OpError> {
    let bob = signed_in(core, "bob").await;
    let asked = request(app_id, PLACE, &[("scope", "openid profile offline_access"), ("access_type", "offline")]);
    let approved = core.approve(&core.meta(), &asked, &bob, true).await?;
    let code = approved.code.expose();
    let caller = client(core, core.meta(), app_id, Some(shown), About::Code(secret(code))).await?;
    assert_eq!(caller.account(), core.acme.account, "it asks where the person is");
    let verifier = Some(tegata_oauth::Verifier::parse(super::grants::VERIFIER).unwrap());
    core.perform_grant(&caller, &RedeemCode { code: secret(code), redirect_uri: Some(PLACE.to_owned()), verifier, key: None }).await
}

async fn renew(core: &TestCore, app_id: &str, shown: &str, token: &str) -> Result<IssuedTokens, OpError> {
    let caller = client(core, core.meta(), app_id, Some(shown), About::Token(secret(token))).await?;
    core.perform_grant(&caller, &RefreshGrant { token: secret(token), scope: None, key: None }).await
}

#[tokio::test]
async fn nobody_is_let_in_unless_the_account_says_so() {
    for core in TestCore::each().await.unwrap() {
        let (app_id, shown) = photo_book(&core, true).await;
        let bob = signed_in(&core, "bob").await;
        let asked = core.application(&request(&app_id, PLACE, &[])).await.unwrap();
        assert!(!by_alice(&core, &DescribeApplicationPolicy).await.unwrap().foreign);
        // While it is off, one that exists is refused as one that does not.
        let one = by_alice(&core, &install(&app_id)).await.unwrap_err().to_string();
        let none = by_alice(&core, &install("5999999999999999999")).await.unwrap_err().to_string();
        assert!(one == none && one.contains("lets no applications of other accounts in"), "{one} {none}");
        assert_eq!(core.readiness(&asked, &bob).await.unwrap(), Readiness::NotInstalled);
        // Who may not say so does not.
        let dan = core.user("dan").await.unwrap();
        assert!(matches!(core.perform(&dan, &SetApplicationPolicy { foreign: true }).await, Err(OpError::Denied(_))));
        let_in(&core, true).await;
        let dan = core.user("dan").await.unwrap();
        assert!(matches!(core.perform(&dan, &install(&app_id)).await, Err(OpError::Denied(_))));
        assert!(matches!(by_alice(&core, &install("5999999999999999999")).await, Err(OpError::NotFound(_))));
        // Nothing without an installation, and with it nothing without a person's consent.
        assert_eq!(core.readiness(&asked, &bob).await.unwrap(), Readiness::NotInstalled);
        let installed = by_alice(&core, &install(&app_id)).await.unwrap();
        assert!(!installed.official && installed.app_id == app_id);
        assert!(matches!(core.readiness(&asked, &bob).await.unwrap(), Readiness::ConsentNeeded(_)));
        let listed = async |external| by_alice(&core, &ListInstallations { external: Some(external) }).await.unwrap();
        assert!(listed(true).await.iter().any(|one| one.app_id == app_id) && !listed(false).await.iter().any(|one| one.app_id == app_id));
        let tokens = sign_in(&core, &app_id, &shown).await.unwrap();
        let token = tokens.refresh_token.unwrap();
        let again = renew(&core, &app_id, &shown, token.expose()).await.unwrap();
        // It may ask what its own token is worth, from its own account.
        let seen = |token: &str| Introspect { token: secret(token) };
        let own = client(&core, core.meta(), &app_id, Some(&shown), About::Itself).await.unwrap();
        assert_eq!(own.account(), core.globex.account);
        assert_ne!(core.perform(&own, &seen(again.access_token.expose())).await.unwrap(), Introspection::Inactive);
        assert!(is_active(&core, again.access_token.expose()).await);
        // It is no way to the tokens of other applications of that account.
        super::grants::install(&core).await;
        let bobs = super::grants::sign_in(&core).await;
        let stranger = client(&core, core.meta(), &app_id, Some(&shown), About::Token(bobs.refresh_token.unwrap())).await.unwrap();
        assert_eq!(stranger.account(), core.globex.account);
        assert_eq!(core.perform(&stranger, &seen(bobs.access_token.expose())).await.unwrap(), Introspection::Inactive);
        // What it takes back is over here too.
        let token = again.refresh_token.unwrap();
        let caller = client(&core, core.meta(), &app_id, Some(&shown), About::Token(secret(token.expose()))).await.unwrap();
        core.perform_grant(&caller, &Revoke { token: secret(token.expose()) }).await.unwrap();
        assert!(!is_active(&core, again.access_token.expose()).await);
        assert!(renew(&core, &app_id, &shown, token.expose()).await.is_err());
    }
}

#[tokio::test]
async fn one_that_is_not_offered_to_others_is_none() {
    for core in TestCore::each().await.unwrap() {
        let (app_id, _) = photo_book(&core, false).await;
        let_in(&core, true).await;
        assert!(matches!(by_alice(&core, &install(&app_id)).await, Err(OpError::NotFound(_))));
        let mut changes = ChangeSet::new(core.now());
        changes.push(account::set_status(core.globex.account, Status::Inactive));
        changes.touch(core.globex.account);
        core.store.commit(changes).await.unwrap();
        assert!(matches!(by_alice(&core, &install(&app_id)).await, Err(OpError::NotFound(_))));
    }
}

#[tokio::test]
async fn either_side_ends_everything() {
    for ending in ["uninstall", "policy", "publisher", "delete", "not offered", "disabled", "person", "account"] {
        for core in TestCore::each().await.unwrap() {
            let (app_id, shown) = photo_book(&core, true).await;
            let_in(&core, true).await;
            by_alice(&core, &install(&app_id)).await.unwrap();
            let tokens = sign_in(&core, &app_id, &shown).await.unwrap();
            let token = tokens.refresh_token.unwrap();
            assert!(is_active(&core, tokens.access_token.expose()).await);
            let bob = signed_in(&core, "bob").await;
            let asked = core.application(&request(&app_id, PLACE, &[])).await.unwrap();
            let mut changes = ChangeSet::new(core.now());
            let globex = core.globex.account;
            match ending {
                "uninstall" => {
                    by_alice(&core, &UninstallExternalClient { app_id: app_id.clone() }).await.unwrap();
                }
                "policy" => let_in(&core, false).await,
                "publisher" => {
                    changes.push(account::set_status(globex, Status::Inactive));
                    changes.touch(globex);
                }
                "delete" => {
                    let mallory = core.user("mallory").await.unwrap();
                    core.perform(&mallory, &DeleteClient { app_id: app_id.clone() }).await.unwrap();
                }
                "not offered" => {
                    let settings = ClientSettings { multi_tenant: Some(false), ..ClientSettings::default() };
                    let mallory = core.user("mallory").await.unwrap();
                    core.perform(&mallory, &UpdateClient { app_id: app_id.clone(), settings }).await.unwrap();
                }
                "disabled" => {
                    let row = client_rows::find_by_app_id(&core.store, &app_id).await.unwrap().unwrap();
                    changes.push(client_rows::set_status(row.id, Status::Inactive));
                    changes.touch(globex);
                }
                "person" => {
                    changes.push(tegata_store::user::set_status(bob.user, Status::Inactive));
                    changes.touch(core.acme.account);
                }
                _ => {
                    changes.push(account::set_status(core.acme.account, Status::Inactive));
                    changes.touch(core.acme.account);
                }
            }
            core.store.commit(changes).await.unwrap();
            assert!(renew(&core, &app_id, &shown, token.expose()).await.is_err(), "{ending}: refresh");
            let own = client(&core, core.meta(), &app_id, Some(&shown), About::Itself).await;
            if let Ok(own) = own {
                let seen = core.perform(&own, &Introspect { token: tokens.access_token }).await.unwrap();
                assert_eq!(seen, Introspection::Inactive, "{ending}: introspection");
            }
            match ending {
                "person" | "account" => assert!(core.readiness(&asked, &bob).await.is_err(), "{ending}"),
                "disabled" | "delete" => assert!(core.application(&request(&app_id, PLACE, &[])).await.is_err(), "{ending}"),
                _ => {
                    let asked = core.application(&request(&app_id, PLACE, &[])).await.unwrap();
                    assert_eq!(core.readiness(&asked, &bob).await.unwrap(), Readiness::NotInstalled, "{ending}");
                    assert_eq!(failure(sign_in(&core, &app_id, &shown).await), GrantFailure::Fallen(Fallen::Installation), "{ending}");
                }
            }
            if ending == "policy" {
                // Nothing was taken away for good: what stood stands again.
                let_in(&core, true).await;
                core.clock.advance(Duration::from_secs(1));
                assert!(renew(&core, &app_id, &shown, token.expose()).await.is_ok());
            }
            let gone = by_alice(&core, &UninstallExternalClient { app_id: app_id.clone() }).await;
            match ending {
                "uninstall" | "delete" => assert!(matches!(gone, Err(OpError::NotFound(_))), "{ending}: {gone:?}"),
                "account" => assert!(gone.is_err()),
                _ => assert!(gone.is_ok(), "{ending}: {gone:?}"),
            }
        }
    }
}

#[tokio::test]
async fn the_official_application_needs_no_permission_of_that_kind() {
    for core in TestCore::each().await.unwrap() {
        let_in(&core, false).await;
        super::grants::install(&core).await;
        let issued = super::grants::sign_in(&core).await;
        assert!(refresh(&core, super::grants::VENDOR, issued.refresh_token.unwrap().expose()).await.is_ok());
    }
}
