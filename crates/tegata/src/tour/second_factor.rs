//! One-time codes at the command line: a key for later commands, and secrets that stay in a password manager.

use std::path::Path;

use serde_json::{Value, json};
use tegata_client::{
    ClientError, Transport, otp,
    sam::{
        Members, Session,
        profile::{SamProfile, Shelf},
        source::Source,
    },
};
use tegata_core::clock::{Clock as _, SystemClock};
use tegata_model::{SecretKey, Timestamp};

use super::{
    Guide, Should,
    json::{Headers, call, header, text},
};
use crate::{data_dir, dev::ready::ReadyFile, failure::Failure};

/// Two headers, as every later call of this API carries them.
fn session(answer: &Value) -> Headers {
    vec![header("x-soracom-api-key", text(answer, "apiKey")), header("x-soracom-token", text(answer, "token"))]
}

pub(super) async fn walk(guide: &mut Guide, ready: &ReadyFile) -> Result<(), Failure> {
    let transport = Transport::new();
    let v1 = format!("{}/v1", ready.issuer);
    let operator = ready.account.operator_id;
    let users = format!("{v1}/operators/{operator}/users");
    let person = |name: &str| ready.users.get(name).ok_or_else(|| Failure::new("the tour lacks a person"));
    let (alice, carol) = (person("alice")?, person("carol")?);
    let auth = format!("{v1}/auth");
    let login = |name: &str, password: &str, code: Option<&str>| {
        let mut body = json!({ "operatorId": operator, "userName": name, "password": password });
        if let (Some(code), Some(body)) = (code, body.as_object_mut()) {
            body.insert("mfaOTPCode".to_owned(), code.into());
        }
        body
    };
    let seed = carol.totp_secret.ok_or_else(|| Failure::new("the tour lacks a second factor"))?;
    let none = |_: &Value| String::new();
    let told = |answer: &Value| format!("API key {}, and a token", text(answer, "apiKey"));

    Guide::chapter("A second factor at the command line");
    let body = login("carol", carol.sign_in().1, None);
    let asked = call(&transport, "POST", &auth, &[], Some(&body)).await;
    guide.step("carol, who has a second factor: auth without a code", &Should::Refuse("AUM0063"), asked, none);
    let now = SystemClock.now();
    let code = one_time_code(seed, now)?;
    let asked = call(&transport, "POST", &auth, &[], Some(&login("carol", "a guess", Some(&code)))).await;
    guide.step("a thief, looking over carol's shoulder: the code with a wrong password", &Should::Refuse("AUM0002"), asked, none);
    let body = login("carol", carol.sign_in().1, Some(&code));
    let first = call(&transport, "POST", &auth, &[], Some(&body)).await;
    let Some(first) = guide.step("carol: password and code", &Should::Work, first, told) else { return Ok(()) };
    let again = call(&transport, "POST", &auth, &[], Some(&body)).await.and_then(|again| {
        let same = text(&again, "apiKey") == text(&first, "apiKey");
        if same { Ok(again) } else { Err(ClientError::Request("a second session was given for one code".to_owned())) }
    });
    guide.step("carol's next command, which signs in with the same code", &Should::Work, again, |_| "the same session".to_owned());
    let mut other = body.clone();
    if let Some(other) = other.as_object_mut() {
        other.insert("tokenTimeoutSeconds".to_owned(), 172_800.into());
    }
    let asked = call(&transport, "POST", &auth, &[], Some(&other)).await;
    guide.step("a thief, who has password and code: a longer session", &Should::Refuse("TGT0102"), asked, none);

    let of_carol = session(&first);
    let asked = call(&transport, "GET", &users, &of_carol, None).await;
    guide.step("carol: the users of the account", &Should::Refuse("AUM0017"), asked, none);
    let (key_id, key) = alice.auth_key();
    let of_alice = call(&transport, "POST", &auth, &[], Some(&json!({ "authKeyId": key_id, "authKey": key }))).await;
    let of_alice = guide.step("alice: auth with an auth key", &Should::Work, of_alice, told).unwrap_or_default();
    let of_alice = session(&of_alice);
    let document = json!({ "statements": [{ "effect": "allow", "api": "User:listUsers" }] }).to_string();
    let grant = json!({ "permission": document });
    let asked = call(&transport, "PUT", &format!("{users}/carol/permission"), &of_alice, Some(&grant)).await;
    guide.step("alice: lets carol list the users", &Should::Work, asked, |_| document.clone());
    let asked = call(&transport, "GET", &users, &of_carol, None).await;
    guide.step("carol, in the session from before", &Should::Refuse("AUM0017"), asked, none);

    let folder = Path::new(ready.data()).join("tour");
    let walked = profile(
        guide,
        ready,
        &folder,
        &login("carol", carol.sign_in().1, Some(&one_time_code(seed, now.plus(std::time::Duration::from_secs(30)))?)),
    )
    .await;
    let cleared = std::fs::remove_dir_all(&folder);
    let kept = walked?;
    cleared.map_err(|error| Failure::new(format!("`{}` could not be removed: {error}", folder.display())))?;
    let Some(kept) = kept else { return Ok(()) };
    let pair = vec![header("x-soracom-api-key", kept.api_key.expose()), header("x-soracom-token", kept.token.expose())];
    let asked = call(&transport, "GET", &users, &pair, None).await;
    guide.step("carol, in the new session: the users of the account", &Should::Work, asked, |list| {
        let names = list.as_array().into_iter().flatten().map(|user| text(user, "userName"));
        names.collect::<Vec<_>>().join(", ")
    });
    let asked = call(&transport, "POST", &format!("{v1}/auth/logout"), &pair, None).await;
    guide.step("carol: logout", &Should::Work, asked, |_| "ended".to_owned());
    let asked = call(&transport, "GET", &users, &pair, None).await;
    guide.step("a thief, who copied key and token", &Should::Refuse("TGT0203"), asked, none);
    Ok(())
}

