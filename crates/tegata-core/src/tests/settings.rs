//! An account's settings: its name, tags, what it demands of keys and knows of their use, and why something was refused.

use std::{sync::Arc, time::Duration};

use tegata_model::{Network, Status, Timestamp};
use tegata_store::{access_key, account, key_use};

use super::{assume, denied, put, temporary, unauthenticated};
use crate::{
    Caller, Core, Input, OpError, Operation, Quota,
    authn::Proof,
    directory::*,
    object::ListBuckets,
    sts::GetCallerIdentity,
    testing::{START, TestCore},
};

async fn ask<O: Operation>(core: &TestCore, who: &str, operation: O) -> Result<O::Output, OpError> {
    core.perform(&core.user(who).await?, &operation).await
}

async fn alice<O: Operation>(core: &TestCore, operation: O) -> Result<O::Output, OpError> {
    ask(core, "alice", operation).await
}

fn page(after: &str, limit: usize) -> Page {
    Page { after: after.to_owned(), limit }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.parse().unwrap(), value: value.parse().unwrap() }
}

fn has(key: &str, value: Option<&str>) -> TagFilter {
    TagFilter { key: key.parse().unwrap(), value: value.map(|value| value.parse().unwrap()) }
}

fn role(name: &str) -> Taggable {
    Taggable::Role(name.parse().unwrap())
}

fn policy(name: &str) -> Taggable {
    Taggable::Policy(name.parse().unwrap())
}

fn invalid<T: std::fmt::Debug>(result: Result<T, OpError>) -> Input {
    match result {
        Err(OpError::Invalid(problem)) => problem.input,
        other => panic!("{other:?}"),
    }
}

fn new_role(name: &str, tags: Vec<Tag>) -> CreateRole {
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["a.test"]}}]}"#;
    CreateRole { name: name.parse().unwrap(), trust_document: trust.to_owned(), description: None, max_session: None, tags }
}

/// Gives dan one policy.
async fn allow_dan(core: &TestCore, document: &str) {
    let name = "dans".parse::<tegata_model::PolicyName>().unwrap();
    let made = CreatePolicy { name: name.clone(), document: document.to_owned(), description: None, tags: vec![] };
    alice(core, made).await.unwrap();
    let policy = PolicyRef { kind: PolicyType::Custom, name };
    alice(core, AttachPolicyToUser { policy, to: "dan".parse().unwrap() }).await.unwrap();
}

