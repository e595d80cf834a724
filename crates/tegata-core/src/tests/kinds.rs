//! Every kind of token and code against every place that takes one: each is taken where it belongs, and nowhere else.

use tegata_oauth::{Challenge, Verifier};

use super::{
    grants::{CALLBACK, CHALLENGE, VENDOR, VERIFIER, by_alice, client, failure, install, redeem, refresh, request, secret, signed_in},
    sign_in::create,
    temporary,
};
use crate::{
    GrantFailure, RequestMeta,
    authn::{About, PresentedClient, PresentedToken, Proof},
    client::{CreateClientSecret, InstallClient},
    grant::{BeginDevice, ClientCredentials, ExchangeForSession, ExchangeSubject, Introspect, Introspection, RedeemDeviceCode},
    testing::{BENCH, TestCore, TestKey},
};

/// What there is, by name.
const KINDS: [&str; 14] = [
    "access token",
    "access token of a client",
    "ID token (RS256)",
    "ID token (ES256)",
    "refresh token",
    "code",
    "device code",
    "security token",
    "browser cookie",
    "cookie on the way",
    "first-start link",
    "client secret",
    "form token",
    "proof nonce",
];

/// Who takes what.
const VERIFIERS: [(&str, &[&str]); 11] = [
    // Each takes what is for it only; a token of either client is an access token.
    ("bearer", &["access token", "access token of a client"]),
    ("introspection", &["access token", "access token of a client"]),
    ("exchange for a key", &["access token"]),
    ("subject of an exchange", &["access token"]),
    ("refresh", &["refresh token"]),
    ("code", &["code"]),
    ("device code", &["device code"]),
    ("security token", &["security token"]),
    ("browser", &["browser cookie", "cookie on the way"]),
    ("link", &["first-start link"]),
    ("client secret", &["client secret"]),
];

