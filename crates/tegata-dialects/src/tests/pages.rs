//! Pages as a browser sees them: what comes next, and what other sites, other tabs and strangers cannot do with them.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tegata_core::directory::{self, NewLoginProfile};
use tegata_model::{SecretKey, Status};
use tegata_sign::form;
use tower::ServiceExt as _;

use super::world::{World, pairs};
use crate::Peer;

const HOST: &str = "tegata.test:8420";
const VENDOR: &str = "4038181954557748008";
const CALLBACK: &str = "http://127.0.0.1:12345/cli/callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const PASSWORD: &str = "correct horse battery";

/// What a client asks for, with some of it replaced.
pub(super) fn request(more: &[(&str, Option<&str>)]) -> String {
    let mut query = pairs([
        ("response_type", "code"),
        ("client_id", VENDOR),
        ("redirect_uri", CALLBACK),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    for (name, value) in more {
        query.retain(|(known, _)| known != name);
        query.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    format!("/oauth2/v1/auth?{}", form::encode(&query))
}

pub(super) async fn people(world: &World, names: &[&str]) {
    for name in names {
        let new = NewLoginProfile {
            user: name.parse().unwrap(),
            password: Some(Arc::new(SecretKey::new(PASSWORD.to_owned()))),
            reset_required: false,
            mfa_required: false,
            status: Status::Active,
        };
        let alice = world.test.user("alice").await.unwrap();
        directory::create_login_profile(&world.test, &alice, new).await.unwrap();
    }
}

/// A browser with its cookies, on the page it was last shown.
pub(super) struct Browser<'a> {
    world: &'a World,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) at: String,
    pub(super) status: StatusCode,
    pub(super) page: String,
    pub(super) away: Option<String>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, cookies: BTreeMap::new(), at: String::new(), status: StatusCode::OK, page: String::new(), away: None }
    }

    pub(super) async fn raw(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> http::Response<Body> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, HOST);
        }
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if method == "POST" {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer { address: ([192, 0, 2, 7], 4711).into(), tls: false });
        self.world.issuer.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn go(&mut self, method: &str, target: &str, body: &str) -> &mut Self {
        let (mut method, mut target, mut body) = (method, target.to_owned(), body.to_owned());
        self.away = None;
        for _ in 0..6 {
            let response = self.raw(method, &target, &[], &body).await;
            for line in response.headers().get_all(header::SET_COOKIE) {
                let line = line.to_str().unwrap();
                assert!(line.contains("; SameSite=Lax") && line.contains("; Path=/"), "{line}");
                let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
                assert!(name == "lang" || line.contains("; HttpOnly"), "{line}");
                self.cookies.insert(name.to_owned(), value.to_owned());
                if value.is_empty() {
                    self.cookies.remove(name);
                }
            }
            self.status = response.status();
            let Some(location) = response.headers().get(header::LOCATION).map(|text| text.to_str().unwrap().to_owned()) else {
                let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
                assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
                self.page = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
                self.at = target;
                return self;
            };
            assert_eq!(self.status, StatusCode::SEE_OTHER);
            if location.contains("://") {
                self.away = Some(location);
                return self;
            }
            let path = target.split('?').next().unwrap().to_owned();
            target = match location.strip_prefix('?') {
                Some(query) => format!("{path}?{query}"),
                None => format!("{}/{location}", path.rsplit_once('/').unwrap().0)
                    .replace("/apps/official-cli/../..", "")
                    .replace("/oauth2/v1/../..", "")
                    .replace("/welcome/..", "")
                    .replace("/reset/..", ""),
            };
            (method, body) = ("GET", String::new());
        }
        panic!("round in a circle: {target}");
    }

    pub(super) async fn open(&mut self, target: &str) -> &mut Self {
        self.go("GET", target, "").await
    }

    fn csrf(&self) -> String {
        self.page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    pub(super) fn form(&self, fields: &[(&str, &str)]) -> String {
        let mut all = pairs([("csrf", self.csrf().as_str())]);
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        form::encode(&all)
    }

    pub(super) async fn submit(&mut self, fields: &[(&str, &str)]) -> &mut Self {
        let (at, body) = (self.at.clone(), self.form(fields));
        self.go("POST", &at, &body).await
    }

    pub(super) async fn sign_in(&mut self, name: &str) -> &mut Self {
        self.submit(&[("username", &format!("{name}@acme")), ("password", PASSWORD)]).await
    }

    pub(super) fn heading(&self) -> String {
        let inside = self.page.split("<h1").nth(1).unwrap().split("</h1>").next().unwrap();
        inside.rsplit('>').next().unwrap().to_owned()
    }

    /// Where it is, in a line.
    pub(super) fn brief(&self) -> String {
        match &self.away {
            Some(url) => {
                let code = url.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or("no code");
                format!("away: {}", url.replace(code, "CODE"))
            }
            None => format!("{} {}", self.status.as_u16(), self.heading()),
        }
    }
}

