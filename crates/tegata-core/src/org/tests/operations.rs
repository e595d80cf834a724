//! The vectors through the operations, each case in a world of its own, on every engine.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tegata_model::{AccessKeyId, AccountAlias, SecretKey, UserId, UserName};

use super::{cases, dropped, kind, requested, roles, scope};
use crate::{
    Caller, OpError,
    authn::{About, PresentedClient, Proof},
    directory::{NewAccessKey, NewAccount, NewUser, Provisioned},
    grant::{GrantFailure, Narrowed, OrganisationToken},
    org::{
        AddApps, Added, ChangeMember, DeleteApps, ListApps, ListInstances, NewApp, OrgKind, RemoveApps, Roles, SecretChange, Services,
        SetOfferedRoles, UpdateApp, create_app, replace_secret, rotate_secret, word_of,
    },
    testing::{TestCore, TestKey},
};

/// A world of one case.
struct World {
    core: TestCore,
    org: String,
    elsewhere: String,
    actors: BTreeMap<String, (UserId, String)>,
    /// The id of the app, and its secrets by their names.
    app: Option<String>,
    secrets: BTreeMap<String, String>,
    current: String,
    tokens: BTreeMap<String, SecretKey>,
}

fn key(name: &str) -> NewAccessKey {
    NewAccessKey { key_id: AccessKeyId::new(&format!("LTAIVECT{name}")).unwrap(), secret: SecretKey::new(format!("secret-of-{name}")) }
}

fn strong(name: &str) -> String {
    format!("Chosen-{name}-secret:/+%1")
}

impl World {
    async fn of(core: TestCore, case: &Value) -> Self {
        let kind = kind(case);
        let mut provision = core.provision();
        let parent = (kind == OrgKind::Customer).then_some(core.acme.account);
        let alias = AccountAlias::new("org-1").unwrap();
        let account = NewAccount { alias, number: None, operator_id: None, organisation_id: None, parent, root_login: "root@org-1".into() };
        let org = provision.account(account).unwrap();
        provision.organisation(&org, kind, "Organisation One");
        provision.access_key(&org, org.root, &key("root")).unwrap();
        provision.access_key(&core.globex, core.globex.root, &key("elsewhere")).unwrap();
        let offered: Vec<(String, String)> = case["org"]["services"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(service, roles)| super::texts(roles).into_iter().map(move |role| (service.clone(), role)))
            .collect();
        provision.offer(&org, &offered.iter().map(|(service, role)| (service.as_str(), role.as_str())).collect::<Vec<_>>());
        let mut actors = BTreeMap::new();
        for (name, given) in case["actors"].as_object().unwrap() {
            let roles = super::texts(&given["org_roles"]);
            // Somebody of the provider acts in a customer organisation from above.
            let above = kind == OrgKind::Customer && roles.iter().any(|role| role.starts_with("provider_"));
            let home: &Provisioned = if above { &core.acme } else { &org };
            let user = provision.user(home, &NewUser { name: UserName::new(&format!("v-{name}")).unwrap(), number: None }).unwrap();
            provision.access_key(home, user, &key(name)).unwrap();
            for role in &roles {
                provision.bind(home, user, None, role);
            }
            for (service, roles) in given["services"].as_object().unwrap() {
                for role in super::texts(roles) {
                    provision.bind(&org, user, Some(service), &role);
                }
            }
            if given["assigned_customers"].as_array().is_some_and(|ids| ids.contains(&case["org"]["id"])) {
                provision.bind(&org, user, None, "provider_account_admin");
            }
            actors.insert(name.clone(), (user, name.clone()));
        }
        provision.commit().await.unwrap();
        let elsewhere = core.globex.organisation_id.as_str().to_owned();
        let org = org.organisation_id.as_str().to_owned();
        let mut world =
            Self { core, org, elsewhere, actors, app: None, secrets: BTreeMap::new(), current: String::new(), tokens: BTreeMap::new() };
        if let Some(app) = case.get("app") {
            let foreign = app["owner_org"] != case["org"]["id"];
            let (by, org) = if foreign { ("elsewhere", world.elsewhere.clone()) } else { ("root", world.org.clone()) };
            let by = world.caller(by).await;
            let chosen = app["secret"].as_str().map(strong);
            let new = NewApp { secret: chosen.map(|text| Arc::new(SecretKey::new(text))), ..named(&org, scope(app)) };
            let made = create_app(&world.core, &by, new).await.unwrap();
            world.made(made, app["secret"].as_str().unwrap_or("made"));
        }
        world
    }

