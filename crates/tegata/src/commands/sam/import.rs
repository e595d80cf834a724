//! `tegata profile import`: the profiles of the vendor's `soracom` program, taken over.

use tegata_client::sam::{original, profile::Shelf};

use super::put;
use crate::{
    cli::sam::ImportFlags,
    commands::access::{profile_file, url},
    config::Environment,
    failure::Failure,
    terminal,
};

/// `tegata profile import`
///
/// Everything is read before anything is written: all of them are taken over, or none.
pub(crate) fn import(flags: &ImportFlags, environment: &Environment) -> Result<(), Failure> {
    let folder = flags.folder.clone().or_else(|| environment.sam.profile_folder.clone());
    let folder = folder.or_else(|| environment.home.as_ref().map(|home| home.join(".soracom")));
    let folder = folder.ok_or_else(|| Failure::usage("there is no home folder (`HOME`) to look in; name one with `--folder DIR`"))?;
    let file = profile_file(flags.config_path.as_ref(), environment)?;
    let shelf = Shelf::beside(file.path());
    let endpoint = flags.endpoint.as_deref().map(url).transpose()?;
    let names = if flags.names.is_empty() { original::names(&folder).map_err(Failure::new)? } else { flags.names.clone() };
    if names.is_empty() {
        return Err(Failure::new(format!("there is no profile in `{}`", folder.display())));
    }
    let here = file.read()?;
    let (mut taken, mut problems) = (Vec::new(), Vec::new());
    for name in &names {
        match original::read(&folder, name, endpoint.as_deref()) {
            Ok(_) if here.find(name).is_some() && !flags.overwrite => {
                problems.push(format!("`{name}` is the name of a profile that is already here; `--overwrite` replaces it"));
            }
            Ok(read) => match url(read.profile.endpoint()) {
                Ok(_) => taken.push(read),
                Err(problem) => problems.push(format!("`{name}`: {problem}")),
            },
            Err(problem) => problems.push(format!("`{name}`: {problem}")),
        }
    }
    if !problems.is_empty() {
        let more = if flags.names.is_empty() && !taken.is_empty() { "; name those that you want" } else { "" };
        return Err(Failure::new(format!("nothing was taken over{more}:\n  {}", problems.join("\n  "))));
    }
    for read in &taken {
        put(&file, &read.profile, flags.config_path.as_ref())?;
        terminal::say(&format!("Profile `{}` (SORACOM) of `{}`", read.profile.name, read.profile.endpoint()));
        for left_out in &read.left_out {
            terminal::say(&format!("  left out: {left_out}"));
        }
        let source = read.profile.source_profile().map_err(Failure::new)?;
        if let Some(source) = source.filter(|source| !taken.iter().any(|other| other.profile.name == *source))
            && shelf.find(source).map_err(Failure::new)?.is_none()
        {
            terminal::say(&format!("  its source profile `{source}` is not here yet: tegata profile import {source}"));
        }
        if flags.remove {
            let unremovable = |error: std::io::Error| Failure::new(format!("`{}` cannot be removed: {error}", read.file.display()));
            std::fs::remove_file(&read.file).map_err(unremovable)?;
        }
    }
    if !flags.remove {
        terminal::say(&format!("The files in `{}` still hold what they held; `--remove` takes them away.", folder.display()));
    }
    Ok(())
}
