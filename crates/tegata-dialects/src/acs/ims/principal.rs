//! `UserPrincipalName`: the name of a user at the domain of its account, `bob@acme.onaliyun.com`. The account's number stands for its
//! alias too, so that names outlive a change of the alias.

use tegata_core::directory::UserHandle;
use tegata_model::{AccountAlias, PrincipalNumber, UserName};

use crate::acs::{
    ask::Ask,
    catalogue::{Kind, Parameter, may, need},
    error::AcsError,
};

/// What every domain ends with.
const SUFFIX: &str = ".onaliyun.com";
/// Longest name at its domain, in characters.
const LONGEST: usize = 128;

/// A user that exists.
pub(super) const USER: Parameter = need("UserPrincipalName", Kind::Principal);
/// A user that exists; the caller if nobody is named.
pub(super) const ANY_USER: Parameter = may("UserPrincipalName", Kind::Principal);
/// A user that exists, by its number.
pub(super) const USER_ID: Parameter = may("UserId", Kind::Text);

/// The domain of an account.
pub(super) fn domain_of(alias: &AccountAlias) -> String {
    format!("{alias}{SUFFIX}")
}

/// The alias that a domain begins with.
pub(super) fn alias(domain: &str) -> Option<&str> {
    let (at, suffix) = domain.split_at_checked(domain.len().checked_sub(SUFFIX.len())?)?;
    suffix.eq_ignore_ascii_case(SUFFIX).then_some(at)
}

/// A user's name at the domain of the caller's account.
pub(super) fn shown(ask: &Ask<'_>, name: &UserName) -> String {
    format!("{name}@{}", domain_of(ask.caller.account_alias()))
}

/// A name, and the domain where it is not that of the caller's account.
struct Principal<'a> {
    user: UserName,
    elsewhere: Option<&'a str>,
}

fn read<'a>(ask: &'a Ask<'_>, parameter: &'static str) -> Result<Option<Principal<'a>>, AcsError> {
    let Some(text) = ask.params.text(parameter).filter(|text| !text.is_empty()) else { return Ok(None) };
    let form = || AcsError::invalid_in(parameter, "Format", &format!("users are named `<user>@<account alias>{SUFFIX}`"));
    if text.chars().count() > LONGEST {
        return Err(AcsError::invalid_in(parameter, "Length", &format!("there may be at most {LONGEST} characters")));
    }
    let (user, domain) = text.split_once('@').ok_or_else(form)?;
    let alias = alias(domain).ok_or_else(form)?;
    let way = if (1..=64).contains(&user.chars().count()) { "InvalidChars" } else { "Length" };
    let user = user.parse().map_err(|error: tegata_model::NameError| AcsError::invalid_in(parameter, way, &error.to_string()))?;
    let own = alias.eq_ignore_ascii_case(ask.caller.account_alias().as_str()) || alias == ask.caller.account_number();
    Ok(Some(Principal { user, elsewhere: (!own).then_some(domain) }))
}

/// A user that exists; nobody if none is named. Users of other accounts are not there.
pub(super) fn maybe(ask: &Ask<'_>) -> Result<Option<UserName>, AcsError> {
    match read(ask, "UserPrincipalName")? {
        Some(Principal { elsewhere: Some(domain), .. }) => Err(AcsError::no_user_at(domain)),
        Some(Principal { user, elsewhere: None }) => Ok(Some(user)),
        None => Ok(None),
    }
}

/// A user that exists.
pub(super) fn named(ask: &Ask<'_>) -> Result<UserName, AcsError> {
    maybe(ask)?.ok_or_else(|| AcsError::missing("UserPrincipalName"))
}

/// A name that a user shall have: nobody is named at the domain of another account.
pub(super) fn chosen(ask: &Ask<'_>, parameter: &'static str) -> Result<Option<UserName>, AcsError> {
    match read(ask, parameter)? {
        Some(Principal { elsewhere: Some(_), .. }) => {
            Err(AcsError::invalid(parameter, &format!("the users of this account are at `{}`", domain_of(ask.caller.account_alias()))))
        }
        Some(Principal { user, elsewhere: None }) => Ok(Some(user)),
        None => Ok(None),
    }
}

fn number(digits: &str) -> Result<UserHandle, AcsError> {
    let number = if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None };
    let number = number.and_then(|number| PrincipalNumber::new(number).ok());
    number.map(UserHandle::Number).ok_or_else(|| AcsError::invalid("UserId", "it is not the number of a user"))
}

/// A user that exists, by whichever one of these is there.
pub(super) fn handle(ask: &Ask<'_>, also_by_key: bool) -> Result<UserHandle, AcsError> {
    let given = |name: &'static str| ask.params.text(name).filter(|text| !text.is_empty());
    let key = if also_by_key { given("UserAccessKeyId") } else { None };
    match (maybe(ask)?, given("UserId"), key) {
        (Some(name), None, None) => Ok(UserHandle::Name(name)),
        (None, Some(digits), None) => number(digits),
        (None, None, Some(_)) => Ok(UserHandle::Key(ask.params.required("UserAccessKeyId")?)),
        (None, None, None) => Err(AcsError::missing("UserPrincipalName")),
        _ => Err(AcsError::invalid("UserPrincipalName", "a user is named in one way only")),
    }
}
