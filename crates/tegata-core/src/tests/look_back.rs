//! Taking back, and knowing why: sessions, explanations, the trail and leaked credentials, as an attacker would try them.

use std::time::Duration;

use tegata_model::{AccountNumber, RequestId, SecretKey, SessionId};
use tegata_store::audit;

use super::{assume, denied, temporary, unauthenticated};
use crate::{
    Caller, OpError,
    directory::{AttachPolicyToUser, Attachable, CreateAccessKey, DecodeDiagnosticMessage, Listed, NewRole, Page, PolicyRef, PolicyType},
    leak::{LeakDone, LeakReport, ReportLeakedCredential},
    session::{DescribeSession, ListSessions, RevokeSessions, Revoked, RoleSession, SessionFilter, SessionState, Whose},
    sts::AssumeRole,
    testing::{TestCore, TestKey},
    trail::{AuditFilter, ExplainRequest, ListAuditEvents, RequestRef},
};

fn page(limit: usize) -> Page {
    Page { after: String::new(), limit }
}

fn session_of(key: &TestKey) -> SessionId {
    crate::token::session_of(&key.key_id).unwrap()
}

async fn list(core: &TestCore, caller: &Caller, filter: SessionFilter) -> Listed<RoleSession> {
    core.perform(caller, &ListSessions { filter, page: page(10) }).await.unwrap()
}

async fn revoke(core: &TestCore, user: &str, whose: Whose) -> Result<Revoked, OpError> {
    core.perform(&core.user(user).await.unwrap(), &RevokeSessions { whose }).await
}

async fn revoke_by(core: &TestCore, key: &TestKey, whose: Whose) -> Result<Revoked, OpError> {
    core.perform(&core.caller(key).await.unwrap(), &RevokeSessions { whose }).await
}