/// alice has installed the command line and assigned bob.
pub(super) async fn ready(world: &World) {
    people(world, &["alice", "bob", "dan"]).await;
    let mut alice = Browser::new(world);
    alice.open(&request(&[])).await.sign_in("alice").await.submit(&[("decision", "allow")]).await;
    alice.open("/apps/official-cli/assignments").await.submit(&[("identity_type", "user"), ("identity", "bob")]).await;
}

#[tokio::test]
async fn from_nothing_to_a_code() {
    let world = World::new().await;
    people(&world, &["alice", "bob", "dan"]).await;
    let mut seen = String::new();
    let mut alice = Browser::new(&world);
    let _ = writeln!(seen, "nobody: {}", alice.open(&request(&[])).await.brief());
    let wrong = alice.submit(&[("username", "alice@acme"), ("password", "wrong")]).await.brief();
    let _ = writeln!(seen, "wrong password: {wrong}");
    let nobody = alice.submit(&[("username", "ghost@nowhere"), ("password", "wrong")]).await;
    let _ = writeln!(seen, "unknown person: {} {}", nobody.brief(), nobody.page.contains("ghost"));
    let _ = writeln!(seen, "alice: {}", alice.sign_in("alice").await.brief());
    let _ = writeln!(seen, "alice installs: {}", alice.submit(&[("decision", "allow")]).await.brief());
    let _ = writeln!(seen, "alice goes on: {}", alice.open(&request(&[])).await.brief());
    let mut bob = Browser::new(&world);
    let _ = writeln!(seen, "bob: {}", bob.open(&request(&[])).await.sign_in("bob").await.brief());
    let _ = writeln!(seen, "bob looks at assignments: {}", bob.open("/apps/official-cli/assignments").await.brief());
    let _ = writeln!(seen, "alice looks at assignments: {}", alice.open("/apps/official-cli/assignments").await.brief());
    let ghost = alice.submit(&[("identity_type", "user"), ("identity", "ghost")]).await.brief();
    let _ = writeln!(seen, "alice assigns a ghost: {ghost}");
    let assigned = alice.submit(&[("identity_type", "user"), ("identity", "bob")]).await;
    let _ = writeln!(seen, "alice assigns bob: {} {}", assigned.brief(), assigned.page.contains("<td>bob</td>"));
    let _ = writeln!(seen, "bob again: {}", bob.open(&request(&[])).await.brief());
    let _ = writeln!(seen, "bob says no: {}", bob.submit(&[("decision", "deny")]).await.brief());
    let _ = writeln!(seen, "bob says yes: {}", bob.open(&request(&[])).await.submit(&[("decision", "allow")]).await.brief());
    let _ = writeln!(seen, "bob once more: {}", bob.open(&request(&[])).await.brief());
    let _ = writeln!(seen, "without asking: {}", bob.open(&request(&[("prompt", Some("none"))])).await.brief());
    let _ = writeln!(seen, "consent again: {}", bob.open(&request(&[("prompt", Some("consent"))])).await.brief());
    let _ = writeln!(seen, "sign in again: {}", bob.open(&request(&[("prompt", Some("login"))])).await.brief());
    let _ = writeln!(seen, "bob signs in again: {}", bob.sign_in("bob").await.brief());
    let _ = writeln!(seen, "admin consent again: {}", alice.open(&request(&[("prompt", Some("admin_consent"))])).await.brief());
    let mut dan = Browser::new(&world);
    let dan = dan.open(&request(&[("prompt", Some("admin_consent"))])).await.sign_in("dan").await.brief();
    let _ = writeln!(seen, "admin consent of dan: {dan}");
    world.test.clock.advance(std::time::Duration::from_mins(6));
    let late = alice.open(&request(&[("prompt", Some("admin_consent"))])).await.brief();
    let _ = writeln!(seen, "admin consent six minutes later: {late}");
    insta::assert_snapshot!("pages_from_nothing_to_a_code", seen);
}

