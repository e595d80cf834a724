//! The condition of a statement: read, written out again, and compiled.
//!
//! ```text
//! condition  = and-chain { "or" and-chain }
//! and-chain  = negation { "and" negation }
//! negation   = ( "not" | "!" ) negation | "(" condition ")" | "ipAddress" "(" text ")" | term relation term
//! relation   = "==" | "!=" | "<" | "<=" | ">" | ">="
//! term       = "currentDate" | "date" "(" year "," month "," day ")" | "pathVariable" "(" text ")" | "samUserName" | text | number
//! ```
//!
//! Dates compare with dates, numbers with numbers, texts with texts and only for equality. Texts are compared without ASCII
//! case, as the names of users are everywhere else here.

use std::{cmp::Ordering, fmt};

use tegata_model::Timestamp;

use crate::{
    condition::{Comparison, Family, Operator, Order},
    expr::Expr,
    value::{Decimal, Network},
};

/// The longest condition, in bytes.
pub const MAX_CONDITION: usize = 4096;
/// The deepest nesting of parentheses and negations.
const MAX_DEPTH: usize = 32;

/// The context key of the calling user's name.
pub const USER_NAME: &str = "sam:UserName";
/// What stands before the name of a path variable in its context key.
pub const PATH_VARIABLE: &str = "sam:PathVariable/";

/// A condition as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// At least two, of which one must hold.
    Or(Vec<Condition>),
    /// At least two, which all must hold.
    And(Vec<Condition>),
    /// It must not hold.
    Not(Box<Condition>),
    /// `ipAddress('…')`: the caller's address is in this network, as written.
    Address(String),
    /// Two terms of one type.
    Compare(Term, Relation, Term),
    /// A text of a document stored by something that knew more: never known.
    Unreadable(String),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The day of the call, in UTC.
    CurrentDate,
    /// A day: year, month, day.
    Date(u16, u8, u8),
    /// The value of a `{name}` in the path of the call.
    PathVariable(String),
    /// The name of the calling user.
    UserName,
    /// A text.
    Text(String),
    /// A decimal number, as written.
    Number(String),
}

