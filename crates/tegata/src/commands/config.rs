//! `tegata config check` and `tegata config show`.

use crate::{
    cli::ConfigFlags,
    config::{self, Config, Environment, Flags},
    failure::Failure,
    listen,
    mail::Smtp,
    terminal,
};

/// `tegata config check`
pub(crate) fn check(flags: &ConfigFlags, environment: &Environment) -> Result<(), Failure> {
    let config = resolve(flags, environment)?;
    if let Some(files) = &config.tls {
        listen::tls::from_files(files)?;
    }
    if let Some(mail) = &config.mail {
        Smtp::new(mail).map_err(Failure::new)?;
    }
    for warning in &config.warnings {
        terminal::complain(&format!("warning: {warning}"));
    }
    terminal::say("the configuration is good");
    Ok(())
}

/// `tegata config show`
pub(crate) fn show(flags: &ConfigFlags, environment: &Environment) -> Result<(), Failure> {
    let config = resolve(flags, environment)?;
    terminal::say(config::show(&config).trim_end());
    Ok(())
}

fn resolve(flags: &ConfigFlags, environment: &Environment) -> Result<Config, Failure> {
    let flags = Flags { config: flags.place.config.clone(), data: flags.place.data.clone(), ..Flags::default() };
    Ok(config::resolve(&flags, environment)?)
}
