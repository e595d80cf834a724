//! Grants: who gets tokens, what ends them, and what an attacker would try.

use std::time::Duration;

use tegata_model::{SecretKey, Status, UserId};
use tegata_oauth::{AuthorizationRequest, Parameters, Scope, Verifier};
use tegata_store::{ChangeSet, client as client_rows, user};

use super::unauthenticated;
use crate::{
    Caller, Core, Fallen, GrantFailure, OpError, Operation,
    authn::{About, PresentedClient, PresentedKey, PresentedToken, Proof},
    client::{
        AssignClient, ClientKind, ClientSettings, CreateClient, CreateClientSecret, DeleteClient, IdentityName, InstallClient,
        InstallExternalClient, SetAssignmentMode, UnassignClient, UninstallClient, UninstallExternalClient,
    },
    directory::{NewLoginProfile, Page, create_login_profile},
    grant::{ClientCredentials, ExchangeForSession, Introspect, Introspection, IssuedTokens, RedeemCode, RefreshGrant, Revoke, UserInfo},
    limits::Limits,
    session::{ListSessions, RevokeSessions, SessionFilter, Whose},
    signin::{Readiness, SignedIn},
    sts::{CallerIdentity, GetCallerIdentity},
    testing::{BENCH, TestCore, TestKey},
};

pub(super) const VENDOR: &str = "4038181954557748008";
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const CALLBACK: &str = "http://127.0.0.1:12345/cli/callback";

pub(super) fn secret(text: &str) -> SecretKey {
    SecretKey::new(text.to_owned())
}

pub(super) fn request(client: &str, redirect: &str, more: &[(&str, &str)]) -> AuthorizationRequest {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.extend(more);
    let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    AuthorizationRequest::parse(&Parameters::of(pairs).unwrap()).unwrap()
}

pub(super) async fn client(
    core: &Core,
    meta: crate::RequestMeta,
    app_id: &str,
    secret_text: Option<&str>,
    about: About,
) -> Result<Caller, OpError> {
    let presented = PresentedClient { app_id: app_id.to_owned(), secret: secret_text.map(secret), respelled: None, about, key: None };
    core.authenticate(Proof::Client(presented), meta).await
}

/// One operation of the administrator: a signature is good for one.
pub(super) async fn by_alice<O: Operation>(core: &TestCore, operation: &O) -> Result<O::Output, OpError> {
    core.perform(&core.user("alice").await?, operation).await
}

pub(super) async fn bench(core: &TestCore) -> Caller {
    client(core, core.meta(), BENCH.0, Some(BENCH.1), About::Itself).await.unwrap()
}

/// The sample client, as it proves itself by its secret.
pub(super) async fn bench_caller(core: &TestCore) -> Result<Caller, OpError> {
    client(core, core.meta(), BENCH.0, Some(BENCH.1), About::Itself).await
}

async fn user_id(core: &TestCore, name: &str) -> UserId {
    user::find_by_name(&core.store, core.acme.account, name).await.unwrap().unwrap().id
}

pub(super) async fn signed_in(core: &TestCore, name: &str) -> SignedIn {
    SignedIn { user: user_id(core, name).await, role: None, at: core.now(), session: None, second_factor: false }
}

pub(super) fn for_user(name: &str) -> IdentityName {
    IdentityName::User(name.parse().unwrap())
}

/// The official application, installed by alice and assigned to bob.
pub(super) async fn install(core: &TestCore) {
    by_alice(core, &InstallExternalClient { app_id: VENDOR.to_owned(), scopes: None }).await.unwrap();
    by_alice(core, &AssignClient { app_id: VENDOR.to_owned(), identity: for_user("bob") }).await.unwrap();
}

pub(super) async fn redeem(
    core: &Core,
    meta: crate::RequestMeta,
    app_id: &str,
    code: &str,
    redirect: &str,
) -> Result<IssuedTokens, OpError> {
    let shown = if app_id == BENCH.0 { Some(BENCH.1) } else { None };
    let caller = client(core, meta, app_id, shown, About::Code(secret(code))).await?;
    let verifier = Some(Verifier::parse(VERIFIER).unwrap());
    core.perform_grant(&caller, &RedeemCode { code: secret(code), redirect_uri: Some(redirect.to_owned()), verifier, key: None }).await
}

