//! What an attacker of server-to-server apps would try, as requests.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tegata_core::testing::{TestKey, api_token_of};
use tegata_model::SecretKey;
use tegata_sign::form;

use super::world::{Answer, World, ask, pairs};

const AM: &str = "/csp/gateway/am/api";
const PARTNER: &str = "/cphub/api/auth/v2";
const FORM: &str = "application/x-www-form-urlencoded";

fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{} {}", answer.status, answer.text()))
}

/// Status, `error`, and the word for why.
fn said(answer: &Answer) -> (u16, String, String) {
    let body = body_of(answer);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), text(&body["error"]), text(&body["metadata"]["reason"]))
}

/// An organization with services, its administrator, and what an app does there.
struct Scene {
    world: World,
    org: String,
    alice: String,
}

/// An app and its secret.
struct App(String, String);

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let core = &world.test;
        let org = core.acme.organisation_id.as_str().to_owned();
        let alice = core.user_id(&core.user("alice").await.unwrap()).unwrap();
        let mut provision = core.provision();
        provision.offer(&core.acme, &[("vcd", "vcd:admin"), ("vcd", "vcd:user")]);
        provision.bind(&core.acme, alice, None, "provider_admin");
        provision.commit().await.unwrap();
        let mut scene = Self { world, org, alice: String::new() };
        let told = scene.form(&format!("{AM}/auth/api-tokens/authorize"), &[], &[("api_token", &api_token_of("alice"))]).await;
        scene.alice = body_of(&told)["access_token"].as_str().unwrap().to_owned();
        scene
    }

    async fn form(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<(String, String)> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = form::encode(&fields);
        let mut request = ask("POST", path).header("content-type", FORM);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.world.issuer(request.body(body.as_bytes()).request()).await
    }

    async fn by_app(&self, app: &App, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.form(path, &[("authorization", &basic(app))], fields).await
    }

    async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = ask(method, path).header("csp-auth-token", token).header("content-type", "application/json").body(body.as_bytes());
        self.world.issuer(request.request()).await
    }

    fn definition(role: &str, of_vcd: &[&str]) -> Value {
        let vcd = tegata_core::org::Services::sample().named("vcd").unwrap().id.clone();
        let roles: Vec<Value> = of_vcd.iter().map(|name| json!({ "name": name })).collect();
        let services = if roles.is_empty() { json!([]) } else { json!([{ "serviceDefinitionId": vcd, "roles": roles }]) };
        let scope = json!({ "generalScopes": [], "organizationScopes": { "roles": [{ "name": role }] }, "servicesScopes": services });
        json!({ "displayName": "robot", "allowedScopes": scope, "grantTypes": ["client_credentials"] })
    }

    async fn app(&self, role: &str, of_vcd: &[&str]) -> App {
        let made = self.call(&self.alice, "POST", &format!("{AM}/orgs/{}/oauth-apps", self.org), Self::definition(role, of_vcd)).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let made = body_of(&made);
        let app = App(made["clientId"].as_str().unwrap().to_owned(), made["clientSecret"].as_str().unwrap().to_owned());
        let added = self.call(&self.alice, "POST", &format!("{AM}/orgs/{}/clients", self.org), json!({ "ids": [app.0] })).await;
        assert_eq!(added.status, 200, "{}", added.text());
        app
    }

    async fn token(&self, app: &App, more: &[(&str, &str)]) -> Answer {
        let fields = [&[("grant_type", "client_credentials")][..], more].concat();
        self.by_app(app, &format!("{AM}/auth/token"), &fields).await
    }

    async fn access(&self, app: &App, more: &[(&str, &str)]) -> String {
        let answer = self.token(app, more).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        body_of(&answer)["access_token"].as_str().unwrap().to_owned()
    }

    async fn exchange(&self, app: &App, token: &str) -> Answer {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        self.by_app(app, "/oauth/token", &fields).await
    }
}

fn basic(app: &App) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", app.0, app.1)))
}

#[tokio::test]
async fn two_tokens_that_differ_are_no_proof() {
    let scene = Scene::new().await;
    let app = scene.app("provider_service_manager", &["vcd:user"]).await;
    let own = scene.access(&app, &[]).await;
    let place = format!("{AM}/orgs/{}", scene.org);
    let both = async |one: &str, two: &str| {
        let bearer = format!("Bearer {two}");
        scene.world.issuer(ask("GET", &place).header("csp-auth-token", one).header("authorization", &bearer).request()).await
    };
    assert_eq!(both(&own, &own).await.status, 200);
    for (one, two) in [(&own, &scene.alice), (&scene.alice, &own)] {
        let answer = both(one, two).await;
        assert_eq!((answer.status.as_u16(), said(&answer).1.as_str()), (400, "invalid_request"), "{}", answer.text());
    }
}

#[tokio::test]
async fn another_organization_is_as_one_that_is_not() {
    let scene = Scene::new().await;
    let app = scene.app("provider_service_manager", &["vcd:user"]).await;
    let globex = scene.world.test.globex.organisation_id.as_str().to_owned();
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for name in ["orgId", "org_id"] {
        let (foreign, none) = (scene.token(&app, &[(name, &globex)]).await, scene.token(&app, &[(name, nowhere)]).await);
        assert_eq!(said(&foreign), (400, "unauthorized_client".to_owned(), String::new()));
        assert_eq!(body_of(&foreign)["message"], body_of(&none)["message"]);
    }
    let token = scene.access(&app, &[("orgId", &scene.org)]).await;
    for place in ["oauth-apps", "clients", "roles"] {
        let answer = scene.call(&token, "GET", &format!("{AM}/orgs/{globex}/{place}"), Value::Null).await;
        let none = scene.call(&token, "GET", &format!("{AM}/orgs/{nowhere}/{place}"), Value::Null).await;
        assert_eq!(said(&answer), (403, "access_denied".to_owned(), "no_access_to_org".to_owned()), "{place}");
        assert_eq!(said(&none), said(&answer), "{place}");
    }
}