#[tokio::test]
async fn an_account_is_renamed_at_once_and_has_its_number_when_it_has_no_name() {
    for core in TestCore::each().await.unwrap() {
        let named = |text: &str| SetAccountAlias { alias: text.parse().unwrap() };
        assert_eq!(alice(&core, DescribeAccountAlias).await.unwrap().as_str(), "acme");
        alice(&core, named("acme-two")).await.unwrap();
        assert_eq!(alice(&core, DescribeAccountAlias).await.unwrap().as_str(), "acme-two");
        assert!(core.user("root").await.unwrap().audit_name().contains("acme-two"), "what is remembered of the account is new too");
        assert!(matches!(alice(&core, named("globex")).await, Err(OpError::Exists(_))));
        alice(&core, named("acme-two")).await.unwrap();
        // The number of another account is never a name, whether that account exists or not.
        for number in ["1000000000000002", "4000000000000000"] {
            assert_eq!(invalid(alice(&core, named(number)).await), Input::AccountAlias);
        }
        assert_eq!(invalid(alice(&core, named("a--b")).await), Input::AccountAlias);
        alice(&core, ClearAccountAlias).await.unwrap();
        assert_eq!(alice(&core, DescribeAccountAlias).await.unwrap().as_str(), "1000000000000001");
        alice(&core, named("1000000000000001")).await.unwrap();
        // The name that was given up is free.
        ask(&core, "mallory", named("acme-two")).await.unwrap();
        let row = account::find_by_alias(&core.store, &"acme-two".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(row.id, core.globex.account);
        denied(ask(&core, "dan", named("mine")).await.unwrap_err());
    }
}

#[tokio::test]
async fn tags_are_put_replaced_taken_off_and_listed() {
    for core in TestCore::each().await.unwrap() {
        alice(&core, new_role("a", vec![tag("team", "x"), tag("cost", "1")])).await.unwrap();
        alice(&core, new_role("b", vec![])).await.unwrap();
        alice(&core, TagResources { names: vec![role("a"), role("b"), policy("uploader")], tags: vec![tag("team", "y")] }).await.unwrap();
        let tags = |kind, names: Vec<Taggable>, filter: Vec<TagFilter>| ListTagResources { kind, names, filter, page: page("", 100) };
        let told = |listed: Listed<TaggedResource>| -> Vec<String> {
            listed.items.into_iter().map(|one| format!("{} {}={}", one.name, one.tag.key, one.tag.value)).collect()
        };
        let all = alice(&core, tags(TaggableKind::Roles, vec![], vec![])).await.unwrap();
        assert_eq!(told(all), ["a cost=1", "a team=y", "b team=y"]);
        let policies = alice(&core, tags(TaggableKind::Policies, vec![], vec![])).await.unwrap();
        assert_eq!(told(policies), ["uploader team=y"]);
        let some = alice(&core, tags(TaggableKind::Roles, vec![], vec![has("cost", None), has("team", Some("y"))])).await.unwrap();
        assert_eq!(told(some), ["a cost=1", "a team=y"]);
        let one = alice(&core, tags(TaggableKind::Roles, vec![role("B")], vec![])).await.unwrap();
        assert_eq!(told(one), ["b team=y"]);

        // One tag on each page, in the same order.
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let list = ListTagResources { kind: TaggableKind::Roles, names: vec![], filter: vec![], page: page(&after, 1) };
            let listed = alice(&core, list).await.unwrap();
            let next = listed.next.clone();
            seen.extend(told(listed));
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen, ["a cost=1", "a team=y", "b team=y"]);

        let roles = alice(&core, ListRoles { page: page("", 1), filter: vec![has("team", Some("y"))] }).await.unwrap();
        assert_eq!((roles.items[0].name.as_str(), roles.items[0].tags.len(), roles.next.as_deref()), ("a", 2, Some("a")));
        let policies = alice(&core, ListPolicies { kind: None, filter: vec![has("team", None)], page: page("", 100) }).await.unwrap();
        assert_eq!(policies.items.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["uploader"]);

        alice(&core, UntagResources { names: vec![role("a")], keys: Some(vec!["team".parse().unwrap(), "none".parse().unwrap()]) })
            .await
            .unwrap();
        alice(&core, UntagResources { names: vec![role("b")], keys: None }).await.unwrap();
        let all = alice(&core, tags(TaggableKind::Roles, vec![], vec![])).await.unwrap();
        assert_eq!(told(all), ["a cost=1"]);
        // A role made again under the same name carries nothing.
        alice(&core, DeleteRole { name: "a".parse().unwrap() }).await.unwrap();
        alice(&core, new_role("a", vec![])).await.unwrap();
        assert_eq!(alice(&core, DescribeRole { name: "a".parse().unwrap() }).await.unwrap().tags, []);
    }
}

#[tokio::test]
async fn tags_have_limits_and_a_refusal_puts_none() {
    for core in TestCore::each().await.unwrap() {
        let many = |from: usize, to: usize| (from..to).map(|n| tag(&format!("k{n}"), "")).collect::<Vec<_>>();
        alice(&core, new_role("a", many(0, 20))).await.unwrap();
        let put = |names: Vec<Taggable>, tags| TagResources { names, tags };
        assert!(matches!(
            alice(&core, put(vec![role("app-uploader"), role("a")], many(20, 21))).await,
            Err(OpError::LimitExceeded(Quota::TagsPerResource, 20))
        ));
        assert!(matches!(alice(&core, put(vec![role("app-uploader"), role("ghost")], many(0, 1))).await, Err(OpError::NotFound(_))));
        assert_eq!(alice(&core, DescribeRole { name: "app-uploader".parse().unwrap() }).await.unwrap().tags, []);
        alice(&core, put(vec![role("a")], many(0, 20))).await.unwrap();
        assert_eq!(invalid(alice(&core, put(vec![role("a")], many(0, 21))).await), Input::Tags);
        assert_eq!(invalid(alice(&core, put(vec![role("a")], vec![tag("k", "1"), tag("k", "2")])).await), Input::Tags);
        assert_eq!(invalid(alice(&core, put(vec![], many(0, 1))).await), Input::ResourceNames);
        assert_eq!(invalid(alice(&core, put(vec![role("a"); 51], many(0, 1))).await), Input::ResourceNames);
        assert!("aliyun-x".parse::<tegata_model::TagKey>().is_err() && "ACS:x".parse::<tegata_model::TagKey>().is_err());
    }
}

