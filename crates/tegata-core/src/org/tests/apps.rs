//! Apps beyond the vectors: limits, secrets, races, people, narrowed tokens, and what an attacker would try.

use std::{sync::Arc, time::Duration};

use tegata_model::{PolicyName, SecretKey};

use super::id;
use crate::{
    Caller, OpError,
    authn::{About, PresentedClient, Proof},
    client::{CreateClient, DeleteClient, DescribeClient, ListClients},
    directory::Attachable,
    grant::{Narrowed, OrganisationToken, RedeemApiToken},
    org::*,
    testing::{BENCH, TestCore, api_token_of},
};

/// `acme` offers roles of two services; alice administers it, dan makes apps with what he has.
pub(super) async fn world(core: &TestCore) -> String {
    let user = async |name: &str| core.user_id(&core.user(name).await.unwrap()).unwrap();
    let (alice, dan) = (user("alice").await, user("dan").await);
    let mut provision = core.provision();
    provision.offer(&core.acme, &[("vcd", "vcd:admin"), ("vcd", "vcd:user"), ("vmc", "vmc:admin"), ("vmc", "vmc:auditor")]);
    provision.bind(&core.acme, alice, None, "provider_admin");
    for role in ["provider_service_manager", "provider_developer"] {
        provision.bind(&core.acme, dan, None, role);
    }
    provision.bind(&core.acme, dan, Some("vcd"), "vcd:user");
    provision.commit().await.unwrap();
    core.acme.organisation_id.as_str().to_owned()
}

fn scope(org_roles: &[&str], services: &[(&str, &[&str])]) -> AppScope {
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    AppScope {
        org_roles: set(org_roles),
        services: services.iter().map(|(service, roles)| (id(service), Wanted::These(set(roles)))).collect(),
    }
}

pub(super) fn new(org: &str, scope: AppScope) -> NewApp {
    NewApp {
        org: org.to_owned(),
        id: None,
        secret: None,
        display_name: "nightly report".to_owned(),
        description: String::new(),
        access_seconds: None,
        overlap_seconds: None,
        owner_rotates: false,
        scope,
        wrap: None,
    }
}

pub(super) fn manager(roles: &[&str]) -> AppScope {
    scope(&["provider_service_manager"], &[("vcd", roles)])
}

pub(super) fn add(org: &str, app: &str) -> AddApps {
    AddApps { org: org.to_owned(), ids: vec![app.to_owned()], requested: Requested::default(), preview: false }
}

fn change(org: &str, app: &str, secret: Option<&str>) -> SecretChange {
    let secret = secret.map(|text| Arc::new(SecretKey::new(text.to_owned())));
    SecretChange { org: org.to_owned(), id: app.to_owned(), secret, overlap_seconds: None, wrap: None }
}

pub(super) async fn app_caller(core: &TestCore, app: &str, secret: &str) -> Result<Caller, OpError> {
    let secret = Some(SecretKey::new(secret.to_owned()));
    let presented = PresentedClient { app_id: app.to_owned(), secret, respelled: None, about: About::Itself, key: None };
    core.authenticate(Proof::Client(presented), core.meta()).await
}

/// A sample user with a proof that was not spent yet.
pub(super) async fn fresh(core: &TestCore, user: &str) -> Caller {
    core.user(user).await.unwrap()
}

/// The app as its own access token makes it a caller.
async fn acting(core: &TestCore, app: &AppSecret) -> Caller {
    let caller = app_caller(core, &app.id, app.secret.expose()).await.unwrap();
    let issued = core.perform(&caller, &OrganisationToken::default()).await.unwrap();
    core.authenticate(Proof::Organisation(issued.access_token), core.meta()).await.unwrap()
}

fn why<T: std::fmt::Debug>(result: Result<T, OpError>) -> &'static str {
    let error = result.unwrap_err();
    word_of(&error).unwrap_or_else(|| panic!("{error:?}"))
}