/// How the sides of a comparison must stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Relation {
    const ALL: [(&'static str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, relation)| *relation == self).map_or("", |(word, _)| word)
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The same with its sides changed.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same @ (Self::Equal | Self::NotEqual) => same,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Date,
    Text,
    Number,
}

impl Term {
    fn kind(&self) -> Kind {
        match self {
            Self::CurrentDate | Self::Date(..) => Kind::Date,
            Self::PathVariable(_) | Self::UserName | Self::Text(_) => Kind::Text,
            Self::Number(_) => Kind::Number,
        }
    }

    /// The context key that holds it, if it is a text that a request brings.
    fn key(&self) -> Option<String> {
        match self {
            Self::PathVariable(name) => Some(format!("{PATH_VARIABLE}{name}")),
            Self::UserName => Some(USER_NAME.to_owned()),
            Self::CurrentDate | Self::Date(..) | Self::Text(_) | Self::Number(_) => None,
        }
    }
}

impl Condition {
    /// Reads a condition; the error says in words why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_CONDITION {
            return Err(format!("longer than {MAX_CONDITION} bytes"));
        }
        let mut reader = Reader { tokens: tokens(text)?, at: 0 };
        let condition = reader.alternatives(0)?;
        match reader.next() {
            None => Ok(condition),
            Some(token) => Err(format!("did not expect {} here", token.shown())),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Number(String),
    Text(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => format!("`{}`", crate::malformed::shown(text)),
            Self::Text(_) => "a text".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [&str; 10] = ["==", "!=", "<=", ">=", "<", ">", "!", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '\'' | '"' => quoted(rest, first)?,
            c if c.is_ascii_digit() || c == '-' => {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(rest.len());
                let (number, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Token::Number(number.to_owned()), after)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Token::Word(word.to_owned()), after)
            }
            other => {
                let sign = SIGNS.iter().find_map(|sign| rest.strip_prefix(sign).map(|after| (*sign, after)));
                let (sign, after) = sign.ok_or_else(|| format!("did not expect `{}` here", crate::malformed::shown(&other.to_string())))?;
                (Token::Sign(sign), after)
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// A text in quotes; a quote in it is written twice.
fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    let mut out = String::new();
    let mut rest = text.strip_prefix(quote).unwrap_or(text);
    loop {
        let (part, after) = rest.split_once(quote).ok_or("a text is not closed")?;
        out.push_str(part);
        match after.strip_prefix(quote) {
            Some(more) => {
                out.push(quote);
                rest = more;
            }
            None => return Ok((Token::Text(out), after)),
        }
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> Result<(), String> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.wanted(&format!("`{sign}`"))) }
    }

    fn wanted(&self, what: &str) -> String {
        self.peek().map_or_else(|| format!("expected {what} at the end"), |token| format!("expected {what}, found {}", token.shown()))
    }

    fn alternatives(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.chain(depth)?];
        while self.take_word("or") {
            all.push(self.chain(depth)?);
        }
        Ok(one_or(all, Condition::Or))
    }

    fn chain(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.negation(depth)?];
        while self.take_word("and") {
            all.push(self.negation(depth)?);
        }
        Ok(one_or(all, Condition::And))
    }

    fn negation(&mut self, depth: usize) -> Result<Condition, String> {
        if depth >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        if self.take_sign("!") || self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.negation(depth + 1)?)));
        }
        if self.take_sign("(") {
            let inner = self.alternatives(depth + 1)?;
            self.sign(")")?;
            return Ok(inner);
        }
        if self.take_word("ipAddress") {
            let text = self.argument()?;
            return Network::parse(&text)
                .map(|_| Condition::Address(text))
                .ok_or_else(|| "expected an IP address or a CIDR block".to_owned());
        }
        let left = self.term()?;
        let relation = match self.next() {
            Some(Token::Sign(sign)) => Relation::ALL.iter().find(|(word, _)| *word == sign).map(|(_, relation)| *relation),
            _ => None,
        };
        let relation = relation.ok_or("expected one of `==`, `!=`, `<`, `<=`, `>`, `>=` after a value")?;
        let right = self.term()?;
        if left.kind() != right.kind() {
            return Err("a date, a number and a text cannot be compared with each other".to_owned());
        }
        if left.kind() == Kind::Text && !matches!(relation, Relation::Equal | Relation::NotEqual) {
            return Err("texts are compared with `==` and `!=` only".to_owned());
        }
        Ok(Condition::Compare(left, relation, right))
    }

    fn term(&mut self) -> Result<Term, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Term::Text(text)),
            Some(Token::Number(number)) if Decimal::parse(&number).is_some() => Ok(Term::Number(number)),
            Some(Token::Word(word)) => match word.as_str() {
                "currentDate" => Ok(Term::CurrentDate),
                "samUserName" => Ok(Term::UserName),
                "pathVariable" => self.argument().map(Term::PathVariable),
                "date" => self.date(),
                _ => Err(format!("`{}` is not known here", crate::malformed::shown(&word))),
            },
            Some(token) => Err(format!("expected a value, found {}", token.shown())),
            None => Err("expected a value at the end".to_owned()),
        }
    }

    /// `('text')`
    fn argument(&mut self) -> Result<String, String> {
        self.sign("(")?;
        let Some(Token::Text(text)) = self.next() else { return Err("expected a text in quotes".to_owned()) };
        self.sign(")")?;
        Ok(text)
    }

    fn date(&mut self) -> Result<Term, String> {
        let part = |reader: &mut Self, before: &str| -> Result<u16, String> {
            reader.sign(before)?;
            let wrong = || "a date is written `date(year, month, day)`".to_owned();
            let Some(Token::Number(digits)) = reader.next() else { return Err(wrong()) };
            if digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong());
            }
            digits.parse().map_err(|_| wrong())
        };
        let (year, month, day) = (part(self, "(")?, part(self, ",")?, part(self, ",")?);
        self.sign(")")?;
        let (Ok(month), Ok(day)) = (u8::try_from(month), u8::try_from(day)) else { return Err("there is no such day".to_owned()) };
        // The year 9999 ends beyond the last moment that can be told; it is no leap year.
        let looked_at = if year == 9999 { 2001 } else { year };
        match Timestamp::parse_iso(&format!("{looked_at:04}-{month:02}-{day:02}T00:00:00Z")) {
            Some(_) => Ok(Term::Date(year, month, day)),
            None => Err("there is no such day".to_owned()),
        }
    }
}

fn one_or(mut all: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            many(all)
        }
    }
}

/// No call is ever made on or after this day.
const BEYOND: (u16, u8, u8) = (9999, 12, 30);

fn start(year: u16, month: u8, day: u8) -> String {
    let (year, month, day) = (year, month, day).min(BEYOND);
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z")
}