/// The tokens that bob's command line gets.
pub(super) async fn sign_in(core: &TestCore) -> IssuedTokens {
    let bob = signed_in(core, "bob").await;
    let approved = core.approve(&core.meta(), &request(VENDOR, CALLBACK, &[]), &bob, true).await.unwrap();
    redeem(core, core.meta(), VENDOR, approved.code.expose(), CALLBACK).await.unwrap()
}

pub(super) async fn refresh(core: &TestCore, app_id: &str, token: &str) -> Result<IssuedTokens, OpError> {
    let shown = if app_id == BENCH.0 { Some(BENCH.1) } else { None };
    let caller = client(core, core.meta(), app_id, shown, About::Token(secret(token))).await?;
    core.perform_grant(&caller, &RefreshGrant { token: secret(token), scope: None, key: None }).await
}

pub(super) async fn access(core: &TestCore, token: &str, key: Option<PresentedKey>) -> Result<Caller, OpError> {
    core.authenticate(Proof::Access(PresentedToken { token: secret(token), key }), core.meta()).await
}

pub(super) async fn exchange(core: &TestCore, token: &str) -> Result<TestKey, OpError> {
    let caller = access(core, token, None).await?;
    let credential = core.perform(&caller, &ExchangeForSession).await?;
    Ok(TestKey { key_id: credential.access_key_id, secret: credential.secret, token: Some(credential.security_token) })
}

pub(super) async fn is_active(core: &TestCore, token: &str) -> bool {
    core.perform(&bench(core).await, &Introspect { token: secret(token) }).await.unwrap() != Introspection::Inactive
}

