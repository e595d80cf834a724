//! What verifies, and above all what does not.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};
use tegata_model::Timestamp;

use crate::{testing::TestKey, *};

fn claims() -> Value {
    json!({"iss":"https://idp.test","sub":"repo:acme/app:ref:refs/heads/main","aud":["sts"],"iat":1_000_000,"exp":1_000_300})
}

fn verified(token: &str, keys: &str) -> Result<VerifiedIdToken, String> {
    let keys = JwkSet::parse(keys.as_bytes()).map_err(|error| error.to_string())?;
    IdToken::parse(token).map_err(|error| error.to_string())?.verify(&keys).map_err(|error| error.to_string())
}

#[test]
fn every_algorithm_verifies_with_its_own_kind_of_key_alone() {
    let keys: Vec<TestKey> = Algorithm::ALL.into_iter().map(|algorithm| TestKey::generate("k", algorithm).unwrap()).collect();
    for signer in &keys {
        let token = signer.token(&claims()).unwrap();
        let found = verified(&format!(" {token}\n"), &signer.jwks()).unwrap();
        assert_eq!(found.claims().audiences, ["sts"]);
        for other in keys.iter().filter(|other| !std::ptr::eq(*other, signer)) {
            assert!(verified(&token, &other.jwks()).is_err(), "{signer:?} {other:?}");
        }
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[7] ^= 1;
        assert_eq!(
            verified(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&bytes)), &signer.jwks()).unwrap_err(),
            "the signature does not hold"
        );
        assert!(verified(&format!("{signed}."), &signer.jwks()).is_err());
    }
}

#[test]
fn a_public_key_is_no_shared_secret_and_none_is_no_signature() {
    let key = TestKey::generate("k", Algorithm::Rs256).unwrap();
    let payload = URL_SAFE_NO_PAD.encode(claims().to_string());
    for alg in ["HS256", "HS384", "HS512", "none", "None", "nOnE", "rs256", "PS256", "EdDSA", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg":alg,"kid":"k"}).to_string());
        let signed = format!("{header}.{payload}");
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.jwk()["n"].as_str().unwrap().as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, signed.as_bytes()));
        for token in [format!("{signed}.{tag}"), format!("{signed}.")] {
            let refused = verified(&token, &key.jwks()).unwrap_err();
            assert!(refused.starts_with(&format!("the algorithm `{alg}` is not accepted")), "{refused}");
        }
    }
}