#[tokio::test]
async fn conditions_see_the_tags_of_what_is_asked_for_and_of_what_is_given() {
    for core in TestCore::each().await.unwrap() {
        allow_dan(
            &core,
            r#"{"Version":"1","Statement":[
              {"Effect":"Allow","Action":["ram:GetRole","ram:UpdateRole","ram:DeleteRole","sts:AssumeRole"],"Resource":"*",
               "Condition":{"StringEquals":{"acs:ResourceTag/team":"x"}}},
              {"Effect":"Allow","Action":["ram:CreateRole","ram:TagResources"],"Resource":"*",
               "Condition":{"StringEquals":{"acs:RequestTag/team":"x"}}}]}"#,
        )
        .await;
        denied(ask(&core, "dan", new_role("mine", vec![])).await.unwrap_err());
        denied(ask(&core, "dan", new_role("mine", vec![tag("team", "y")])).await.unwrap_err());
        ask(&core, "dan", new_role("mine", vec![tag("team", "x")])).await.unwrap();
        alice(&core, new_role("theirs", vec![tag("team", "y")])).await.unwrap();
        let read = |name: &str| DescribeRole { name: name.parse().unwrap() };
        ask(&core, "dan", read("mine")).await.unwrap();
        // What carries another tag, none, or does not exist is refused alike.
        let texts: Vec<String> = {
            let mut texts = Vec::new();
            for name in ["theirs", "app-uploader", "ghost"] {
                texts.push(ask(&core, "dan", read(name)).await.unwrap_err().to_string().replace(name, "NAME"));
            }
            texts
        };
        assert!(texts.windows(2).all(|two| two[0] == two[1]), "{texts:?}");
        let why = denied(ask(&core, "dan", assume("app-uploader")).await.unwrap_err());
        assert!(why.verdict.is_some());
        // A tag acts at the next request.
        ask(&core, "dan", TagResources { names: vec![role("theirs")], tags: vec![tag("team", "x")] }).await.unwrap();
        ask(&core, "dan", read("theirs")).await.unwrap();
        alice(&core, UntagResources { names: vec![role("theirs")], keys: None }).await.unwrap();
        denied(ask(&core, "dan", read("theirs")).await.unwrap_err());
        // AssumeRole asks for them too.
        let bob = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringEquals":{"acs:ResourceTag/frozen":"yes"}}}]}"#;
        let made = CreatePolicy { name: "frozen".parse().unwrap(), document: bob.into(), description: None, tags: vec![] };
        alice(&core, made).await.unwrap();
        let policy = PolicyRef { kind: PolicyType::Custom, name: "frozen".parse().unwrap() };
        alice(&core, AttachPolicyToUser { policy, to: "bob".parse().unwrap() }).await.unwrap();
        ask(&core, "bob", assume("app-uploader")).await.unwrap();
        alice(&core, TagResources { names: vec![role("app-uploader")], tags: vec![tag("frozen", "yes")] }).await.unwrap();
        denied(ask(&core, "bob", assume("app-uploader")).await.unwrap_err());
    }
}

async fn last_use(core: &TestCore, who: &str) -> Option<(Timestamp, String)> {
    let key_id = format!("LTAITEST{who}").parse().unwrap();
    let used = alice(core, DescribeKeyUse { user: Some(who.parse().unwrap()), key_id }).await.unwrap();
    used.map(|used| (used.at, used.service))
}