#[tokio::test]
async fn what_is_said_of_an_app_has_limits() {
    let core = TestCore::new().await.unwrap();
    let org = world(&core).await;
    let with = |change: &dyn Fn(&mut NewApp)| {
        let mut app = new(&org, manager(&["vcd:user"]));
        change(&mut app);
        app
    };
    let secret = |text: &str| Some(Arc::new(SecretKey::new(text.to_owned())));
    for bad in ["abcd", "with space", "umlaut-ü", &"x".repeat(257)] {
        assert_eq!(
            why(create_app(&core, &fresh(&core, "alice").await, with(&|app| app.id = Some(bad.to_owned()))).await),
            "invalid_field",
            "{bad}"
        );
    }
    for bad in ["Short1!", "no-upper-1", "NO-LOWER-1", "No-digit-x", "NoSpecial1"] {
        assert_eq!(
            why(create_app(&core, &fresh(&core, "alice").await, with(&|app| app.secret = secret(bad))).await),
            "invalid_field",
            "{bad}"
        );
    }
    for bad in ["", "  ", "semi;colon", "<b>", "line\nbreak", &"x".repeat(257)] {
        assert_eq!(
            why(create_app(&core, &fresh(&core, "alice").await, with(&|app| app.display_name = bad.to_owned())).await),
            "invalid_field",
            "{bad}"
        );
    }
    for bad in [-1, 0, 59, 10_801, i64::MAX] {
        assert_eq!(
            why(create_app(&core, &fresh(&core, "alice").await, with(&|app| app.access_seconds = Some(bad))).await),
            "invalid_field",
            "{bad}"
        );
    }
    for bad in [-1, 0, 2_592_001] {
        assert_eq!(
            why(create_app(&core, &fresh(&core, "alice").await, with(&|app| app.overlap_seconds = Some(bad))).await),
            "invalid_field",
            "{bad}"
        );
    }
    let good = with(&|app| {
        app.id = Some("abc-_5".to_owned());
        app.secret = secret("Aa1:/+% x");
        app.display_name = "Bericht für Zoë's 夜: a@b & `c`.".to_owned();
        app.access_seconds = Some(60);
        app.overlap_seconds = Some(2_592_000);
    });
    let made = create_app(&core, &fresh(&core, "alice").await, good.clone()).await.unwrap();
    assert_eq!((made.id.as_str(), made.secret.expose()), ("abc-_5", "Aa1:/+% x"));
    assert!(app_caller(&core, "abc-_5", "Aa1:/+% x").await.is_ok());
    assert!(app_caller(&core, "abc-_5", "Aa1:/+%  x").await.is_err());
    assert!(matches!(create_app(&core, &fresh(&core, "alice").await, good).await, Err(OpError::Exists(_))));
    // Ids are unique over applications of people too, those of this program among them.
    for taken in [BENCH.0, "tegata-cli"] {
        assert!(matches!(
            create_app(&core, &fresh(&core, "alice").await, with(&|app| app.id = Some(taken.to_owned()))).await,
            Err(OpError::Exists(_))
        ));
    }
}