#[tokio::test]
async fn nobody_is_sent_to_a_place_that_is_not_registered() {
    let world = World::new().await;
    for uri in [
        None,
        Some("http://localhost:12345/cli/callback"),
        Some("http://[::1]:12345/cli/callback"),
        Some("http://127.0.0.1:12345@evil.example/cli/callback"),
        Some("http://127.0.0.1:12345/cli/callback#f"),
        Some("http://127.0.0.1:12345/cli/callback/.."),
        Some("http://127.0.0.1:12345/cli%2fcallback"),
        Some("https://evil.example/"),
        Some("javascript:alert(1)"),
        Some("<script>alert(1)</script>"),
    ] {
        let mut browser = Browser::new(&world);
        browser.open(&request(&[("redirect_uri", uri)])).await;
        assert!(browser.away.is_none() && browser.status == 400, "{uri:?}: {}", browser.brief());
        assert!(!browser.page.contains("<script"), "{uri:?}");
        // Nor where something else is wrong too.
        browser.open(&request(&[("redirect_uri", uri), ("response_type", Some("token"))])).await;
        assert!(browser.away.is_none(), "{uri:?}");
    }
    for query in [&[("client_id", Some("1"))][..], &[("client_id", None)], &[("client_id", Some("<script>alert(1)</script>"))]] {
        let mut browser = Browser::new(&world);
        browser.open(&request(query)).await;
        assert!(browser.away.is_none() && browser.status == 400 && !browser.page.contains("<script"), "{query:?}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", request(&[]));
    assert_eq!(Browser::new(&world).open(&twice).await.status, 400);
    for (wrong, code) in [
        (("response_type", Some("token")), "unsupported_response_type"),
        (("code_challenge", None), "invalid_request"),
        (("code_challenge_method", Some("plain")), "invalid_request"),
        (("scope", Some("openid everything")), "invalid_scope"),
        (("request_uri", Some("urn:x")), "invalid_request"),
    ] {
        let mut browser = Browser::new(&world);
        let away = browser.open(&request(&[wrong])).await.away.clone().unwrap();
        assert!(away.starts_with(&format!("{CALLBACK}?error={code}&")) && away.contains("state=xyz") && away.contains("&iss="), "{away}");
    }
}

#[tokio::test]
async fn other_sites_and_other_tabs_send_no_forms() {
    let world = World::new().await;
    ready(&world).await;
    let mut bob = Browser::new(&world);
    bob.open(&request(&[("state", Some("first"))])).await.sign_in("bob").await;
    let (first, first_form) = (bob.at.clone(), bob.form(&[("decision", "allow")]));
    bob.open(&request(&[("state", Some("second"))])).await;
    let second = bob.at.clone();
    // The form of one tab does nothing in the other.
    let answer = bob.raw("POST", &second, &[], &first_form).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // Another site, with the form as it is.
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "https://tegata.test:8420")],
        &[("origin", "http://tegata.test:8420"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("host", "evil.example")],
        &[("host", "evil.example"), ("origin", "http://evil.example")],
    ] {
        let answer = bob.raw("POST", &first, headers, &first_form).await;
        assert!(matches!(answer.status().as_u16(), 403 | 421), "{headers:?} {}", answer.status());
        assert!(answer.headers().get(header::LOCATION).is_none() && answer.headers().get(header::SET_COOKIE).is_none());
    }
    // Somebody else's browser, and one with a cookie that a neighbour has set beside.
    let mut stranger = Browser::new(&world);
    stranger.open(&request(&[])).await;
    assert_eq!(stranger.raw("POST", &first, &[], &first_form).await.status(), StatusCode::FORBIDDEN);
    let cookie = bob.cookies["tegata"].clone();
    let tossed = bob.raw("POST", &first, &[("cookie", &format!("tegata={cookie}x"))], &first_form).await;
    assert_eq!(tossed.status(), StatusCode::FORBIDDEN, "twice the same cookie counts as none");
    // Without any token.
    assert_eq!(bob.raw("POST", &first, &[], "decision=allow").await.status(), StatusCode::FORBIDDEN);
    // A link signs nobody out.
    assert_eq!(bob.open("/signout").await.heading(), "You are signed in");
    let answer = bob.raw("POST", &first, &[("origin", "http://tegata.test:8420"), ("sec-fetch-site", "same-origin")], &first_form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "and as it was meant it works");
    let csrf = bob.csrf();
    bob.go("POST", "/signout", &format!("csrf={csrf}")).await;
    assert_eq!(bob.heading(), "Sign in");
    assert!(!bob.cookies.contains_key("tegata"));
    bob.cookies.insert("tegata".to_owned(), cookie);
    assert_eq!(bob.open("/signin").await.heading(), "Sign in", "a cookie that was signed out is dead");
}

