//! Our own API: whole replies, and the code of every refusal.

use super::world::{Answer, TestKey, World};

async fn by(world: &World, key: &TestKey, action: &str, rest: &[(&str, &str)]) -> Answer {
    let parameters = rest.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    world.issuer(world.acs3_of("2026-11-01", key, action, &parameters)).await
}

/// Reads one member of a JSON answer.
fn member(answer: &Answer, path: &str) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    json.pointer(path).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn whole_replies() {
    let world = World::new().await;
    let (alice, dan) = (world.key("alice"), world.key("dan"));
    let key = world.uploader(None).await;
    let session = format!("session_{}", key.key_id.as_str().trim_start_matches("STS."));
    let denied = by(&world, &dan, "ListSessions", &[]).await;
    let id = member(&denied, "/RequestId");
    let mut out = Vec::new();
    for (action, rest) in [
        ("ListSessions", vec![("UserName", "appserver"), ("MaxItems", "5")]),
        ("GetSession", vec![("SessionId", session.as_str())]),
        ("GetSession", vec![("SessionId", session.as_str()), ("Format", "XML")]),
        ("RevokeSessions", vec![("SessionId", session.as_str())]),
        ("RevokeSessions", vec![("UserName", "appserver")]),
        ("ListSessions", vec![("IncludeEnded", "true")]),
        ("ExplainRequest", vec![("RequestId", id.as_str())]),
        ("ListAuditEvents", vec![("Outcome", "Refused"), ("EventAction", "tegata:")]),
        ("ReportLeakedCredential", vec![("Text", "key = LTAITESTdan"), ("DryRun", "true")]),
        ("ReportLeakedCredential", vec![("Text", "key = LTAITESTdan")]),
    ] {
        let answer = by(&world, &alice, action, &rest).await;
        assert_eq!(answer.status.as_u16(), 200, "{action}: {}", answer.whole());
        out.push(format!("{action} {}\n{}", rest.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" "), answer.whole()));
    }
    let text = out.join("\n\n").replace(&session, "session_ID").replace(key.key_id.as_str(), "STS.ID");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let world = World::new().await;
    let (alice, dan, mallory) = (world.key("alice"), world.key("dan"), world.key("mallory"));
    let key = world.uploader(None).await;
    let session = format!("session_{}", key.key_id.as_str().trim_start_matches("STS."));
    let nowhere = "session_00000000000000000000000000";
    let denied = by(&world, &dan, "ListSessions", &[]).await;
    let id = member(&denied, "/RequestId");
    let unknown = "EEEEEEEE-EEEE-EEEE-EEEE-EEEEEEEEEEEE";
    let long = "x".repeat(64 * 1024 + 1);
    for (who, action, rest, code) in [
        (&dan, "ListSessions", vec![], "NoPermission"),
        (&alice, "ListSessions", vec![("SessionId", "bob")], "InvalidParameter.SessionId.InvalidChars"),
        (&alice, "ListSessions", vec![("MaxItems", "0")], "InvalidParameter.MaxItems"),
        (&alice, "ListSessions", vec![("Marker", "x")], "InvalidParameter.Marker"),
        (&alice, "ListSessions", vec![("IncludeEnded", "maybe")], "InvalidParameter.IncludeEnded"),
        (&alice, "GetSession", vec![], "MissingSessionId"),
        (&alice, "GetSession", vec![("SessionId", nowhere)], "EntityNotExist.Session"),
        (&mallory, "GetSession", vec![("SessionId", session.as_str())], "EntityNotExist.Session"),
        (&alice, "RevokeSessions", vec![], "InvalidParameter.SessionId"),
        (&alice, "RevokeSessions", vec![("UserName", "bob"), ("RoleName", "app-uploader")], "InvalidParameter.SessionId"),
        (&alice, "RevokeSessions", vec![("UserName", "ghost")], "EntityNotExist.User"),
        (&alice, "RevokeSessions", vec![("RoleName", "ghost")], "EntityNotExist.Role"),
        (&alice, "RevokeSessions", vec![("UserAccessKeyId", "LTAITESTmallory")], "EntityNotExist.Session"),
        (&mallory, "RevokeSessions", vec![("SessionId", session.as_str())], "EntityNotExist.Session"),
        (&dan, "RevokeSessions", vec![("SessionId", session.as_str())], "NoPermission"),
        (&alice, "ExplainRequest", vec![], "MissingRequestId"),
        (&alice, "ExplainRequest", vec![("RequestId", "x")], "InvalidParameter.RequestId"),
        (&mallory, "ExplainRequest", vec![("RequestId", id.as_str())], "EntityNotExist.Request"),
        (&mallory, "ExplainRequest", vec![("RequestId", unknown)], "EntityNotExist.Request"),
        (&alice, "ListAuditEvents", vec![("StartTime", "yesterday")], "InvalidParameter.StartTime"),
        (&alice, "ListAuditEvents", vec![("Outcome", "Done?")], "InvalidParameter.Outcome"),
        (&dan, "ListAuditEvents", vec![], "NoPermission"),
        (&alice, "ReportLeakedCredential", vec![], "MissingText"),
        (&dan, "ReportLeakedCredential", vec![("Text", "x")], "NoPermission"),
        (&alice, "ReportLeakedCredential", vec![("Text", long.as_str())], "InvalidParameter.Text"),
        (&alice, "ListKings", vec![], "InvalidAction.NotFound"),
    ] {
        let answer = by(&world, who, action, &rest).await;
        assert_eq!(member(&answer, "/Code"), code, "{action}: {}", answer.whole().get(..600).unwrap_or_default());
    }
    // A session ends itself, and the next request with it is refused.
    let answer = by(&world, &key, "RevokeSessions", &[("SessionId", session.as_str())]).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.whole());
    assert_eq!(member(&by(&world, &key, "ListSessions", &[]).await, "/Code"), "InvalidSecurityToken.Expired");
}