fn end(year: u16, month: u8, day: u8) -> String {
    if (year, month, day) >= BEYOND {
        return start(year, month, day);
    }
    format!("{year:04}-{month:02}-{day:02}T23:59:59.999999999Z")
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CurrentDate => f.write_str("currentDate"),
            Self::Date(year, month, day) => write!(f, "date({year}, {month}, {day})"),
            Self::PathVariable(name) => write!(f, "pathVariable('{}')", name.replace('\'', "''")),
            Self::UserName => f.write_str("samUserName"),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Number(number) => f.write_str(number),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = |f: &mut fmt::Formatter<'_>, part: &Self, alone: bool| if alone { write!(f, "{part}") } else { write!(f, "({part})") };
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            parts.iter().enumerate().try_for_each(|(index, part)| {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                inner(f, part, !matches!(part, Self::Or(_) | Self::And(_)))
            })
        };
        match self {
            Self::Or(parts) => joined(f, parts, "or"),
            Self::And(parts) => joined(f, parts, "and"),
            Self::Not(part) => {
                f.write_str("not ")?;
                inner(f, part, matches!(**part, Self::Not(_) | Self::Address(_)))
            }
            Self::Address(network) => write!(f, "ipAddress('{}')", network.replace('\'', "''")),
            Self::Compare(left, relation, right) => write!(f, "{left} {} {right}", relation.word()),
            Self::Unreadable(text) => f.write_str(text),
        }
    }
}

const fn operator(name: &'static str, family: Family, negated: bool) -> Operator {
    Operator { name, family, negated }
}

static SAME: Operator = operator("==", Family::TextWithoutCase, false);
static OTHER: Operator = operator("!=", Family::TextWithoutCase, true);
static IN_NETWORK: Operator = operator("ipAddress", Family::Ip, false);
static FROM: Operator = operator(">=", Family::Date(Order::GreaterOrEqual), false);
static UNTIL: Operator = operator("<=", Family::Date(Order::LessOrEqual), false);
static BEFORE: Operator = operator("<", Family::Date(Order::Less), false);
static AFTER: Operator = operator(">", Family::Date(Order::Greater), false);

fn constant(holds: bool) -> Expr {
    if holds { Expr::Always } else { Expr::Not(Box::new(Expr::Always)) }
}

/// A comparison with one value; what cannot be one is never known.
fn compared(operator: &'static Operator, key: &str, value: String) -> Expr {
    Comparison::new(operator, key, vec![value]).map_or(Expr::Unreadable, |comparison| Expr::Compare(Box::new(comparison)))
}

impl Condition {
    pub(super) fn compile(&self) -> Expr {
        match self {
            Self::Or(parts) => Expr::any_of(parts.iter().map(Self::compile).collect()),
            Self::And(parts) => Expr::all_of(parts.iter().map(Self::compile).collect()),
            Self::Not(part) => Expr::Not(Box::new(part.compile())),
            Self::Address(network) => compared(&IN_NETWORK, "acs:SourceIp", network.clone()),
            Self::Compare(left, relation, right) => compare(left, *relation, right),
            Self::Unreadable(_) => Expr::Unreadable,
        }
    }
}

fn compare(left: &Term, relation: Relation, right: &Term) -> Expr {
    match (left, right) {
        (Term::CurrentDate, Term::CurrentDate) => constant(relation.holds(Ordering::Equal)),
        (Term::Date(year, month, day), Term::Date(year2, month2, day2)) => {
            constant(relation.holds((year, month, day).cmp(&(year2, month2, day2))))
        }
        (Term::CurrentDate, Term::Date(year, month, day)) => today(relation, (*year, *month, *day)),
        (Term::Date(year, month, day), Term::CurrentDate) => today(relation.turned(), (*year, *month, *day)),
        (Term::Number(a), Term::Number(b)) => match (Decimal::parse(a), Decimal::parse(b)) {
            (Some(a), Some(b)) => constant(relation.holds(a.compare(&b))),
            _ => Expr::Unreadable,
        },
        (Term::Text(a), Term::Text(b)) => constant(a.eq_ignore_ascii_case(b) == (relation == Relation::Equal)),
        _ => texts(left, relation, right),
    }
}

fn texts(left: &Term, relation: Relation, right: &Term) -> Expr {
    let operator = if relation == Relation::Equal { &SAME } else { &OTHER };
    match (left.key(), left, right.key(), right) {
        (Some(key), _, Some(other), _) => Expr::Compare(Box::new(Comparison::same(operator, &key, &other))),
        (Some(key), _, None, Term::Text(text)) | (None, Term::Text(text), Some(key), _) => compared(operator, &key, text.clone()),
        _ => Expr::Unreadable,
    }
}

/// The day of the call against a day: from its first moment to its last.
fn today(relation: Relation, (year, month, day): (u16, u8, u8)) -> Expr {
    let with = |operator, value| compared(operator, "acs:CurrentTime", value);
    let (first, last) = (start(year, month, day), end(year, month, day));
    match relation {
        Relation::Equal => Expr::all_of(vec![with(&FROM, first), with(&UNTIL, last)]),
        Relation::NotEqual => Expr::any_of(vec![with(&BEFORE, first), with(&AFTER, last)]),
        Relation::Less => with(&BEFORE, first),
        Relation::LessOrEqual => with(&UNTIL, last),
        Relation::Greater => with(&AFTER, last),
        Relation::GreaterOrEqual => with(&FROM, first),
    }
}
