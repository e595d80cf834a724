//! A whole directory as one declaration.

use tegata_core::directory::{ApplyDirectory, Declaration, ExportDirectory, Line, Plan, PlanDirectory, Sign};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text, wrapped},
    catalogue::{Kind, may, need},
    error::AcsError,
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "PlanDirectory",
        "What a declaration of users, groups, roles and policies would change",
        plan,
        [need("Declaration", Kind::Document), may("Prune", Kind::Flag)]
    ),
    entry!(
        "ApplyDirectory",
        "Do what a declaration says, all of it or nothing",
        apply,
        [
            need("Declaration", Kind::Document),
            may("Prune", Kind::Flag),
            may("PlanHash", Kind::Text),
            may("EvenIfNobodyCanAdminister", Kind::Flag)
        ]
    ),
    entry!("ExportDirectory", "The directory of the account, written down as a declaration", export, []),
];

/// The JSON text of a declaration.
fn declaration(ask: &Ask<'_>) -> Result<Declaration, AcsError> {
    let invalid = |problem: &dyn std::fmt::Display| AcsError::invalid("Declaration", &problem.to_string());
    let value = serde_json::from_str(&ask.document("Declaration")?).map_err(|problem| invalid(&problem))?;
    Declaration::read(&value).map_err(|problem| invalid(&problem))
}

fn lines(name: &'static str, lines: Vec<Line>) -> (&'static str, Tree) {
    let sign = |sign| match sign {
        Sign::More => "+",
        Sign::Other => "~",
        Sign::Less => "-",
    };
    wrapped(name, "Line", lines.into_iter().map(|line| Tree::object([("Sign", sign(line.sign).to_owned()), ("Text", line.text)])).collect())
}

fn told(plan: &Plan) -> Result<Fields, AcsError> {
    let left = plan.left_alone;
    let count = |count: usize| Tree::Number(u64::try_from(count).unwrap_or(u64::MAX));
    let whole = serde_json::to_string(plan).map_err(|cause| AcsError::from(tegata_core::OpError::internal(cause)))?;
    Ok(vec![
        ("PlanHash", text(&plan.hash)),
        ("IsEmpty", Tree::Flag(plan.is_empty())),
        ("LeavesNobody", Tree::Flag(plan.leaves_nobody)),
        ("Summary", Tree::Text(plan.summary())),
        lines("Effects", plan.effects()),
        lines("Steps", plan.steps()),
        wrapped("Notes", "Note", plan.notes.iter().map(text).collect()),
        (
            "LeftAlone",
            Tree::Object(vec![
                ("Users", count(left.users)),
                ("Groups", count(left.groups)),
                ("Roles", count(left.roles)),
                ("Policies", count(left.policies)),
            ]),
        ),
        ("Plan", Tree::Text(whole)),
    ])
}

async fn plan(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    told(&ask.perform(PlanDirectory { declaration: declaration(ask)?, prune: ask.flag("Prune")? }).await?)
}

async fn apply(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let operation = ApplyDirectory {
        declaration: declaration(ask)?,
        prune: ask.flag("Prune")?,
        plan: ask.params.optional("PlanHash")?,
        even_if_nobody_can_administer: ask.flag("EvenIfNobodyCanAdminister")?,
    };
    told(&ask.perform(operation).await?)
}

async fn export(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let declaration = ask.perform(ExportDirectory).await?;
    Ok(vec![("Declaration", Tree::Text(declaration.to_string()))])
}