pub(super) fn failure<T: std::fmt::Debug>(result: Result<T, OpError>) -> GrantFailure {
    match result {
        Err(OpError::Grant(failure)) => failure,
        other => panic!("expected a grant failure, got {other:?}"),
    }
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself_and_can_ask_what_it_is_worth() {
    for core in TestCore::each().await.unwrap() {
        let caller = bench(&core).await;
        let all = ClientCredentials { scope: None, key: None };
        let before = core.durable_commits();
        let issued = core.perform_grant(&caller, &all).await.unwrap();
        assert_eq!((issued.scope.to_string().as_str(), issued.lifetime), ("aliuid profile", Duration::from_hours(1)));
        assert!(core.durable_commits() > before);
        let Introspection::Access { claims, .. } =
            core.perform(&caller, &Introspect { token: secret(issued.access_token.expose()) }).await.unwrap()
        else {
            panic!("the token is good")
        };
        assert_eq!((claims.sub.as_str(), claims.client_id.as_str(), claims.exp - claims.iat), (BENCH.0, BENCH.0, 3600));
        let before = core.durable_commits();
        assert!(is_active(&core, issued.access_token.expose()).await);
        assert_eq!(core.durable_commits(), before);
        let scope = Some(Scope::parse("openid /internal/ram/usersts").unwrap());
        let asked = ClientCredentials { scope, key: None };
        assert_eq!(failure(core.perform_grant(&caller, &asked).await), GrantFailure::Scope("openid".to_owned()));
        core.perform(&caller, &Revoke { token: secret(issued.access_token.expose()) }).await.unwrap();
        assert!(!is_active(&core, issued.access_token.expose()).await);
        let issued = core.perform_grant(&caller, &all).await.unwrap();
        core.clock.advance(Duration::from_hours(1));
        assert!(!is_active(&core, issued.access_token.expose()).await);
        for (id, shown) in [(BENCH.0, None), (BENCH.0, Some("wrong")), (BENCH.0, Some("")), ("1", Some(BENCH.1)), ("", None)] {
            assert_eq!(unauthenticated(client(&core, core.meta(), id, shown, About::Itself).await), "client", "{id} {shown:?}");
        }
        // Keys are no clients, and clients are no keys.
        assert!(matches!(by_alice(&core, &all).await, Err(OpError::Denied(_))));
        let list = crate::client::ListClients;
        assert!(matches!(core.perform(&caller, &list).await, Err(OpError::Denied(_))));
    }
}

#[tokio::test]
async fn a_person_signs_in_and_exchanges_the_token_for_a_key() {
    for core in TestCore::each().await.unwrap() {
        let bob = signed_in(&core, "bob").await;
        let asked = request(VENDOR, CALLBACK, &[]);
        let application = core.application(&asked).await.unwrap();
        assert_eq!(core.readiness(&application, &bob).await.unwrap(), Readiness::NotInstalled);
        assert_eq!(failure(core.approve(&core.meta(), &asked, &bob, true).await), GrantFailure::Fallen(Fallen::Installation));
        by_alice(&core, &InstallExternalClient { app_id: VENDOR.to_owned(), scopes: None }).await.unwrap();
        assert_eq!(core.readiness(&application, &bob).await.unwrap(), Readiness::NotAssigned);
        by_alice(&core, &AssignClient { app_id: "official-cli".to_owned(), identity: for_user("bob") }).await.unwrap();
        let all = Scope::parse("openid /internal/ram/usersts").unwrap();
        assert_eq!(core.readiness(&application, &bob).await.unwrap(), Readiness::ConsentNeeded(all.clone()));
        assert_eq!(failure(core.approve(&core.meta(), &asked, &bob, false).await), GrantFailure::Fallen(Fallen::Consent));
        let issued = sign_in(&core).await;
        assert_eq!((issued.scope, issued.refresh_lifetime), (all, Some(Duration::from_hours(7 * 24))));
        assert!(issued.id_token.is_some());
        assert_eq!(core.readiness(&application, &bob).await.unwrap(), Readiness::Ready);

        let key = exchange(&core, issued.access_token.expose()).await.unwrap();
        let identity = core.perform(&core.caller(&key).await.unwrap(), &GetCallerIdentity).await.unwrap();
        let caller = core.caller(&key).await.unwrap();
        assert!(matches!(&identity, CallerIdentity::User { name, .. } if name.as_str() == "bob"), "{identity:?}");
        assert_eq!(caller.audit_name(), "user bob");
        assert_eq!(caller.expires_at(), Some(core.now().plus(Duration::from_hours(1))));
        // It can do what bob can.
        core.perform(&caller, &super::assume("app-uploader")).await.unwrap();
        // The token says of bob what its scopes allow, and nothing more.
        let caller = access(&core, issued.access_token.expose(), None).await.unwrap();
        let told = core.perform(&caller, &UserInfo).await.unwrap();
        assert_eq!((told.subject, told.about.len()), (bob.user.to_string(), 0));
        assert!(matches!(core.perform(&caller, &super::assume("app-uploader")).await, Err(OpError::Denied(_))));
        // The owner of the account needs no assignment, and is the account.
        let root = SignedIn { user: core.acme.root, ..bob };
        let approved = core.approve(&core.meta(), &asked, &root, true).await.unwrap();
        let issued = redeem(&core, core.meta(), VENDOR, approved.code.expose(), CALLBACK).await.unwrap();
        let key = exchange(&core, issued.access_token.expose()).await.unwrap();
        let identity = core.perform(&core.caller(&key).await.unwrap(), &GetCallerIdentity).await.unwrap();
        assert!(matches!(identity, CallerIdentity::Owner { .. }));
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_whom_it_was_made() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        let bob = signed_in(&core, "bob").await;
        let asked = request(VENDOR, CALLBACK, &[]);
        let code = async || core.approve(&core.meta(), &asked, &bob, true).await.unwrap().code;
        // Another client, another place, another verifier, too late: the code is spent each time.
        let one = code().await;
        assert_eq!(failure(redeem(&core, core.meta(), "4103531455503354461", one.expose(), CALLBACK).await), GrantFailure::CodeUnknown);
        assert!(matches!(failure(redeem(&core, core.meta(), VENDOR, one.expose(), CALLBACK).await), GrantFailure::CodeUsed(_)));
        let other_place = "http://127.0.0.1:12346/cli/callback";
        assert_eq!(failure(redeem(&core, core.meta(), VENDOR, code().await.expose(), other_place).await), GrantFailure::Redirect);
        let two = code().await;
        let caller = client(&core, core.meta(), VENDOR, None, About::Code(secret(two.expose()))).await.unwrap();
        for verifier in [None, Some(Verifier::parse(&"a".repeat(43)).unwrap())] {
            let input = RedeemCode { code: code().await, redirect_uri: Some(CALLBACK.to_owned()), verifier, key: None };
            assert_eq!(failure(core.perform_grant(&caller, &input).await), GrantFailure::Verifier);
        }
        let late = code().await;
        core.clock.advance(Duration::from_mins(1));
        assert_eq!(failure(redeem(&core, core.meta(), VENDOR, late.expose(), CALLBACK).await), GrantFailure::CodeExpired);
        // Once more, on two nodes at once: one gets tokens, and what it got is over.
        let other = TestCore::node(&core.store, std::sync::Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        let raced = code().await;
        let (left, right) = tokio::join!(
            redeem(&core, core.meta(), VENDOR, raced.expose(), CALLBACK),
            redeem(&other, core.meta(), VENDOR, raced.expose(), CALLBACK)
        );
        let (won, lost) = if left.is_ok() { (left, right) } else { (right, left) };
        assert!(matches!(failure(lost), GrantFailure::CodeUsed(_)));
        assert!(!is_active(&core, won.unwrap().access_token.expose()).await);
    }
}

#[tokio::test]
async fn refresh_tokens_are_replaced_and_theft_is_noticed() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        for (wait, over) in [(59, false), (61, true)] {
            let zero = sign_in(&core).await.refresh_token.unwrap();
            let one = refresh(&core, VENDOR, zero.expose()).await.unwrap().refresh_token.unwrap();
            // The answer was lost: the same successor again.
            let again = refresh(&core, VENDOR, zero.expose()).await.unwrap().refresh_token.unwrap();
            assert!(one == again && one != zero);
            let two = refresh(&core, VENDOR, one.expose()).await.unwrap().refresh_token.unwrap();
            core.clock.advance(Duration::from_secs(wait));
            let refused = failure(refresh(&core, VENDOR, zero.expose()).await);
            assert_eq!(matches!(refused, GrantFailure::RefreshReused(_)), over, "{refused:?}");
            let next = refresh(&core, VENDOR, two.expose()).await;
            assert_eq!(next.is_err(), over, "{next:?}");
        }
        // Of another client, altered, or left alone for a week.
        let token = sign_in(&core).await.refresh_token.unwrap();
        assert_eq!(failure(refresh(&core, "4103531455503354461", token.expose()).await), GrantFailure::RefreshUnknown);
        let altered: String = token.expose().chars().rev().collect();
        assert_eq!(failure(refresh(&core, VENDOR, &altered).await), GrantFailure::NotForYou);
        core.clock.advance(Duration::from_hours(7 * 24));
        assert_eq!(failure(refresh(&core, VENDOR, token.expose()).await), GrantFailure::Expired);
        // Never longer than a month, however often it is used.
        let mut token = sign_in(&core).await.refresh_token.unwrap();
        for _ in 0..4 {
            core.clock.advance(Duration::from_hours(6 * 24));
            token = refresh(&core, VENDOR, token.expose()).await.unwrap().refresh_token.unwrap();
        }
        core.clock.advance(Duration::from_hours(6 * 24));
        assert_eq!(failure(refresh(&core, VENDOR, token.expose()).await), GrantFailure::Expired);
    }
}

