//! Tokens bound to a key, and tokens exchanged for temporary keys and back, as they go over the wire.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, header};
use serde_json::{Value, json};
use tegata_core::testing::{BENCH, TestKey};
use tegata_model::{AccessKeyId, SecretKey};
use tegata_oauth::{
    Algorithm,
    testing::TestKey as ClientKey,
    token_request::{ACCESS_TOKEN, TEMPORARY_KEY, TOKEN_EXCHANGE},
};

use super::{
    oauth::{self, CALLBACK, VENDOR, VERIFIER, basic, code_for, post, text},
    world::{Answer, World, pairs, send, who_am_i},
};

const ISSUER: &str = "http://tegata.test:8420";
const OWN: &str = "tegata-cli";

/// A client that has a key, and the last nonce that it was given.
struct Client {
    key: ClientKey,
    nonce: String,
}

impl Client {
    fn new() -> Self {
        Self { key: ClientKey::generate("k", Algorithm::Es256).unwrap(), nonce: String::new() }
    }

    fn jwk(&self) -> Value {
        let jwk = self.key.jwk();
        json!({ "kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"] })
    }

    fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.jwk().to_string().as_bytes()))
    }

    /// What a good proof claims; tests change some of it.
    fn claims(&self, world: &World, method: &str, path: &str, token: Option<&str>) -> Value {
        let mut claims = json!({ "htm": method, "htu": format!("{ISSUER}{path}"), "iat": world.test.now().unix(), "jti": world.nonce() });
        if !self.nonce.is_empty() {
            claims["nonce"] = self.nonce.clone().into();
        }
        if let Some(token) = token {
            claims["ath"] = URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())).into();
        }
        claims
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk() });
        self.key.message(&header.to_string(), &claims.to_string()).unwrap()
    }

    /// A request at the token endpoint, with a proof.
    async fn ask(&mut self, world: &World, fields: &[(&str, &str)]) -> Answer {
        let proof = self.sign(&self.claims(world, "POST", "/oauth/token", None));
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut request = post("/oauth/token", &fields, None);
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        let answer = world.issuer(request).await;
        let given = answer.header("dpop-nonce");
        if !given.is_empty() {
            given.clone_into(&mut self.nonce);
        }
        answer
    }
}

fn show(path: &str, scheme: &str, token: &str, proof: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path).header(header::AUTHORIZATION, format!("{scheme} {token}"));
    if path.ends_with("exchange") {
        request = request.method("POST");
    }
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    request.body(Body::empty()).unwrap()
}

fn brief(answer: &Answer) -> String {
    let told = oauth::json(answer);
    let header = answer.header("www-authenticate").split_once(' ').map_or("", |(scheme, _)| scheme);
    format!("{} {} {} {header}", answer.status.as_u16(), told["error"], told["error_description"])
}

