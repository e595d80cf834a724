//! A plan in words, the same steps of many taken together.

use std::collections::BTreeMap;

use super::{
    Plan,
    change::{Change, Recipient, policy_word},
    desired::SYSTEM_PREFIX,
    shift::Shift,
};

/// Names told at once; of more, the first ten.
const NAMES: usize = 12;
/// Longest text in the audit, in bytes.
const AUDIT: usize = 4096;

/// Which way a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Something more than before.
    More,
    /// Something else than before.
    Other,
    /// Something less than before.
    Less,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which way it goes.
    pub sign: Sign,
    /// What it says.
    pub text: String,
}

impl Plan {
    /// Who gains what, and who loses what.
    pub fn effects(&self) -> Vec<Line> {
        let mut users: BTreeMap<(bool, &str, &[String]), Vec<&str>> = BTreeMap::new();
        let mut roles: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
        let mut trust: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
        for shift in &self.shifts {
            match shift {
                Shift::User { gains, policy, through, user } => users.entry((*gains, policy, through)).or_default().push(user),
                Shift::Role { gains, policy, role } => roles.entry((*gains, policy)).or_default().push(format!("role {role}")),
                Shift::Trust { gains, role, principal } => trust.entry((*gains, role)).or_default().push(principal),
            }
        }
        let mut lines = Vec::new();
        for ((gains, policy, through), names) in users {
            let verb = verb(gains, names.len());
            let via = match through {
                [] => String::new(),
                [group] => format!(" (through group {group})"),
                groups => format!(" (through groups {})", listed(groups)),
            };
            lines.push(line(gains, format!("{} {verb} {}{via}", listed(&names), bare(policy))));
        }
        for ((gains, policy), names) in roles {
            lines.push(line(gains, format!("{} {} {}", listed(&names), verb(gains, names.len()), bare(policy))));
        }
        for ((gains, role), names) in trust {
            let verb = if gains { "trusts" } else { "no longer trusts" };
            lines.push(line(gains, format!("role {role} {verb} {}", listed(&names))));
        }
        lines.sort_by_key(|line| line.sign);
        lines
    }

    /// What is made, changed and deleted.
    pub fn steps(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut together: BTreeMap<(Sign, &str), Vec<&str>> = BTreeMap::new();
        let mut members: BTreeMap<(Sign, &str), Vec<&str>> = BTreeMap::new();
        let mut attached: BTreeMap<(Sign, String), Vec<String>> = BTreeMap::new();
        for change in &self.changes {
            match change {
                Change::CreateUser { user, .. } => together.entry((Sign::More, "user")).or_default().push(user.as_str()),
                Change::CreateGroup { group, .. } => together.entry((Sign::More, "group")).or_default().push(group.as_str()),
                Change::CreateRole { role, .. } => together.entry((Sign::More, "role")).or_default().push(role.as_str()),
                Change::CreatePolicy { policy, .. } => together.entry((Sign::More, "policy")).or_default().push(policy.as_str()),
                Change::DeleteUser { user, access_keys: 0 } => together.entry((Sign::Less, "user")).or_default().push(user.as_str()),
                Change::DeleteGroup { group } => together.entry((Sign::Less, "group")).or_default().push(group.as_str()),
                Change::DeleteRole { role } => together.entry((Sign::Less, "role")).or_default().push(role.as_str()),
                Change::DeletePolicy { policy } => together.entry((Sign::Less, "policy")).or_default().push(policy.as_str()),
                Change::AddMember { group, user } => members.entry((Sign::More, group.as_str())).or_default().push(user.as_str()),
                Change::RemoveMember { group, user } => members.entry((Sign::Less, group.as_str())).or_default().push(user.as_str()),
                Change::AttachPolicy { to, policy } => {
                    attached.entry((Sign::More, policy_word(policy))).or_default().push(recipient(to));
                }
                Change::DetachPolicy { from, policy } => {
                    attached.entry((Sign::Less, policy_word(policy))).or_default().push(recipient(from));
                }
                Change::DeleteUser { user, access_keys } => {
                    let keys = counted(&[(*access_keys, "access key")]);
                    lines.push(Line { sign: Sign::Less, text: format!("user {user} is deleted, with {keys}") });
                }
                Change::ChangePolicy { policy, differences, drops_version, .. } => {
                    let room = drops_version.map(|version| format!("; its oldest version v{version} makes room")).unwrap_or_default();
                    lines.push(Line { sign: Sign::Other, text: format!("policy {policy}: {}{room}", differences.join("; ")) });
                }
                Change::DescribePolicy { policy, description } => {
                    lines.push(Line { sign: Sign::Other, text: format!("policy {policy}: {}", said("description", description)) });
                }
                Change::ChangeRole { role, description, max_session_seconds, trust, differences } => {
                    let mut words = Vec::new();
                    words.extend(description.as_ref().map(|text| said("description", text)));
                    words.extend(max_session_seconds.map(|seconds| format!("its longest session is {seconds} seconds")));
                    words.extend(trust.as_ref().map(|_| format!("trust: {}", differences.join("; "))));
                    lines.push(Line { sign: Sign::Other, text: format!("role {role}: {}", words.join(", ")) });
                }
                Change::ChangeUser { user, display_name, email, phone, comments } => {
                    let mut words = Vec::new();
                    words.extend(display_name.as_ref().map(|text| said("display name", text.as_str())));
                    words.extend(email.as_ref().map(|text| said("e-mail address", text)));
                    words.extend(phone.as_ref().map(|text| said("telephone number", text)));
                    words.extend(comments.as_ref().map(|text| said("comments", text)));
                    lines.push(Line { sign: Sign::Other, text: format!("user {user}: {}", words.join(", ")) });
                }
                Change::ChangeGroup { group, comments } => {
                    lines.push(Line { sign: Sign::Other, text: format!("group {group}: {}", said("comments", comments)) });
                }
            }
        }
        for ((sign, kind), names) in together {
            let verb = if sign == Sign::More { "made" } else { "deleted" };
            let are = if names.len() == 1 { "is" } else { "are" };
            lines.push(Line { sign, text: format!("{} {} {are} {verb}", plural(names.len(), kind), listed(&names)) });
        }
        for ((sign, group), names) in members {
            let verb = if sign == Sign::More { "gains" } else { "loses" };
            lines.push(Line { sign, text: format!("group {group} {verb} {} {}", plural(names.len(), "member"), listed(&names)) });
        }
        for ((sign, policy), names) in attached {
            let verb = if sign == Sign::More { "is attached to" } else { "is detached from" };
            lines.push(Line { sign, text: format!("policy {} {verb} {}", bare(&policy), listed(&names)) });
        }
        lines.sort_by_key(|line| line.sign);
        lines
    }

