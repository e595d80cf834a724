//! `/apps/{id}/assignments`: who may use an application that is installed, for administrators.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::StatusCode;
use tegata_core::{
    Caller, OpError,
    client::{AssignClient, AssignmentMode, IdentityName, ListAssignments, UnassignClient},
};
use tegata_oauth::Parameters;

use super::{
    Shared,
    visit::{Page, Visit, see_other, visit},
};
use crate::pages::{FormTarget, respond, views};

pub(crate) async fn receive(State(oauth): Shared, Path(app_id): Path<String>, request: Request) -> Response {
    visit(oauth, request, "Assignments", async |visit, form| {
        let page = answer(&visit, app_id, form).await;
        (visit, page)
    })
    .await
}

/// Each operation wants a caller of its own; none of them spends anything.
fn caller(visit: &Visit) -> Option<Caller> {
    visit.oauth.core.browser_caller(visit.signed_in()?, visit.meta.clone())
}

async fn answer(visit: &Visit, app_id: String, form: Option<Parameters>) -> Page {
    let Some(caller) = caller(visit) else {
        let plain = app_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let to = if plain { format!("?to=apps/{app_id}/assignments") } else { String::new() };
        return Ok(see_other(&format!("{}signin{to}", visit.root())));
    };
    let core = &visit.oauth.core;
    let mut problem = None;
    if let Some(form) = form {
        if !visit.holds("assignments", &form) {
            return Ok(visit.stale());
        }
        match change(visit, &caller, &app_id, &form).await {
            Ok(()) => return Ok(see_other("assignments")),
            Err(OpError::Denied(denial)) => return Ok(refused(visit, &denial)),
            Err(error @ (OpError::NotFound(_) | OpError::Invalid(_) | OpError::LimitExceeded(..))) => problem = Some(error.to_string()),
            Err(other) => return Err(other),
        }
    }
    let found = match core.perform(&caller, &ListAssignments { app_id: app_id.clone() }).await {
        Ok(found) => found,
        Err(OpError::Denied(denial)) => return Ok(refused(visit, &denial)),
        Err(error @ (OpError::NotFound(_) | OpError::Invalid(_))) => {
            return Ok(visit.problem(StatusCode::NOT_FOUND, "problem-missing-title", error.to_string(), None));
        }
        Err(other) => return Err(other),
    };
    let everybody = found.mode == AssignmentMode::All;
    let assigned = found.items.into_iter().map(|one| {
        let (kind, name) = match one.identity {
            IdentityName::User(name) => ("user", name.to_string()),
            IdentityName::Role(name) => ("role", name.to_string()),
        };
        views::AssignmentShown { kind, name, since: one.assigned_at.to_iso().chars().take(10).collect() }
    });
    let account = visit.signed_in().map(|browser| browser.account().0).unwrap_or_default();
    let page = views::Assignments {
        frame: visit.frame(),
        csrf: visit.token("assignments")?,
        client: tegata_core::client::OFFICIAL_CLI_NAME.to_owned(),
        account,
        assigned: assigned.collect(),
        everybody,
        done: None,
        problem,
    };
    let status = if page.problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(respond(status, &page, FormTarget::Here))
}

fn refused(visit: &Visit, denial: &tegata_core::Denial) -> Response {
    visit.problem(StatusCode::FORBIDDEN, "problem-title", denial.to_string(), Some("assignments-refused"))
}

async fn change(visit: &Visit, caller: &Caller, app_id: &str, form: &Parameters) -> Result<(), OpError> {
    let name = form.text("identity").unwrap_or_default().trim();
    let invalid = |error: String| OpError::invalid(tegata_core::Input::UserName, tegata_core::ProblemKind::Malformed, error);
    let identity = match form.text("identity_type") {
        Some("role") => IdentityName::Role(name.parse().map_err(|error| invalid(format!("{error}")))?),
        Some("user") => IdentityName::User(name.parse().map_err(|error| invalid(format!("{error}")))?),
        _ => return Err(invalid("it is a user or a role".to_owned())),
    };
    let (core, app_id) = (&visit.oauth.core, app_id.to_owned());
    match form.text("change") {
        Some("unassign") => core.perform(caller, &UnassignClient { app_id, identity }).await,
        _ => core.perform(caller, &AssignClient { app_id, identity }).await,
    }
}