/// Many processes of one person refresh at once, each with the token that it has: nobody is locked out.
#[tokio::test]
async fn refreshing_at_once_loses_nothing() {
    let core = TestCore::new().await.unwrap();
    install(&core).await;
    let token = sign_in(&core).await.refresh_token.unwrap();
    let all = futures_util::future::join_all((0..64).map(|_| refresh(&core, VENDOR, token.expose()))).await;
    let next: Vec<_> = all.into_iter().map(|issued| issued.unwrap().refresh_token.unwrap()).collect();
    assert!(next.iter().all(|one| *one == next[0]));
    refresh(&core, VENDOR, next[0].expose()).await.unwrap();
}

/// What takes something away, by name, and how it is done.
const ENDINGS: [&str; 10] =
    ["user", "login", "unassign", "uninstall", "reinstall", "consent", "revoke", "account", "theft", "everything of the application"];

async fn take_away(core: &TestCore, what: &str, issued: &IssuedTokens) {
    let app_id = VENDOR.to_owned();
    match what {
        "user" => {
            let id = user_id(core, "bob").await;
            let mut changes = ChangeSet::new(core.now());
            changes.push(user::set_status(id, Status::Inactive));
            changes.touch(core.acme.account);
            core.store.commit(changes).await.unwrap();
        }
        "login" => {
            let change = NewLoginProfile {
                user: "bob".parse().unwrap(),
                password: None,
                reset_required: false,
                mfa_required: false,
                status: Status::Inactive,
            };
            create_login_profile(core, &core.user("alice").await.unwrap(), change).await.unwrap();
        }
        "account" => {
            let mut changes = ChangeSet::new(core.now());
            changes.push(tegata_store::account::raise_epoch(core.acme.account));
            changes.touch(core.acme.account);
            core.store.commit(changes).await.unwrap();
        }
        "unassign" => by_alice(core, &UnassignClient { app_id, identity: for_user("bob") }).await.unwrap(),
        "uninstall" => by_alice(core, &UninstallExternalClient { app_id }).await.unwrap(),
        "reinstall" => {
            by_alice(core, &UninstallExternalClient { app_id: app_id.clone() }).await.unwrap();
            install(core).await;
        }
        "consent" => core.withdraw_consent(&core.meta(), &signed_in(core, "bob").await, VENDOR).await.unwrap(),
        "revoke" => {
            let token = issued.refresh_token.as_ref().unwrap().expose();
            let caller = client(core, core.meta(), VENDOR, None, About::Token(secret(token))).await.unwrap();
            core.perform(&caller, &Revoke { token: secret(token) }).await.unwrap();
        }
        "everything of the application" => {
            let filter = SessionFilter { app: Some(app_id.clone()), ..SessionFilter::default() };
            let page = Page { after: String::new(), limit: 10 };
            assert_eq!(by_alice(core, &ListSessions { filter, page }).await.unwrap().items.len(), 1);
            let ended = by_alice(core, &RevokeSessions { whose: Whose::App(app_id) }).await.unwrap();
            assert_eq!((ended.ended, ended.at_least), (1, false));
        }
        "theft" => {
            let zero = issued.refresh_token.as_ref().unwrap();
            let one = refresh(core, VENDOR, zero.expose()).await.unwrap().refresh_token.unwrap();
            refresh(core, VENDOR, one.expose()).await.unwrap();
            core.clock.advance(Duration::from_secs(61));
            assert!(refresh(core, VENDOR, zero.expose()).await.is_err());
        }
        other => panic!("{other}"),
    }
}

