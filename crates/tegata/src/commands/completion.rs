//! `tegata completion` and `tegata man`: what shells and readers are told of the commands, from the definitions themselves.

use std::{fs, io};

use clap::CommandFactory as _;
use clap_complete::env::{CompleteEnv, Shells};

use crate::{
    cli::{Cli, CompletionFlags, ManFlags},
    failure::Failure,
    terminal,
};

/// Set by the shell when it wants to know what could come next.
const ASKED: &str = "TEGATA_COMPLETE";

/// Answers a shell that asks what could come next, and ends; does nothing in every other run.
pub(crate) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(ASKED).complete();
}

/// `tegata completion`
pub(crate) fn script(flags: &CompletionFlags) -> Result<(), Failure> {
    let mut script = Vec::new();
    let shell = Shells::builtins().completer(flags.shell.name()).map(|shell| {
        // The program is found by its name: it may move after the shell has read this.
        shell.write_registration(ASKED, "tegata", "tegata", "tegata", &mut script)
    });
    shell.transpose().ok().flatten().ok_or_else(|| Failure::new("this shell is not known"))?;
    terminal::say(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}

/// `tegata man`
pub(crate) fn man(flags: &ManFlags) -> Result<(), Failure> {
    let unwritable = |error: io::Error| Failure::new(format!("`{}` cannot be written: {error}", flags.folder.display()));
    fs::create_dir_all(&flags.folder).map_err(unwritable)?;
    clap_mangen::generate_to(Cli::command(), &flags.folder).map_err(unwritable)?;
    terminal::say(&format!("The pages are in `{0}`; read one with: man -l {0}/tegata.1", flags.folder.display()));
    Ok(())
}
