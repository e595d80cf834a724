//! RAM 2015-05-01: one table, from the name of an operation to what reads its parameters and says its answer.
//!
//! An operation that is not in the table is not there: it answers `InvalidAction.NotFound`.

mod attachment;
mod group;
mod key;
mod policy;
mod role;
mod user;

use std::{fmt::Display, future::Future, pin::Pin, str::FromStr};

use tegata_core::{
    Caller, Core,
    directory::{Listed, Page, PolicyRef, PolicyType},
};

use super::{
    error::AcsError,
    params::Params,
    reply::{Reply, Tree},
};

/// One line of the table.
pub(crate) struct Entry {
    /// The name on the wire.
    pub(crate) name: &'static str,
    handler: for<'a> fn(&'a Ask<'a>) -> Answering<'a>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

type Fields = Vec<(&'static str, Tree)>;
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Fields, AcsError>> + Send + 'a>>;

macro_rules! operations {
    ($($name:literal => $module:ident::$function:ident,)*) => {
        /// Every operation that is offered.
        pub(crate) const TABLE: &[Entry] = &[$(Entry { name: $name, handler: |ask| Box::pin($module::$function(ask)) },)*];
    };
}

operations! {
    "CreateUser" => user::create,
    "GetUser" => user::describe,
    "UpdateUser" => user::update,
    "DeleteUser" => user::delete,
    "ListUsers" => user::list,
    "CreateAccessKey" => key::create,
    "ListAccessKeys" => key::list,
    "UpdateAccessKey" => key::update,
    "DeleteAccessKey" => key::delete,
    "CreateGroup" => group::create,
    "GetGroup" => group::describe,
    "UpdateGroup" => group::update,
    "DeleteGroup" => group::delete,
    "ListGroups" => group::list,
    "AddUserToGroup" => group::add_user,
    "RemoveUserFromGroup" => group::remove_user,
    "ListGroupsForUser" => group::list_for_user,
    "ListUsersForGroup" => group::list_users,
    "CreateRole" => role::create,
    "GetRole" => role::describe,
    "UpdateRole" => role::update,
    "DeleteRole" => role::delete,
    "ListRoles" => role::list,
    "CreatePolicy" => policy::create,
    "GetPolicy" => policy::describe,
    "DeletePolicy" => policy::delete,
    "ListPolicies" => policy::list,
    "CreatePolicyVersion" => policy::create_version,
    "GetPolicyVersion" => policy::describe_version,
    "DeletePolicyVersion" => policy::delete_version,
    "ListPolicyVersions" => policy::list_versions,
    "SetDefaultPolicyVersion" => policy::set_default_version,
    "AttachPolicyToUser" => attachment::attach_to_user,
    "AttachPolicyToGroup" => attachment::attach_to_group,
    "AttachPolicyToRole" => attachment::attach_to_role,
    "DetachPolicyFromUser" => attachment::detach_from_user,
    "DetachPolicyFromGroup" => attachment::detach_from_group,
    "DetachPolicyFromRole" => attachment::detach_from_role,
    "ListPoliciesForUser" => attachment::list_for_user,
    "ListPoliciesForGroup" => attachment::list_for_group,
    "ListPoliciesForRole" => attachment::list_for_role,
    "ListEntitiesForPolicy" => attachment::list_entities,
}

/// The operation of that name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// Performs one operation of the table.
pub(crate) async fn answer(entry: &Entry, core: &Core, caller: &Caller, params: &Params<'_>) -> Result<Reply, AcsError> {
    let ask = Ask { core, caller, params };
    Ok(Reply { operation: entry.name, fields: (entry.handler)(&ask).await? })
}

/// One call: who asks whom for what.
pub(crate) struct Ask<'a> {
    core: &'a Core,
    caller: &'a Caller,
    params: &'a Params<'a>,
}

impl Ask<'_> {
    async fn perform<O: tegata_core::Operation>(&self, operation: O) -> Result<O::Output, AcsError> {
        Ok(self.core.perform(self.caller, &operation).await?)
    }

    /// A name that must be there. What is too long has another code than what has the wrong characters.
    fn name<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<T, AcsError> {
        self.maybe_name(parameter)?.ok_or_else(|| AcsError::missing(parameter))
    }

