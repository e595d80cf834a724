//! What the vendor's command line sends, as it was recorded, in order: each command meets the status, the code and the members that it met.

use std::{collections::HashMap, time::Duration};

use axum::body::Body;
use http::Request;
use serde_json::Value;
use tegata_core::testing::one_time_code;
use tegata_model::{PasswordHash, SecretKey};

use super::world::World;

const RECORDED: &str = include_str!("../../../../vectors/soracom-cli.json");
const ROOT_PASSWORD: &str = "root-Example-Password-1";
/// Of that password, worked out once.
const ROOT_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZnJvbw$s0mGjVFh0qxzUMCm1BtcQeI8U3i7SdGFhGXScUvlUNg";

/// What stands for what.
struct Known {
    values: HashMap<String, String>,
    seeds: HashMap<String, String>,
}

impl Known {
    /// The text with everything in it that is known by now.
    fn fill(&self, world: &World, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.values {
            filled = filled.replace(name, value);
        }
        for (who, seed) in &self.seeds {
            let shown = |steps| one_time_code(seed, world.test.now(), steps).unwrap();
            filled = filled.replace(&format!("{{{{code of {who}}}}}"), &shown(0));
            filled = filled.replace("{{wrong code}}", &shown(1000));
        }
        filled
    }

    /// Whether the answer is as it was; what it shows for the first time is remembered.
    fn meets(&mut self, world: &World, wanted: &Value, found: &Value, in_list: bool) -> Result<(), String> {
        let differs = || Err(format!("{wanted} was wanted, {found} was found"));
        match (wanted, found) {
            (Value::Object(wanted), Value::Object(found)) => {
                if !in_list && !wanted.keys().eq(found.keys()) {
                    return Err(format!("members: {:?} and not {:?}", found.keys(), wanted.keys()));
                }
                for (name, wanted) in wanted {
                    let found = found.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
                    self.meets(world, wanted, found, in_list).map_err(|why| format!("{name}: {why}"))?;
                }
                Ok(())
            }
            (Value::Array(wanted), Value::Array(found)) => {
                let Some(first) = wanted.first() else { return if found.is_empty() { Ok(()) } else { differs() } };
                if found.is_empty() || (wanted.len() > 1 && wanted.len() != found.len()) {
                    return differs();
                }
                found.iter().try_for_each(|element| self.meets(world, first, element, true))
            }
            (Value::String(name), Value::String(text)) if name.starts_with("{{totpUri of ") => {
                let who = name.trim_start_matches("{{totpUri of ").trim_end_matches("}}");
                let seed = text.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).ok_or("no secret")?;
                self.seeds.insert(who.to_owned(), seed.to_owned());
                Ok(())
            }
            (Value::String(name), found) if name.starts_with("{{") && name.ends_with("}}") => {
                let same = match (name.as_str(), found) {
                    ("{{text}}", Value::String(_))
                    | ("{{number}}", Value::Number(_))
                    | ("{{flag}}", Value::Bool(_))
                    | ("{{list}}", Value::Array(_)) => true,
                    (_, Value::String(text)) => self.values.entry(name.clone()).or_insert_with(|| text.clone()) == text,
                    _ => false,
                };
                if same { Ok(()) } else { differs() }
            }
            (Value::String(wanted), Value::String(found)) if self.fill(world, wanted) == *found => Ok(()),
            (wanted, found) if wanted == found => Ok(()),
            _ => differs(),
        }
    }
}

#[tokio::test]
async fn every_command_of_the_vendors_program_is_answered_as_it_was() {
    let world = World::new().await;
    let acme = &world.test.acme;
    let (key_id, key) = ("keyId-of-root", "secret-of-root");
    let auth_key = tegata_core::sam::NewAuthKey { key_id: key_id.to_owned(), secret: SecretKey::new(key.to_owned()) };
    let mut work = world.test.provision();
    work.login_profile(acme, acme.root, PasswordHash::new(ROOT_HASH)).unwrap();
    work.auth_key(acme, acme.root, &auth_key).unwrap();
    work.commit().await.unwrap();
    let values = [
        ("operator", acme.operator_id.as_str()),
        ("password of root", ROOT_PASSWORD),
        ("second password of root", "root-Example-Password-2"),
        ("password of dana", "dana-Example-Password-1"),
        ("second password of dana", "dana-Example-Password-2"),
        ("authKeyId of root", key_id),
        ("authKey of root", key),
    ];
    let values = values.into_iter().map(|(name, value)| (format!("{{{{{name}}}}}"), value.to_owned())).collect();
    let mut known = Known { values, seeds: HashMap::new() };
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let cases = recorded["cases"].as_array().unwrap();
    assert!(cases.len() > 100, "{}", cases.len());
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let told = text("command");
        // The clock moves in whole steps of the codes, and a little, as the requests came one after another.
        world.test.clock.advance(Duration::from_secs(30 * case["steps"].as_u64().unwrap()));
        let mut request = Request::builder().method(text("method")).uri(known.fill(&world, text("target")));
        for header in case["headers"].as_array().unwrap() {
            request = request.header(header[0].as_str().unwrap(), known.fill(&world, header[1].as_str().unwrap()));
        }
        let sent = known.fill(&world, text("body"));
        assert!(!sent.contains("{{"), "{told}: {sent}");
        let answer = world.issuer(request.body(Body::from(sent)).unwrap()).await;
        assert_eq!(u64::from(answer.status.as_u16()), case["status"].as_u64().unwrap(), "{told}: {}", answer.text());
        let found = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body).unwrap() };
        if let Err(why) = known.meets(&world, &case["answer"], &found, false) {
            panic!("{told}: {why}: {found}");
        }
        let next = answer.header("x-soracom-next-key");
        match case.get("next").and_then(Value::as_str) {
            Some(name) => _ = known.values.insert(name.to_owned(), next.to_owned()),
            None => assert_eq!(next, "", "{told}"),
        }
    }
}
