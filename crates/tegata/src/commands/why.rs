//! `tegata why REQUEST_ID`: explains the answer to one request, from the data on this machine or by asking the server.

use serde_json::Value;
use tegata_core::{
    trail::RequestRef,
    why::{LayerReport, Report, escape, explain_row},
};
use tegata_store::{Store, StoreError, audit};

use super::{
    audit::harmless,
    own::{self, Where, items, text, texts},
    read_only, runtime,
};
use crate::{
    cli::{WhyFlags, WhyOutput},
    config::{Config, Environment},
    failure::Failure,
    terminal,
};

/// `tegata why REQUEST_ID`
pub(crate) fn explain(flags: &WhyFlags, environment: &Environment) -> Result<(), Failure> {
    let given = flags.request.trim();
    let request: RequestRef = given.parse().map_err(|error| Failure::usage(format!("`{}` is not a request id: {error}", escape(given))))?;
    let report = match own::look(&flags.place, &flags.server, environment)? {
        Where::Here(config) => recorded(&config, request)?,
        Where::There(opened) => {
            let answer = runtime()?.block_on(own::call(&opened, "ExplainRequest", &[("RequestId", Some(&request.to_string()))]))?;
            read(answer.get("Explanation").unwrap_or(&Value::Null))
        }
    };
    let page = match flags.output {
        WhyOutput::Text => report.to_string().trim_end().to_owned(),
        WhyOutput::Json => harmless(&serde_json::to_string_pretty(&report).map_err(|error| Failure::new(error.to_string()))?),
    };
    terminal::say(&page);
    Ok(())
}

/// What the data on this machine says.
fn recorded(config: &Config, request: RequestRef) -> Result<Report, Failure> {
    let row = runtime()?.block_on(async {
        let store = read_only(config).await?;
        let row = find(&store, request).await;
        store.close().await;
        row.map_err(Failure::from)
    })?;
    row.as_ref().map(explain_row).ok_or_else(|| {
        Failure::new(format!(
            "the audit trail in `{}` has no request `{request}`; requests whose caller stayed unknown, and reads that changed nothing, have no entry of their own. If another server answered it, name its folder with `--data DIR`, or ask it with `--profile NAME`",
            config.data.display()
        ))
    })
}

async fn find(store: &Store, request: RequestRef) -> Result<Option<audit::AuditRow>, StoreError> {
    match request {
        RequestRef::Whole(id) => audit::find_by_request(store, id).await,
        RequestRef::Beginning(prefix) => audit::find_by_request_prefix(store, prefix).await,
    }
}

/// What the server says.
fn read(told: &Value) -> Report {
    let layer = |one: &Value| LayerReport {
        layer: text(one, "Name").to_owned(),
        stands: match text(one, "Stands") {
            "allowed" => "allowed",
            "denied" => "denied",
            _ => "not allowed",
        },
        by: texts(one, "/DecidedBy/Statement"),
        near: texts(one, "/NearMisses/NearMiss"),
    };
    let word = |member| text(told, member).to_owned();
    Report {
        request_id: word("RequestId"),
        at: word("Date"),
        caller: word("Caller"),
        access_key_id: word("AccessKeyId"),
        source: word("SourceAddress"),
        action: word("Action"),
        resource: word("Resource"),
        allowed: text(told, "Outcome") == "Done",
        summary: word("Summary"),
        decided_by: texts(told, "/DecidedBy/Statement"),
        layers: items(told, "/Layers/Layer").iter().map(layer).collect(),
        context: items(told, "/Conditions/Condition")
            .iter()
            .map(|one| (text(one, "Key").to_owned(), texts(one, "/Values/Value")))
            .collect(),
        to_allow: texts(told, "/Changes/Change"),
    }
}