#[tokio::test]
async fn an_old_secret_replaces_nothing_and_a_third_ends_the_first() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let made = create_app(&core, &fresh(&core, "alice").await, new(&org, manager(&["vcd:user"]))).await.unwrap();
        let (app, first) = (made.id.as_str(), made.secret.expose());
        let by_first = app_caller(&core, app, first).await.unwrap();
        let second = rotate_own_secret(&core, &by_first, change("", app, Some("Second-secret-2"))).await.unwrap();
        assert_eq!(second.secret.expose(), "Second-secret-2");
        // Both count; only the newer one may go on replacing.
        let by_first = app_caller(&core, app, first).await.unwrap();
        assert_eq!(why(rotate_own_secret(&core, &by_first, change("", app, None)).await), "old_secret");
        let by_second = app_caller(&core, app, "Second-secret-2").await.unwrap();
        assert_eq!(why(rotate_own_secret(&core, &by_second, change("", "other", None)).await), "no_access_to_org");
        let third = rotate_own_secret(&core, &by_second, change("", app, None)).await.unwrap();
        assert!(app_caller(&core, app, first).await.is_err(), "two count at most");
        assert!(app_caller(&core, app, "Second-secret-2").await.is_ok());
        let shown = core.perform(&fresh(&core, "alice").await, &DescribeApp { org: org.clone(), id: app.to_owned() }).await.unwrap();
        assert_eq!(shown.secret_age, Some(Duration::ZERO));
        assert_eq!(shown.old_secret_until, Some(core.now().plus(Duration::from_hours(48))));
        core.clock.advance(Duration::from_hours(48));
        assert!(app_caller(&core, app, "Second-secret-2").await.is_err());
        assert!(app_caller(&core, app, third.secret.expose()).await.is_ok());
        // An owner's wish binds; people do not replace by this door, and strangers not at all.
        let update = UpdateApp { org: org.clone(), id: app.to_owned(), owner_rotates: Some(true), ..UpdateApp::default() };
        core.perform(&fresh(&core, "alice").await, &update).await.unwrap();
        let by_third = app_caller(&core, app, third.secret.expose()).await.unwrap();
        assert_eq!(why(rotate_own_secret(&core, &by_third, change("", app, None)).await), "owner_only_rotation");
        assert_eq!(why(rotate_own_secret(&core, &fresh(&core, "alice").await, change("", app, None)).await), "no_access_to_org");
        let bench = app_caller(&core, BENCH.0, BENCH.1).await.unwrap();
        assert_eq!(why(rotate_own_secret(&core, &bench, change("", BENCH.0, None)).await), "no_access_to_org");
    }
}

#[tokio::test]
async fn of_two_who_add_at_once_one_wins() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let made = create_app(&core, &fresh(&core, "alice").await, new(&org, manager(&["vcd:admin", "vcd:user"]))).await.unwrap();
        let add = add(&org, &made.id);
        let (first, second) = (fresh(&core, "alice").await, fresh(&core, "dan").await);
        let (one, two) = tokio::join!(core.perform(&first, &add), core.perform(&second, &add));
        assert_eq!([&one, &two].iter().filter(|result| result.is_ok()).count(), 1, "{one:?} {two:?}");
        assert_eq!(why(if one.is_ok() { two } else { one }), "already_added");
        let listed = core.perform(&fresh(&core, "alice").await, &ListInstances { org, skip: 0, limit: 10 }).await.unwrap();
        assert_eq!(listed.total, 1);
    }
}

#[tokio::test]
async fn nobody_touches_what_is_stronger() {
    let core = TestCore::new().await.unwrap();
    let org = world(&core).await;
    let strong = create_app(&core, &fresh(&core, "alice").await, new(&org, scope(&["provider_admin"], &[]))).await.unwrap();
    core.perform(&fresh(&core, "alice").await, &add(&org, &strong.id)).await.unwrap();
    let (one, ids) = (strong.id.clone(), vec![strong.id.clone()]);
    assert_eq!(why(rotate_secret(&core, &fresh(&core, "dan").await, change(&org, &one, None)).await), "scope_exceeds_creator");
    assert_eq!(why(replace_secret(&core, &fresh(&core, "dan").await, change(&org, &one, None)).await), "scope_exceeds_creator");
    let narrow = UpdateApp { org: org.clone(), id: one.clone(), scope: Some(manager(&["vcd:user"])), ..UpdateApp::default() };
    assert_eq!(why(core.perform(&fresh(&core, "dan").await, &narrow).await), "scope_exceeds_creator");
    assert_eq!(
        why(core.perform(&fresh(&core, "dan").await, &DeleteApps { org: org.clone(), ids: ids.clone() }).await),
        "scope_exceeds_creator"
    );
    assert_eq!(
        why(core.perform(&fresh(&core, "dan").await, &RemoveApps { org: org.clone(), ids: ids.clone() }).await),
        "scope_exceeds_creator"
    );
    assert_eq!(
        why(core.perform(&fresh(&core, "dan").await, &ResyncInstance { org: org.clone(), id: one.clone() }).await),
        "scope_exceeds_creator"
    );
    assert!(app_caller(&core, &one, strong.secret.expose()).await.is_ok(), "nothing happened");
    // Even where the definition was narrowed, what it has counts.
    core.perform(&fresh(&core, "alice").await, &narrow).await.unwrap();
    assert_eq!(why(rotate_secret(&core, &fresh(&core, "dan").await, change(&org, &one, None)).await), "scope_exceeds_creator");
    // Of several, each is judged for itself.
    let own = create_app(&core, &fresh(&core, "dan").await, new(&org, manager(&["vcd:user"]))).await.unwrap();
    let both = DeleteApps { org: org.clone(), ids: vec![one, own.id.clone(), own.id.clone(), "ghost".to_owned()] };
    let several = core.perform(&fresh(&core, "dan").await, &both).await.unwrap();
    assert_eq!(several.succeeded, std::slice::from_ref(&own.id));
    assert_eq!(several.failed.iter().map(|(_, refusal)| refusal.word()).collect::<Vec<_>>(), ["scope_exceeds_creator", "app_not_found"]);
    let many = DeleteApps { org, ids: (0..16).map(|at| format!("ghost-{at}")).collect() };
    assert_eq!(why(core.perform(&fresh(&core, "dan").await, &many).await), "invalid_field");
}