    /// How many steps go which way: `12 more, 1 other, 2 less`.
    pub fn summary(&self) -> String {
        let count = |is: fn(&Change) -> bool| self.changes.iter().filter(|change| is(change)).count();
        let made = count(|change| {
            matches!(
                change,
                Change::CreateUser { .. } | Change::CreateGroup { .. } | Change::CreateRole { .. } | Change::CreatePolicy { .. }
            )
        });
        let changed = count(|change| {
            matches!(
                change,
                Change::ChangeUser { .. }
                    | Change::ChangeGroup { .. }
                    | Change::ChangeRole { .. }
                    | Change::ChangePolicy { .. }
                    | Change::DescribePolicy { .. }
            )
        });
        let deleted = count(|change| {
            matches!(
                change,
                Change::DeleteUser { .. } | Change::DeleteGroup { .. } | Change::DeleteRole { .. } | Change::DeletePolicy { .. }
            )
        });
        let given = count(|change| matches!(change, Change::AttachPolicy { .. } | Change::AddMember { .. }));
        let taken = count(|change| matches!(change, Change::DetachPolicy { .. } | Change::RemoveMember { .. }));
        let parts = [(made, "made"), (changed, "changed"), (deleted, "deleted"), (given, "given"), (taken, "taken away")];
        let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
    }

    /// What the one audit row says: the counts, then as many lines as there is room for.
    pub(super) fn for_the_audit(&self) -> String {
        let mut text = self.summary();
        for line in self.effects().into_iter().chain(self.steps()) {
            if text.len() + line.text.len() > AUDIT {
                text.push_str("; and more");
                break;
            }
            text.push_str("; ");
            text.push_str(&line.text);
        }
        text
    }
}

fn line(gains: bool, text: String) -> Line {
    Line { sign: if gains { Sign::More } else { Sign::Less }, text }
}

fn verb(gains: bool, count: usize) -> &'static str {
    match (gains, count) {
        (true, 1) => "gains",
        (true, _) => "gain",
        (false, 1) => "loses",
        (false, _) => "lose",
    }
}

/// What something is from now on.
fn said(what: &str, text: &str) -> String {
    if text.is_empty() { format!("no {what} any more") } else { format!("{what} `{text}`") }
}

/// A policy by its mere name.
fn bare(policy: &str) -> &str {
    policy.strip_prefix(SYSTEM_PREFIX).unwrap_or(policy)
}

fn recipient(whom: &Recipient) -> String {
    match whom {
        Recipient::User(name) => format!("user {name}"),
        Recipient::Group(name) => format!("group {name}"),
        Recipient::Role(name) => format!("role {name}"),
    }
}

/// `a, b and c`; of many, the first ten and how many more.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().map(AsRef::as_ref).take(if names.len() > NAMES { NAMES - 2 } else { NAMES }).collect();
    if shown.len() < names.len() {
        return format!("{} and {} more", shown.join(", "), names.len() - shown.len());
    }
    match shown.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn plural(count: usize, word: &str) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => word.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{word}s"),
    }
}

/// `3 users and 1 role`; `nobody` if there are none.
pub(super) fn counted(counts: &[(usize, &str)]) -> String {
    let words: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {}", plural(*count, word))).collect();
    if words.is_empty() { "nobody".to_owned() } else { listed(&words) }
}
