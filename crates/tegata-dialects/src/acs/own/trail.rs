//! The audit trail of the account, and why a request was answered as it was.

use tegata_core::{
    trail::{AuditEvent, AuditFilter, ExplainRequest, ListAuditEvents},
    why::{LayerReport, Report},
};
use tegata_model::Timestamp;

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, paged, text, wrapped},
    catalogue::{Kind, MARKER, MAX_ITEMS, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("ExplainRequest", "Why a request was answered as it was", explain, [need("RequestId", Kind::Text)]),
    entry!(
        "ListAuditEvents",
        "Who did what in the account, newest first",
        list,
        [
            may("StartTime", Kind::Text),
            may("Caller", Kind::Text),
            may("EventAction", Kind::Text),
            may("Outcome", Kind::Word(&["Done", "Refused"])),
            MARKER,
            MAX_ITEMS
        ]
    ),
];

fn texts(plural: &'static str, singular: &'static str, texts: Vec<String>) -> (&'static str, Tree) {
    wrapped(plural, singular, texts.into_iter().map(Tree::Text).collect())
}

fn layer(LayerReport { layer, stands, by, near }: LayerReport) -> Tree {
    Tree::Object(vec![
        ("Name", Tree::Text(layer)),
        ("Stands", text(&stands)),
        texts("DecidedBy", "Statement", by),
        texts("NearMisses", "NearMiss", near),
    ])
}

async fn explain(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let Report { request_id, at, caller, access_key_id, source, action, resource, allowed, summary, decided_by, layers, context, to_allow } =
        ask.perform(ExplainRequest { request: ask.params.required("RequestId")? }).await?;
    let condition = |(key, values): (String, Vec<String>)| Tree::Object(vec![("Key", Tree::Text(key)), texts("Values", "Value", values)]);
    let explanation = vec![
        ("RequestId", Tree::Text(request_id)),
        ("Date", Tree::Text(at)),
        ("Caller", Tree::Text(caller)),
        ("AccessKeyId", Tree::Text(access_key_id)),
        ("SourceAddress", Tree::Text(source)),
        ("Action", Tree::Text(action)),
        ("Resource", Tree::Text(resource)),
        ("Outcome", text(&outcome_word(allowed))),
        ("Summary", Tree::Text(summary)),
        texts("DecidedBy", "Statement", decided_by),
        wrapped("Layers", "Layer", layers.into_iter().map(layer).collect()),
        wrapped("Conditions", "Condition", context.into_iter().map(condition).collect()),
        texts("Changes", "Change", to_allow),
    ];
    Ok(vec![("Explanation", Tree::Object(explanation))])
}

fn outcome_word(done: bool) -> &'static str {
    if done { "Done" } else { "Refused" }
}

/// One entry of the trail.
pub(super) fn event(one: AuditEvent) -> Tree {
    let mut fields = vec![
        ("Date", Tree::Text(one.at.to_iso())),
        ("RequestId", Tree::Text(one.request_id.to_uuid())),
        ("Outcome", text(&outcome_word(one.done))),
        ("Action", Tree::Text(one.action)),
        ("Resource", Tree::Text(one.resource)),
        ("CallerType", text(&one.caller_kind)),
        ("Caller", Tree::Text(one.caller)),
    ];
    fields.extend(one.access_key_id.map(|id| ("AccessKeyId", Tree::Text(id))));
    fields.push(("SourceAddress", Tree::Text(one.source)));
    fields.extend(one.session.map(|id| ("SessionId", text(&id))));
    fields.extend(one.summary.map(|summary| ("Summary", Tree::Text(summary))));
    fields.push(texts("DecidedBy", "Statement", one.decided_by));
    Tree::Object(fields)
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let given = |name: &str| ask.params.text(name).filter(|text| !text.is_empty());
    let wanted = |name: &str| given(name).map(str::to_owned);
    let since = given("StartTime")
        .map(|text| {
            Timestamp::parse_rfc3339(text).ok_or_else(|| AcsError::invalid("StartTime", "expected a time such as `2026-01-02T03:04:05Z`"))
        })
        .transpose()?;
    let done = match given("Outcome") {
        None => None,
        Some("Done") => Some(true),
        Some("Refused") => Some(false),
        Some(_) => return Err(AcsError::invalid("Outcome", "`Done` and `Refused` are the values")),
    };
    let filter = AuditFilter { since, caller: wanted("Caller"), action: wanted("EventAction"), done, until: None, call: None };
    let listed = ask.perform(ListAuditEvents { filter, page: ask.page(1000)? }).await?;
    Ok(paged("Events", "Event", listed, event))
}