#[tokio::test]
async fn policies_only_deny_and_applications_are_others() {
    let core = TestCore::new().await.unwrap();
    let org = world(&core).await;
    let made = create_app(&core, &fresh(&core, "alice").await, new(&org, manager(&["vcd:user"]))).await.unwrap();
    // Applications of people are not seen here, nor the other way round.
    let listed = core.perform(&fresh(&core, "alice").await, &ListClients).await.unwrap();
    assert!(listed.iter().any(|client| client.app_id == BENCH.0) && listed.iter().all(|client| client.app_id != made.id));
    assert!(matches!(
        core.perform(&fresh(&core, "alice").await, &DescribeClient { app_id: made.id.clone() }).await,
        Err(OpError::NotFound(_))
    ));
    assert!(matches!(
        core.perform(&fresh(&core, "alice").await, &DeleteClient { app_id: made.id.clone() }).await,
        Err(OpError::NotFound(_))
    ));
    let apps = core
        .perform(&fresh(&core, "alice").await, &ListApps { org: org.clone(), search: String::new(), skip: 0, limit: 10 })
        .await
        .unwrap();
    assert_eq!(apps.items.iter().map(|app| app.id.as_str()).collect::<Vec<_>>(), [made.id.as_str()]);
    assert_eq!(
        why(core.perform(&fresh(&core, "alice").await, &DescribeApp { org: org.clone(), id: BENCH.0.to_owned() }).await),
        "app_not_found"
    );
    let named = CreateClient {
        name: Some(made.id.clone()),
        kind: crate::client::ClientKind::Web,
        protocol_version: None,
        settings: crate::client::ClientSettings::default(),
    };
    assert!(matches!(core.perform(&fresh(&core, "alice").await, &named).await, Err(OpError::Exists(_))), "names collide, and say so");

    // A policy that allows everything allows nothing here; a Deny binds, by key and by token.
    let elsewhere = core.perform(&fresh(&core, "mallory").await, &DescribeOrganisation { org: org.clone() }).await;
    let nowhere = core
        .perform(&fresh(&core, "mallory").await, &DescribeOrganisation { org: "00000000-0000-4000-8000-000000000000".to_owned() })
        .await;
    assert_eq!((why(elsewhere), why(nowhere)), ("no_access_to_org", "no_access_to_org"));
    assert_eq!(
        why(core
            .perform(
                &fresh(&core, "mallory").await,
                &ListApps { org: core.globex.organisation_id.as_str().to_owned(), search: String::new(), skip: 0, limit: 1 }
            )
            .await),
        "not_permitted_role"
    );
    let bearer = async |narrowed: Narrowed| {
        let token = SecretKey::new(api_token_of("alice"));
        let caller = core.authenticate(Proof::ApiToken(token), core.meta()).await.unwrap();
        let issued = core.perform(&caller, &RedeemApiToken { narrowed }).await.unwrap();
        core.authenticate(Proof::Organisation(issued.access_token), core.meta()).await.unwrap()
    };
    let all = bearer(Narrowed::default()).await;
    core.perform(&all, &DescribeApp { org: org.clone(), id: made.id.clone() }).await.unwrap();
    let document = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"csp:*","Resource":"*"}]}"#;
    let user = core.user_id(&fresh(&core, "alice").await).unwrap();
    let mut provision = core.provision();
    let name = PolicyName::new("no-apps").unwrap();
    provision.policy(&core.acme, &name, document).unwrap();
    provision.attach(&core.acme, &name, Attachable::User(user)).await.unwrap();
    provision.commit().await.unwrap();
    for caller in [&fresh(&core, "alice").await, &bearer(Narrowed::default()).await] {
        let refused = core.perform(caller, &DescribeApp { org: org.clone(), id: made.id.clone() }).await.unwrap_err();
        let OpError::Denied(denial) = refused else { panic!("{refused:?}") };
        assert!(matches!(denial.by, crate::DeniedBy::Layer { explicit: true, .. }), "{denial:?}");
    }
}

