//! One command for every operation that the catalogue knows, made from it: names, flags, help and what can be completed.
//!
//! Operations and parameters are named as the API names them; `create-user --user-name` is understood too.

use std::{collections::BTreeSet, marker::PhantomData};

use clap::{
    Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand,
    builder::{PossibleValuesParser, ValueParser},
};
use clap_complete::engine::ArgValueCompleter;
use tegata_dialects::acs::{Kind, OperationSpec, Parameter, Product, catalogue};

use super::client::{Access, ENVIRONMENT, Reply};
use crate::commands::names;

/// A product whose operations are commands.
pub(crate) trait Offered: Send + Sync + 'static {
    /// Which.
    const PRODUCT: Product;
    /// Operations that have a command made by hand under this name.
    const NICER: &'static [&'static str] = &[];
}

/// Sessions.
#[derive(Debug)]
pub(crate) struct Sts;

impl Offered for Sts {
    const PRODUCT: Product = Product::Sts;
    const NICER: &'static [&'static str] = &["assume-role", "get-caller-identity"];
}

/// Users, groups, roles and policies.
#[derive(Debug)]
pub(crate) struct Ram;

impl Offered for Ram {
    const PRODUCT: Product = Product::Ram;
}

/// The same in the newer spelling, and identity providers.
#[derive(Debug)]
pub(crate) struct Ims;

impl Offered for Ims {
    const PRODUCT: Product = Product::Ims;
}

/// One operation and what it was given.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) product: Product,
    pub(crate) spec: &'static OperationSpec,
    /// What was given, in the order of the catalogue. Files are not read yet, secrets not asked for.
    pub(crate) given: Vec<(&'static Parameter, Vec<String>)>,
    pub(crate) access: Access,
    pub(crate) reply: Reply,
    /// Every part of a list.
    pub(crate) all: bool,
}

/// One command of a product.
#[derive(Debug)]
pub(crate) struct Operation<P> {
    pub(crate) asked: Asked,
    product: PhantomData<P>,
}

fn specs(product: Product) -> impl Iterator<Item = &'static OperationSpec> {
    catalogue().filter(move |(of, _)| *of == product).map(|(_, spec)| spec)
}

/// The names that differ from the API's spelling are kept out of sight, but understood.
pub(crate) fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let begins = before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit())
            || (before.is_some_and(|before| before.is_uppercase()) && after.is_some_and(|after| after.is_lowercase()));
        if letter.is_uppercase() && begins {
            out.push('-');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn commands<P: Offered>(parent: Command) -> Command {
    parent.subcommands(specs(P::PRODUCT).map(|spec| {
        let command = Command::new(spec.name).about(spec.summary).after_help(ENVIRONMENT).defer(arguments::<P>);
        let other = kebab(spec.name);
        if P::NICER.contains(&other.as_str()) { command } else { command.alias(other) }
    }))
}

/// The flags of one operation. Made when it is called, not at every start of the program.
fn arguments<P: Offered>(command: Command) -> Command {
    let Some(spec) = specs(P::PRODUCT).find(|spec| spec.name == command.get_name()) else { return command };
    let common = Reply::augment_args(Access::augment_args(Command::new("common")));
    let taken: BTreeSet<String> = common.get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect();
    let mut command = command.args(spec.parameters.iter().map(|parameter| argument(parameter, &taken)));
    if paged(spec) {
        let help = "Every part of the list, not only the first";
        command = command.arg(Arg::new(ALL).long("all").action(ArgAction::SetTrue).help(help));
    }
    let command = Reply::augment_args(Access::augment_args(command.next_help_heading("Server, key and output")));
    command.about(spec.summary)
}

/// Id of the flag that asks for whole lists.
const ALL: &str = "all";

/// True if the answer comes in parts.
fn paged(spec: &OperationSpec) -> bool {
    spec.parameters.iter().any(|parameter| matches!(parameter.name, "Marker" | "NextToken"))
}

fn argument(parameter: &'static Parameter, taken: &BTreeSet<String>) -> Arg {
    let Parameter { name, required, kind } = *parameter;
    // A secret that is not given is asked for.
    let arg = Arg::new(name).long(name).required(required && kind != Kind::Secret);
    let other = kebab(name);
    let arg = if taken.contains(&other) { arg } else { arg.alias(other) };
    let (what, help) = match kind {
        Kind::Text => ("TEXT", ""),
        Kind::Number => ("N", ""),
        Kind::Flag => ("true|false", ""),
        Kind::Word(_) => ("WORD", ""),
        Kind::Document => ("TEXT|@FILE|-", "Text, @FILE, or - for standard input"),
        Kind::Secret => ("-|@FILE", "- asks for it, or reads a line of standard input; so does leaving out one that is needed"),
        Kind::Tags => ("KEY=VALUE", "A tag; may be repeated"),
        Kind::User => ("USER", ""),
        Kind::Principal => ("USER@ALIAS.DOMAIN", ""),
        Kind::Group => ("GROUP", ""),
        Kind::Role => ("ROLE", ""),
        Kind::RoleArn => ("ARN", ""),
        Kind::Policy => ("POLICY", ""),
        Kind::AccessKey => ("KEY_ID", ""),
        Kind::MfaDevice => ("SERIAL", ""),
        Kind::OidcProvider => ("PROVIDER", ""),
        Kind::Session => ("SESSION", ""),
    };
    let arg = if help.is_empty() { arg } else { arg.help(help) };
    let arg = match kind {
        Kind::Flag => {
            let values = PossibleValuesParser::new(["true", "false"]);
            arg.value_parser(values).num_args(0..=1).default_missing_value("true").hide_possible_values(true)
        }
        Kind::Word(words) => arg.value_parser(PossibleValuesParser::new(words)).ignore_case(true),
        Kind::Number => arg.value_parser(ValueParser::from(number)).allow_negative_numbers(true),
        Kind::Tags => arg.action(ArgAction::Append),
        Kind::Text | Kind::Document | Kind::Secret => arg,
        Kind::User
        | Kind::Principal
        | Kind::Group
        | Kind::Role
        | Kind::RoleArn
        | Kind::Policy
        | Kind::AccessKey
        | Kind::MfaDevice
        | Kind::OidcProvider
        | Kind::Session => arg.add(ArgValueCompleter::new(move |begun: &std::ffi::OsStr| names::candidates(kind, begun))),
    };
    arg.value_name(what)
}

/// A whole number, kept as it was written.
pub(crate) fn number(text: &str) -> Result<String, &'static str> {
    text.parse::<i64>().map(|_| text.to_owned()).map_err(|_| "a whole number is needed")
}