/// The property: once something that a grant stands on is taken away, no grant yields anything, and nothing that it gave counts.
#[tokio::test]
async fn no_grant_yields_anything_once_what_it_stands_on_is_gone() {
    for ending in ENDINGS {
        for core in TestCore::each().await.unwrap() {
            install(&core).await;
            let issued = sign_in(&core).await;
            let key = exchange(&core, issued.access_token.expose()).await.unwrap();
            let bob = signed_in(&core, "bob").await;
            let asked = request(VENDOR, CALLBACK, &[]);
            let code = core.approve(&core.meta(), &asked, &bob, false).await.unwrap().code;
            assert!(is_active(&core, issued.access_token.expose()).await);
            core.caller(&key).await.unwrap();
            take_away(&core, ending, &issued).await;

            assert!(!is_active(&core, issued.access_token.expose()).await, "{ending}: introspection");
            assert!(exchange(&core, issued.access_token.expose()).await.is_err(), "{ending}: exchange");
            assert!(access(&core, issued.access_token.expose(), None).await.is_err(), "{ending}: user info");
            assert!(core.caller(&key).await.is_err(), "{ending}: the key that was exchanged");
            let token = issued.refresh_token.as_ref().unwrap();
            assert!(refresh(&core, VENDOR, token.expose()).await.is_err(), "{ending}: refresh");
            // What ends one grant says nothing of another that the same person began.
            if !matches!(ending, "revoke" | "theft") {
                assert!(redeem(&core, core.meta(), VENDOR, code.expose(), CALLBACK).await.is_err(), "{ending}: code");
            }
            if matches!(ending, "user" | "login" | "unassign" | "uninstall") {
                assert!(core.approve(&core.meta(), &asked, &bob, true).await.is_err(), "{ending}: a new code");
            }
            if matches!(ending, "reinstall" | "consent") {
                assert_eq!(failure(core.approve(&core.meta(), &asked, &bob, false).await), GrantFailure::Fallen(Fallen::Consent));
            }
        }
    }
}

