//! What issuers and their bearers send: ID tokens, sets of keys, discovery documents.

use std::sync::OnceLock;

use serde_json::json;
use tegata_oauth::{Algorithm, Discovery, IdToken, JwkSet, Jws, testing::TestKey};

use super::check_error;
use crate::deep;

const ISSUER: &str = "https://idp.test";

/// One issuer with a key of each kind, and a token by each.
struct Setting {
    keys: Vec<JwkSet>,
    sets: Vec<String>,
    tokens: Vec<String>,
}

fn setting() -> &'static Setting {
    static SETTING: OnceLock<Setting> = OnceLock::new();
    #[expect(clippy::panic, reason = "without keys there is nothing to be tried, and nobody else to be told")]
    SETTING.get_or_init(|| make().unwrap_or_else(|error| panic!("the keys could not be made: {error}")))
}

fn make() -> Result<Setting, tegata_oauth::testing::Broken> {
    let mut setting = Setting { keys: Vec::new(), sets: Vec::new(), tokens: Vec::new() };
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384] {
        let key = TestKey::generate("k", algorithm)?;
        let claims = json!({"iss": ISSUER, "sub": "repo:acme/app", "aud": ["sts", "other"], "iat": 1_767_323_045, "exp": 1_767_323_345});
        setting.tokens.push(key.token(&claims)?);
        setting.keys.push(JwkSet::parse(key.jwks().as_bytes())?);
        setting.sets.push(key.jwks());
    }
    Ok(setting)
}

/// The header and payload of a token: what is signed.
fn signed(token: &str) -> &str {
    token.trim_ascii().rsplit_once('.').map_or("", |(signed, _)| signed)
}

/// A token verifies only if what is signed is, letter for letter, what the issuer signed.
pub fn token(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let parsed = match IdToken::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => return check_error(&error),
    };
    let claimed = parsed.claimed();
    assert!(!claimed.audiences.is_empty() && !claimed.subject.is_empty() && claimed.issuer.len() <= 255, "claims without what they need");
    let setting = setting();
    for (keys, genuine) in setting.keys.iter().zip(&setting.tokens) {
        match parsed.clone().verify(keys) {
            Ok(_) => {
                assert_eq!(signed(&text), signed(genuine), "a token verified that was never signed");
                deep();
            }
            Err(error) => check_error(&error),
        }
    }
}

/// A set of keys that is read has keys that fit something, and verifies nothing that its own keys did not sign.
pub fn keys(input: &[u8]) {
    let set = match JwkSet::parse(input) {
        Ok(set) => set,
        Err(error) => return check_error(&error),
    };
    deep();
    for key in set.keys() {
        assert!(Algorithm::ALL.into_iter().any(|algorithm| key.fits(algorithm)), "a key that fits nothing was kept");
    }
    for (token, own) in setting().tokens.iter().zip(&setting().keys) {
        let Ok(message) = Jws::parse(token) else { continue };
        if message.verify(&set).is_ok() {
            assert!(own.keys().any(|key| set.keys().any(|other| key.same_key(other))), "a foreign key verified a token");
        }
    }
}

/// A document that is read speaks for the issuer it was asked of.
pub fn discovery(input: &[u8]) {
    match Discovery::parse(input, ISSUER) {
        Ok(document) => {
            assert_eq!(document.issuer, ISSUER, "a document speaks for somebody else");
            deep();
        }
        Err(error) => check_error(&error),
    }
}

/// Tokens of the issuer, and things that look like one.
pub fn tokens() -> Vec<Vec<u8>> {
    let mut tokens: Vec<Vec<u8>> = setting().tokens.iter().map(|token| token.clone().into_bytes()).collect();
    tokens.push(b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIn0.".to_vec());
    tokens
}

/// Sets of keys of the issuer, and one of every kind.
pub fn sets() -> Vec<Vec<u8>> {
    let mut sets: Vec<Vec<u8>> = setting().sets.iter().map(|set| set.clone().into_bytes()).collect();
    sets.push(
        br#"{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA","use":"enc","key_ops":["verify"]}]}"#.to_vec(),
    );
    sets
}

/// A document of the issuer, and one of another.
pub fn documents() -> Vec<Vec<u8>> {
    let document =
        |issuer: &str| json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "scopes_supported": ["openid"]}).to_string();
    let bare = json!({"issuer": ISSUER, "jwks_uri": "https://keys.test/jwks"}).to_string();
    vec![document(ISSUER).into_bytes(), document("https://else.test").into_bytes(), bare.into_bytes()]
}