#[tokio::test]
async fn the_last_use_of_a_key_is_known_without_a_write_and_survives_the_node() {
    for core in TestCore::each().await.unwrap() {
        assert_eq!(last_use(&core, "bob").await, None);
        let commits = core.durable_commits();
        ask(&core, "bob", GetCallerIdentity).await.unwrap();
        assert_eq!(core.durable_commits(), commits, "no write");
        assert_eq!(last_use(&core, "bob").await, Some((START, "sts".to_owned())));
        // Another node knows nothing of it until it is written.
        let other = TestCore::node(&core.store, Arc::clone(&core.clock), 9, crate::limits::Limits::default()).await.unwrap();
        let ask_other = async |other: &Core| {
            let nonce = format!("other-{}", core.meta().id.to_uuid());
            let presented = core.signed(&core.key("alice").unwrap(), &nonce).unwrap();
            let caller = other.authenticate(Proof::Signed(presented), core.meta()).await.unwrap();
            let used = DescribeKeyUse { user: Some("bob".parse().unwrap()), key_id: "LTAITESTbob".parse().unwrap() };
            other.perform(&caller, &used).await.unwrap().map(|used| used.at)
        };
        assert_eq!(ask_other(&other).await, None);
        core.tidy_up().await.unwrap();
        assert_eq!(ask_other(&other).await, Some(START));
        assert_eq!(last_use(&core, "bob").await, Some((START, "sts".to_owned())));
        // The latest of all nodes counts, whoever writes last.
        core.clock.advance(Duration::from_mins(1));
        let later = core.now();
        ask(&core, "bob", ListBuckets { prefix: String::new(), after: String::new(), limit: 1 }).await.unwrap_err();
        core.tidy_up().await.unwrap();
        other.tidy_up().await.unwrap();
        assert_eq!(ask_other(&other).await, Some(later));
        assert_eq!(last_use(&core, "bob").await, Some((later, "oss".to_owned())));
        // A wrong signature is no use of the key; a request that fails otherwise is one.
        core.clock.advance(Duration::from_mins(1));
        let wrong = crate::testing::TestKey { secret: tegata_model::SecretKey::new("wrong".to_owned()), ..core.key("bob").unwrap() };
        unauthenticated(core.caller(&wrong).await);
        assert_eq!(last_use(&core, "bob").await.map(|used| used.0), Some(later));
        let absent = DescribeKeyUse { user: Some("bob".parse().unwrap()), key_id: "LTAITESTalice".parse().unwrap() };
        assert!(matches!(alice(&core, absent).await, Err(OpError::NotFound(_))));
        // A deleted key takes its uses along, and a late write brings nothing back.
        ask(&core, "bob", GetCallerIdentity).await.unwrap();
        alice(&core, DeleteAccessKey { user: Some("bob".parse().unwrap()), key_id: "LTAITESTbob".parse().unwrap() }).await.unwrap();
        core.tidy_up().await.unwrap();
        let keys = alice(&core, ListLongTermKeys { page: page("", 100) }).await.unwrap();
        assert!(keys.items.iter().all(|key| key.key_id.as_str() != "LTAITESTbob"));
        // It is also written when the node stops.
        let presented = core.signed(&core.key("dan").unwrap(), "last").unwrap();
        other.authenticate(Proof::Signed(presented), core.meta()).await.unwrap();
        let dan = access_key::find(&core.store, "LTAITESTdan").await.unwrap().unwrap().id;
        other.close().await;
        let again = tegata_store::Store::open(core.store.location(), &tegata_store::Options::default()).await.unwrap();
        assert_eq!(key_use::find(&again, dan).await.unwrap().map(|used| used.at), Some(core.now()));
    }
}

async fn from(core: &TestCore, who: &str, address: Option<&str>) -> Result<Caller, OpError> {
    let nonce = core.meta().id.to_uuid();
    let presented = core.signed(&core.key(who).unwrap(), &nonce).unwrap();
    let meta = crate::RequestMeta { source: address.map(|text| text.parse().unwrap()), ..core.meta() };
    core.authenticate(Proof::Signed(presented), meta).await
}

fn demand(age: Option<u64>, networks: &[&str]) -> SetKeyPolicy {
    SetKeyPolicy {
        max_age: Some(age.map(|days| Duration::from_hours(24 * days))),
        networks: Some(networks.iter().map(|text| text.parse::<Network>().unwrap()).collect()),
        people: None,
    }
}

