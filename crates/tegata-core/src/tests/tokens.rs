//! The security token: its size, and everything that must not open.

use tegata_model::AccessKeyId;

use super::{temporary, unauthenticated};
use crate::{keyring::Place, testing::TestCore};

/// A session policy of exactly `len` characters that does not compress well.
fn policy(len: usize) -> String {
    let head = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:PutObject","Resource":["acs:oss:*:*:photos/"#;
    let tail = r#""]}]}"#;
    let mut noise = String::new();
    let mut state = 12345_u64;
    while head.len() + noise.len() + tail.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.push(char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/"[(state >> 33) as usize % 65]));
    }
    format!("{head}{noise}{tail}")
}

#[tokio::test]
async fn a_token_with_a_policy_of_1_kib_fits_2_kib_and_a_larger_policy_goes_by_row() {
    for core in TestCore::each().await.unwrap() {
        for len in [300, 1024, 2048] {
            let text = policy(len);
            let key = temporary(&core, "bob", Some(&text)).await;
            let token = key.token.as_ref().unwrap().expose().to_owned();
            assert!(token.len() <= 2048, "{len}: {}", token.len());
            assert!(token.starts_with("CAIS"));
            let row = tegata_store::session::policy(&core.store, *crate::token::session_of(&key.key_id).unwrap().as_bytes()).await.unwrap();
            assert_eq!(row.is_some(), len == 2048);
            // Either way the session is narrowed by it.
            let caller = core.caller(&key).await.unwrap();
            assert!(super::put(&core, &caller, "elsewhere", "x").await.is_err());
        }
    }
}

#[tokio::test]
async fn tokens_that_do_not_open() {
    let core = TestCore::new().await.unwrap();
    let key = temporary(&core, "bob", None).await;
    let token = key.token.as_ref().unwrap().expose().to_owned();
    let reason = async |key_id: &AccessKeyId, token: Option<String>| {
        let key = crate::testing::TestKey {
            key_id: key_id.clone(),
            secret: tegata_model::SecretKey::new(key.secret.expose().to_owned()),
            token: token.map(tegata_model::SecretKey::new),
        };
        core.caller(&key).await.err().map(|error| unauthenticated::<()>(Err(error)))
    };
    assert_eq!(reason(&key.key_id, Some(token.clone())).await, None);
    assert_eq!(reason(&key.key_id, None).await, Some("token-missing"));
    // Every single character matters.
    for at in (0..token.len()).step_by(7) {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(reason(&key.key_id, Some(String::from_utf8(altered).unwrap())).await, Some("token-malformed"), "at {at}");
    }
    for garbage in ["", "CAIS", "not base64 !", &"A".repeat(5000)] {
        let answer = reason(&key.key_id, Some(garbage.to_owned())).await;
        assert!(matches!(answer, Some("token-malformed" | "token-missing")), "{garbage}: {answer:?}");
    }
    // The token of one session with the key of another.
    let other = temporary(&core, "bob", None).await;
    assert_eq!(reason(&other.key_id, Some(token.clone())).await, Some("token-mismatch"));
    assert_eq!(reason(&"STS.unknown".parse().unwrap(), Some(token.clone())).await, Some("token-mismatch"));
    assert_eq!(reason(&"STS.unknown".parse().unwrap(), None).await, Some("unknown-key"));
    assert_eq!(reason(&core.key("bob").unwrap().key_id, Some(token)).await, Some("token-mismatch"));
}

#[tokio::test]
async fn a_sealed_secret_opens_only_in_its_own_row() {
    let core = TestCore::new().await.unwrap();
    let bob = tegata_store::access_key::find(&core.store, "LTAITESTbob").await.unwrap().unwrap();
    let alice = tegata_store::access_key::find(&core.store, "LTAITESTalice").await.unwrap().unwrap();
    let open = |row: &tegata_store::access_key::AccessKeyRow, table| {
        core.keyring.open_row(&Place { table, row: row.id.as_bytes(), account: &row.account_id }, &bob.sealed_secret)
    };
    assert_eq!(open(&bob, "access_keys").unwrap().expose(), core.key("bob").unwrap().secret.expose());
    assert!(open(&alice, "access_keys").is_err(), "swapped into another row");
    assert!(open(&bob, "elsewhere").is_err(), "swapped into another table");
}

#[tokio::test]
async fn another_issuer_or_master_key_opens_nothing() {
    use crate::keyring::{Keyring, KeyringError, MasterKey};
    let core = TestCore::new().await.unwrap();
    let key = temporary(&core, "bob", None).await;
    let token = key.token.as_ref().unwrap().expose();
    let entropy = crate::testing::SeededEntropy::new(5);
    let same =
        Keyring::open(&core.store, &MasterKey::new(crate::testing::MASTER), crate::testing::ISSUER, &entropy, core.now()).await.unwrap();
    assert!(crate::token::open(&same, &key.key_id, token).is_ok());
    let foreign =
        Keyring::open(&core.store, &MasterKey::new(crate::testing::MASTER), "http://other.test", &entropy, core.now()).await.unwrap();
    assert!(crate::token::open(&foreign, &key.key_id, token).is_err());
    let wrong = Keyring::open(&core.store, &MasterKey::new([8; 32]), crate::testing::ISSUER, &entropy, core.now()).await;
    assert!(matches!(wrong, Err(KeyringError::WrongMasterKey(1))));
}

#[tokio::test]
async fn without_entropy_nothing_is_issued() {
    let core = TestCore::new().await.unwrap();
    let keyring = crate::keyring::Keyring::open(
        &core.store,
        &crate::keyring::MasterKey::new(crate::testing::MASTER),
        crate::testing::ISSUER,
        &crate::testing::SeededEntropy::new(1),
        core.now(),
    )
    .await
    .unwrap();
    let fresh = crate::Core::new(crate::Parts {
        store: (*core.store).clone(),
        blobs: tegata_store::blob::Blobs::local(&core.store.folder().join("blobs")).unwrap(),
        keyring,
        clock: core.clock.clone(),
        entropy: std::sync::Arc::new(crate::testing::Dry),
        outbound: core.outbound.clone(),
        mailer: None,
        limits: crate::limits::Limits::default(),
        services: crate::org::Services::sample(),
        role_policies: crate::org::RolePolicies::default(),
    });
    assert!(fresh.is_err(), "a node without entropy does not start");
}