struct Made {
    core: TestCore,
    texts: Vec<(&'static str, String)>,
    key: TestKey,
}

/// One of each.
async fn made() -> Made {
    let core = TestCore::new().await.unwrap();
    install(&core).await;
    create(&core, "bob", "correct horse").await.unwrap();
    let mut texts: Vec<(&'static str, String)> = Vec::new();
    let bob = signed_in(&core, "bob").await;
    let code = async |client: &str, redirect: &str, more: &[(&str, &str)]| {
        core.approve(&core.meta(), &request(client, redirect, more), &bob, true).await.unwrap().code.expose().to_owned()
    };
    let first = redeem(&core, core.meta(), VENDOR, &code(VENDOR, CALLBACK, &[]).await, CALLBACK).await.unwrap();
    texts.push(("access token", first.access_token.expose().to_owned()));
    texts.push(("ID token (RS256)", first.id_token.unwrap().expose().to_owned()));
    texts.push(("refresh token", first.refresh_token.unwrap().expose().to_owned()));
    texts.push(("code", code(VENDOR, CALLBACK, &[]).await));
    // An application of the account whose ID tokens are signed the other way.
    let mut row = tegata_store::client::find_by_app_id(&core.store, BENCH.0).await.unwrap().unwrap();
    (row.id, row.app_id, row.name) = (tegata_model::ClientId::from_bytes([9; 16]), "5000000000000000009".to_owned(), "other".to_owned());
    (row.id_token_alg, row.redirect_uris) = ("ES256".to_owned(), vec!["https://app.test/cb".to_owned()]);
    let mut changes = tegata_store::ChangeSet::new(core.now());
    changes.push(tegata_store::client::insert(&row));
    changes.touch(core.acme.account);
    core.store.commit(changes).await.unwrap();
    let app_id = row.app_id;
    by_alice(&core, &InstallClient { app_id: app_id.clone(), scopes: None }).await.unwrap();
    let app_secret = by_alice(&core, &CreateClientSecret { app_id: app_id.clone(), overlap: None }).await.unwrap().value;
    let text = code(&app_id, "https://app.test/cb", &[("scope", "openid")]).await;
    let caller = client(&core, core.meta(), &app_id, Some(app_secret.expose()), About::Code(secret(&text))).await.unwrap();
    let redeemed = crate::grant::RedeemCode {
        code: secret(&text),
        redirect_uri: Some("https://app.test/cb".to_owned()),
        verifier: Some(Verifier::parse(VERIFIER).unwrap()),
        key: None,
    };
    let second = core.perform_grant(&caller, &redeemed).await.unwrap();
    texts.push(("ID token (ES256)", second.id_token.unwrap().expose().to_owned()));
    let itself = client(&core, core.meta(), BENCH.0, Some(BENCH.1), About::Itself).await.unwrap();
    let own = core.perform_grant(&itself, &ClientCredentials { scope: None, key: None }).await.unwrap();
    texts.push(("access token of a client", own.access_token.expose().to_owned()));
    texts.push(("client secret", BENCH.1.to_owned()));
    // Browsers: one that is signed in, one that is not yet, and a device that somebody agreed to.
    let stepped = core.sign_in(&core.meta(), "a browser", "bob@acme", secret("correct horse")).await.unwrap().unwrap();
    let browser = core.browser(&stepped.cookie, &core.meta()).await.unwrap().unwrap();
    texts.push(("browser cookie", stepped.cookie.expose().to_owned()));
    let asks = PresentedClient { app_id: VENDOR.to_owned(), secret: None, respelled: None, about: About::Itself, key: None };
    let challenge = Some(Challenge::parse(CHALLENGE).unwrap());
    let begun = core.begin_device(&core.meta(), BeginDevice { client: asks, scope: None, challenge, shows_number: false }).await.unwrap();
    core.approve_device(&core.meta(), &browser, &begun.user_code, None).await.unwrap().unwrap();
    texts.push(("device code", begun.code.expose().to_owned()));
    create(&core, "dan", "correct horse").await.unwrap();
    let reset = crate::directory::LoginProfileChange { reset_required: Some(true), ..super::sign_in::change("dan", None) };
    crate::directory::update_login_profile(&core, &core.user("alice").await.unwrap(), reset).await.unwrap();
    let waits = core.sign_in(&core.meta(), "a browser", "dan@acme", secret("correct horse")).await.unwrap().unwrap();
    texts.push(("cookie on the way", waits.cookie.expose().to_owned()));
    let link = core.root_sign_in_link(&"acme".parse().unwrap()).await.unwrap().unwrap();
    texts.push(("first-start link", link.expose().to_owned()));
    texts.push(("form token", core.form_token(&["a form"]).unwrap()));
    texts.push(("proof nonce", core.proof_nonce().unwrap()));
    let key = temporary(&core, "bob", None).await;
    texts.push(("security token", key.token.as_ref().unwrap().expose().to_owned()));
    Made { core, texts, key }
}

/// Whether a verifier takes a text. Each asks from an address of its own, since wrong guesses are counted by network.
async fn takes(made: &Made, verifier: &str, text: &str, from: u8) -> bool {
    let core = &made.core;
    let meta = || RequestMeta { source: Some([198, 51, 100, from].into()), ..core.meta() };
    let bearer = async || core.authenticate(Proof::Access(PresentedToken { token: secret(text), key: None }), meta()).await;
    match verifier {
        "bearer" => bearer().await.is_ok(),
        "introspection" => {
            let asks = client(core, meta(), BENCH.0, Some(BENCH.1), About::Itself).await.unwrap();
            let said = core.perform(&asks, &Introspect { token: secret(text) }).await.unwrap();
            matches!(said, Introspection::Access { .. })
        }
        "exchange for a key" => match bearer().await {
            Ok(caller) => core.perform(&caller, &ExchangeForSession).await.is_ok(),
            Err(_) => false,
        },
        "subject of an exchange" => match client(core, meta(), VENDOR, None, About::Token(secret(text))).await {
            Ok(caller) => core.perform_grant(&caller, &ExchangeSubject { token: secret(text), scope: None, key: None }).await.is_ok(),
            Err(_) => false,
        },
        "refresh" => refresh(core, VENDOR, text).await.is_ok(),
        "code" => redeem(core, meta(), VENDOR, text, CALLBACK).await.is_ok(),
        "device code" => match client(core, meta(), VENDOR, None, About::Device(secret(text))).await {
            Ok(caller) => {
                let verifier = Some(Verifier::parse(VERIFIER).unwrap());
                core.perform_grant(&caller, &RedeemDeviceCode { code: secret(text), verifier, key: None }).await.is_ok()
            }
            Err(_) => false,
        },
        "security token" => {
            let (key_id, own) = (made.key.key_id.clone(), secret(made.key.secret.expose()));
            core.caller(&TestKey { key_id, secret: own, token: Some(secret(text)) }).await.is_ok()
        }
        "browser" => core.browser(&secret(text), &meta()).await.unwrap().is_some(),
        "link" => core.invited(&secret(text)).await.unwrap().is_some(),
        "client secret" => client(core, meta(), BENCH.0, Some(text), About::Itself).await.is_ok(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_kind_is_taken_in_its_place_only() {
    let made = made().await;
    assert_eq!(made.texts.len(), KINDS.len());
    let mut from = 0;
    // What is used up by being taken comes last, so that everybody has seen it before.
    for right in [false, true] {
        for (verifier, takes_these) in VERIFIERS {
            for kind in KINDS {
                if takes_these.contains(&kind) != right {
                    continue;
                }
                from = from % 250 + 1;
                let text = &made.texts.iter().find(|(name, _)| *name == kind).unwrap_or_else(|| panic!("there is no {kind}")).1;
                assert_eq!(takes(&made, verifier, text, from).await, right, "{kind} at {verifier}");
            }
        }
    }
}

/// Keys are kept apart too: what one kind's key signed, the set of another does not verify, and no two kinds share a key.
#[tokio::test]
async fn no_two_kinds_share_a_key() {
    let made = made().await;
    let kid = |kind: &str| {
        let text = &made.texts.iter().find(|(name, _)| *name == kind).unwrap().1;
        let header = data_encoding::BASE64URL_NOPAD.decode(text.split('.').next().unwrap().as_bytes()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    let kids = [kid("access token"), kid("ID token (RS256)"), kid("ID token (ES256)")];
    assert_eq!(kid("access token"), kid("access token of a client"));
    assert!(kids[0] != kids[1] && kids[0] != kids[2] && kids[1] != kids[2], "{kids:?}");
    let published = made.core.public_keys().await.unwrap();
    let mut published: Vec<&str> = published["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    published.sort_unstable();
    let mut known: Vec<&str> = kids.iter().map(String::as_str).collect();
    known.sort_unstable();
    assert_eq!(published, known);
}

/// A token that knows who somebody is, and may do nothing, becomes no key: neither where our own command line asks nor by RFC 8693.
#[tokio::test]
async fn a_token_without_the_scope_is_exchanged_nowhere() {
    for core in TestCore::each().await.unwrap() {
        install(&core).await;
        let token = super::grants::sign_in(&core).await.refresh_token.unwrap();
        let asks = async || client(&core, core.meta(), VENDOR, None, About::Token(secret(token.expose()))).await.unwrap();
        let fewer = crate::grant::RefreshGrant {
            token: secret(token.expose()),
            scope: Some(tegata_oauth::Scope::parse("openid").unwrap()),
            key: None,
        };
        let narrow = core.perform_grant(&asks().await, &fewer).await.unwrap().access_token;
        let lacks = GrantFailure::Insufficient(tegata_oauth::Scope::USER_SESSION);
        assert_eq!(failure(super::grants::exchange(&core, narrow.expose()).await.map(drop)), lacks);
        let subject = |scope: Option<&str>| ExchangeSubject {
            token: secret(narrow.expose()),
            scope: scope.map(|scope| tegata_oauth::Scope::parse(scope).unwrap()),
            key: None,
        };
        assert_eq!(failure(core.perform_grant(&asks().await, &subject(None)).await.map(drop)), lacks);
        // Asking for it there gives none that was not there.
        let asked = core.perform_grant(&asks().await, &subject(Some(tegata_oauth::Scope::USER_SESSION))).await.map(drop);
        assert_eq!(failure(asked), GrantFailure::Scope(tegata_oauth::Scope::USER_SESSION.to_owned()));
    }
}
