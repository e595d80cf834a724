//! A server gets exactly the rights that three parties agree on: the definition, the organisation, and whoever adds it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tegata_client::{ClientError, Transport};

use super::{
    Guide, Should,
    json::{Headers, call, header, post_form, text},
};
use crate::{dev::ready::ReadyFile, failure::Failure};

const AM: &str = "/csp/gateway/am/api";

/// One organisation as its API shows it, and who asks.
struct Organisation<'a> {
    transport: &'a Transport,
    base: String,
    org: &'a str,
}

impl Organisation<'_> {
    /// What a person's API token is worth now, as header lines.
    async fn person(&self, api_token: &str) -> Result<Headers, ClientError> {
        let url = format!("{}/auth/api-tokens/authorize", self.base);
        let answer = post_form(self.transport, &url, &[], &[("api_token", api_token)]).await?;
        Ok(vec![header("csp-auth-token", text(&answer, "access_token"))])
    }

    async fn ask(&self, who: &Headers, method: &str, path: &str, body: &Value) -> Result<Value, ClientError> {
        call(self.transport, method, &format!("{}/orgs/{}/{path}", self.base, self.org), who, Some(body)).await
    }

    /// Adds the app, and tells what it was given.
    async fn add(&self, who: &Headers, app: &str) -> Result<Value, ClientError> {
        let answer = self.ask(who, "POST", "clients", &json!({ "ids": [app] })).await?;
        if answer.get("failures").and_then(Value::as_array).is_some_and(|failures| !failures.is_empty()) {
            return Err(ClientError::Request(answer.to_string()));
        }
        Ok(answer)
    }

    async fn token(&self, app: &App) -> Result<Value, ClientError> {
        let basic = vec![header("authorization", &format!("Basic {}", STANDARD.encode(format!("{}:{}", app.id, app.secret))))];
        let url = format!("{}/auth/token", self.base);
        post_form(self.transport, &url, &basic, &[("grant_type", "client_credentials"), ("orgId", self.org)]).await
    }
}

struct App {
    id: String,
    secret: String,
}

fn definition(service: &str, roles: &[&str]) -> Value {
    let roles: Vec<_> = roles.iter().map(|role| json!({ "name": role })).collect();
    json!({
        "displayName": "nightly report",
        "description": "reads usage",
        "grantTypes": ["client_credentials"],
        "accessTokenTTL": 1800,
        "allowedScopes": {
            "generalScopes": [],
            "organizationScopes": { "allRoles": false, "roles": [{ "name": "provider_service_manager" }] },
            "servicesScopes": [{ "serviceDefinitionId": service, "allRoles": false, "roles": roles }],
        },
    })
}

/// The roles of a token's scope, without the ids of the services.
fn scope(answer: &Value) -> String {
    let words = text(answer, "scope").split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    words.collect::<Vec<_>>().join(" ")
}

pub(super) async fn walk(guide: &mut Guide, ready: &ReadyFile) -> Result<(), Failure> {
    let transport = Transport::new();
    let issuer = ready.issuer.as_str();
    let here = Organisation { transport: &transport, base: format!("{issuer}{AM}"), org: ready.account.org_id };
    let api_token =
        |name: &str| ready.users.get(name).map(|user| user.csp_api_token).ok_or_else(|| Failure::new("the tour lacks a person"));
    let failed = |error: ClientError| Failure::new(format!("an API token of the sample directory does not work: {error}"));
    let alice = here.person(api_token("alice")?).await.map_err(failed)?;
    let dan = here.person(api_token("dan")?).await.map_err(failed)?;
    let bob = here.person(api_token("bob")?).await.map_err(failed)?;
    let vcd = service(&transport, issuer, &dan).await.map_err(failed)?;

    Guide::chapter("A server gets what its definition, the organisation and whoever adds it all allow");
    let none = |_: &Value| String::new();
    let asked = here.ask(&bob, "POST", "oauth-apps", &definition(&vcd, &["vcd:user"])).await;
    guide.step("bob, who has no role here: makes an app", &Should::Refuse("access_denied"), asked, none);
    let asked = here.ask(&dan, "POST", "oauth-apps", &definition(&vcd, &["vcd:user", "vcd:admin"])).await;
    guide.step("dan: makes an app with vcd:admin, which dan does not hold", &Should::Refuse("access_denied"), asked, none);
    let made = here.ask(&alice, "POST", "oauth-apps", &definition(&vcd, &["vcd:user", "vcd:admin"])).await;
    let made = guide.step("alice: makes the same app", &Should::Work, made, |made| {
        format!("{}, and a secret that is shown this once", text(made, "clientId"))
    });
    let Some(made) = made else { return Ok(()) };
    let app = App { id: text(&made, "clientId").to_owned(), secret: text(&made, "clientSecret").to_owned() };
    let one = format!("oauth-apps/{}", app.id);

    guide.step("the app: a token, before anybody added it", &Should::Refuse("unauthorized_client"), here.token(&app).await, none);
    guide.step("dan: adds it", &Should::Work, here.add(&dan, &app.id).await, |_| "added".to_owned());
    let token = here.token(&app).await;
    guide.step("the app: a token", &Should::Work, token, |token| format!("{}, for vcd:admin is not dan's to give", scope(token)));
    let edited = here.ask(&alice, "PATCH", &one, &definition(&vcd, &["vcd:admin"])).await;
    guide.step("alice: edits the definition", &Should::Work, edited, |_| "only vcd:admin is left in it".to_owned());
    guide.step("the app: a token, as before", &Should::Work, here.token(&app).await, scope);
    let again = here.add(&dan, &app.id).await;
    guide.step("dan: adds it once more", &Should::Refuse("invalid_request"), again, none);
    let gone = here.ask(&alice, "DELETE", "clients", &json!({ "ids": [app.id] })).await;
    guide.step("alice: removes it", &Should::Work, gone, |_| "removed".to_owned());
    guide.step("the app: a token", &Should::Refuse("unauthorized_client"), here.token(&app).await, none);
    guide.step(
        "alice: adds it again, by the edited definition and with all that is alice's",
        &Should::Work,
        here.add(&alice, &app.id).await,
        |_| "added".to_owned(),
    );
    guide.step("the app: a token", &Should::Work, here.token(&app).await, scope);
    let deleted = here.ask(&alice, "DELETE", "oauth-apps", &json!({ "clientIdsToDelete": [app.id] })).await;
    guide.step("alice: deletes the app for good", &Should::Work, deleted, |_| "deleted".to_owned());
    guide.step("the app: a token", &Should::Refuse("invalid_client"), here.token(&app).await, none);
    Ok(())
}

/// The id of the service that is called `vcd`.
async fn service(transport: &Transport, issuer: &str, who: &Headers) -> Result<String, ClientError> {
    let url = format!("{issuer}/csp/gateway/slc/api/definitions?expand=1");
    let answer = call(transport, "GET", &url, who, None).await?;
    let all = answer.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    let found = all.iter().find(|one| text(one, "name") == "vcd").map(|one| text(one, "id").to_owned());
    found.ok_or_else(|| ClientError::Request("the catalogue has no service `vcd`".to_owned()))
}