/// Two commands by a profile whose secrets, and the code, a program prints.
async fn profile(guide: &mut Guide, ready: &ReadyFile, folder: &Path, secrets: &Value) -> Result<Option<Session>, Failure> {
    let made = |error: std::io::Error| Failure::new(format!("`{}` could not be written: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(made)?;
    // What stands in for the password manager.
    let safe = folder.join("safe.json");
    data_dir::write_file(&safe, secrets.to_string().as_bytes(), false).map_err(made)?;
    let members = json!({ "endpoint": ready.issuer, "profileCommand": ["cat", safe] }).to_string();
    let shelf = Shelf::beside(&folder.join("config.json"));
    let wrong = |problem: String| Failure::new(format!("the tour's profile is not one: {problem}"));
    shelf.put(&SamProfile::new("carol", Members::read(&members).map_err(wrong)?).map_err(wrong)?).map_err(wrong)?;
    let source = Source {
        profile: "carol".to_owned(),
        shelf,
        sessions: Some(folder.join("sessions")),
        code: None,
        asker: None,
        ca_file: None,
        language: "en",
        lifetime: None,
    };
    let now = || SystemClock.now();
    let begun = source.session(&now).await.map_err(|error| ClientError::Request(error.to_string()));
    let begun = guide.step("carol's profile: a password manager prints password and code", &Should::Work, begun, |session| {
        format!("API key {}, and nothing was typed", session.api_key.expose())
    });
    let Some(begun) = begun else { return Ok(None) };
    let again = source.session(&now).await.map_err(|error| ClientError::Request(error.to_string())).and_then(|again| {
        let same = again.api_key.expose() == begun.api_key.expose();
        if same { Ok(again) } else { Err(ClientError::Request("a second sign-in was made".to_owned())) }
    });
    guide.step("the next command by this profile", &Should::Work, again, |_| "the same session, so the code paid for both".to_owned());
    Ok(Some(begun))
}

/// What carol's phone shows.
fn one_time_code(seed: &str, at: Timestamp) -> Result<String, Failure> {
    let code =
        otp::code(&SecretKey::new(seed.to_owned()), at).map_err(|problem| Failure::new(format!("carol's seed is none: {problem}")))?;
    Ok(code.digits.expose().to_owned())
}