impl<P: Offered> FromArgMatches for Operation<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let spec = specs(P::PRODUCT).find(|spec| spec.name == name).ok_or_else(missing)?;
        let given = spec.parameters.iter().filter_map(|parameter| {
            let values = matches.get_many::<String>(parameter.name)?;
            Some((parameter, values.cloned().collect()))
        });
        let asked = Asked {
            product: P::PRODUCT,
            spec,
            given: given.collect(),
            access: Access::from_arg_matches(matches)?,
            reply: Reply::from_arg_matches(matches)?,
            all: paged(spec) && matches.get_flag(ALL),
        };
        Ok(Self { asked, product: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<P: Offered> Subcommand for Operation<P> {
    fn augment_subcommands(command: Command) -> Command {
        commands::<P>(command)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        commands::<P>(command)
    }

    fn has_subcommand(name: &str) -> bool {
        specs(P::PRODUCT).any(|spec| spec.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_small_letters() {
        for (name, other) in [
            ("CreateUser", "create-user"),
            ("OIDCToken", "oidc-token"),
            ("CreateOIDCProvider", "create-oidc-provider"),
            ("BindMFADevice", "bind-mfa-device"),
            ("AssumeRoleWithOIDC", "assume-role-with-oidc"),
            ("UserName", "user-name"),
        ] {
            assert_eq!(kebab(name), other);
        }
    }

    #[test]
    fn every_operation_becomes_a_command_that_holds_together() {
        for command in [commands::<Sts>(Command::new("sts")), commands::<Ram>(Command::new("ram")), commands::<Ims>(Command::new("ims"))] {
            command.debug_assert();
        }
        let words = ["ram", "create-policy", "--policy-name", "p", "--PolicyDocument", "@f", "--description=-x", "--query", "Policy"];
        let matches = commands::<Ram>(Command::new("ram")).try_get_matches_from(words).unwrap();
        let asked = Operation::<Ram>::from_arg_matches(&matches).unwrap().asked;
        let given: Vec<_> = asked.given.iter().map(|(parameter, values)| (parameter.name, values.as_slice())).collect();
        assert_eq!(given.len(), 3, "{given:?}");
        assert_eq!((asked.spec.name, given[0].1, given[2].1), ("CreatePolicy", &["p".to_owned()][..], &["-x".to_owned()][..]));
    }
}