fn absent<T: std::fmt::Debug>(result: Result<T, OpError>) -> String {
    match result {
        Err(error @ OpError::NotFound(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sessions_are_listed_by_what_they_stand_on() {
    for core in TestCore::each().await.unwrap() {
        let alice = core.user("alice").await.unwrap();
        assert!(list(&core, &alice, SessionFilter::default()).await.items.is_empty());
        let first = temporary(&core, "bob", None).await;
        core.clock.advance(Duration::from_secs(1));
        let second = temporary(&core, "appserver", Some(crate::testing::UPLOADER)).await;
        let ids = |listed: Listed<RoleSession>| listed.items.into_iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(list(&core, &alice, SessionFilter::default()).await), [session_of(&second), session_of(&first)]);
        let by = |user: &str| SessionFilter { user: Some(user.parse().unwrap()), ..SessionFilter::default() };
        assert_eq!(ids(list(&core, &alice, by("BOB")).await), [session_of(&first)]);
        assert!(ids(list(&core, &alice, by("nobody")).await).is_empty());
        let key = SessionFilter { key: Some("LTAITESTappserver".parse().unwrap()), ..SessionFilter::default() };
        assert_eq!(ids(list(&core, &alice, key).await), [session_of(&second)]);
        let key = SessionFilter { key: Some(second.key_id.clone()), ..SessionFilter::default() };
        assert_eq!(ids(list(&core, &alice, key).await), [session_of(&second)]);
        let foreign = SessionFilter { key: Some("LTAITESTmallory".parse().unwrap()), ..SessionFilter::default() };
        assert!(ids(list(&core, &alice, foreign).await).is_empty());
        let role = SessionFilter { role: Some("app-uploader".parse().unwrap()), ..SessionFilter::default() };
        assert_eq!(ids(list(&core, &alice, role).await).len(), 2);

        let one = core.perform(&alice, &DescribeSession { id: session_of(&second) }).await.unwrap();
        assert_eq!((one.begun_by.as_str(), one.begun_with.as_str(), one.name.as_str()), ("user appserver", "LTAITESTappserver", "session"));
        assert_eq!((one.role.as_str(), one.state), ("acs:ram::1000000000000001:role/app-uploader", SessionState::Live));
        assert!(one.narrowed && one.key_id == second.key_id.as_str());

        // Page by page, with a marker that nobody can make up.
        let mut asked = ListSessions { filter: SessionFilter::default(), page: page(1) };
        let newest = core.perform(&alice, &asked).await.unwrap();
        asked.page.after = newest.next.clone().unwrap();
        let older = core.perform(&alice, &asked).await.unwrap();
        assert_eq!((ids(newest), ids(older)), (vec![session_of(&second)], vec![session_of(&first)]));
        asked.page.after = "session_nonsense".into();
        assert!(matches!(core.perform(&alice, &asked).await, Err(OpError::Invalid(_))));

        // What has ended or run out is shown only where it is asked for.
        revoke(&core, "alice", Whose::Session(session_of(&first))).await.unwrap();
        let everything = SessionFilter { include_ended: true, ..SessionFilter::default() };
        let states = async || list(&core, &alice, everything.clone()).await.items.iter().map(|one| one.state).collect::<Vec<_>>();
        assert_eq!(ids(list(&core, &alice, SessionFilter::default()).await), [session_of(&second)]);
        assert_eq!(states().await, [SessionState::Live, SessionState::Ended]);
        core.clock.advance(Duration::from_hours(2));
        assert_eq!(states().await, [SessionState::Expired, SessionState::Expired]);
        // Strangers see their own account's, which has none.
        let mallory = core.user("mallory").await.unwrap();
        assert!(list(&core, &mallory, everything).await.items.is_empty());
    }
}

#[tokio::test]
async fn what_is_taken_back_is_refused_at_the_next_request_and_nothing_else_is() {
    for whose in ["session", "temporary key", "user", "role", "key"] {
        for core in TestCore::each().await.unwrap() {
            let (mine, other) = (temporary(&core, "bob", None).await, temporary(&core, "appserver", None).await);
            // Both are remembered as good by this node and by another.
            let node = TestCore::node(&core.store, core.clock.clone(), 7, crate::limits::Limits::default()).await.unwrap();
            core.caller(&mine).await.unwrap();
            let proof = crate::authn::Proof::Signed(core.signed(&mine, "warm").unwrap());
            node.authenticate(proof, core.meta()).await.unwrap();

            let (subject, ends_other) = match whose {
                "session" => (Whose::Session(session_of(&mine)), false),
                "temporary key" => (Whose::Key(mine.key_id.clone()), false),
                "user" => (Whose::User("bob".parse().unwrap()), false),
                "role" => (Whose::Role("app-uploader".parse().unwrap()), true),
                _ => (Whose::Key("LTAITESTbob".parse().unwrap()), false),
            };
            let revoked = revoke(&core, "alice", subject.clone()).await.unwrap();
            assert_eq!(revoked, Revoked { ended: if ends_other { 2 } else { 1 }, at_least: false }, "{whose}");
            assert_eq!(unauthenticated(core.caller(&mine).await), "session-ended", "{whose}");
            let proof = crate::authn::Proof::Signed(core.signed(&mine, "after").unwrap());
            assert_eq!(unauthenticated(node.authenticate(proof, core.meta()).await), "session-ended", "{whose}, elsewhere");
            assert_eq!(core.caller(&other).await.is_err(), ends_other, "{whose}");
            // The key itself still works, and so does what begins now.
            core.caller(&temporary(&core, "bob", None).await).await.unwrap();
            // Twice is as good as once.
            let again = revoke(&core, "alice", subject).await.unwrap();
            assert_eq!(again.ended, u64::from(!matches!(whose, "session" | "temporary key")), "{whose}");
        }
    }
}

#[tokio::test]
async fn a_session_may_end_itself_and_only_itself() {
    for core in TestCore::each().await.unwrap() {
        let (mine, other) = (temporary(&core, "bob", None).await, temporary(&core, "bob", None).await);
        denied(revoke_by(&core, &mine, Whose::Session(session_of(&other))).await.unwrap_err());
        denied(revoke_by(&core, &mine, Whose::User("bob".parse().unwrap())).await.unwrap_err());
        assert_eq!(revoke_by(&core, &mine, Whose::Session(session_of(&mine))).await.unwrap().ended, 1);
        assert_eq!(unauthenticated(core.caller(&mine).await), "session-ended");
        // Even with a session policy that allows nothing.
        let deny = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
        let narrowed = temporary(&core, "bob", Some(deny)).await;
        assert_eq!(revoke_by(&core, &narrowed, Whose::Session(session_of(&narrowed))).await.unwrap().ended, 1);
        core.caller(&other).await.unwrap();
    }
}

#[tokio::test]
async fn a_foreign_session_user_role_or_key_is_an_unknown_one() {
    for core in TestCore::each().await.unwrap() {
        let key = temporary(&core, "bob", None).await;
        let mallory = core.user("mallory").await.unwrap();
        let nowhere = SessionId::from_bytes([3; 16]);
        let same = |text: String, name: &str| text.replace(name, "X");
        let foreign = absent(core.perform(&mallory, &DescribeSession { id: session_of(&key) }).await);
        let unknown = absent(core.perform(&mallory, &DescribeSession { id: nowhere }).await);
        assert_eq!(same(foreign, &session_of(&key).to_string()), same(unknown, &nowhere.to_string()));
        let foreign = absent(revoke(&core, "mallory", Whose::Session(session_of(&key))).await);
        let unknown = absent(revoke(&core, "mallory", Whose::Session(nowhere)).await);
        assert_eq!(same(foreign, &session_of(&key).to_string()), same(unknown, &nowhere.to_string()));
        absent(revoke(&core, "mallory", Whose::User("bob".parse().unwrap())).await);
        absent(revoke(&core, "mallory", Whose::Role("app-uploader".parse().unwrap())).await);
        absent(revoke(&core, "mallory", Whose::Key("LTAITESTbob".parse().unwrap())).await);
        absent(revoke(&core, "mallory", Whose::Key(key.key_id.clone())).await);
        core.caller(&key).await.unwrap();
    }
}

/// Lets mallory of globex assume `partner` of acme.
async fn partner(core: &TestCore) -> TestKey {
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1000000000000002:user/mallory"}}]}"#;
    let role = NewRole {
        name: "partner".parse().unwrap(),
        number: None,
        description: String::new(),
        trust_document: trust.into(),
        max_session: Duration::from_hours(1),
    };
    let mut provision = core.provision();
    let role = provision.role(&core.acme, &role).await.unwrap();
    provision.attach(&core.acme, &"uploader".parse().unwrap(), Attachable::Role(role)).await.unwrap();
    provision.commit().await.unwrap();
    let mallory = core.user("mallory").await.unwrap();
    let input = AssumeRole { account: AccountNumber::new(1_000_000_000_000_001).unwrap(), ..assume("partner") };
    core.perform(&mallory, &input).await.unwrap().into()
}

#[tokio::test]
async fn either_side_of_two_accounts_sees_and_ends_its_session_and_reads_its_own_statements_only() {
    for core in TestCore::each().await.unwrap() {
        for ender in ["alice", "mallory"] {
            let key = if ender == "alice" {
                partner(&core).await
            } else {
                let mallory = core.user("mallory").await.unwrap();
                core.perform(&mallory, &assume("partner")).await.unwrap().into()
            };
            let row = async |account| audit::find_by_session(&core.store, account, session_of(&key)).await.unwrap().unwrap();
            let (host, guest) = (row(core.acme.account).await, row(core.globex.account).await);
            assert_eq!(host.request_id, guest.request_id);
            assert_eq!(host.caller, "user mallory of account 1000000000000002");
            assert!(host.detail.contains("trust policy of partner") && !host.detail.contains("AdministratorAccess"), "{}", host.detail);
            assert!(guest.detail.contains("AdministratorAccess") && !guest.detail.contains("trust policy"), "{}", guest.detail);
            for user in ["alice", "mallory"] {
                let reader = core.user(user).await.unwrap();
                let report = core.perform(&reader, &ExplainRequest { request: RequestRef::Whole(host.request_id) }).await.unwrap();
                assert_eq!(report.decided_by.iter().any(|by| by.contains("trust policy")), user == "alice", "{user}: {report:?}");
            }
            assert_eq!(revoke(&core, ender, Whose::Session(session_of(&key))).await.unwrap().ended, 1);
            assert_eq!(unauthenticated(core.caller(&key).await), "session-ended", "{ender}");
        }
    }
}

#[tokio::test]
async fn a_mark_outlives_everything_that_came_of_the_session() {
    let core = TestCore::new().await.unwrap();
    super::sessions::chained(&core).await;
    let first: TestKey = core.perform(&core.user("bob").await.unwrap(), &assume("app-uploader")).await.unwrap().into();
    let twelve = AssumeRole { lifetime: Some(Duration::from_hours(12)), ..assume("second") };
    let child: TestKey = core.perform(&core.caller(&first).await.unwrap(), &twelve).await.unwrap().into();
    let revoked = revoke(&core, "alice", Whose::Session(session_of(&first))).await.unwrap();
    assert_eq!(revoked.ended, 2, "itself and its child");
    core.clock.advance(Duration::from_hours(11));
    core.tidy_up().await.unwrap();
    assert_eq!(unauthenticated(core.caller(&child).await), "session-ended");
}

#[tokio::test]
async fn a_foreign_request_is_an_unknown_one_and_a_refused_caller_learns_only_the_layer() {
    for core in TestCore::each().await.unwrap() {
        let dan = core.user("dan").await.unwrap();
        denied(core.perform(&dan, &assume("app-uploader")).await.unwrap_err());
        let id = dan.meta().id;
        let explain = async |user: &str, id: RequestId| {
            core.perform(&core.user(user).await.unwrap(), &ExplainRequest { request: RequestRef::Whole(id) }).await
        };
        let whole = explain("alice", id).await.unwrap();
        assert!(!whole.to_allow.is_empty() && !whole.context.is_empty());

        let own = explain("dan", id).await.unwrap();
        assert_eq!((own.action.as_str(), own.resource.as_str()), ("sts:AssumeRole", "acs:ram::1000000000000001:role/app-uploader"));
        assert_eq!(own.layers.iter().map(|layer| layer.stands).collect::<Vec<_>>(), ["not allowed", "not allowed"]);
        assert!(own.to_allow.is_empty() && own.context.is_empty() && own.decided_by.is_empty());
        assert!(own.layers.iter().all(|layer| layer.by.is_empty() && layer.near.is_empty()), "{own:?}");

        // A colleague without the right cannot tell this request from one that never was; nor can dan tell others' from none.
        let nowhere = RequestId::from_bytes([0xEE; 16]);
        let same = |text: String, id: RequestId| text.replace(&id.to_uuid(), "X");
        let (foreign, unknown) = (denied(explain("bob", id).await.unwrap_err()), denied(explain("bob", nowhere).await.unwrap_err()));
        assert_eq!(same(foreign.to_string(), id), same(unknown.to_string(), nowhere));
        // The administrator of another account cannot either.
        let (foreign, unknown) = (absent(explain("mallory", id).await), absent(explain("mallory", nowhere).await));
        assert_eq!(same(foreign, id), same(unknown, nowhere));

        // A session explains what it was refused itself, not what another session of its role was.
        let (mine, other) = (temporary(&core, "bob", None).await, temporary(&core, "bob", None).await);
        let caller = core.caller(&mine).await.unwrap();
        denied(core.perform(&caller, &assume("app-uploader")).await.unwrap_err());
        let explain_by = async |key: &TestKey| {
            let request = RequestRef::Whole(caller.meta().id);
            core.perform(&core.caller(key).await.unwrap(), &ExplainRequest { request }).await
        };
        assert!(explain_by(&mine).await.unwrap().to_allow.is_empty());
        denied(explain_by(&other).await.unwrap_err());

        let short = RequestRef::Beginning(id.as_bytes()[..12].try_into().unwrap());
        let prefix = core.perform(&core.user("alice").await.unwrap(), &ExplainRequest { request: short }).await;
        assert!(prefix.is_ok(), "{prefix:?}");
    }
}

#[tokio::test]
async fn who_may_read_everything_may_ask_why_and_changes_nothing() {
    for core in TestCore::each().await.unwrap() {
        let read_only = AttachPolicyToUser {
            policy: PolicyRef { kind: PolicyType::System, name: "ReadOnlyAccess".parse().unwrap() },
            to: "dan".parse().unwrap(),
        };
        core.perform(&core.user("alice").await.unwrap(), &read_only).await.unwrap();
        let appserver = core.user("appserver").await.unwrap();
        let refusal =
            denied(core.perform(&appserver, &ListSessions { filter: SessionFilter::default(), page: page(10) }).await.unwrap_err());
        let dan = || async { core.user("dan").await.unwrap() };
        let request = RequestRef::Whole(appserver.meta().id);
        let told = core.perform(&dan().await, &ExplainRequest { request }).await.unwrap();
        assert!(!told.to_allow.is_empty() && !told.context.is_empty(), "{told}");
        let message = refusal.diagnostic.clone().unwrap();
        core.perform(&dan().await, &DecodeDiagnosticMessage { message }).await.unwrap();
        list(&core, &dan().await, SessionFilter::default()).await;
        denied(revoke(&core, "dan", Whose::User("bob".parse().unwrap())).await.unwrap_err());
        let report = ReportLeakedCredential { text: SecretKey::new("x".to_owned()), dry_run: true };
        denied(core.perform(&dan().await, &report).await.unwrap_err());
    }
}

#[tokio::test]
async fn the_trail_is_read_by_its_account_only_page_by_page() {
    for core in TestCore::each().await.unwrap() {
        temporary(&core, "bob", None).await;
        core.clock.advance(Duration::from_secs(5));
        let dan = core.user("dan").await.unwrap();
        denied(core.perform(&dan, &assume("app-uploader")).await.unwrap_err());
        let alice = core.user("alice").await.unwrap();
        let events = async |filter: AuditFilter| core.perform(&alice, &ListAuditEvents { filter, page: page(50) }).await.unwrap().items;
        let all = events(AuditFilter::default()).await;
        assert!(all.iter().all(|event| event.caller != "user mallory"));
        assert_eq!((all[0].caller.as_str(), all[0].done), ("user dan", false));
        for caller in ["user bob", "bob", "LTAITESTbob"] {
            let found = events(AuditFilter { caller: Some(caller.into()), ..AuditFilter::default() }).await;
            assert_eq!(found.iter().map(|event| event.caller.as_str()).collect::<Vec<_>>(), ["user bob"], "{caller}");
        }
        assert_eq!(events(AuditFilter { action: Some("STS:".into()), ..AuditFilter::default() }).await.len(), 2);
        assert!(events(AuditFilter { action: Some("oss:".into()), ..AuditFilter::default() }).await.is_empty());
        assert_eq!(events(AuditFilter { done: Some(false), ..AuditFilter::default() }).await.len(), 1);
        assert_eq!(events(AuditFilter { since: Some(core.now()), ..AuditFilter::default() }).await.len(), 1);

        let mut asked = ListAuditEvents { filter: AuditFilter::default(), page: page(1) };
        let mut seen = Vec::new();
        loop {
            let listed = core.perform(&alice, &asked).await.unwrap();
            seen.extend(listed.items);
            let Some(next) = listed.next else { break };
            asked.page.after = next;
        }
        assert_eq!(seen, all);
        for wrong in ["x", "1.2.3", "1.node_x.1", "1.2.3.4"] {
            asked.page.after = wrong.into();
            assert!(matches!(core.perform(&alice, &asked).await, Err(OpError::Invalid(_))), "{wrong}");
        }
        let mallory = core.user("mallory").await.unwrap();
        let foreign = core.perform(&mallory, &ListAuditEvents { filter: AuditFilter::default(), page: page(50) }).await.unwrap();
        assert!(foreign.items.iter().all(|event| event.caller.contains("mallory")), "{foreign:?}");
    }
}

async fn report(core: &TestCore, user: &str, text: &str, dry_run: bool) -> Result<LeakReport, OpError> {
    let input = ReportLeakedCredential { text: SecretKey::new(text.to_owned()), dry_run };
    core.perform(&core.user(user).await.unwrap(), &input).await
}

#[tokio::test]
async fn a_leaked_key_is_found_and_switched_off_with_its_sessions() {
    for core in TestCore::each().await.unwrap() {
        let alice = core.user("alice").await.unwrap();
        let made = core.perform(&alice, &CreateAccessKey { user: Some("bob".parse().unwrap()) }).await.unwrap();
        let key = TestKey { key_id: made.key.key_id.clone(), secret: made.secret, token: None };
        let id = key.key_id.as_str();
        assert!(id.len() == 24 && key.secret.expose().len() == 30);
        let session: TestKey = core.perform(&core.caller(&key).await.unwrap(), &assume("app-uploader")).await.unwrap().into();
        let log = format!("Nov 24 app[7]: \"env\":\"A=1\\nSECRET={}\\nB=2\"\r\n{}", key.secret.expose(), "noise ".repeat(1000));

        let dry = report(&core, "alice", &log, true).await.unwrap();
        assert_eq!(dry.found.iter().map(|one| (one.key_id.as_str(), one.done)).collect::<Vec<_>>(), [(id, LeakDone::Nothing)]);
        core.caller(&key).await.unwrap();
        // Neither a member nor a stranger can end it, and the stranger cannot tell it from any other.
        denied(report(&core, "dan", &log, false).await.unwrap_err());
        let foreign = report(&core, "mallory", &log, false).await.unwrap();
        assert_eq!((foreign.found.len(), foreign.unknown_secrets), (0, 1));
        let foreign = report(&core, "mallory", id, false).await.unwrap();
        let unknown = crate::leak::Checked::KEY_ID.close("LTAI00000000000000");
        assert_eq!(foreign.unknown, [id]);
        assert_eq!(report(&core, "mallory", &unknown, false).await.unwrap().unknown, [unknown]);
        core.caller(&key).await.unwrap();

        let done = report(&core, "alice", &log, false).await.unwrap();
        let [one] = done.found.as_slice() else { panic!("{done:?}") };
        assert_eq!((one.owner.as_str(), one.done, one.sessions.ended), ("user bob", LeakDone::Disabled, 1));
        assert_eq!(one.seen, ["access key secret"]);
        assert_eq!(one.activity.iter().map(|event| event.action.as_str()).collect::<Vec<_>>(), ["sts:AssumeRole"]);
        assert_eq!(unauthenticated(core.caller(&key).await), "key-inactive");
        assert_eq!(unauthenticated(core.caller(&session).await), "session-ended");
        core.caller(&core.key("bob").unwrap()).await.unwrap();
        let again = report(&core, "alice", id, false).await.unwrap();
        assert_eq!((again.found[0].done, again.found[0].sessions.ended), (LeakDone::WasOver, 0));

        // Nothing of the text is kept.
        let rows = audit::tail(&core.store, audit::Filter::default(), 1000).await.unwrap();
        assert!(rows.iter().all(|row| !row.detail.contains(key.secret.expose())));
        assert!(rows.iter().any(|row| row.detail.contains(&format!("{id} switched off"))));
    }
}

#[tokio::test]
async fn older_secrets_temporary_ids_and_broken_tokens_are_found_too() {
    for core in TestCore::each().await.unwrap() {
        let old = report(&core, "alice", "x: 'secret-of-appserver-0123456789abcdef'", true).await.unwrap();
        assert_eq!(old.found.iter().map(|one| one.key_id.as_str()).collect::<Vec<_>>(), ["LTAITESTappserver"]);

        let (by_id, by_token) = (temporary(&core, "bob", None).await, temporary(&core, "bob", None).await);
        let token = by_token.token.as_ref().unwrap().expose();
        let (start, rest) = token.split_at(20);
        let (middle, end) = rest.split_at(50);
        let wrapped = format!("{start}\\n\r\n  {middle}\r\n{end}");
        let text = format!("id={}&token={wrapped}", by_id.key_id);
        let done = report(&core, "alice", &text, false).await.unwrap();
        let seen: Vec<_> = done.found.iter().map(|one| (one.session.unwrap(), one.seen.clone(), one.done)).collect();
        assert_eq!(
            seen,
            [
                (session_of(&by_id), vec!["temporary key id"], LeakDone::Ended),
                (session_of(&by_token), vec!["security token"], LeakDone::Ended)
            ]
        );
        for key in [&by_id, &by_token] {
            assert_eq!(unauthenticated(core.caller(key).await), "session-ended");
        }
        // A foreign session is named as unknown; a text that is too long is refused.
        let key = temporary(&core, "bob", None).await;
        let foreign = report(&core, "mallory", key.key_id.as_str(), false).await.unwrap();
        assert_eq!((foreign.found.len(), foreign.unknown), (0, vec![key.key_id.to_string()]));
        core.caller(&key).await.unwrap();
        assert!(matches!(report(&core, "alice", &"x".repeat(64 * 1024 + 1), false).await, Err(OpError::Invalid(_))));
        let many = (0..2000).map(|n| format!("LTAI{n}")).collect::<Vec<_>>().join(" ");
        assert!(matches!(report(&core, "alice", &many, false).await, Err(OpError::Invalid(_))));
    }
}
