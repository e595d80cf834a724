//! A whole directory as one declaration: what it would change, done as one commit, and the other way round.
//!
//! | file | what |
//! |---|---|
//! | `desired` | what shall be, read strictly |
//! | `current` | what is, read in a dozen statements |
//! | `plan`, `change`, `documents` | the difference, step by step |
//! | `shift`, `words` | who gains and who loses, and how that is told |
//! | `administrators` | whether anybody is left who can administer |
//! | `steps` | what each step would need singly, and the rows it writes |
//! | `export` | what is, written down as a declaration |
//!
//! Applying is the sum of single operations: it asks for the same rights, keeps the same quotas and refuses the same things.

mod administrators;
mod change;
mod current;
mod desired;
mod documents;
mod export;
mod plan;
mod shift;
mod steps;
mod words;

use std::{collections::HashSet, fmt::Write as _};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use tegata_store::policy::PolicyKind;

pub use self::{
    change::{Change, Recipient, Trust},
    desired::{Declaration, Unreadable},
    shift::Shift,
    words::{Line, Sign},
};
use self::{current::Current, plan::Planned};
use super::{group_name, own, role_name, user_name};
use crate::{
    actions::{
        Action, RAM_DELETE_ACCESS_KEY, RAM_GET_GROUP, RAM_GET_POLICY, RAM_GET_ROLE, RAM_GET_USER, RAM_LIST_GROUPS, RAM_LIST_POLICIES,
        RAM_LIST_POLICIES_FOR_GROUP, RAM_LIST_POLICIES_FOR_ROLE, RAM_LIST_POLICIES_FOR_USER, RAM_LIST_ROLES, RAM_LIST_USERS,
        RAM_LIST_USERS_FOR_GROUP, RAM_UPDATE_USER, TEGATA_APPLY_DIRECTORY, TEGATA_EXPORT_DIRECTORY, TEGATA_PLAN_DIRECTORY,
    },
    audit::Entry,
    authz::{self, Permit},
    caller::Caller,
    error::{Input, OpError, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::{Read, View},
};

/// How many there are of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sections {
    /// Users.
    pub users: usize,
    /// Groups.
    pub groups: usize,
    /// Roles.
    pub roles: usize,
    /// Custom policies.
    pub policies: usize,
}

/// What a declaration changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Stands for all of it, and for what it was read from: 64 hexadecimal digits.
    pub hash: String,
    /// Step by step, in the order in which they are done.
    pub changes: Vec<Change>,
    /// Who gains what, and who loses what.
    pub shifts: Vec<Shift>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// What is there and not declared, and stays.
    pub left_alone: Sections,
    /// Afterwards no user could administer the account any more, and one could before. The owner of the account always can.
    pub leaves_nobody: bool,
}

