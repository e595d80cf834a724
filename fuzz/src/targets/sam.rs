//! Documents of the SORACOM permission language.

use tegata_policy::{
    Context, Decision, Effect, Policy, Principal, Request, Resource, decide,
    sam::{Api, Document, TrustDocument, USER_NAME, compile_stored},
};

use super::check_error;
use crate::deep;

const APIS: &[Api<'static>] = &[
    Api { name: "User:listUsers", action: "ram:ListUsers", resource: None },
    Api { name: "User:getUser", action: "ram:GetUser", resource: None },
    Api { name: "User:revokeUserMFA", action: "ram:UnbindMFADevice", resource: Some("user/*") },
];

/// What users may do.
pub fn permission(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // What rests in a store is read in any case, and what cannot be read denies.
    let stored = compile_stored(&text, "stored", APIS);
    let readable = Document::parse_stored(&text).is_ok();
    let document = match Document::parse(&text) {
        Ok(document) => document,
        Err(error) => {
            check_error(&error);
            if !readable {
                questions(|request| assert!(!decide(request, [&stored]).is_allow(), "what cannot be read allows"));
            }
            return;
        }
    };
    deep();
    assert!(readable, "what may be saved cannot be read again");
    let again = Document::parse(&document.to_string());
    assert!(again.as_ref().is_ok_and(|again| *again == document), "written out it is another document");
    let compiled = document.compile(APIS).labelled("stored");
    let only = |effect: Effect| {
        let statements = document.statements.iter().filter(|statement| statement.effect == effect).cloned().collect();
        Document { statements }.compile(APIS).labelled("part")
    };
    let (allows, denies) = (only(Effect::Allow), only(Effect::Deny));
    let unreadable = Policy::unreadable("unreadable");
    questions(|request| {
        let decision = decide(request, [&compiled]);
        assert_eq!(decide(request, [&stored]), decision, "kept it decides otherwise");
        assert!(!decide(request, [&denies]).is_allow(), "a Deny allows");
        let denied = matches!(decide(request, [&denies]), Decision::ExplicitDeny { .. });
        assert_eq!(decision.is_allow(), !denied && decide(request, [&allows]).is_allow(), "a Deny does not win");
        assert!(!decide(request, [&compiled, &unreadable]).is_allow(), "an unreadable document does not deny");
        let unknown = Request { action: "sam:NobodyKnowsThis", ..*request };
        let everything = document.statements.iter().any(|one| one.effect == Effect::Allow && one.apis.iter().any(|api| api == "*"));
        assert!(everything || !decide(&unknown, [&compiled]).is_allow(), "a name allows what it does not name");
    });
}

/// Who may go on as a user.
pub fn trust(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let document = match TrustDocument::parse(&text) {
        Ok(document) => document,
        Err(error) => return check_error(&error),
    };
    deep();
    assert!(TrustDocument::parse_stored(&text).is_ok_and(|stored| stored == document), "kept it is another document");
    let compiled = document.compile().labelled("trust");
    let nobody = compiled.clone().bind(|_| None);
    questions(|request| {
        assert!(!decide(&Request { principal: None, ..*request }, [&compiled]).is_allow(), "nobody is trusted");
        let named = decide(request, [&nobody]).is_allow();
        let is_user = matches!(request.principal, Some(Principal::User { .. }));
        assert!(!(named && is_user), "a user who is bound to nobody is trusted");
    });
}

fn questions(mut ask: impl FnMut(&Request<'_>)) {
    let mut context = Context::new();
    context.set("acs:SourceIp", "192.0.2.7");
    context.set("acs:CurrentTime", "2026-01-02T03:04:05Z");
    let mut named = context.clone();
    named.set(USER_NAME, "bob");
    named.set("sam:PathVariable/user_name", "bob");
    let account = "OP0000000001";
    for context in [&context, &named] {
        for principal in [
            None,
            Some(Principal::Account { account }),
            Some(Principal::User { account, name: "bob", id: Some([7; 16]) }),
            Some(Principal::Service("Flux")),
        ] {
            for (action, relative) in
                [("ram:ListUsers", "user/*"), ("ram:UnbindMFADevice", "user/bob"), ("ram:UnbindMFADevice", "root"), ("oss:GetObject", "x")]
            {
                let resource = Resource { service: "ram", region: "", account: "1000000000000001", relative };
                ask(&Request { action, alias: None, resource, principal, context });
            }
        }
    }
}

/// Permissions to begin with.
pub fn permissions() -> Vec<Vec<u8>> {
    [
        r#"{"statements":[]}"#,
        r#"{"statements":[{"effect":"allow","api":"*"},{"effect":"deny","api":["User:list*","Role:*"]}]}"#,
        r#"{"statements":[{"effect":"allow","api":"User:*","condition":"pathVariable('user_name') == samUserName"}]}"#,
        r#"{"statements":[{"effect":"deny","api":"User:getUser","condition":"currentDate >= date(2023, 02, 01) and not ipAddress('192.0.2.0/24') or (1 < 2.5)"}]}"#,
        r#"{"statements":[{"effect":"allow","api":"Sim:listSims"}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// Trust policies to begin with.
pub fn trusts() -> Vec<Vec<u8>> {
    [
        r#"{"statements":[{"effect":"allow","principal":{"soracom":["srn:soracom:OP0000000001::User:bob","srn:soracom:OP0000000001::Operator:OP0000000001"]},"condition":"ipAddress('192.0.2.0/24')"}]}"#,
        r#"{"statements":[{"effect":"allow","principal":{"service":["Flux"]}}]}"#,
        r#"{"statements":[]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
