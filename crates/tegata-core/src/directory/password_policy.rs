//! What an account asks of the passwords of its users: as vendor defaults have it until it says something else.

use std::{fmt, ops::RangeInclusive, time::Duration};

use tegata_model::{AccountId, SecretKey, Timestamp, UserName};
use tegata_store::{
    login_profile::LoginProfileRow,
    password_policy::{self, PasswordPolicyRow},
};

use super::{changes, done, own};
use crate::{
    Core,
    actions::{Action, RAM_GET_PASSWORD_POLICY, RAM_SET_PASSWORD_POLICY},
    attempts::USUAL,
    authz,
    caller::Caller,
    error::{Input, OpError, Problem, ProblemKind},
    operation::{Effect, Operation},
    resource::ResourceName,
    view::View,
};

/// Longest password, in characters: what is longer costs time and protects nobody.
const LONGEST: u32 = 128;

/// What an account asks of passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent settings, each with a name of its own on every wire")]
pub struct PasswordPolicy {
    /// Fewest characters: 8 to 32.
    pub min_length: u32,
    /// At least one lower-case letter.
    pub require_lowercase: bool,
    /// At least one upper-case letter.
    pub require_uppercase: bool,
    /// At least one digit.
    pub require_numbers: bool,
    /// At least one character that is neither letter nor digit.
    pub require_symbols: bool,
    /// Fewest different characters: 0 to 8.
    pub different_characters: u32,
    /// The name of the user may not stand in it, in whatever case.
    pub forbid_user_name: bool,
    /// Days after which a password is old: 1 to 1095; 0 for never.
    pub max_age_days: u32,
    /// Whether an old password can no longer be changed by its user.
    pub hard_expiry: bool,
    /// Days for which a password set by somebody else is good: 1 to 90; 0 for ever.
    pub initial_age_days: u32,
    /// How many of the newest passwords may not be used again, the one in use among them: 0 to 24.
    pub reuse_prevention: u32,
    /// Wrong tries within a quarter of an hour: 1 to 32; 0 leaves it to the server.
    pub max_attempts: u32,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 8,
            require_lowercase: false,
            require_uppercase: false,
            require_numbers: false,
            require_symbols: false,
            different_characters: 0,
            forbid_user_name: false,
            max_age_days: 0,
            hard_expiry: false,
            initial_age_days: 14,
            reuse_prevention: 0,
            max_attempts: 5,
        }
    }
}

impl PasswordPolicy {
    fn of(row: Option<PasswordPolicyRow>) -> Self {
        row.map_or_else(Self::default, |row| Self {
            min_length: row.min_length,
            require_lowercase: row.require_lowercase,
            require_uppercase: row.require_uppercase,
            require_numbers: row.require_numbers,
            require_symbols: row.require_symbols,
            different_characters: row.different_characters,
            forbid_user_name: row.forbid_user_name,
            max_age_days: row.max_age_days,
            hard_expiry: row.hard_expiry,
            initial_age_days: row.initial_age_days,
            reuse_prevention: row.reuse_prevention,
            max_attempts: row.max_attempts,
        })
    }

    fn row(&self, account_id: AccountId) -> PasswordPolicyRow {
        PasswordPolicyRow {
            account_id,
            min_length: self.min_length,
            require_lowercase: self.require_lowercase,
            require_uppercase: self.require_uppercase,
            require_numbers: self.require_numbers,
            require_symbols: self.require_symbols,
            different_characters: self.different_characters,
            forbid_user_name: self.forbid_user_name,
            max_age_days: self.max_age_days,
            hard_expiry: self.hard_expiry,
            initial_age_days: self.initial_age_days,
            reuse_prevention: self.reuse_prevention,
            max_attempts: self.max_attempts,
        }
    }

    /// The policy of the caller's account. Whoever the caller is, its account was noted as read, and a change raises that.
    pub(super) async fn of_caller(view: &View<'_>, caller: &Caller) -> Result<Self, OpError> {
        Self::in_account(view.core(), caller.account()).await
    }

    /// The policy of an account, as it is now.
    pub(crate) async fn in_account(core: &Core, account: AccountId) -> Result<Self, OpError> {
        Ok(Self::of(password_policy::find(&core.store, account).await?))
    }

    /// How many wrong tries there may be.
    pub(crate) fn attempts(&self) -> u32 {
        if self.max_attempts == 0 { USUAL } else { self.max_attempts }
    }