impl Plan {
    /// True if everything is as declared.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Say what a declaration would change.
#[derive(Debug, Clone)]
pub struct PlanDirectory {
    /// The directory as it shall be.
    pub declaration: Declaration,
    /// Whether what is not declared is deleted, in the sections that are declared.
    pub prune: bool,
}

impl Operation for PlanDirectory {
    const ACTION: Action = TEGATA_PLAN_DIRECTORY;
    type Output = Plan;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Directory { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Plan>, OpError> {
        authz::not_forbidden(view, caller, Self::ACTION, &self.resource(caller))?;
        let current = read(view, caller).await?;
        let planned = plan::plan(view, caller, &self.declaration, &current, self.prune).await?;
        Ok(Effect::nothing(tell(view, caller, &current, planned).plan))
    }
}

/// Do what a declaration says, as one commit.
#[derive(Debug, Clone)]
pub struct ApplyDirectory {
    /// The directory as it shall be.
    pub declaration: Declaration,
    /// Whether what is not declared is deleted, in the sections that are declared.
    pub prune: bool,
    /// The plan that was looked at; without it whatever is found different is done.
    pub plan: Option<String>,
    /// Whether it is done even if no user could administer the account afterwards.
    pub even_if_nobody_can_administer: bool,
}

impl Operation for ApplyDirectory {
    const ACTION: Action = TEGATA_APPLY_DIRECTORY;
    type Output = Plan;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Directory { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Plan>, OpError> {
        authz::not_forbidden(view, caller, Self::ACTION, &self.resource(caller))?;
        let current = read(view, caller).await?;
        let planned = plan::plan(view, caller, &self.declaration, &current, self.prune).await?;
        let permit = steps::permit(view, caller, &current, &planned.changes)?;
        for change in &planned.changes {
            // Keys that go with their user go as they would singly.
            if let Change::DeleteUser { user, access_keys: 1.. } = change
                && let Some(row) = current.users.get(&user.folded())
            {
                authz::second_factor(view, caller, RAM_DELETE_ACCESS_KEY, &user_name(caller, user), row.id).await?;
            }
        }
        for change in &planned.changes {
            if let Change::ChangeUser { user, email: Some(_), .. } = change
                && let Some(row) = current.users.get(&user.folded())
            {
                authz::second_factor(view, caller, RAM_UPDATE_USER, &user_name(caller, user), row.id).await?;
            }
        }
        let changes = steps::change_set(view, caller, &current, &planned)?;
        let Told { plan, reads } = tell(view, caller, &current, planned);
        if self.plan.as_ref().is_some_and(|seen| *seen != plan.hash) {
            let rule = "the account has changed since: look at the new plan";
            return Err(OpError::invalid(Input::Plan, ProblemKind::Mismatch, rule));
        }
        if plan.leaves_nobody && !self.even_if_nobody_can_administer {
            let rule = "no user could administer the account any more, only its owner could; say it twice if that is meant";
            return Err(OpError::invalid(Input::Plan, ProblemKind::OutOfRange, rule));
        }
        if plan.is_empty() {
            return Ok(Effect::nothing(plan));
        }
        view.note_all(reads);
        let by = permit.map(Permit::spend).unwrap_or_default();
        let entry = Entry { by, note: Some(plan.for_the_audit()), ..Entry::default() };
        Ok(Effect::with(plan, changes, entry).or_again())
    }
}

/// Write the directory down as a declaration that changes nothing.
#[derive(Debug, Clone)]
pub struct ExportDirectory;

impl Operation for ExportDirectory {
    const ACTION: Action = TEGATA_EXPORT_DIRECTORY;
    /// The declaration, as [`Declaration::read`] reads it.
    type Output = serde_json::Value;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::Directory { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<Self::Output>, OpError> {
        authz::not_forbidden(view, caller, Self::ACTION, &self.resource(caller))?;
        Ok(Effect::nothing(export::declaration(&read(view, caller).await?)))
    }
}

/// Reads all of it, for somebody who may read all of it: the lists are asked for before anything is read, and then everything
/// by its name, as single operations would.
async fn read(view: &View<'_>, caller: &Caller) -> Result<Current, OpError> {
    let account = own(caller);
    let ask = |action, resource: &ResourceName| authz::permit(view, caller, action, resource, &[]).map(drop);
    ask(RAM_LIST_USERS, &ResourceName::Users { account })?;
    ask(RAM_LIST_GROUPS, &ResourceName::Groups { account })?;
    ask(RAM_LIST_ROLES, &ResourceName::Roles { account })?;
    ask(RAM_LIST_POLICIES, &ResourceName::Policies { account })?;
    let current = Current::read(&view.core().store, caller.account()).await?;
    let by_name = |action, resource: &ResourceName| steps::permit_one(view, caller, &current, action, resource).map(drop);
    for row in current.users.values() {
        let resource = user_name(caller, &row.name);
        by_name(RAM_GET_USER, &resource)?;
        by_name(RAM_LIST_POLICIES_FOR_USER, &resource)?;
    }
    for row in current.groups.values() {
        let resource = group_name(caller, &row.name);
        by_name(RAM_GET_GROUP, &resource)?;
        by_name(RAM_LIST_USERS_FOR_GROUP, &resource)?;
        by_name(RAM_LIST_POLICIES_FOR_GROUP, &resource)?;
    }
    for row in current.roles.values() {
        let resource = role_name(caller, &row.name);
        by_name(RAM_GET_ROLE, &resource)?;
        by_name(RAM_LIST_POLICIES_FOR_ROLE, &resource)?;
    }
    for row in current.policies.values().filter(|row| row.kind == PolicyKind::Custom) {
        by_name(RAM_GET_POLICY, &ResourceName::Policy { account, name: row.name.clone() })?;
    }
    Ok(current)
}

/// A plan that can be told, and what it was read from.
struct Told {
    plan: Plan,
    reads: Vec<Read>,
}

fn tell(view: &View<'_>, caller: &Caller, current: &Current, planned: Planned) -> Told {
    let account = own(caller);
    let Planned { changes, after, left: [users, groups, roles, policies] } = planned;
    let shifts = shift::shifts(&current.state, &after, account);
    let mut notes = shift::notes(&changes, &current.state, &after, account);
    notes.extend(shift::passed_on(&changes, current, &after, account));
    let mut known = HashSet::new();
    let mut reads: Vec<Read> = Vec::new();
    let mut add = |read: Read| {
        if known.insert(format!("{read:?}")) {
            reads.push(read);
        }
    };
    changes.iter().flat_map(|change| change.reads(current)).for_each(&mut add);
    let seed = Seed { changes: &changes, shifts: &shifts, reads: &reads.iter().map(|read| format!("{read:?}")).collect::<Vec<_>>() };
    let hash = hash(&seed);
    let left_alone = Sections { users, groups, roles, policies };
    // Whoever is still able to administer is read too: if that changes meanwhile, this is decided again.
    let witness = administrators::find(&after, account, view.now());
    let leaves_nobody = !changes.is_empty() && witness.is_none() && administrators::find(&current.state, account, view.now()).is_some();
    if let Some(user) = witness {
        let groups = after.groups.iter().filter(|(_, group)| group.members.contains(user));
        let held = after.users.get(user).map(|is| &is.policies).into_iter().chain(groups.clone().map(|(_, group)| &group.policies));
        reads.extend(current.user_read(user));
        reads.extend(groups.clone().filter_map(|(key, _)| current.group_read(key)));
        reads.extend(held.flatten().filter_map(|policy| current.policy_read(policy)));
    }
    Told { plan: Plan { hash, changes, shifts, notes, left_alone, leaves_nobody }, reads }
}

/// What the hash of a plan stands for.
#[derive(Serialize)]
struct Seed<'a> {
    changes: &'a [Change],
    shifts: &'a [Shift],
    reads: &'a [String],
}

fn hash(seed: &Seed<'_>) -> String {
    let text = serde_json::to_vec(seed).unwrap_or_default();
    digest(&SHA256, &text).as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
