//! One command for every operation of the SORACOM wire, made from its catalogue: names, flags and help.
//!
//! Operations and parameters are named as that wire names them; `list-users --user-name` is understood too.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand, builder::PossibleValuesParser};
use tegata_dialects::soracom::{Kind, OperationSpec, Parameter, catalogue};

use super::{
    operations::{kebab, number},
    sam::{SAM_HELP, SamReply, SamServer},
};

/// Operations that have a command made by hand, `tegata auth`.
const NICER: [&str; 3] = ["Auth:auth", "Auth:logout", "Auth:switchUser"];
/// The variable of a path that the session says.
pub(crate) const OPERATOR: &str = "operator_id";
/// Id of the flag that asks for whole lists.
const ALL: &str = "all";

/// One operation and what it was given.
#[derive(Debug)]
pub(crate) struct SamOperation {
    pub(crate) spec: &'static OperationSpec,
    /// Variables of the path. Only the operator may be missing.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Parameters. Files are not read yet, secrets not asked for.
    pub(crate) given: Vec<(&'static Parameter, Vec<String>)>,
    pub(crate) server: SamServer,
    pub(crate) reply: SamReply,
    /// Every part of a list.
    pub(crate) all: bool,
}

fn specs() -> impl Iterator<Item = &'static OperationSpec> {
    catalogue().filter(|spec| !NICER.contains(&spec.api))
}

/// The name of its command: `listUsers` of `User:listUsers`.
pub(crate) fn name(spec: &OperationSpec) -> &'static str {
    spec.api.split_once(':').map_or(spec.api, |(_, name)| name)
}

/// True if the answer comes in parts.
fn paged(spec: &OperationSpec) -> bool {
    spec.parameters.iter().any(|parameter| parameter.name == "last_evaluated_key")
}

fn small(name: &str) -> String {
    kebab(&name.replace('_', "-"))
}

fn commands(parent: Command) -> Command {
    parent.subcommands(specs().map(|spec| {
        let command = Command::new(name(spec)).about(spec.summary).after_help(SAM_HELP).defer(arguments);
        let other = small(name(spec));
        if other == name(spec) { command } else { command.alias(other) }
    }))
}

/// The flags of one operation. Made when it is called, not at every start of the program.
fn arguments(command: Command) -> Command {
    let Some(spec) = specs().find(|spec| name(spec) == command.get_name()) else { return command };
    let common = SamReply::augment_args(SamServer::augment_args(Command::new("common")));
    let taken: BTreeSet<String> = common.get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect();
    let named = |name: &'static str| {
        let arg = Arg::new(name).long(name);
        let other = small(name);
        if taken.contains(&other) || other == name { arg } else { arg.alias(other) }
    };
    let variables = spec.variables().map(|variable| {
        let arg = named(variable).value_name("TEXT").required(variable != OPERATOR);
        if variable == OPERATOR { arg.help("[default: that of the session]") } else { arg }
    });
    let command = command.args(variables).args(spec.parameters.iter().map(|parameter| argument(named(parameter.name), parameter)));
    let command = if paged(spec) {
        command.arg(Arg::new(ALL).long(ALL).visible_alias("fetch-all").action(ArgAction::SetTrue).help("Every part of the list"))
    } else {
        command
    };
    let command = SamReply::augment_args(SamServer::augment_args(command.next_help_heading("Server, session and output")));
    command.about(spec.summary)
}

fn argument(arg: Arg, parameter: &'static Parameter) -> Arg {
    // A secret that is not given is asked for.
    let arg = arg.required(parameter.required && parameter.kind != Kind::Secret);
    match parameter.kind {
        Kind::Text => arg.value_name("TEXT"),
        Kind::Number => arg.value_name("N").value_parser(number).allow_negative_numbers(true),
        Kind::Flag => {
            let values = PossibleValuesParser::new(["true", "false"]);
            arg.value_name("true|false").value_parser(values).num_args(0..=1).default_missing_value("true").hide_possible_values(true)
        }
        Kind::Word(words) => arg.value_name("WORD").value_parser(PossibleValuesParser::new(words)),
        Kind::Document => arg.value_name("TEXT|@FILE|-").help("Text, @FILE, or - for standard input"),
        Kind::Secret => {
            arg.value_name("-|@FILE").help("- asks for it, or reads a line of standard input; so does leaving out one that is needed")
        }
        Kind::List => arg.value_name("TEXT").action(ArgAction::Append).help("May be repeated"),
    }
}

impl FromArgMatches for SamOperation {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (called, matches) = matches.subcommand().ok_or_else(missing)?;
        let spec = specs().find(|spec| name(spec) == called).ok_or_else(missing)?;
        let values = |name: &str| matches.get_many::<String>(name).map(|values| values.cloned().collect::<Vec<_>>());
        Ok(Self {
            spec,
            variables: spec.variables().filter_map(|name| Some((name, values(name)?.into_iter().next()?))).collect(),
            given: spec.parameters.iter().filter_map(|parameter| Some((parameter, values(parameter.name)?))).collect(),
            server: SamServer::from_arg_matches(matches)?,
            reply: SamReply::from_arg_matches(matches)?,
            all: paged(spec) && matches.get_flag(ALL),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for SamOperation {
    fn augment_subcommands(command: Command) -> Command {
        commands(command)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        commands(command)
    }

    fn has_subcommand(called: &str) -> bool {
        specs().any(|spec| name(spec) == called)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_becomes_a_command_that_holds_together() {
        commands(Command::new("sam")).debug_assert();
        let words =
            ["sam", "delete-operator-auth-key", "--auth_key_id", "keyId-1", "--operator-id", "OP1", "--auth-key-id", "own", "--query", "a"];
        let matches = commands(Command::new("sam")).try_get_matches_from(words).unwrap();
        let asked = SamOperation::from_arg_matches(&matches).unwrap();
        assert_eq!(asked.spec.api, "Operator:deleteOperatorAuthKey");
        assert_eq!(asked.variables, [("operator_id", "OP1".to_owned()), ("auth_key_id", "keyId-1".to_owned())]);
        assert_eq!(asked.server.auth_key_id.as_deref(), Some("own"));
        let without = ["sam", "deleteOperatorAuthKey"];
        assert!(commands(Command::new("sam")).try_get_matches_from(without).is_err(), "what to delete has to be said");
    }

    #[test]
    fn names_are_told_apart() {
        let all: Vec<_> = specs().map(name).collect();
        let once: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), once.len(), "{all:?}");
    }
}