#[tokio::test]
async fn guessing_is_slow_and_locks_no_known_browser_out() {
    let world = World::new().await;
    ready(&world).await;
    let mut known = Browser::new(&world);
    known.open("/signin").await.sign_in("bob").await;
    let csrf = known.csrf();
    known.go("POST", "/signout", &format!("csrf={csrf}")).await;
    for who in ["bob@acme", "nobody@acme", "nobody@nowhere"] {
        let mut said = Vec::new();
        let mut stranger = Browser::new(&world);
        stranger.open("/signin").await;
        for _ in 0..7 {
            said.push(stranger.submit(&[("username", who), ("password", "guess")]).await.status.as_u16());
        }
        assert_eq!(said, [401, 401, 401, 401, 401, 429, 429], "{who}");
        // However right it is by now.
        assert_eq!(stranger.submit(&[("username", who), ("password", PASSWORD)]).await.status, 429, "{who}");
    }
    assert_eq!(known.open("/signin").await.sign_in("bob").await.heading(), "You are signed in");
}

#[tokio::test]
async fn a_browser_acts_as_a_role_and_is_itself_again() {
    let world = World::new().await;
    ready(&world).await;
    let mut bob = Browser::new(&world);
    bob.open("/switch-role").await.sign_in("bob").await;
    assert_eq!(bob.heading(), "Switch role");
    for (account, role) in [("acme", "ghost"), ("globex", "app-uploader"), ("nowhere", "x"), ("acme", "<b>")] {
        let refused = bob.submit(&[("account", account), ("role", role)]).await;
        assert!(refused.status == 403 && !refused.page.contains("<b>"), "{account} {role}");
    }
    assert_eq!(bob.submit(&[("account", "acme"), ("role", "app-uploader")]).await.heading(), "You are signed in");
    assert!(bob.page.contains("<dd>app-uploader</dd>"), "{}", bob.page);
    // The role's own assignment counts, not that of the person.
    assert_eq!(bob.open(&request(&[])).await.brief(), "403 You are not assigned");
    assert!(bob.page.contains("--role app-uploader"));
    let mut alice = Browser::new(&world);
    alice.open("/apps/official-cli/assignments").await.sign_in("alice").await;
    alice.submit(&[("identity_type", "role"), ("identity", "app-uploader")]).await;
    assert!(bob.open(&request(&[])).await.submit(&[("decision", "allow")]).await.away.as_ref().unwrap().contains("code="));
    bob.open("/switch-role").await.submit(&[("back", "1")]).await;
    assert!(!bob.open("/signin").await.page.contains("<dd>app-uploader</dd>"));
    let mut dan = Browser::new(&world);
    dan.open("/switch-role").await.sign_in("dan").await;
    assert_eq!(dan.submit(&[("account", "acme"), ("role", "app-uploader")]).await.status, 403);
}