    /// A name that may be absent.
    fn maybe_name<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<Option<T>, AcsError> {
        let Some(text) = self.params.text(parameter).filter(|text| !text.is_empty()) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: T::Err| {
            let longest = if parameter == "PolicyName" { 128 } else { 64 };
            let way = if text.chars().count() > longest { "Length" } else { "InvalidChars" };
            AcsError::invalid_in(parameter, way, &error.to_string())
        })
    }

    /// A text for people that may be absent.
    fn words<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<Option<T>, AcsError> {
        self.coded(parameter, "Length")
    }

    /// An address or a number of a certain form that may be absent.
    fn formed<T: FromStr<Err: Display>>(&self, parameter: &'static str) -> Result<Option<T>, AcsError> {
        self.coded(parameter, "Format")
    }

    fn coded<T: FromStr<Err: Display>>(&self, parameter: &'static str, way: &str) -> Result<Option<T>, AcsError> {
        let parsed = self.params.text(parameter).map(str::parse).transpose();
        parsed.map_err(|error: T::Err| AcsError::invalid_in(parameter, way, &error.to_string()))
    }

    /// A document that must be there, as it was sent.
    fn document(&self, parameter: &'static str) -> Result<String, AcsError> {
        self.params.required(parameter)
    }

    /// `true` or `false`; `false` if it is absent.
    fn flag(&self, parameter: &'static str) -> Result<bool, AcsError> {
        match self.params.text(parameter) {
            None | Some("") => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(AcsError::invalid(parameter, "`true` and `false` are the values")),
        }
    }

    /// `Marker` and `MaxItems`.
    fn page(&self, most: usize) -> Result<Page, AcsError> {
        let limit = match self.params.text("MaxItems") {
            None | Some("") => 100,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=most).contains(limit))
                .ok_or_else(|| AcsError::invalid("MaxItems", &format!("a whole number from 1 to {most} is needed")))?,
        };
        let after = self.params.text("Marker").unwrap_or_default();
        if after.len() > 256 || after.contains('\0') {
            return Err(AcsError::invalid("Marker", "it is not one that was given out"));
        }
        Ok(Page { after: after.to_owned(), limit })
    }

    /// `PolicyType` where it may be absent.
    fn policy_type(&self) -> Result<Option<PolicyType>, AcsError> {
        match self.params.text("PolicyType") {
            None | Some("") => Ok(None),
            Some("Custom") => Ok(Some(PolicyType::Custom)),
            Some("System") => Ok(Some(PolicyType::System)),
            Some(_) => Err(AcsError::invalid("PolicyType", "`Custom` and `System` are the types")),
        }
    }

    /// `PolicyType` and `PolicyName`.
    fn policy(&self) -> Result<PolicyRef, AcsError> {
        let kind = self.policy_type()?.ok_or_else(|| AcsError::missing("PolicyType"))?;
        Ok(PolicyRef { kind, name: self.name("PolicyName")? })
    }

    /// Tags are not offered: a caller that sends some must not believe that they were kept, or that they selected anything.
    fn no_tags(&self) -> Result<(), AcsError> {
        if self.params.mentions("Tag") { Err(AcsError::invalid("Tag", "this server does not offer tags")) } else { Ok(()) }
    }
}

fn text(value: &impl ToString) -> Tree {
    Tree::Text(value.to_string())
}

/// A text that is left out where nothing was said.
fn said(name: &'static str, value: String) -> Option<(&'static str, Tree)> {
    (!value.is_empty()).then_some((name, Tree::Text(value)))
}

/// A list as this wire wraps it: `{"Users":{"User":[…]}}`.
fn wrapped(plural: &'static str, singular: &'static str, items: Vec<Tree>) -> (&'static str, Tree) {
    (plural, Tree::Object(vec![(singular, Tree::List(items))]))
}

/// A page of a list, with where to go on.
fn paged<T>(plural: &'static str, singular: &'static str, listed: Listed<T>, show: impl FnMut(T) -> Tree) -> Fields {
    let mut fields =
        vec![wrapped(plural, singular, listed.items.into_iter().map(show).collect()), ("IsTruncated", Tree::Flag(listed.next.is_some()))];
    fields.extend(listed.next.map(|next| ("Marker", Tree::Text(next))));
    fields
}

fn type_word(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::Custom => "Custom",
        PolicyType::System => "System",
    }
}
