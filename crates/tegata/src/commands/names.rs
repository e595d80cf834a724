//! Names that a shell can complete: asked of the server, quickly or not at all, and remembered for a minute.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use clap_complete::CompletionCandidate;
use serde::{Deserialize, Serialize};
use tegata_client::{private_file, provider::cache_name, rpc::Api};
use tegata_dialects::acs::{Kind, OperationSpec, Product, catalogue};

use super::{
    access::{Opened, Origin, now, profile_file},
    call, runtime,
};
use crate::{cli::client::Access, config::Environment, failure::Failure};

/// Longest wait for the server: a person holds a key down.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long names are believed, in seconds.
const MEMORY: i64 = 60;
/// Most that are offered.
const MOST: &str = "1000";

/// Where names of a kind are listed, and in which field they stand.
fn listed(kind: Kind) -> Option<(Product, &'static str, &'static str)> {
    match kind {
        Kind::User => Some((Product::Ram, "ListUsers", "UserName")),
        Kind::Principal => Some((Product::Ims, "ListUsers", "UserPrincipalName")),
        Kind::Group => Some((Product::Ram, "ListGroups", "GroupName")),
        Kind::Role => Some((Product::Ram, "ListRoles", "RoleName")),
        Kind::RoleArn => Some((Product::Ram, "ListRoles", "Arn")),
        Kind::Policy => Some((Product::Ram, "ListPolicies", "PolicyName")),
        Kind::AccessKey => Some((Product::Ram, "ListAccessKeys", "AccessKeyId")),
        Kind::MfaDevice => Some((Product::Ram, "ListVirtualMFADevices", "SerialNumber")),
        Kind::OidcProvider => Some((Product::Ims, "ListOIDCProviders", "OIDCProviderName")),
        Kind::Session => Some((Product::Own, "ListSessions", "SessionId")),
        Kind::Text | Kind::Number | Kind::Flag | Kind::Word(_) | Kind::Document | Kind::Secret | Kind::Tags => None,
    }
}

/// Names of this kind that begin so. Whatever goes wrong, nothing is said: a shell has nowhere to show it.
pub(crate) fn candidates(kind: Kind, begun: &OsStr) -> Vec<CompletionCandidate> {
    let words: Vec<OsString> = std::env::args_os().collect();
    offer(known(kind, &access(&words), &Environment::read()).unwrap_or_default(), begun)
}

/// Resource names of roles that begin so.
pub(crate) fn roles(begun: &OsStr) -> Vec<CompletionCandidate> {
    candidates(Kind::RoleArn, begun)
}

/// Profiles that begin so.
pub(crate) fn profiles(begun: &OsStr) -> Vec<CompletionCandidate> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let file = profile_file(access(&words).config_path.as_ref(), &Environment::read());
    offer(file.ok().and_then(|file| file.read().ok()).map(|profiles| profiles.names()).unwrap_or_default(), begun)
}

fn offer(names: Vec<String>, begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let plain = |name: &String| name.starts_with(&*begun) && !name.chars().any(char::is_control);
    names.into_iter().filter(plain).map(CompletionCandidate::new).collect()
}

/// Server and key as the line begins to name them.
fn access(words: &[OsString]) -> Access {
    let value = |names: &[&str]| {
        words.iter().enumerate().find_map(|(at, word)| {
            let word = word.to_str()?;
            if names.contains(&word) {
                return words.get(at + 1)?.to_str().map(str::to_owned);
            }
            let (name, value) = word.split_once('=')?;
            names.contains(&name).then(|| value.to_owned())
        })
    };
    Access {
        profile: value(&["--profile", "-p"]),
        endpoint: value(&["--endpoint"]),
        ca_file: value(&["--ca-file"]).map(PathBuf::from),
        config_path: value(&["--config-path"]).map(PathBuf::from),
        ..Access::default()
    }
}

/// The form of a file of names.
#[derive(Serialize, Deserialize)]
struct Remembered {
    at: i64,
    names: Vec<String>,
}

fn known(kind: Kind, access: &Access, environment: &Environment) -> Result<Vec<String>, Failure> {
    let (product, operation, field) = listed(kind).ok_or_else(|| Failure::new("there are no such names"))?;
    let spec = catalogue().find(|(of, spec)| *of == product && spec.name == operation).map(|(_, spec)| spec);
    let spec = spec.ok_or_else(|| Failure::new("this server lists no such names"))?;
    let opened = Opened::new(access, environment)?;
    let memory = memory(&opened, operation, field, environment);
    if let Some(names) = memory.as_deref().and_then(recall) {
        return Ok(names);
    }
    let runtime = runtime()?;
    let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(&opened, product, spec, field)).await });
    // What is still under way is not waited for.
    runtime.shutdown_background();
    let names = asked.map_err(|_| Failure::new("the server took too long"))??;
    if let Some(path) = memory {
        let remembered = Remembered { at: now().unix(), names: names.clone() };
        let _ = private_file::write(&path, &serde_json::to_vec(&remembered).unwrap_or_default());
    }
    Ok(names)
}

async fn ask(opened: &Opened, product: Product, spec: &OperationSpec, field: &str) -> Result<Vec<String>, Failure> {
    let most = spec.parameters.iter().find(|parameter| matches!(parameter.name, "MaxItems" | "MaxResults"));
    let parameters = most.map(|parameter| (parameter.name.to_owned(), MOST.to_owned())).into_iter().collect();
    let reply = call::whole(opened, Api(product.version()), spec.name, parameters, false).await?;
    let items = reply.list().unwrap_or_default();
    Ok(items.iter().filter_map(|item| item.field(field)?.text().map(str::to_owned)).collect())
}

/// Where names of one server, seen with one key, are remembered: in the folder that ends with the login, else with the caches.
fn memory(opened: &Opened, operation: &str, field: &str, environment: &Environment) -> Option<PathBuf> {
    let absolute = |path: &Option<PathBuf>| path.clone().filter(|path| path.is_absolute());
    let folder = absolute(&environment.xdg_runtime_dir)
        .or_else(|| absolute(&environment.xdg_cache_home))
        .or_else(|| absolute(&environment.home).map(|home| home.join(".cache")))?;
    let key = match &opened.origin {
        Origin::Profile(name, _) => name.clone(),
        Origin::Environment => environment.access_key_id.clone().unwrap_or_default(),
    };
    let file = opened.file.path().to_string_lossy();
    let parts = [operation, field, &key, &file, opened.known_server().unwrap_or_default()];
    Some(folder.join("tegata/names").join(cache_name(operation, &parts)))
}

fn recall(path: &Path) -> Option<Vec<String>> {
    let text = private_file::read(path).ok()??;
    let found: Remembered = serde_json::from_str(&text).ok()?;
    let age = now().unix().checked_sub(found.at)?;
    (0..MEMORY).contains(&age).then_some(found.names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_server_and_profile() {
        let words: Vec<OsString> =
            ["tegata", "--", "tegata", "ram", "GetUser", "-p", "x", "--endpoint=http://h", "--UserName", ""].map(OsString::from).into();
        let found = access(&words);
        assert_eq!((found.profile.as_deref(), found.endpoint.as_deref()), (Some("x"), Some("http://h")));
    }

    #[test]
    fn only_plain_names_that_begin_so_are_offered() {
        let names = ["alice", "bob", "a\u{1b}b"].map(str::to_owned).to_vec();
        let offered: Vec<_> = offer(names, OsStr::new("a")).iter().map(|one| one.get_value().to_owned()).collect();
        assert_eq!(offered, ["alice"]);
    }
}