    /// Refuses a password that has become too old to be used, even to be changed by its user.
    pub(crate) fn still_good(&self, profile: &LoginProfileRow, now: Timestamp) -> Result<(), OpError> {
        let older_than = |days: u32| days > 0 && now.since(profile.changed_at) > Duration::from_hours(24) * days;
        let days = match profile.initial {
            true if older_than(self.initial_age_days) => self.initial_age_days,
            _ if self.hard_expiry && older_than(self.max_age_days) => self.max_age_days,
            _ => return Ok(()),
        };
        let rule = format!("the password is older than {days} days and no longer good; an administrator must set a new one");
        Err(OpError::invalid(Input::OldPassword, ProblemKind::OutOfRange, rule))
    }

    /// True where the user has to replace the password at the next sign-in.
    pub(crate) fn is_old(&self, profile: &LoginProfileRow, now: Timestamp) -> bool {
        self.max_age_days > 0 && now.since(profile.changed_at) > Duration::from_hours(24) * self.max_age_days
    }

    /// What it asks, one rule each.
    pub(crate) fn rules(&self) -> Vec<PasswordRule> {
        let asked = [
            (true, PasswordRule::AtLeast(self.min_length)),
            (self.require_lowercase, PasswordRule::Lowercase),
            (self.require_uppercase, PasswordRule::Uppercase),
            (self.require_numbers, PasswordRule::Digit),
            (self.require_symbols, PasswordRule::Symbol),
            (self.forbid_user_name, PasswordRule::NotTheName),
            (self.different_characters > 0, PasswordRule::Different(self.different_characters)),
            (self.reuse_prevention > 0, PasswordRule::NoneOfTheLast(self.reuse_prevention)),
        ];
        asked.into_iter().filter(|(asked, _)| *asked).map(|(_, rule)| rule).collect()
    }

    /// Refuses a password that does not meet it, and says which rules it breaks.
    pub(super) fn judge(&self, input: Input, user: &UserName, password: &SecretKey) -> Result<(), OpError> {
        let text = password.expose();
        let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let mut different: Vec<char> = text.chars().collect();
        different.sort_unstable();
        different.dedup();
        let different = u32::try_from(different.len()).unwrap_or(u32::MAX);
        let lacks = |asked: bool, is: fn(char) -> bool| asked && !text.chars().any(is);
        let rules = [
            (length < self.min_length, PasswordRule::AtLeast(self.min_length)),
            (length > LONGEST, PasswordRule::AtMost(LONGEST)),
            (text.chars().any(char::is_control), PasswordRule::NoControl),
            (lacks(self.require_lowercase, char::is_lowercase), PasswordRule::Lowercase),
            (lacks(self.require_uppercase, char::is_uppercase), PasswordRule::Uppercase),
            (lacks(self.require_numbers, char::is_numeric), PasswordRule::Digit),
            (lacks(self.require_symbols, |c| !c.is_alphanumeric() && !c.is_control()), PasswordRule::Symbol),
            (different < self.different_characters, PasswordRule::Different(self.different_characters)),
            (self.forbid_user_name && text.to_lowercase().contains(&user.folded()), PasswordRule::NotTheName),
        ];
        let broken: Vec<PasswordRule> = rules.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| rule).collect();
        if broken.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = broken.iter().map(PasswordRule::to_string).collect();
        let message = format!("the password is too weak; it needs {}", words.join(", "));
        Err(OpError::Invalid(Problem { input, kind: ProblemKind::TooSmall, message, rules: broken }))
    }
}

/// One thing that is asked of a password. `Display` says it in English; pages say it in the reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasswordRule {
    /// So many characters.
    AtLeast(u32),
    /// No more than so many characters.
    AtMost(u32),
    /// No control characters.
    NoControl,
    /// A lower-case letter.
    Lowercase,
    /// An upper-case letter.
    Uppercase,
    /// A digit.
    Digit,
    /// A character that is no letter and no digit.
    Symbol,
    /// So many different characters.
    Different(u32),
    /// The name of the user may not stand in it.
    NotTheName,
    /// None of so many that were used last.
    NoneOfTheLast(u32),
    /// Not one that was used before.
    New,
    /// It was typed twice, and not the same.
    TheSameTwice,
}

impl fmt::Display for PasswordRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeast(number) => return write!(f, "at least {number} characters"),
            Self::AtMost(number) => return write!(f, "at most {number} characters"),
            Self::NoControl => "no control characters",
            Self::Lowercase => "a lower-case letter",
            Self::Uppercase => "an upper-case letter",
            Self::Digit => "a digit",
            Self::Symbol => "a character that is no letter and no digit",
            Self::Different(number) => return write!(f, "at least {number} different characters"),
            Self::NotTheName => "not the name of the user in it",
            Self::NoneOfTheLast(number) => return write!(f, "none of the last {number} passwords"),
            Self::New => "not one that was used before",
            Self::TheSameTwice => "the same twice",
        })
    }
}