#[test]
fn headers_that_ask_for_trust_are_refused() {
    let key = TestKey::generate("k", Algorithm::Es256).unwrap();
    let refused = |header: Value| verified(&key.message(&header.to_string(), &claims().to_string()).unwrap(), &key.jwks()).unwrap_err();
    for name in ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"] {
        let mut header = key.header();
        header[name] = json!(["exp"]);
        assert_eq!(refused(header), format!("the header parameter `{name}` is not accepted"));
    }
    let mut header = key.header();
    header["kid"] = json!("other\u{1b}[2J");
    assert_eq!(refused(header.clone()), "no key of the issuer is called `other\\u{1b}[2J`");
    header["kid"] = json!(1);
    assert!(refused(header.clone()).contains("`kid`"));
    header.as_object_mut().unwrap().remove("kid");
    assert!(verified(&key.message(&header.to_string(), &claims().to_string()).unwrap(), &key.jwks()).is_ok(), "no name: any key that fits");
    let twice = key.message(r#"{"alg":"ES256","alg":"ES256","kid":"k"}"#, &claims().to_string()).unwrap();
    assert!(verified(&twice, &key.jwks()).unwrap_err().contains("`alg` stands twice"));
    let twice = key.message(&key.header().to_string(), r#"{"iss":"a","sub":"b","aud":"c","iat":1,"exp":2,"aud":"d"}"#).unwrap();
    assert!(verified(&twice, &key.jwks()).unwrap_err().contains("`aud` stands twice"));
}

#[test]
fn what_is_no_token_is_refused() {
    let key = TestKey::generate("k", Algorithm::Es256).unwrap();
    for bad in ["", ".", "..", "a.b", "a.b.c.d", "CAISabcdef", "!.!.!", "e30.e30.e30"] {
        assert!(IdToken::parse(bad).is_err(), "{bad}");
    }
    assert!(matches!(Jws::parse(&"a".repeat(20_001)), Err(JwsError::TooLong)));
    for (name, value) in [
        ("iss", json!(null)),
        ("iss", json!("")),
        ("iss", json!("i".repeat(256))),
        ("sub", json!(7)),
        ("sub", json!("s".repeat(1025))),
        ("aud", json!([])),
        ("aud", json!([1])),
        ("aud", json!(vec!["a"; 33])),
        ("aud", json!({})),
        ("exp", json!("1")),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("iat", json!(null)),
        ("nbf", json!([])),
        ("exp", json!(253_402_300_800_i64)),
    ] {
        let mut wrong = claims();
        wrong[name] = value.clone();
        let error = IdToken::parse(&key.token(&wrong).unwrap()).unwrap_err();
        assert_eq!(
            error,
            IdTokenError::Claims(ClaimsError::Claim(match name {
                "iss" => "iss",
                "sub" => "sub",
                "aud" => "aud",
                "exp" => "exp",
                "iat" => "iat",
                _ => "nbf",
            })),
            "{value}"
        );
    }
    let mut fraction = claims();
    fraction["exp"] = json!(1_000_300.9);
    assert_eq!(IdToken::parse(&key.token(&fraction).unwrap()).unwrap().claimed().expires_at.unix(), 1_000_300);
}

#[test]
fn times_have_a_little_leeway() {
    let claims = Claims::parse(claims().to_string().as_bytes()).unwrap();
    let at = |now| claims.check_times(Timestamp::from_unix(now), Duration::from_mins(1), Duration::from_secs(200));
    assert_eq!((at(999_939), at(999_940)), (Err(TimesError::NotYet), Ok(())));
    assert_eq!((at(1_000_260), at(1_000_261)), (Ok(()), Err(TimesError::TooOld)));
    assert_eq!(at(1_000_360), Err(TimesError::Expired));
}

#[test]
fn sets_of_keys_keep_what_is_of_use() {
    let (rsa, ec) = (TestKey::generate("r", Algorithm::Rs256).unwrap().jwk(), TestKey::generate("e", Algorithm::Es384).unwrap().jwk());
    let with = |name: &str, value: Value| {
        let mut key = rsa.clone();
        key[name] = value;
        key
    };
    let even: Vec<u8> = [vec![0xff; 255], vec![0xfe]].concat();
    let useless = [
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("alg", json!("RSA-OAEP")),
        with("alg", json!("ES256")),
        with("alg", json!(1)),
        with("kid", json!(1)),
        with("n", json!("AQAB")),
        with("n", json!(URL_SAFE_NO_PAD.encode(even))),
        with("e", json!("AQ")),
        with("e", json!("AAA=")),
        with("kty", json!("oct")),
        json!({"kty":"oct","k":"AAAA"}),
        json!({"kty":"EC","crv":"P-256","x":"AA","y":"AA"}),
        json!([]),
        json!("x"),
    ];
    for key in &useless {
        let set = json!({"keys":[key]}).to_string();
        assert_eq!(JwkSet::parse(set.as_bytes()), Err(JwkSetError::NoUsable), "{key}");
    }
    let mut all = useless.to_vec();
    all.extend([rsa.clone(), ec]);
    let set = JwkSet::parse(json!({"keys": all, "more": 1}).to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().map(|key| key.id().unwrap()).collect::<Vec<_>>(), ["r", "e"]);
    assert_eq!(JwkSet::parse(json!({"keys": vec![rsa; 101]}).to_string().as_bytes()), Err(JwkSetError::TooMany));
    assert_eq!(JwkSet::parse(&vec![b' '; 300_000]), Err(JwkSetError::TooLarge));
    assert_eq!(JwkSet::parse(b"{}"), Err(JwkSetError::NoList));
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = IdToken::parse(&text);
        let _ = JwkSet::parse(&bytes);
        let _ = Discovery::parse(&bytes, &text);
        let _ = Claims::parse(&bytes);
    }
}