#[tokio::test]
async fn a_key_policy_acts_where_keys_are_used() {
    for core in TestCore::each().await.unwrap() {
        assert_eq!(alice(&core, DescribeKeyPolicy).await.unwrap(), KeyPolicy::default());
        let bob = core.user("bob").await.unwrap();
        // Demands that lock their author out are refused; the address of tests is 192.0.2.7.
        assert_eq!(invalid(alice(&core, demand(None, &["198.51.100.0/24"])).await), Input::KeyNetworks);
        assert_eq!(invalid(alice(&core, demand(Some(0), &[])).await), Input::MaxKeyAge);
        assert_eq!(invalid(alice(&core, demand(None, &["::1"; 51])).await), Input::KeyNetworks);
        denied(ask(&core, "dan", demand(None, &[])).await.unwrap_err());
        alice(&core, demand(Some(90), &["192.0.2.0/24", "2001:db8::/32"])).await.unwrap();

        for good in ["192.0.2.9", "2001:db8:5::1", "::ffff:192.0.2.1"] {
            from(&core, "bob", Some(good)).await.unwrap();
        }
        for bad in [Some("198.51.100.1"), Some("2001:db9::1"), None] {
            assert_eq!(unauthenticated(from(&core, "bob", bad).await), "key-elsewhere");
            assert_eq!(unauthenticated(from(&core, "root", bad).await), "key-elsewhere");
        }
        // Another account demands nothing.
        from(&core, "mallory", Some("198.51.100.1")).await.unwrap();

        // Sessions are not keys: they go on, and from anywhere.
        let session = temporary(&core, "bob", None).await;
        core.caller(&session).await.unwrap();

        // A caller that was authenticated before the demand is judged again.
        alice(&core, demand(None, &["192.0.2.7"])).await.unwrap();
        core.perform(&bob, &GetCallerIdentity).await.unwrap();

        alice(&core, demand(Some(90), &[])).await.unwrap();
        let old = core.user("bob").await.unwrap();
        core.clock.advance(Duration::from_hours(24 * 90));
        core.user("bob").await.unwrap();
        core.clock.advance(Duration::from_secs(1));
        assert_eq!(unauthenticated(core.user("bob").await), "key-too-old");
        assert_eq!(unauthenticated(core.perform(&old, &GetCallerIdentity).await), "key-too-old");
        // The owner's key is the last way in.
        let root = core.user("root").await.unwrap();
        core.perform(&root, &demand(None, &[])).await.unwrap();
        core.user("bob").await.unwrap();
        // Whoever holds the key id but not the secret learns nothing of the demands.
        let wrong = crate::testing::TestKey { secret: tegata_model::SecretKey::new("wrong".to_owned()), ..core.key("bob").unwrap() };
        ask(&core, "root", demand(Some(1), &[])).await.unwrap();
        assert_eq!(unauthenticated(core.caller(&wrong).await), "signature");
    }
}

#[tokio::test]
async fn a_key_policy_can_want_no_keys_for_people() {
    for core in TestCore::each().await.unwrap() {
        let pat = CreateUser { name: "pat".parse().unwrap(), display_name: None, email: None, phone: None, comments: None };
        alice(&core, pat).await.unwrap();
        let profile = NewLoginProfile {
            user: "pat".parse().unwrap(),
            password: None,
            reset_required: false,
            mfa_required: false,
            status: Status::Active,
        };
        create_login_profile(&core, &core.user("alice").await.unwrap(), profile).await.unwrap();
        let key = |user: &str| CreateAccessKey { user: Some(user.parse().unwrap()) };
        let made = alice(&core, key("pat")).await.unwrap();
        let key_of_pat = crate::testing::TestKey { key_id: made.key.key_id.clone(), secret: made.secret, token: None };
        core.caller(&key_of_pat).await.unwrap();
        alice(&core, SetKeyPolicy { people: Some(false), ..SetKeyPolicy::default() }).await.unwrap();
        assert_eq!(unauthenticated(core.caller(&key_of_pat).await), "key-of-person");
        assert_eq!(denied(alice(&core, key("pat")).await.unwrap_err()).by, crate::DeniedBy::KeyPolicy);
        alice(&core, key("dan")).await.unwrap();
        core.user("root").await.unwrap();

        let report = alice(&core, ListLongTermKeys { page: page("", 100) }).await.unwrap();
        let of = |id: &str| report.items.iter().find(|key| key.key_id.as_str() == id).unwrap();
        let pat = of(made.key.key_id.as_str());
        assert!(pat.person && pat.used.is_some() && pat.status == Status::Active);
        assert_eq!((of("LTAITESTroot").user.as_ref(), of("LTAITESTbob").used.as_ref()), (None, None));
        assert_eq!(of("LTAITESTalice").used.as_ref().map(|used| used.service.as_str()), Some("tegata"));
        assert!(report.items.iter().all(|key| key.key_id.as_str() != "LTAITESTmallory"), "of this account only");
        let first = alice(&core, ListLongTermKeys { page: page("", 1) }).await.unwrap();
        let second = alice(&core, ListLongTermKeys { page: page(first.next.as_deref().unwrap(), 1) }).await.unwrap();
        assert_eq!([&first.items[0], &second.items[0]].map(|key| &key.key_id), [&report.items[0].key_id, &report.items[1].key_id]);
        denied(ask(&core, "dan", ListLongTermKeys { page: page("", 1) }).await.unwrap_err());
    }
}