#[test]
fn the_page_lists_what_the_tables_have() {
    let page = include_str!("../../../../docs/api.md");
    for entry in crate::acs::Product::Own.entries() {
        assert!(page.lines().any(|line| line.starts_with(&format!("| `{}` |", entry.spec.name))), "{}", entry.spec.name);
    }
}

#[tokio::test]
async fn a_directory_is_planned_applied_and_exported() {
    let world = World::new().await;
    let (alice, bob) = (world.key("alice"), world.key("bob"));
    let wanted = r#"{"version":1,"users":{"carol":{"policies":["system:ReadOnlyAccess"]},"alice":{"policies":[]}}}"#;
    let planned = by(&world, &alice, "PlanDirectory", &[("Declaration", wanted)]).await;
    let hash = member(&planned, "/PlanHash");
    let told = |answer: &Answer| answer.whole().replace(&hash, "HASH");
    let mut out = vec![told(&planned)];
    for (who, action, rest, code) in [
        (&alice, "PlanDirectory", vec![], "MissingDeclaration"),
        (&alice, "PlanDirectory", vec![("Declaration", "{")], "InvalidParameter.Declaration"),
        (&alice, "PlanDirectory", vec![("Declaration", r#"{"version":1,"user":{}}"#)], "InvalidParameter.Declaration"),
        (
            &alice,
            "PlanDirectory",
            vec![("Declaration", r#"{"version":1,"users":{"x":{"policies":["y"]}}}"#)],
            "InvalidParameter.Declaration",
        ),
        (&alice, "PlanDirectory", vec![("Declaration", wanted), ("Prune", "perhaps")], "InvalidParameter.Prune"),
        (&alice, "PlanDirectory", vec![("Declaration", wanted), ("Prune", "true")], "DeleteConflict.User.AccessKey"),
        (&alice, "ApplyDirectory", vec![("Declaration", wanted), ("PlanHash", "old")], "InvalidParameter.PlanHash.Outdated"),
        (&alice, "ApplyDirectory", vec![("Declaration", wanted), ("PlanHash", hash.as_str())], "NobodyCouldAdminister"),
        (&bob, "PlanDirectory", vec![("Declaration", wanted)], "NoPermission"),
        (&bob, "ExportDirectory", vec![], "NoPermission"),
    ] {
        let answer = by(&world, who, action, &rest).await;
        assert_eq!(member(&answer, "/Code"), code, "{action}: {}", answer.whole());
        let message = member(&answer, "/Message");
        out.push(format!("{action} {code}: {}", message.split(" (to see why").next().unwrap_or_default()));
    }
    let twice = [("Declaration", wanted), ("PlanHash", hash.as_str()), ("EvenIfNobodyCanAdminister", "true"), ("Format", "XML")];
    let done = by(&world, &alice, "ApplyDirectory", &twice).await;
    assert_eq!(done.status.as_u16(), 200, "{}", done.whole());
    out.push(told(&done));
    insta::assert_snapshot!("declared", out.join("\n\n"));
}