/// Says what the account asks of passwords. What is `None` stays as it is. Passwords that are in use stay good.
#[derive(Debug, Clone, Default)]
pub struct SetPasswordPolicy {
    /// Fewest characters.
    pub min_length: Option<u32>,
    /// At least one lower-case letter.
    pub require_lowercase: Option<bool>,
    /// At least one upper-case letter.
    pub require_uppercase: Option<bool>,
    /// At least one digit.
    pub require_numbers: Option<bool>,
    /// At least one character that is neither letter nor digit.
    pub require_symbols: Option<bool>,
    /// Fewest different characters.
    pub different_characters: Option<u32>,
    /// The name of the user may not stand in it.
    pub forbid_user_name: Option<bool>,
    /// Days after which a password is old.
    pub max_age_days: Option<u32>,
    /// Whether an old password can no longer be changed by its user.
    pub hard_expiry: Option<bool>,
    /// Days for which a password set by somebody else is good.
    pub initial_age_days: Option<u32>,
    /// How many of the newest passwords may not be used again.
    pub reuse_prevention: Option<u32>,
    /// Wrong tries in a while.
    pub max_attempts: Option<u32>,
}

/// A number that is within its range, or stays as it is.
pub(super) fn ranged(place: &mut u32, given: Option<u32>, range: RangeInclusive<u32>, input: Input, what: &str) -> Result<(), OpError> {
    let Some(given) = given else { return Ok(()) };
    if !range.contains(&given) {
        let rule = format!("{what} is a number from {} to {}", range.start(), range.end());
        return Err(OpError::invalid(input, ProblemKind::OutOfRange, rule));
    }
    *place = given;
    Ok(())
}

/// A choice that was made, or stays as it is.
pub(super) fn chosen(place: &mut bool, given: Option<bool>) {
    *place = given.unwrap_or(*place);
}

impl Operation for SetPasswordPolicy {
    const ACTION: Action = RAM_SET_PASSWORD_POLICY;
    type Output = PasswordPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<PasswordPolicy>, OpError> {
        let permit = authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        let mut policy = PasswordPolicy::of_caller(view, caller).await?;
        ranged(&mut policy.min_length, self.min_length, 8..=32, Input::MinPasswordLength, "the fewest characters of a password")?;
        ranged(
            &mut policy.different_characters,
            self.different_characters,
            0..=8,
            Input::DifferentCharacters,
            "the fewest different characters of a password",
        )?;
        ranged(&mut policy.max_age_days, self.max_age_days, 0..=1095, Input::MaxPasswordAge, "the days a password may be used")?;
        ranged(
            &mut policy.initial_age_days,
            self.initial_age_days,
            0..=90,
            Input::InitialPasswordAge,
            "the days a first password is good",
        )?;
        ranged(&mut policy.reuse_prevention, self.reuse_prevention, 0..=24, Input::ReusePrevention, "the passwords that are remembered")?;
        ranged(&mut policy.max_attempts, self.max_attempts, 0..=32, Input::MaxLoginAttempts, "the tries at a password")?;
        chosen(&mut policy.require_lowercase, self.require_lowercase);
        chosen(&mut policy.require_uppercase, self.require_uppercase);
        chosen(&mut policy.require_numbers, self.require_numbers);
        chosen(&mut policy.require_symbols, self.require_symbols);
        chosen(&mut policy.forbid_user_name, self.forbid_user_name);
        chosen(&mut policy.hard_expiry, self.hard_expiry);
        let mut changes = changes(view, caller);
        changes.extend(password_policy::set(&policy.row(caller.account())));
        Ok(done(policy, changes, permit))
    }
}

/// Read what the account asks of passwords.
#[derive(Debug, Clone)]
pub struct DescribePasswordPolicy;

impl Operation for DescribePasswordPolicy {
    const ACTION: Action = RAM_GET_PASSWORD_POLICY;
    type Output = PasswordPolicy;

    fn resource(&self, caller: &Caller) -> ResourceName {
        ResourceName::AccountSettings { account: own(caller) }
    }

    async fn decide(&self, view: &View<'_>, caller: &Caller) -> Result<Effect<PasswordPolicy>, OpError> {
        authz::permit(view, caller, Self::ACTION, &self.resource(caller), &[])?;
        Ok(Effect::nothing(PasswordPolicy::of_caller(view, caller).await?))
    }
}
