//! The audit log: the calls of this API that had an effect or were refused, from the trail of the account, newest first.
//!
//! Calls that only read leave no row, and neither do those of other dialects here: `tegata audit` shows all of them.

use http::StatusCode;
use serde_json::{Value, json};
use tegata_core::{
    directory::Page,
    trail::{AuditEvent, AuditFilter, ListAuditEvents},
};
use tegata_model::Timestamp;

use super::{
    ask::{Ask, Entry, Reply, entry},
    catalogue::{Kind, query},
    error::SamFault,
};

/// Entries of a page, if nothing is said, and at most.
const MOST: usize = 1000;

pub(super) const TABLE: &[Entry] = &[entry!(
    "AuditLog:getApiAuditLogs",
    Get "/audit_logs/api",
    "show the calls that had an effect or were refused",
    list,
    [
        query("api_kind", Kind::Text),
        query("from_epoch_ms", Kind::Number),
        query("to_epoch_ms", Kind::Number),
        query("limit", Kind::Number),
        query("last_evaluated_key", Kind::Text),
    ]
)];

fn number(ask: &Ask<'_>, name: &'static str) -> Result<Option<i64>, SamFault> {
    ask.query(name).map(|text| text.parse().map_err(|_| SamFault::member(name, &"expected a whole number"))).transpose()
}

fn moment(ask: &Ask<'_>, name: &'static str) -> Result<Option<Timestamp>, SamFault> {
    Ok(number(ask, name)?.map(|millis| Timestamp::from_unix(millis.div_euclid(1000))))
}

async fn list(ask: &Ask<'_>) -> Result<Reply, SamFault> {
    let limit = match number(ask, "limit")? {
        None => MOST,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| SamFault::member("limit", &"expected 1 to 1000"))?,
    };
    let filter = AuditFilter {
        since: moment(ask, "from_epoch_ms")?,
        until: moment(ask, "to_epoch_ms")?,
        call: Some(ask.query("api_kind").unwrap_or_default().to_owned()),
        ..AuditFilter::default()
    };
    let page = Page { after: ask.query("last_evaluated_key").unwrap_or_default().to_owned(), limit };
    let events = ask.perform(ListAuditEvents { filter, page }).await?;
    let operator = ask.caller()?.operator_id().as_str();
    Ok(Reply::json(StatusCode::OK, events.items.iter().filter_map(|event| shown(event, operator)).collect()).next(events.next))
}

fn shown(event: &AuditEvent, operator: &str) -> Option<Value> {
    let call = event.call.as_ref()?;
    // `user carol, switched to by bob of acme`
    let user = event.caller.strip_prefix("user ").map_or("", |name| name.split_once(", ").map_or(name, |(name, _)| name));
    Some(json!({
        "apiKind": call.kind,
        "operatorId": operator,
        "userName": user,
        "requestPath": call.path,
        "remoteIpAddress": if event.source == "-" { "" } else { &event.source },
        "requestedTimeEpochMs": event.at.unix().saturating_mul(1000),
        "statusCode": status(&call.api, event),
    }))
}

/// The status that the call was answered with.
fn status(api: &str, event: &AuditEvent) -> u16 {
    if !event.done {
        return match event.cause.as_deref() {
            Some("denied") => 403,
            Some("unauthenticated") => 401,
            Some("absent") => 404,
            // A switch without trust among them.
            _ => 400,
        };
    }
    let name = api.split_once(':').map_or(api, |(_, name)| name);
    match name {
        "createUser" | "createUserPassword" | "generateOperatorAuthKey" => 201,
        "updateDefaultPermissions" => 202,
        "logout" | "verifyUserMFA" | "updateUserTrustPolicy" => 204,
        _ if name.starts_with("delete") || name.starts_with("revoke") => 204,
        _ => 200,
    }
}