#[tokio::test]
async fn apps_act_within_what_they_have_and_narrowed_tokens_within_less() {
    let core = TestCore::new().await.unwrap();
    let org = world(&core).await;
    let made = create_app(&core, &fresh(&core, "alice").await, new(&org, scope(&["provider_admin"], &[]))).await.unwrap();
    core.perform(&fresh(&core, "alice").await, &add(&org, &made.id)).await.unwrap();
    let app = acting(&core, &made).await;
    // It makes apps up to its own level, and hands out no role of a service that it does not have.
    let child = create_app(&core, &app, new(&org, manager(&["vcd:user"]))).await.unwrap();
    core.perform(&app, &add(&org, &child.id)).await.unwrap();
    let beyond = scope(&["provider_service_manager"], &[("aria", &["aria:viewer"])]);
    assert_eq!(why(create_app(&core, &app, new(&org, beyond)).await), "scope_exceeds_creator");
    // People's affairs are not its.
    let dan = core.user_id(&core.user("dan").await.unwrap()).unwrap();
    let raise = RoleGrant { service: None, role: "provider_admin".to_owned(), expires: None };
    let raise = ChangeMember { org: org.clone(), user: dan, named: "dan".to_owned(), add: vec![raise], remove: Roles::default() };
    assert_eq!(why(core.perform(&app, &raise).await), "people_only");
    assert_eq!(why(core.perform(&app, &DescribeOwnProfile).await), "people_only");
    let elsewhere = core.globex.organisation_id.as_str().to_owned();
    assert_eq!(why(core.perform(&app, &DescribeOrganisation { org: elsewhere }).await), "no_access_to_org");
    // Less is less, for the same app and for a person.
    let caller = app_caller(&core, &made.id, made.secret.expose()).await.unwrap();
    let word = format!("external/{}/vcd:user", id("vcd"));
    let less = OrganisationToken { organisation: None, narrowed: Narrowed { scope: Some(vec![word]), lifetime: None } };
    let less = core.perform(&caller, &less).await.unwrap();
    let less = core.authenticate(Proof::Organisation(less.access_token), core.meta()).await.unwrap();
    assert_eq!(why(create_app(&core, &less, new(&org, manager(&["vcd:user"]))).await), "not_permitted_role");
    core.perform(&less, &DescribeOrganisation { org: org.clone() }).await.unwrap();
    let used = core.perform(&fresh(&core, "alice").await, &DescribeApp { org: org.clone(), id: made.id.clone() }).await.unwrap().used_at;
    assert_eq!(used, Some(core.now()));
    // Taken out, its tokens are over at once.
    core.perform(&fresh(&core, "alice").await, &RemoveApps { org: org.clone(), ids: vec![made.id.clone()] }).await.unwrap();
    assert!(create_app(&core, &app, new(&org, manager(&["vcd:user"]))).await.is_err());
}