/// The same for clients that ask for themselves.
#[tokio::test]
async fn a_client_that_is_gone_gets_nothing() {
    for ending in ["delete", "uninstall", "disable", "secret", "account"] {
        for core in TestCore::each().await.unwrap() {
            let made = by_alice(
                &core,
                &CreateClient {
                    name: Some("job".to_owned()),
                    kind: ClientKind::Server,
                    protocol_version: None,
                    settings: ClientSettings { scopes: Some(Scope::parse("profile").unwrap()), ..ClientSettings::default() },
                },
            )
            .await
            .unwrap();
            let app_id = made.app_id.clone();
            let new = by_alice(&core, &CreateClientSecret { app_id: app_id.clone(), overlap: None }).await.unwrap();
            let job = async || client(&core, core.meta(), &app_id, Some(new.value.expose()), About::Itself).await;
            let ask = ClientCredentials { scope: None, key: None };
            // Not before it is installed.
            let refused = core.perform_grant(&job().await.unwrap(), &ask).await;
            assert_eq!(failure(refused), GrantFailure::Fallen(Fallen::Installation));
            by_alice(&core, &InstallClient { app_id: app_id.clone(), scopes: None }).await.unwrap();
            let known = job().await.unwrap();
            let token = core.perform_grant(&known, &ask).await.unwrap().access_token;
            assert!(is_active(&core, token.expose()).await);
            let mut changes = ChangeSet::new(core.now());
            changes.touch(core.acme.account);
            match ending {
                "delete" => by_alice(&core, &DeleteClient { app_id: app_id.clone() }).await.unwrap(),
                "uninstall" => by_alice(&core, &UninstallClient { app_id: app_id.clone() }).await.unwrap(),
                "disable" => {
                    let row = client_rows::find_by_app_id(&core.store, &app_id).await.unwrap().unwrap();
                    changes.push(client_rows::set_status(row.id, Status::Inactive));
                }
                "account" => changes.push(tegata_store::account::set_status(core.acme.account, Status::Inactive)),
                _ => {
                    // A new secret with an overlap: the old one counts until it is over.
                    let overlap = Some(Duration::from_hours(1));
                    by_alice(&core, &CreateClientSecret { app_id: app_id.clone(), overlap }).await.unwrap();
                    assert!(job().await.is_ok());
                    core.clock.advance(Duration::from_hours(1));
                }
            }
            core.store.commit(changes).await.unwrap();
            let again = job().await;
            if ending == "uninstall" {
                assert!(core.perform_grant(&again.unwrap(), &ask).await.is_err(), "{ending}");
            } else {
                assert!(again.is_err(), "{ending}");
            }
            // Whoever was let in before is looked at again.
            if ending != "secret" {
                assert!(core.perform_grant(&known, &ask).await.is_err(), "{ending}: authenticated before");
            }
            if ending != "account" {
                assert!(!is_active(&core, token.expose()).await, "{ending}: introspection");
            }
        }
    }
}

