//! The cases of `vectors/oauth-app-scopes.json` as requests: each in a server of its own, with the statuses that the file names.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::{Value, json};
use tegata_core::{
    directory::{NewAccount, NewUser, Provisioned},
    org::{OrgKind, Services},
};
use tegata_model::{AccountAlias, SecretKey, UserId, UserName};

use super::world::{Answer, World, ask};

const AM: &str = "/csp/gateway/am/api";

fn file() -> Value {
    serde_json::from_str(include_str!("../../../../vectors/oauth-app-scopes.json")).unwrap()
}

fn id(name: &str) -> String {
    Services::sample().named(name).map_or_else(|| name.to_owned(), |service| service.id.clone())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn names(value: &Value) -> Vec<Value> {
    texts(value).into_iter().map(|name| json!({ "name": name })).collect()
}

/// Roles as the words of tokens.
fn words(value: &Value) -> BTreeSet<String> {
    let services = value["services"].as_object().into_iter().flatten();
    let services =
        services.flat_map(|(service, roles)| texts(roles).into_iter().map(move |role| format!("external/{}/{role}", id(service))));
    texts(&value["org_roles"]).into_iter().map(|role| format!("csp:{role}")).chain(services).collect()
}

fn allowed_scopes(value: &Value) -> Value {
    let services: Vec<Value> = value["services"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(service, roles)| json!({ "serviceDefinitionId": id(service), "allRoles": roles == "*", "roles": names(roles) }))
        .collect();
    json!({ "generalScopes": [], "organizationScopes": { "roles": names(&value["org_roles"]) }, "servicesScopes": services })
}

/// Roles of a reply as the words of tokens.
fn shown(value: &Value) -> BTreeSet<String> {
    let mut all: BTreeSet<String> =
        value["organizationRoles"].as_array().unwrap().iter().map(|role| format!("csp:{}", role["name"].as_str().unwrap())).collect();
    for service in value["serviceRoles"].as_array().unwrap() {
        let id = service["serviceDefinitionId"].as_str().unwrap();
        all.extend(
            service["serviceRoles"].as_array().unwrap().iter().map(|role| format!("external/{id}/{}", role["name"].as_str().unwrap())),
        );
    }
    all
}

fn strong(name: &str) -> String {
    format!("Chosen-{name}-secret:/+%1")
}

fn api_token(name: &str) -> String {
    format!("{:x<64}", format!("vector-token-of-{name}-"))
}

struct Scene {
    world: World,
    org: String,
    elsewhere: String,
    users: BTreeMap<String, UserId>,
    app: Option<String>,
    secrets: BTreeMap<String, String>,
    current: String,
    tokens: BTreeMap<String, String>,
}

impl Scene {
    async fn of(case: &Value) -> Self {
        let world = World::new().await;
        let kind = match case["profile"].as_str().unwrap() {
            "cpn-provider" => OrgKind::Provider,
            "cpn-customer" => OrgKind::Customer,
            "cpn-reseller" => OrgKind::Reseller,
            _ => OrgKind::Standalone,
        };
        let core = &world.test;
        let mut provision = core.provision();
        let parent = (kind == OrgKind::Customer).then_some(core.acme.account);
        let alias = AccountAlias::new("org-1").unwrap();
        let account = NewAccount { alias, number: None, operator_id: None, organisation_id: None, parent, root_login: "root@org-1".into() };
        let org = provision.account(account).unwrap();
        provision.organisation(&org, kind, "Organisation One");
        let token = |name: &str| SecretKey::new(api_token(name));
        provision.api_token(&org, org.root, &token("root")).unwrap();
        provision.api_token(&core.globex, core.globex.root, &token("elsewhere")).unwrap();
        let offered: Vec<(&String, String)> = case["org"]["services"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(s, roles)| texts(roles).into_iter().map(move |role| (s, role)))
            .collect();
        provision.offer(&org, &offered.iter().map(|(service, role)| (service.as_str(), role.as_str())).collect::<Vec<_>>());
        let mut users = BTreeMap::new();
        for (name, given) in case["actors"].as_object().unwrap() {
            let roles = texts(&given["org_roles"]);
            let above = kind == OrgKind::Customer && roles.iter().any(|role| role.starts_with("provider_"));
            let home: &Provisioned = if above { &core.acme } else { &org };
            let user = provision.user(home, &NewUser { name: UserName::new(&format!("v-{name}")).unwrap(), number: None }).unwrap();
            provision.api_token(home, user, &token(name)).unwrap();
            for role in &roles {
                provision.bind(home, user, None, role);
            }
            for (service, roles) in given["services"].as_object().unwrap() {
                for role in texts(roles) {
                    provision.bind(&org, user, Some(service), &role);
                }
            }
            if given["assigned_customers"].as_array().is_some_and(|ids| ids.contains(&case["org"]["id"])) {
                provision.bind(&org, user, None, "provider_account_admin");
            }
            users.insert(name.clone(), user);
        }
        provision.commit().await.unwrap();
        let elsewhere = core.globex.organisation_id.as_str().to_owned();
        let org = org.organisation_id.as_str().to_owned();
        let (app, secrets, tokens) = (None, BTreeMap::new(), BTreeMap::new());
        let mut scene = Self { world, org, elsewhere, users, app, secrets, current: String::new(), tokens };
        if let Some(app) = case.get("app") {
            let foreign = app["owner_org"] != case["org"]["id"];
            let (by, org) = if foreign { ("elsewhere", scene.elsewhere.clone()) } else { ("root", scene.org.clone()) };
            let secret = app["secret"].as_str().map(strong);
            let body = json!({ "displayName": "given", "secret": secret, "allowedScopes": allowed_scopes(app) });
            let made = scene.call(by, "POST", &format!("{AM}/orgs/{org}/oauth-apps"), Some(body)).await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.text());
            scene.made(&made, app["secret"].as_str().unwrap_or("made"));
        }
        scene
    }

    fn made(&mut self, answer: &Answer, name: &str) {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        self.current = body["clientSecret"].as_str().unwrap().to_owned();
        self.secrets.insert(name.to_owned(), self.current.clone());
        self.app = Some(body["clientId"].as_str().unwrap().to_owned());
    }

    async fn access_token(&self, name: &str) -> String {
        let body = format!("api_token={}", api_token(name));
        let path = format!("{AM}/auth/api-tokens/authorize");
        let request = ask("POST", &path).header("content-type", "application/x-www-form-urlencoded").body(body.as_bytes());
        let answer = self.world.issuer(request.request()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn call(&self, by: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let token = self.access_token(by).await;
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = ask(method, path).header("csp-auth-token", &token).header("content-type", "application/json").body(body.as_bytes());
        self.world.issuer(request.request()).await
    }

    async fn step(&mut self, step: &Value, place: &str) -> Answer {
        let (org, id_of_app) = (self.org.clone(), self.app.clone().unwrap_or_else(|| "none-yet".to_owned()));
        let by = step["actor"].as_str().unwrap_or("root").to_owned();
        let (apps, clients) = (format!("{AM}/orgs/{org}/oauth-apps"), format!("{AM}/orgs/{org}/clients"));
        let one = format!("{apps}/{id_of_app}");
        let json_of = |answer: &Answer| -> Value { serde_json::from_slice(&answer.body).unwrap() };
        match step["op"].as_str().unwrap() {
            "create" => {
                let body = json!({ "displayName": "nightly report", "allowedScopes": allowed_scopes(&step["scope"]) });
                let answer = self.call(&by, "POST", &apps, Some(body)).await;
                if answer.status == StatusCode::OK {
                    self.made(&answer, "made");
                }
                answer
            }
            "update_scope" => self.call(&by, "PATCH", &one, Some(json!({ "allowedScopes": allowed_scopes(&step["scope"]) }))).await,
            "add" => {
                let mut body = json!({ "ids": [id_of_app] });
                if let Some(asked) = step.get("requested") {
                    body["organizationRoles"] = names(&asked["org_roles"]).into();
                    let service =
                        |(name, roles): (&String, &Value)| json!({ "serviceDefinitionId": id(name), "serviceRoles": names(roles) });
                    body["serviceRoles"] = asked["services"].as_object().unwrap().iter().map(service).collect();
                }
                let answer = self.call(&by, "POST", &clients, Some(body)).await;
                if answer.status == StatusCode::OK {
                    let body = json_of(&answer);
                    assert_eq!(body["failures"], json!([]), "{place}");
                    assert_eq!(shown(&body["added"][0]), words(&step["expect"]["effective"]), "{place}");
                    let dropped = body["added"][0]["droppedRoles"].as_array().unwrap().len();
                    assert_eq!(dropped, step["expect"]["dropped"].as_array().unwrap().len(), "{place}");
                    let list = self.call(&by, "GET", &format!("{clients}/{id_of_app}"), None).await;
                    assert_eq!(shown(&json_of(&list)), words(&step["expect"]["effective"]), "{place}");
                }
                answer
            }
            "remove" => self.call(&by, "DELETE", &clients, Some(json!({ "ids": [id_of_app] }))).await,
            "delete" => self.call(&by, "DELETE", &apps, Some(json!({ "clientIdsToDelete": [id_of_app] }))).await,
            "token" => {
                let secret = step["secret"].as_str().map_or_else(|| self.current.clone(), |name| self.secrets[name].clone());
                let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
                if let Some(id) = step["org_id"].as_str() {
                    form.push(("orgId".to_owned(), if id == "org-1" { org } else { self.elsewhere.clone() }));
                }
                if let Some(asked) = step.get("request_scope") {
                    form.push(("scope".to_owned(), words(asked).into_iter().collect::<Vec<_>>().join(" ")));
                }
                let (basic, body) = (basic(&id_of_app, &secret), tegata_sign::form::encode(&form));
                let path = format!("{AM}/auth/authorize");
                let request =
                    ask("POST", &path).header("authorization", &basic).header("content-type", "application/x-www-form-urlencoded");
                let answer = self.world.issuer(request.body(body.as_bytes()).request()).await;
                if answer.status == StatusCode::OK {
                    let body = json_of(&answer);
                    let scope = body["scope"].as_str().unwrap().split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
                    assert_eq!(words(&step["expect"]["granted"]), scope, "{place}");
                    if let Some(name) = step["save"].as_str() {
                        self.tokens.insert(name.to_owned(), body["access_token"].as_str().unwrap().to_owned());
                    }
                }
                answer
            }
            "use_token" => {
                let path = format!("{AM}/orgs/{org}");
                self.world.issuer(ask("GET", &path).header("csp-auth-token", &self.tokens[step["token"].as_str().unwrap()]).request()).await
            }
            "list_created" | "list_access" => {
                let path = if step["op"] == "list_created" { &apps } else { &clients };
                let answer = self.call(&by, "GET", path, None).await;
                let body = json_of(&answer);
                let found = body["results"].as_array().unwrap().iter().any(|app| app["id"] == *id_of_app);
                assert_eq!(step["expect"]["contains_app"], found, "{place}");
                answer
            }
            "set_org_services" => {
                let service = |(name, roles): (&String, &Value)| json!({ "serviceDefinitionId": id(name), "roles": names(roles) });
                let body = json!({ "services": step["services"].as_object().unwrap().iter().map(service).collect::<Vec<_>>() });
                self.call("root", "PUT", &format!("/csp/gateway/slc/api/orgs/{org}/services"), Some(body)).await
            }
            "set_actor_roles" => {
                let user = tegata_core::grant::uuid(*self.users[step["actor"].as_str().unwrap()].as_bytes());
                let gone = names(&json!(["provider_service_manager", "provider_developer"]));
                let body = json!({ "organizationRoles": { "rolesToRemove": gone },
                    "serviceRoles": [{ "serviceDefinitionId": id("vcd"), "rolesToRemove": [{ "name": "vcd:user" }] }] });
                self.call("root", "PATCH", &format!("{AM}/v3/users/{user}/orgs/{org}/roles"), Some(body)).await
            }
            "rotate_secret" => {
                let name = step["new"].as_str().unwrap();
                let body = json!({ "newClientSecret": strong(name), "secretRotationExpirationInSeconds": step["overlap_s"] });
                let answer = self.call(&by, "POST", &format!("{one}/secret"), Some(body)).await;
                self.made(&answer, name);
                answer
            }
            "regenerate_secret" => {
                let answer = self.call(&by, "PUT", &format!("{one}/secret"), Some(json!({}))).await;
                self.made(&answer, step["new"].as_str().unwrap());
                answer
            }
            "end_rotation" => self.call(&by, "DELETE", &format!("{one}/secret"), None).await,
            "advance_s" => {
                self.world.test.clock.advance(std::time::Duration::from_secs(step["seconds"].as_u64().unwrap()));
                self.world.issuer(ask("GET", &format!("{AM}/auth/keys")).request()).await
            }
            other => panic!("{place}: {other}"),
        }
    }
}

fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test]
async fn every_vector_holds_over_http() {
    let file = file();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 79);
    for case in cases {
        let mut scene = Scene::of(case).await;
        for (at, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let place = format!("{} {} step {at}", case["id"], case["title"]);
            let answer = scene.step(step, &place).await;
            let status = step["expect"]["refused"].as_str().map_or(json!(200), |reason| file["reasons"][reason]["http"].clone());
            assert_eq!(answer.status.as_u16(), status, "{place}: {}", answer.text());
            if let Some(reason) = step["expect"]["refused"].as_str() {
                let body: Value = serde_json::from_slice(&answer.body).unwrap();
                match file["reasons"][reason]["oauth_error"].as_str() {
                    Some(error) => assert_eq!(body["error"], error, "{place}"),
                    None => assert_eq!(body["metadata"]["reason"], reason, "{place}"),
                }
            }
        }
    }
}