#[tokio::test]
async fn the_message_of_a_refusal_leads_to_its_reasons_for_those_who_may_read_them() {
    for core in TestCore::each().await.unwrap() {
        let deny = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"ram:GetRole","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}}]}"#;
        allow_dan(&core, deny).await;
        let read = || DescribeRole { name: "app-uploader".parse().unwrap() };
        let refused = denied(ask(&core, "dan", read()).await.unwrap_err());
        let message = refused.diagnostic.clone().unwrap();
        assert!(message.len() < 1200 && !message.contains("dan"), "{}", message.len());
        let decode = |message: &str| DecodeDiagnosticMessage { message: message.to_owned() };
        let told = alice(&core, decode(&message)).await.unwrap();
        assert_eq!((told.action.as_str(), told.layer), ("ram:GetRole", Some((tegata_policy::LayerKind::Identity, true))));
        assert_eq!(told.resource, "acs:ram::1000000000000001:role/app-uploader");
        let [matched] = &told.matched[..] else { panic!("{:?}", told.matched) };
        assert_eq!((matched.allows, matched.policy.as_str(), matched.statement), (false, "dans", 1));
        assert_eq!(matched.managed, Some(MatchedPolicy { kind: PolicyType::Custom, version: Some(1) }));
        assert!(told.conditions.iter().any(|(key, values)| key == "acs:SourceIp" && values == &["192.0.2.7"]));
        assert!(told.explanation.contains("remove or narrow the Deny of `dans` statement 1"), "{}", told.explanation);
        // Nobody else: not whoever was refused, not another account, and that looks as garbage does.
        denied(ask(&core, "dan", decode(&message)).await.unwrap_err());
        let mut altered = message.clone();
        altered.replace_range(60..61, if message.get(60..61) == Some("A") { "B" } else { "A" });
        let mut answers = Vec::new();
        for text in [message.as_str(), "garbage", "", altered.as_str()] {
            answers.push(ask(&core, "mallory", decode(text)).await.unwrap_err().to_string());
        }
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
        assert_eq!(invalid(alice(&core, decode(&altered)).await), Input::DiagnosticMessage);

        // Beyond the budget of rows the message still says what was asked and which layer refused it.
        let mut last = None;
        for _ in 0..core.limits().refusal_rows_per_minute {
            last = denied(ask(&core, "dan", read()).await.unwrap_err()).diagnostic.clone();
        }
        let told = alice(&core, decode(&last.unwrap())).await.unwrap();
        assert_eq!((told.action.as_str(), told.matched.len(), told.layer.is_some()), ("ram:GetRole", 0, true));
        assert!(told.explanation.contains("were not kept"));
        // The check before an upload carries one too.
        let refused = denied(put(&core, &core.user("dan").await.unwrap(), "k", "x").await.unwrap_err());
        assert_eq!(alice(&core, decode(refused.diagnostic.as_deref().unwrap())).await.unwrap().action, "oss:PutObject");
    }
}

#[tokio::test]
async fn the_description_of_a_policy_can_be_changed() {
    for core in TestCore::each().await.unwrap() {
        let update = |name: &str| UpdatePolicyDescription { name: name.parse().unwrap(), description: "for uploads".parse().unwrap() };
        let told = alice(&core, update("uploader")).await.unwrap();
        assert_eq!((told.description.as_str(), told.attachments), ("for uploads", 1));
        let reference = PolicyRef { kind: PolicyType::Custom, name: "uploader".parse().unwrap() };
        assert_eq!(alice(&core, DescribePolicy { policy: reference }).await.unwrap().0.description, "for uploads");
        assert!(matches!(alice(&core, update("ghost")).await, Err(OpError::NotFound(_))));
        assert!(matches!(alice(&core, update("AdministratorAccess")).await, Err(OpError::NotFound(_))), "those of the server stay");
    }
}