#[tokio::test]
async fn tokens_are_for_their_place_and_their_key() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        let bob = signed_in(&core, "bob").await;
        // Only `openid`: no key for it.
        let narrow = request(VENDOR, CALLBACK, &[("scope", "openid")]);
        let narrowed = core.application(&narrow).await.unwrap();
        // What the official application requires cannot be left out, so its tokens always have both.
        assert_eq!(narrowed.scope.to_string(), "openid /internal/ram/usersts");
        let issued = sign_in(&core).await;
        let token = issued.refresh_token.as_ref().unwrap().expose();
        let caller = client(&core, core.meta(), VENDOR, None, About::Token(secret(token))).await.unwrap();
        let fewer = RefreshGrant { token: secret(token), scope: Some(Scope::parse("openid").unwrap()), key: None };
        let narrow = core.perform_grant(&caller, &fewer).await.unwrap();
        assert_eq!(failure(exchange(&core, narrow.access_token.expose()).await), GrantFailure::Insufficient(Scope::USER_SESSION));
        // Of an application of the account: it can hold no such scope, and its tokens are not taken.
        let asked = request(BENCH.0, "https://bench.test/cb", &[("scope", "openid profile"), ("access_type", "offline")]);
        let approved = core.approve(&core.meta(), &asked, &bob, true).await.unwrap();
        let of_bench = redeem(&core, core.meta(), BENCH.0, approved.code.expose(), "https://bench.test/cb").await.unwrap();
        assert_eq!(failure(exchange(&core, of_bench.access_token.expose()).await), GrantFailure::NotForYou);
        assert!(of_bench.refresh_token.is_some() && of_bench.id_token.is_some());
        let told = core.perform(&access(&core, of_bench.access_token.expose(), None).await.unwrap(), &UserInfo).await.unwrap();
        assert_eq!(told.about["upn"], "bob@acme.onaliyun.com");
        refresh(&core, BENCH.0, of_bench.refresh_token.unwrap().expose()).await.unwrap();
        let alone = request(BENCH.0, "https://bench.test/cb", &[("scope", "openid /internal/ram/usersts")]);
        assert_eq!(failure(core.application(&alone).await), GrantFailure::Scope(Scope::USER_SESSION.to_owned()));
        // An ID token is no access token.
        assert_eq!(unauthenticated(access(&core, of_bench.id_token.unwrap().expose(), None).await), "token-malformed");
        // A token that is bound to a key, as Bearer and with another key.
        let asked = request("tegata-cli", CALLBACK, &[]);
        let approved = core.approve(&core.meta(), &asked, &bob, true).await.unwrap();
        let refused = redeem(&core, core.meta(), "tegata-cli", approved.code.expose(), CALLBACK).await;
        assert_eq!(failure(refused), GrantFailure::KeyNeeded);
        let approved = core.approve(&core.meta(), &asked, &bob, true).await.unwrap();
        let caller = client(&core, core.meta(), "tegata-cli", None, About::Code(secret(approved.code.expose()))).await.unwrap();
        let bound = RedeemCode {
            code: approved.code,
            redirect_uri: Some(CALLBACK.to_owned()),
            verifier: Some(Verifier::parse(VERIFIER).unwrap()),
            key: Some("thumb".to_owned()),
        };
        let bound = core.perform_grant(&caller, &bound).await.unwrap();
        assert!(bound.key_bound);
        let key = |thumbprint: &str, jti: &str| Some(PresentedKey { thumbprint: thumbprint.to_owned(), jti: jti.to_owned() });
        let text = bound.access_token.expose();
        assert_eq!(failure(access(&core, text, None).await), GrantFailure::KeyNeeded);
        assert_eq!(failure(access(&core, text, key("other", "1")).await), GrantFailure::KeyOther);
        let caller = access(&core, text, key("thumb", "1")).await.unwrap();
        core.perform(&caller, &ExchangeForSession).await.unwrap();
        // The same proof here, and on another node.
        assert_eq!(unauthenticated(access(&core, text, key("thumb", "1")).await), "replayed");
        let other = TestCore::node(&core.store, std::sync::Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        let presented = PresentedToken { token: secret(text), key: key("thumb", "1") };
        assert_eq!(unauthenticated(other.authenticate(Proof::Access(presented), core.meta()).await), "replayed");
        // A bound refresh token stays as it is.
        let token = bound.refresh_token.unwrap();
        let caller = client(&core, core.meta(), "tegata-cli", None, About::Token(secret(token.expose()))).await.unwrap();
        let again = RefreshGrant { token: secret(token.expose()), scope: None, key: None };
        assert_eq!(failure(core.perform_grant(&caller, &again).await), GrantFailure::KeyNeeded);
        for _ in 0..2 {
            let again = RefreshGrant { token: secret(token.expose()), scope: None, key: Some("thumb".to_owned()) };
            assert_eq!(core.perform_grant(&caller, &again).await.unwrap().refresh_token.unwrap(), token);
        }
    }
}