    fn made(&mut self, made: crate::org::AppSecret, name: &str) {
        self.secrets.insert(name.to_owned(), made.secret.expose().to_owned());
        self.current = made.secret.expose().to_owned();
        self.app = Some(made.id);
    }

    async fn caller(&self, name: &str) -> Caller {
        let NewAccessKey { key_id, secret } = key(name);
        self.core.caller(&TestKey { key_id, secret, token: None }).await.unwrap()
    }

    /// Whoever a step names; the owner where nobody is.
    async fn by(&self, step: &Value) -> Caller {
        self.caller(step["actor"].as_str().unwrap_or("root")).await
    }

    async fn token(&mut self, step: &Value) -> Result<Roles, String> {
        let secret = step["secret"].as_str().map_or_else(|| self.current.clone(), |name| self.secrets[name].clone());
        let presented = PresentedClient {
            app_id: self.app.clone().unwrap(),
            secret: Some(SecretKey::new(secret)),
            respelled: None,
            about: About::Itself,
            key: None,
        };
        let caller = match self.core.authenticate(Proof::Client(presented), self.core.meta()).await {
            Ok(caller) => caller,
            Err(OpError::Authentication(_)) => return Err("invalid_client".to_owned()),
            Err(other) => panic!("{other:?}"),
        };
        let organisation = step["org_id"].as_str().map(|id| if id == "org-1" { self.org.clone() } else { self.elsewhere.clone() });
        let scope = step.get("request_scope").map(|asked| roles(asked).words());
        match self.core.perform(&caller, &OrganisationToken { organisation, narrowed: Narrowed { scope, lifetime: None } }).await {
            Ok(issued) => {
                let got = Roles::of_words(issued.scope.iter().map(String::as_str));
                if let Some(name) = step["save"].as_str() {
                    self.tokens.insert(name.to_owned(), issued.access_token);
                }
                Ok(got)
            }
            Err(OpError::Grant(GrantFailure::Scope(_))) => Err("invalid_scope".to_owned()),
            Err(OpError::Grant(_)) => Err("not_added".to_owned()),
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn step(&mut self, step: &Value, place: &str) -> Result<(), String> {
        let refused = |error: OpError| word_of(&error).map_or_else(|| panic!("{place}: {error:?}"), str::to_owned);
        let (org, id) = (self.org.clone(), self.app.clone().unwrap_or_default());
        let by = self.by(step).await;
        match step["op"].as_str().unwrap() {
            "create" => {
                let made = create_app(&self.core, &by, named(&org, scope(&step["scope"]))).await.map_err(refused)?;
                self.made(made, "made");
            }
            "update_scope" => {
                let change = UpdateApp { org, id, scope: Some(scope(&step["scope"])), ..UpdateApp::default() };
                self.core.perform(&by, &change).await.map_err(refused)?;
            }
            "add" => {
                let add = AddApps { org, ids: vec![id], requested: requested(step), preview: false };
                let preview = self.core.perform(&by, &AddApps { preview: true, ..add.clone() }).await;
                let added = self.core.perform(&by, &add).await.map_err(refused)?;
                assert_eq!(preview.unwrap(), added, "{place}");
                let [Added { outcome: Ok(got), .. }] = added.as_slice() else { panic!("{place}: {added:?}") };
                assert_eq!(got.roles, roles(&step["expect"]["effective"]), "{place}");
                let mut words: Vec<String> = got.dropped.iter().map(ToString::to_string).collect();
                words.sort();
                assert_eq!(words, dropped(step), "{place}");
            }
            "remove" => {
                self.core.perform(&by, &RemoveApps { org, ids: vec![id] }).await.map_err(refused)?;
            }
            "delete" => {
                self.core.perform(&by, &DeleteApps { org, ids: vec![id] }).await.map_err(refused)?;
            }
            "token" => {
                let got = self.token(step).await?;
                assert_eq!(got, roles(&step["expect"]["granted"]), "{place}");
            }
            "use_token" => {
                let token = SecretKey::new(self.tokens[step["token"].as_str().unwrap()].expose().to_owned());
                self.core.authenticate(Proof::Organisation(token), self.core.meta()).await.map_err(|_| "inactive_token".to_owned())?;
            }
            "list_created" => {
                let list = ListApps { org, search: String::new(), skip: 0, limit: 50 };
                let found = self.core.perform(&by, &list).await.unwrap().items.iter().any(|app| app.id == id);
                assert_eq!(step["expect"]["contains_app"], found, "{place}");
            }
            "list_access" => {
                let found = self.core.perform(&by, &ListInstances { org, skip: 0, limit: 50 }).await.unwrap();
                assert_eq!(step["expect"]["contains_app"], found.items.iter().any(|app| app.id == id), "{place}");
            }
            "set_org_services" => {
                let all = super::services(&step["services"]);
                let roles = all.into_iter().flat_map(|(service, roles)| roles.into_iter().map(move |role| (service.clone(), role)));
                self.core.perform(&by, &SetOfferedRoles { org, roles: roles.collect() }).await.unwrap();
            }
            "set_actor_roles" => {
                let (user, named) = self.actors[step["actor"].as_str().unwrap()].clone();
                assert_eq!(step["org_roles"].as_array().unwrap().len(), 0, "{place}");
                let remove = Roles {
                    org_roles: ["provider_service_manager", "provider_developer"].map(str::to_owned).into(),
                    services: [(super::id("vcd"), ["vcd:user".to_owned()].into())].into(),
                };
                let root = self.caller("root").await;
                self.core.perform(&root, &ChangeMember { org, user, named, add: Vec::new(), remove }).await.unwrap();
            }
            "rotate_secret" | "regenerate_secret" => {
                let name = step["new"].as_str().unwrap();
                let secret = Some(Arc::new(SecretKey::new(strong(name))));
                let change = SecretChange { org, id, secret, overlap_seconds: step["overlap_s"].as_i64(), wrap: None };
                let made = match step["op"].as_str() {
                    Some("rotate_secret") => rotate_secret(&self.core, &by, change).await.map_err(refused)?,
                    _ => replace_secret(&self.core, &by, change).await.map_err(refused)?,
                };
                self.made(made, name);
            }
            "end_rotation" => {
                self.core.perform(&by, &crate::org::EndRotation { org, id }).await.map_err(refused)?;
            }
            "advance_s" => self.core.clock.advance(Duration::from_secs(step["seconds"].as_u64().unwrap())),
            other => panic!("{place}: {other}"),
        }
        Ok(())
    }
}

fn named(org: &str, scope: crate::org::AppScope) -> NewApp {
    NewApp {
        org: org.to_owned(),
        id: None,
        secret: None,
        display_name: "nightly report".to_owned(),
        description: "reads usage".to_owned(),
        access_seconds: None,
        overlap_seconds: None,
        owner_rotates: false,
        scope,
        wrap: None,
    }
}

#[tokio::test]
async fn every_vector_holds_through_the_operations() {
    assert_eq!(Services::sample().all().len(), 3);
    for case in cases() {
        for core in TestCore::each().await.unwrap() {
            let mut world = World::of(core, &case).await;
            for (at, step) in case["steps"].as_array().unwrap().iter().enumerate() {
                let place = format!("{} {} step {at}", case["id"], case["title"]);
                let outcome = world.step(step, &place).await;
                assert_eq!(outcome.err().as_deref(), step["expect"]["refused"].as_str(), "{place}");
            }
        }
    }
}