#[tokio::test]
async fn what_an_instance_lacks_is_told_and_changed_in_place() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let wanted = scope(&["provider_service_manager"], &[("vcd", &["vcd:admin", "vcd:user"]), ("aria", &["aria:viewer"])]);
        let made = create_app(&core, &fresh(&core, "alice").await, new(&org, wanted)).await.unwrap();
        core.perform(&fresh(&core, "dan").await, &add(&org, &made.id)).await.unwrap();
        let describe = DescribeInstance { org: org.clone(), id: made.id.clone() };
        let missing = |instance: &Instance| {
            let mut words: Vec<String> = instance.missing.iter().map(|one| format!("{} {}", one.role, one.why)).collect();
            words.sort();
            words.join(", ")
        };
        let found = core.perform(&fresh(&core, "alice").await, &describe).await.unwrap();
        assert_eq!(missing(&found), "aria:viewer service_not_in_org, vcd:admin adder_lacks_role");
        assert!(!found.outdated && found.extra.is_empty());
        assert_eq!(found.added.1, "user dan");
        let before = acting(&core, &made).await;
        // In place: no more than the definition, what is offered, and what the caller can hand out.
        let vcd = |role: &str| Roles { services: [(id("vcd"), [role.to_owned()].into())].into(), ..Roles::default() };
        let none = Roles::default;
        let ask = |add, remove| ChangeInstance { org: org.clone(), id: made.id.clone(), add, remove };
        assert_eq!(why(core.perform(&fresh(&core, "dan").await, &ask(vcd("vcd:admin"), none())).await), "scope_exceeds_creator");
        let vmc = Roles { services: [(id("vmc"), ["vmc:admin".to_owned()].into())].into(), ..none() };
        assert_eq!(why(core.perform(&fresh(&core, "alice").await, &ask(vmc, none())).await), "empty_effective_scope");
        let more = core.perform(&fresh(&core, "alice").await, &ask(vcd("vcd:admin"), none())).await.unwrap();
        assert_eq!(missing(&more), "aria:viewer service_not_in_org");
        core.perform(&before, &DescribeOrganisation { org: org.clone() }).await.unwrap();
        core.perform(&fresh(&core, "alice").await, &ask(none(), vcd("vcd:user"))).await.unwrap();
        assert!(core.perform(&before, &DescribeOrganisation { org: org.clone() }).await.is_err(), "what was taken away ends tokens");
        // Editing changes nothing there, and shows; again in one step, it does.
        let edit = UpdateApp { org: org.clone(), id: made.id.clone(), scope: Some(manager(&["vcd:user"])), ..UpdateApp::default() };
        core.perform(&fresh(&core, "alice").await, &edit).await.unwrap();
        let found = core.perform(&fresh(&core, "alice").await, &describe).await.unwrap();
        assert!(found.outdated);
        assert_eq!((missing(&found), found.extra.len()), ("vcd:user taken_away".to_owned(), 1));
        let again = core.perform(&fresh(&core, "alice").await, &ResyncInstance { org: org.clone(), id: made.id.clone() }).await.unwrap();
        assert_eq!((again.roles, again.outdated, again.missing, again.extra), (roles_of(&manager(&["vcd:user"])), false, vec![], vec![]));
    }
}

fn roles_of(scope: &AppScope) -> Roles {
    Roles::of_words(scope.to_words().split(' '))
}