#[tokio::test]
async fn a_secret_that_is_going_on_keeps_nobody_in() {
    let scene = Scene::new().await;
    let app = scene.app("provider_service_manager", &["vcd:user"]).await;
    let place = format!("{PARTNER}/clients/{}/secret", app.0);
    let chosen = "Bb2:/+%-chosen";
    let body = json!({ "newClientSecret": chosen, "secretExpirationTimeInSeconds": 3600 }).to_string();
    let rotate = async |app: &App| {
        let request = ask("POST", &place).header("authorization", &basic(app)).header("content-type", "application/json");
        scene.world.issuer(request.body(body.as_bytes()).request()).await
    };
    let told = rotate(&app).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let new = App(app.0.clone(), chosen.to_owned());
    // It goes on bringing tokens for a while, and replaces nothing.
    scene.access(&app, &[]).await;
    assert_eq!(said(&rotate(&app).await), (403, "access_denied".to_owned(), "old_secret".to_owned()));
    scene.access(&new, &[]).await;
}

#[tokio::test]
async fn a_token_never_says_more_than_the_instance() {
    let scene = Scene::new().await;
    let app = scene.app("provider_service_manager", &["vcd:user"]).await;
    let vcd = &tegata_core::org::Services::sample().named("vcd").unwrap().id.clone();
    let (has, more) = (format!("external/{vcd}/vcd:user"), format!("external/{vcd}/vcd:admin"));
    let answer = scene.token(&app, &[("scope", &format!("{has} {more} csp:provider_admin"))]).await;
    assert_eq!(body_of(&answer)["scope"], has.as_str());
    for scope in [more.as_str(), "csp:provider_admin", "*", "external/*/*", "/internal/ram/usersts"] {
        assert_eq!(said(&scene.token(&app, &[("scope", scope)]).await).1, "invalid_scope", "{scope}");
    }
}

#[tokio::test]
async fn an_app_that_manages_gets_no_further_than_itself() {
    let scene = Scene::new().await;
    let app = scene.app("provider_admin", &[]).await;
    let token = scene.access(&app, &[]).await;
    let apps = format!("{AM}/orgs/{}/oauth-apps", scene.org);
    assert_eq!(scene.call(&token, "POST", &apps, Scene::definition("provider_billing_user", &[])).await.status, 200);
    // What people may is not its affair, and a token for less is good for less.
    let bob = scene.world.test.user_id(&scene.world.test.user("bob").await.unwrap()).unwrap();
    let bob = tegata_core::grant::uuid(*bob.as_bytes());
    let roles = json!({ "organizationRoles": { "rolesToAdd": [{ "name": "provider_billing_user" }] } });
    let answer = scene.call(&token, "PATCH", &format!("{AM}/v3/users/{bob}/orgs/{}/roles", scene.org), roles).await;
    assert_eq!(said(&answer).0, 403, "{}", answer.text());
    let weak = scene.app("provider_service_manager", &["vcd:user"]).await;
    let weak = scene.access(&weak, &[]).await;
    let answer = scene.call(&weak, "POST", &apps, Scene::definition("provider_billing_user", &[])).await;
    assert_eq!(said(&answer), (403, "access_denied".to_owned(), "not_permitted_role".to_owned()));
}

#[tokio::test]
async fn what_is_deleted_is_over_everywhere() {
    let scene = Scene::new().await;
    let (app, other) =
        (scene.app("provider_service_manager", &["vcd:user"]).await, scene.app("provider_service_manager", &["vcd:user"]).await);
    let token = scene.access(&app, &[]).await;
    let told = scene.exchange(&app, &token).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let told = body_of(&told);
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    let key = TestKey {
        key_id: text("AccessKeyId").parse().unwrap(),
        secret: SecretKey::new(text("AccessKeySecret")),
        token: Some(SecretKey::new(text("SecurityToken"))),
    };
    let who = async || {
        let asked = pairs([("Action", "GetCallerIdentity"), ("Version", "2015-04-01"), ("Format", "JSON")]);
        scene.world.issuer(scene.world.rpc(&key, asked)).await
    };
    let identity = who().await;
    assert_eq!(identity.status, 200, "{}", identity.text());
    let identity = body_of(&identity);
    assert_eq!((&identity["IdentityType"], &identity["PrincipalId"]), (&json!("Application"), &json!(app.0)));
    // The token of one app is nothing in the hands of another.
    assert_eq!(said(&scene.exchange(&other, &token).await).0, 400);
    let worth = async |app: &App| scene.by_app(app, &format!("{AM}/auth/introspect"), &[("token", &token)]).await;
    assert_eq!(body_of(&worth(&other).await)["active"], true);
    let gone =
        scene.call(&scene.alice, "DELETE", &format!("{AM}/orgs/{}/oauth-apps", scene.org), json!({ "clientIdsToDelete": [app.0] })).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(body_of(&worth(&other).await), json!({ "active": false }));
    assert_eq!(said(&worth(&app).await).1, "invalid_client");
    assert_eq!(said(&scene.token(&app, &[]).await).1, "invalid_client");
    assert_eq!(said(&scene.exchange(&app, &token).await).1, "invalid_client");
    assert_eq!(scene.call(&token, "GET", &format!("{AM}/orgs/{}", scene.org), Value::Null).await.status, 401);
    assert_ne!(who().await.status, 200);
}
