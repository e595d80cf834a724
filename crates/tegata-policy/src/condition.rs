//! Conditions: one operator, one key, one or more values.

use std::cmp::Ordering;

use crate::{
    Context, Truth,
    glob::Glob,
    value::{Decimal, Instant, Network, address},
};

/// An operator of a policy language: its spelling there, what it tests, and whether the answer is turned round.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) negated: bool,
}

/// What a value must be, and how it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Text,
    TextWithoutCase,
    TextLike,
    Number(Order),
    Date(Order),
    Bool,
    Ip,
}

/// The relation of the value in the request (left) to the value in the policy (right).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Family {
    /// What a value has to be, in words.
    pub(crate) fn wants(self) -> &'static str {
        match self {
            Self::Text | Self::TextWithoutCase | Self::TextLike => "text",
            Self::Number(_) => "a decimal number written as a string",
            Self::Date(_) => "an instant such as `2026-01-01T00:00:00Z` or `2026-01-01T08:00:00+08:00`",
            Self::Bool => "`true` or `false`",
            Self::Ip => "an IP address or a CIDR block",
        }
    }
}

/// A compiled condition.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    operator: &'static Operator,
    key: Box<str>,
    wanted: Box<[String]>,
    test: Test,
}

/// The values of the policy, ready to be compared. Plain text is compared with `wanted` itself.
#[derive(Debug, Clone)]
enum Test {
    Text,
    Folded(Box<[Box<str>]>),
    Like(Box<[Glob]>),
    Number(Order, Box<[Decimal<'static>]>),
    Date(Order, Box<[Instant]>),
    Bool(Box<[bool]>),
    Ip(Box<[Network]>),
    /// The value of another key, compared without case.
    SameAs(Box<str>),
}

impl Comparison {
    /// Compiles; the error is the position, from 0, of the first value that is not what the operator wants.
    pub(crate) fn new(operator: &'static Operator, key: &str, wanted: Vec<String>) -> Result<Self, usize> {
        let test = match operator.family {
            Family::Text => Test::Text,
            Family::TextWithoutCase => Test::Folded(each(&wanted, |text| Some(text.chars().flat_map(char::to_lowercase).collect()))?),
            Family::TextLike => Test::Like(each(&wanted, |text| Some(Glob::new(text)))?),
            Family::Number(order) => Test::Number(order, each(&wanted, |text| Decimal::parse(text).map(Decimal::into_owned))?),
            Family::Date(order) => Test::Date(order, each(&wanted, Instant::parse)?),
            Family::Bool => Test::Bool(each(&wanted, boolean)?),
            Family::Ip => Test::Ip(each(&wanted, Network::parse)?),
        };
        Ok(Self { operator, key: key.into(), wanted: wanted.into(), test })
    }

    /// Compares two keys of the request as texts without case.
    pub(crate) fn same(operator: &'static Operator, key: &str, other: &str) -> Self {
        Self { operator, key: key.into(), wanted: [format!("the value of {other}")].into(), test: Test::SameAs(other.into()) }
    }

    pub(crate) fn operator(&self) -> &'static str {
        self.operator.name
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn wanted(&self) -> &[String] {
        &self.wanted
    }

    /// Holds if any value of the request fits any value of the policy; a negated operator, if none does. An
    /// absent key fits nothing. A value of the request that cannot be read leaves it unknown, unless another fits.
    pub(crate) fn evaluate(&self, context: &Context) -> Truth {
        let seen = context.values(&self.key).unwrap_or_default();
        let fits = Truth::any(seen.iter().map(|value| self.fits(value, context)));
        if self.operator.negated { fits.negate() } else { fits }
    }

    fn fits(&self, seen: &str, context: &Context) -> Truth {
        fn known<T, W>(seen: Option<T>, wanted: &[W], fits: impl Fn(&T, &W) -> bool) -> Truth {
            seen.map_or(Truth::Unknown, |seen| wanted.iter().any(|wanted| fits(&seen, wanted)).into())
        }
        match &self.test {
            Test::Text => self.wanted.iter().any(|wanted| wanted == seen).into(),
            Test::Folded(wanted) => wanted.iter().any(|wanted| wanted.chars().eq(seen.chars().flat_map(char::to_lowercase))).into(),
            Test::SameAs(other) => context.values(other).unwrap_or_default().iter().any(|other| other.eq_ignore_ascii_case(seen)).into(),
            Test::Like(wanted) => wanted.iter().any(|wanted| wanted.matches(seen)).into(),
            Test::Number(order, wanted) => known(Decimal::parse(seen), wanted, |seen, wanted| order.holds(seen.compare(wanted))),
            Test::Date(order, wanted) => known(Instant::parse(seen), wanted, |seen, wanted| order.holds(seen.cmp(wanted))),
            Test::Bool(wanted) => known(boolean(seen), wanted, |seen, wanted| seen == wanted),
            Test::Ip(wanted) => known(address(seen), wanted, |seen, wanted| wanted.contains(*seen)),
        }
    }
}

fn each<T>(wanted: &[String], parse: impl Fn(&str) -> Option<T>) -> Result<Box<[T]>, usize> {
    wanted.iter().enumerate().map(|(index, text)| parse(text).ok_or(index)).collect()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