#[tokio::test]
async fn signing_keys_are_replaced_with_an_overlap() {
    let core = TestCore::new().await.unwrap();
    let caller = bench(&core).await;
    let ask = ClientCredentials { scope: None, key: None };
    let old = core.perform_grant(&caller, &ask).await.unwrap().access_token;
    let count = async || core.public_keys().await.unwrap()["keys"].as_array().unwrap().len();
    assert_eq!(count().await, 3);
    core.replace_signing_key(crate::KeyUse::Access).await.unwrap();
    assert_eq!(count().await, 4);
    let kid = |token: &SecretKey| token.expose().split('.').next().unwrap().to_owned();
    let same = core.perform_grant(&caller, &ask).await.unwrap().access_token;
    assert_eq!(kid(&old), kid(&same));
    core.clock.advance(Duration::from_mins(5));
    let new = core.perform_grant(&caller, &ask).await.unwrap().access_token;
    assert_ne!(kid(&old), kid(&new));
    assert!(is_active(&core, old.expose()).await && is_active(&core, new.expose()).await);
    core.clock.advance(Duration::from_hours(24));
    assert_eq!(count().await, 3);
}

/// Keys that somebody else may have are gone at once, on every node, whatever was remembered; sign-ins go on.
#[tokio::test]
async fn dropped_signing_keys_count_no_more() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        let issued = sign_in(&core).await;
        core.replace_signing_key(crate::KeyUse::Access).await.unwrap();
        let other = TestCore::node(&core.store, std::sync::Arc::clone(&core.clock), 9, Limits::default()).await.unwrap();
        let old = issued.access_token.expose();
        let ask = async |node: &Core| {
            let shown = PresentedToken { token: secret(old), key: None };
            node.authenticate(Proof::Access(shown), core.meta()).await
        };
        assert!(ask(&core).await.is_ok() && ask(&other).await.is_ok(), "remembered on both");
        core.drop_signing_keys(crate::KeyUse::Access).await.unwrap();
        assert_eq!(unauthenticated(ask(&core).await), "token-malformed");
        assert_eq!(unauthenticated(ask(&other).await), "token-malformed");
        let keys = core.public_keys().await.unwrap();
        assert_eq!(keys["keys"].as_array().unwrap().len(), 3, "one of each use, and nothing that is gone");
        let next = refresh(&core, VENDOR, issued.refresh_token.unwrap().expose()).await.unwrap();
        assert!(is_active(&core, next.access_token.expose()).await);
        // Keys of another use stay as they were.
        core.drop_signing_keys(crate::KeyUse::IdRsa).await.unwrap();
        assert!(is_active(&core, next.access_token.expose()).await);
    }
}

/// An account may let everybody in, and take that back: then those who are not assigned have nothing any more.
#[tokio::test]
async fn everybody_may_and_then_only_those_who_are_assigned() {
    use crate::client::AssignmentMode;
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        let mode = |mode| SetAssignmentMode { app_id: "official-cli".to_owned(), mode };
        let asked = request(VENDOR, CALLBACK, &[]);
        let key_of = async |name: &str| {
            let who = signed_in(&core, name).await;
            let approved = core.approve(&core.meta(), &asked, &who, true).await?;
            let issued = redeem(&core, core.meta(), VENDOR, approved.code.expose(), CALLBACK).await?;
            Ok::<_, OpError>((exchange(&core, issued.access_token.expose()).await?, issued))
        };
        assert_eq!(failure(key_of("dan").await), GrantFailure::Fallen(Fallen::Assignment));
        by_alice(&core, &mode(AssignmentMode::All)).await.unwrap();
        let (bob, dan) = (key_of("bob").await.unwrap(), key_of("dan").await.unwrap());
        // The same once more changes nothing.
        by_alice(&core, &mode(AssignmentMode::All)).await.unwrap();
        by_alice(&core, &mode(AssignmentMode::OnDemand)).await.unwrap();
        assert!(core.caller(&bob.0).await.is_ok() && is_active(&core, bob.1.access_token.expose()).await);
        assert!(core.caller(&dan.0).await.is_err() && !is_active(&core, dan.1.access_token.expose()).await);
        assert!(refresh(&core, VENDOR, dan.1.refresh_token.unwrap().expose()).await.is_err());
        // Allowing everybody again brings nothing back.
        by_alice(&core, &mode(AssignmentMode::All)).await.unwrap();
        assert!(core.caller(&dan.0).await.is_err());
        let other = SetAssignmentMode { app_id: BENCH.0.to_owned(), mode: AssignmentMode::All };
        assert!(matches!(by_alice(&core, &other).await, Err(OpError::Invalid(_))));
    }
}