#[tokio::test]
async fn roles_of_people_change_within_limits() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let bob = core.user_id(&core.user("bob").await.unwrap()).unwrap();
        let give = |role: &str| RoleGrant { service: None, role: role.to_owned(), expires: None };
        let ask = |add: Vec<RoleGrant>, remove| ChangeMember { org: org.clone(), user: bob, named: "bob".to_owned(), add, remove };
        assert_eq!(
            why(core.perform(&fresh(&core, "alice").await, &ask(vec![give("provider_developer")], Roles::default())).await),
            "addon_role_alone"
        );
        assert_eq!(
            why(core.perform(&fresh(&core, "alice").await, &ask(vec![give("org_owner")], Roles::default())).await),
            "unknown_org_role"
        );
        assert_eq!(
            why(core.perform(&fresh(&core, "dan").await, &ask(vec![give("provider_ops_user")], Roles::default())).await),
            "not_permitted_role"
        );
        let foreign = RoleGrant { service: Some(id("aria")), role: "aria:viewer".to_owned(), expires: None };
        assert_eq!(why(core.perform(&fresh(&core, "alice").await, &ask(vec![foreign], Roles::default())).await), "invalid_field");
        let hour = core.now().plus(Duration::from_hours(1));
        let ends = RoleGrant { service: None, role: "provider_ops_admin".to_owned(), expires: Some(hour) };
        let all = vec![ends, give("provider_billing_user"), give("provider_developer")];
        core.perform(&fresh(&core, "alice").await, &ask(all, Roles::default())).await.unwrap();
        // They count at once, and end in time: what adds an app is judged at that moment.
        let app = create_app(&core, &fresh(&core, "bob").await, new(&org, scope(&["provider_ops_user"], &[("vcd", &["vcd:user"])])))
            .await
            .unwrap();
        core.clock.advance(Duration::from_hours(1));
        assert_eq!(why(core.perform(&fresh(&core, "bob").await, &add(&org, &app.id)).await), "empty_effective_scope");
        let found = core
            .perform(&fresh(&core, "alice").await, &SearchMembers { org: org.clone(), term: "BO".to_owned(), skip: 0, limit: 5 })
            .await
            .unwrap();
        assert_eq!(found.items.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["bob"]);
        assert_eq!(found.items[0].roles.org_roles, ["provider_billing_user".to_owned(), "provider_developer".to_owned()].into());
        let gone = Roles { org_roles: ["provider_billing_user".to_owned(), "provider_developer".to_owned()].into(), ..Roles::default() };
        core.perform(&fresh(&core, "alice").await, &ask(Vec::new(), gone)).await.unwrap();
        assert_eq!(why(core.perform(&fresh(&core, "bob").await, &add(&org, &app.id)).await), "not_permitted_role");
        assert_eq!(core.perform(&fresh(&core, "bob").await, &ListOwnOrganisations).await.unwrap().len(), 1, "still of the account");
    }
}

#[tokio::test]
async fn the_kind_of_an_organisation_is_its_owners_affair() {
    for core in TestCore::each().await.unwrap() {
        let org = world(&core).await;
        let set = |kind, name: Option<&str>| SetOrganisationKind { org: org.clone(), kind, name: name.map(str::to_owned) };
        let app = create_app(&core, &fresh(&core, "alice").await, new(&org, manager(&["vcd:user"]))).await.unwrap();
        for user in ["alice", "dan"] {
            let asked = core.perform(&fresh(&core, user).await, &set(OrgKind::Standalone, None)).await;
            assert_eq!(why(asked), "not_permitted_role", "{user}");
        }
        let foreign = SetOrganisationKind { org: core.globex.organisation_id.as_str().to_owned(), ..set(OrgKind::Standalone, None) };
        assert_eq!(why(core.perform(&fresh(&core, "root").await, &foreign).await), "no_access_to_org");
        assert_eq!(why(core.perform(&fresh(&core, "root").await, &set(OrgKind::Customer, None)).await), "invalid_field");
        assert_eq!(why(core.perform(&fresh(&core, "root").await, &set(OrgKind::Provider, Some("<b>"))).await), "invalid_field");
        // Not while there are apps, whose roles another kind does not know.
        assert_eq!(why(core.perform(&fresh(&core, "root").await, &set(OrgKind::Standalone, None)).await), "invalid_field");
        let delete = DeleteApps { org: org.clone(), ids: vec![app.id] };
        core.perform(&fresh(&core, "alice").await, &delete).await.unwrap();
        core.perform(&fresh(&core, "root").await, &set(OrgKind::Standalone, Some("Acme"))).await.unwrap();
        let told = core.perform(&fresh(&core, "root").await, &DescribeOrganisation { org: org.clone() }).await.unwrap();
        assert_eq!((told.kind, told.display_name.as_str()), (OrgKind::Standalone, "Acme"));
        // Roles of the other kind count for nothing, and are there again afterwards.
        assert!(create_app(&core, &fresh(&core, "alice").await, new(&org, manager(&["vcd:user"]))).await.is_err());
        core.perform(&fresh(&core, "root").await, &set(OrgKind::Provider, None)).await.unwrap();
        create_app(&core, &fresh(&core, "alice").await, new(&org, manager(&["vcd:user"]))).await.unwrap();
    }
}