#[tokio::test]
async fn the_first_password_is_set_by_a_link_once() {
    let world = World::new().await;
    let alias = "acme".parse().unwrap();
    let old = world.test.root_sign_in_link(&alias).await.unwrap().unwrap();
    let link = world.test.root_sign_in_link(&alias).await.unwrap().unwrap();
    let (old, at) = (format!("/welcome/{}", old.expose()), format!("/welcome/{}", link.expose()));
    let mut root = Browser::new(&world);
    assert_eq!(root.open(&old).await.status, 404, "only the newest counts");
    assert_eq!(root.open(&at).await.heading(), "Choose a password");
    assert_eq!(root.submit(&[("password", "short"), ("again", "short")]).await.status, 400);
    assert_eq!(root.submit(&[("password", PASSWORD), ("again", "another")]).await.status, 400);
    root.submit(&[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(root.open(&at).await.status, 404, "used");
    assert!(world.test.root_sign_in_link(&alias).await.unwrap().is_none());
    root.open("/signin").await.submit(&[("username", "root@acme.test"), ("password", PASSWORD)]).await;
    assert_eq!(root.heading(), "You are signed in");
}

#[tokio::test]
async fn languages_are_chosen_and_remembered() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    assert!(browser.open("/signin?lang=ja").await.page.contains("<html lang=\"ja\">"));
    assert!(browser.open("/signin").await.page.contains("<html lang=\"ja\">"));
    assert!(browser.open("/signin?lang=en").await.page.contains("<html lang=\"en\">"));
    assert_eq!(browser.open("/assets/none.css").await.status, 404);
}

/// What `tegata-cli` asks for where it cannot be reached by a browser.
pub(super) fn typed(redirect: &str) -> String {
    request(&[("client_id", Some("tegata-cli")), ("redirect_uri", Some(redirect))])
}

#[tokio::test]
async fn a_code_that_is_typed_into_a_terminal() {
    let world = World::new().await;
    ready(&world).await;
    let mut bob = Browser::new(&world);
    bob.open("/signin?lang=en").await;
    // The page is nobody else's, and only the one here.
    let vendor = request(&[("redirect_uri", Some("http://tegata.test:8420/oauth/code"))]);
    assert_eq!(bob.open(&vendor).await.status, 400);
    for redirect in ["http://evil.test/oauth/code", "http://tegata.test:8420/oauth/code?x=1", "http://tegata.test:8420/oauth/code/"] {
        assert_eq!(bob.open(&typed(redirect)).await.status, 400, "{redirect}");
    }
    let asked = typed("http://tegata.test:8420/oauth/code");
    bob.open(&asked).await.sign_in("bob").await;
    assert!(bob.page.contains("a code that you type into a terminal"), "{}", bob.page);
    let page = bob.submit(&[("decision", "allow")]).await.page.clone();
    let code: String = page.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(code.len() == 19 && code.split('-').all(|group| group.len() == 4), "{code}");
    assert!(page.contains("wants to sign in as you") && bob.at.starts_with("/oauth/code?code="), "{} {page}", bob.at);
    let shown = bob.at.clone();
    assert!(bob.open(&format!("{shown}&lang=ja")).await.page.contains(&code));
    bob.open("/signin?lang=en").await;
    // A link shows no code that was not made here, nor in another browser.
    let other = shown.replace(&code.replace('-', ""), "BCDFGHJKLMNPQRST");
    assert_eq!(bob.open(&other).await.status, 404);
    assert_eq!(Browser::new(&world).open(&shown).await.status, 404);
    // Whoever says no is told so here, where nothing else waits for it.
    assert_eq!(bob.open(&asked).await.submit(&[("decision", "deny")]).await.brief(), "200 Cancelled");

    // The code is good with the verifier and a key, once; without, it is used up.
    let plain = code.replace('-', "");
    let redeem = |code: String, verifier: &'static str| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("client_id", "tegata-cli"),
            ("redirect_uri", "http://tegata.test:8420/oauth/code"),
            ("code_verifier", verifier),
        ];
        form::encode(&pairs(fields))
    };
    let stranger = bob.raw("POST", "/v1/token", &[], &redeem(plain.clone(), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")).await;
    assert_eq!(stranger.status(), 400);
}