#[tokio::test]
async fn a_bound_token_from_end_to_end() {
    let world = World::new().await;
    let other = world.other_node().await;
    let mut client = Client::new();
    let grant = |code: &str| {
        [("grant_type", "authorization_code"), ("code", code), ("client_id", OWN), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let code = grant(&code_for(&world, OWN).await);
    let fields: Vec<(&str, &str)> = code.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The first proof has no nonce; nothing is used up by that.
    let first = client.ask(&world, &fields).await;
    assert_eq!((first.status.as_u16(), text(&first, "error").as_str()), (400, "use_dpop_nonce"));
    assert!(!client.nonce.is_empty());
    let answer = client.ask(&world, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(text(&answer, "token_type"), "DPoP");
    let (token, refresh) = (text(&answer, "access_token"), text(&answer, "refresh_token"));

    let asked = pairs([("token", token.as_str())]);
    let told = oauth::json(&world.issuer(post("/oauth/introspect", &asked, Some(&basic(BENCH.0, BENCH.1)))).await);
    assert_eq!((&told["cnf"]["jkt"], &told["token_type"]), (&json!(client.thumbprint()), &json!("DPoP")));

    let path = "/oauth/userinfo";
    let good = client.claims(&world, "GET", path, Some(&token));
    let mut seen = String::new();
    let mut line = |name: &str, answer: &Answer| {
        let _ = writeln!(seen, "{name}\n    {}", brief(answer));
    };
    let proof = client.sign(&good);
    let answer = world.issuer(show(path, "DPoP", &token, Some(&proof))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    line("the same proof again", &world.issuer(show(path, "DPoP", &token, Some(&proof))).await);
    line("and on another node", &send(&other, show(path, "DPoP", &token, Some(&proof))).await);
    for (name, change) in [
        ("another method", json!({ "htm": "POST" })),
        ("another path", json!({ "htu": format!("{ISSUER}/v1/userinfo") })),
        ("another host", json!({ "htu": "http://elsewhere.test/oauth/userinfo" })),
        ("another token", json!({ "ath": "x" })),
        ("no token", json!({ "ath": null })),
        ("too old", json!({ "iat": world.test.now().unix() - 301 })),
        ("too new", json!({ "iat": world.test.now().unix() + 301 })),
        ("a nonce of nobody", json!({ "nonce": "x" })),
    ] {
        let mut claims = client.claims(&world, "GET", path, Some(&token));
        for (member, value) in change.as_object().unwrap() {
            claims[member] = value.clone();
        }
        let answer = world.issuer(show(path, "DPoP", &token, Some(&client.sign(&claims)))).await;
        assert_eq!(!answer.header("dpop-nonce").is_empty(), name == "a nonce of nobody");
        line(name, &answer);
    }
    // The further address of the same server, with a query that does not count.
    let mut claims = client.claims(&world, "GET", path, Some(&token));
    claims["htu"] = format!("https://tegata.test:8443{path}?x=y").into();
    assert_eq!(world.issuer(show(path, "DPoP", &token, Some(&client.sign(&claims)))).await.status, 200);
    // Another key, the private half in the header, and no proof at all.
    let mut thief = Client::new();
    thief.nonce.clone_from(&client.nonce);
    let stolen = thief.sign(&thief.claims(&world, "GET", path, Some(&token)));
    line("another key", &world.issuer(show(path, "DPoP", &token, Some(&stolen))).await);
    line("no proof", &world.issuer(show(path, "DPoP", &token, None)).await);
    for path in ["/oauth/userinfo", "/v1/userinfo", "/v1/exchange"] {
        let method = if path == "/v1/exchange" { "POST" } else { "GET" };
        let proof = client.sign(&client.claims(&world, method, path, Some(&token)));
        line(&format!("as Bearer at {path}"), &world.issuer(show(path, "Bearer", &token, None)).await);
        line(&format!("as Bearer with a proof at {path}"), &world.issuer(show(path, "Bearer", &token, Some(&proof))).await);
    }
    let exchange = [
        ("grant_type", TOKEN_EXCHANGE),
        ("client_id", OWN),
        ("subject_token", token.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", TEMPORARY_KEY),
    ];
    let fields = exchange.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    line("exchanged without a proof", &world.issuer(post("/oauth/token", &fields, None)).await);
    line("exchanged with another key", &thief.ask(&world, &exchange).await);
    let refreshing = [("grant_type", "refresh_token"), ("client_id", OWN), ("refresh_token", refresh.as_str())];
    let fields = refreshing.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    line("refreshed without a proof", &world.issuer(post("/oauth/token", &fields, None)).await);
    line("refreshed with another key", &thief.ask(&world, &refreshing).await);

    assert_eq!(client.ask(&world, &exchange).await.status, 200);
    // A bound refresh token stays as it is, and what it brings is bound to the same key.
    let answer = client.ask(&world, &refreshing).await;
    assert_eq!((answer.status.as_u16(), text(&answer, "refresh_token")), (200, refresh.clone()));
    // A nonce is good for its five minutes and the five that follow.
    world.test.clock.advance(std::time::Duration::from_mins(11));
    line("an old nonce", &client.ask(&world, &refreshing).await);
    assert_eq!(client.ask(&world, &refreshing).await.status, 200);
    insta::assert_snapshot!("oauth_dpop", seen);
}

fn triple(answer: &Answer) -> TestKey {
    TestKey {
        key_id: AccessKeyId::new(&text(answer, "AccessKeyId")).unwrap(),
        secret: SecretKey::new(text(answer, "AccessKeySecret")),
        token: Some(SecretKey::new(text(answer, "SecurityToken"))),
    }
}

#[tokio::test]
async fn there_and_back() {
    let world = World::new().await;
    let allow = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:ExchangeToken","Resource":"*"}]}"#;
    for (action, more) in [
        ("CreatePolicy", vec![("PolicyName", "may-exchange"), ("PolicyDocument", allow)]),
        ("AttachPolicyToUser", vec![("PolicyName", "may-exchange"), ("PolicyType", "Custom"), ("UserName", "bob")]),
    ] {
        let mut parameters = pairs([("Action", action), ("Version", "2015-05-01"), ("Format", "JSON")]);
        parameters.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(world.issuer(world.rpc(&world.key("alice"), parameters)).await.status, 200);
    }
    let fields = pairs([
        ("grant_type", "authorization_code"),
        ("code", &code_for(&world, VENDOR).await),
        ("client_id", VENDOR),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let token = text(&world.issuer(post("/oauth/token", &fields, None)).await, "access_token");
    let exchange = |token: &str, more: &[(&str, &str)]| {
        let mut fields =
            pairs([("grant_type", TOKEN_EXCHANGE), ("client_id", VENDOR), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)]);
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        post("/oauth/token", &fields, None)
    };
    let mut seen = String::new();
    let answer = world.issuer(exchange(&token, &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let key = triple(&answer);
    let security = key.token.as_ref().unwrap().expose().to_owned();
    let whole = answer.whole().replace(&security, "TOKEN").replace(key.key_id.as_str(), "ID").replace(key.secret.expose(), "SECRET");
    let _ = writeln!(seen, "{whole}");
    let who = world.issuer(world.rpc(&key, who_am_i())).await;
    assert_eq!(text(&who, "IdentityType"), "RAMUser");

    let ask = |host: &str, key: &TestKey, more: &[(&str, &str)]| {
        let mut parameters = pairs([("AppId", VENDOR), ("Scope", "/internal/ram/usersts")]);
        for (name, value) in more {
            parameters.retain(|(known, _)| known != name);
            parameters.push(((*name).to_owned(), (*value).to_owned()));
        }
        world.acs3_for(host, "2026-11-01", key, "ExchangeToken", &parameters)
    };
    let answer = world.issuer(ask("tegata.test:8420", &key, &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let again = text(&answer, "AccessToken");
    let _ = writeln!(seen, "{}", answer.whole().replace(&again, "TOKEN"));
    assert_eq!(world.issuer(exchange(&again, &[])).await.status, 200);
    assert_eq!(world.issuer(ask("tegata.test:8443", &key, &[])).await.status, 200);

    let mut line = |name: &str, answer: &Answer| {
        let _ = writeln!(seen, "{name}\n    {}", brief(answer));
    };
    for (name, request) in [
        ("a security token", exchange(&security, &[])),
        ("a security token by its own name", exchange(&security, &[("subject_token_type", TEMPORARY_KEY)])),
        ("another kind", exchange(&token, &[("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token")])),
        ("another kind wanted", exchange(&token, &[("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")])),
        ("for another place", exchange(&token, &[("audience", "https://elsewhere.test")])),
        ("an actor's token", exchange(&token, &[("actor_token", "x"), ("actor_token_type", ACCESS_TOKEN)])),
        ("another client", exchange(&token, &[("client_id", "4103531455503354461")])),
        ("more scopes", exchange(&again, &[("scope", "openid")])),
        ("nothing of ours", exchange("x", &[])),
        ("a security token as Bearer", show("/v1/exchange", "Bearer", &security, None)),
    ] {
        line(name, &world.issuer(request).await);
    }
    let mut line = |name: &str, answer: &Answer| {
        let told = oauth::json(answer);
        let _ = writeln!(seen, "{name}\n    {} {} {}", answer.status.as_u16(), told["Code"], told["Message"]);
    };
    for (name, request) in [
        ("signed for another host", ask("elsewhere.test", &key, &[])),
        ("by a long-term key", ask("tegata.test:8420", &world.key("alice"), &[("AppId", BENCH.0), ("Scope", "profile")])),
        ("without scope", ask("tegata.test:8420", &key, &[("Scope", "")])),
        ("more scopes than there are", ask("tegata.test:8420", &key, &[("Scope", "profile")])),
        ("for nobody", ask("tegata.test:8420", &key, &[("AppId", "1"), ("Scope", "profile")])),
        ("the vendor's other id", ask("tegata.test:8420", &key, &[("AppId", "4103531455503354461")])),
    ] {
        line(name, &world.issuer(request).await);
    }
    insta::assert_snapshot!("oauth_exchange", seen);
}

#[tokio::test]
async fn guesses_are_stopped_at_every_endpoint() {
    let world = World::new().await;
    let fields = pairs([("grant_type", "client_credentials"), ("token", "x")]);
    let ask = async |path: &str, secret: &str| world.issuer(post(path, &fields, Some(&basic(BENCH.0, secret)))).await;
    let paths = ["/oauth/token", "/v1/token", "/oauth/introspect", "/oauth/revoke", "/v1/revoke"];
    for path in paths.iter().chain(&paths) {
        assert_eq!(ask(path, "wrong").await.status, 401, "{path}");
    }
    for path in paths {
        let answer = ask(path, BENCH.1).await;
        assert_eq!((answer.status.as_u16(), text(&answer, "error").as_str()), (429, "temporarily_unavailable"), "{path}");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    }
}
