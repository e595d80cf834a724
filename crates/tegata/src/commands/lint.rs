//! `tegata ram lint`: trust policies that let in more than they seem to, from files or from the roles of a server.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde_json::{Value, json};
use tegata_client::{Api, Credential, Rpc};
use tegata_core::why::escape;
use tegata_policy::lint::{self, Warning};

use super::{access::Opened, runtime, table};
use crate::{
    cli::{client::Form, lint::LintFlags},
    commands::access::now,
    config::Environment,
    failure::Failure,
    terminal,
};

/// Longest document that is read.
const LONGEST: u64 = 64 * 1024;

/// One document, by the name people know it by.
struct Document {
    name: String,
    text: String,
}

/// `tegata ram lint`
pub(crate) fn lint(flags: &LintFlags, environment: &Environment) -> Result<(), Failure> {
    let (documents, account) = if flags.all {
        runtime()?.block_on(of_server(flags, environment))?
    } else {
        let documents = flags.files.iter().map(|path| from_file(path)).collect::<Result<Vec<_>, _>>()?;
        (documents, flags.account.clone().unwrap_or_default())
    };
    let mut found = Vec::new();
    for document in &documents {
        let warnings = lint::trust(&document.text, &account)
            .map_err(|problem| Failure::usage(format!("`{}` is not a trust policy: {problem}", document.name)))?;
        found.push((document.name.as_str(), warnings));
    }
    print(flags.printed.output, &found);
    match found.iter().map(|(_, warnings)| warnings.len()).sum() {
        0 => {
            if flags.printed.output == Form::Table {
                terminal::note(&format!(
                    "nothing to warn about in {} trust polic{}",
                    found.len(),
                    if found.len() == 1 { "y" } else { "ies" }
                ));
            }
            Ok(())
        }
        1 => Err(Failure::new("one warning")),
        many => Err(Failure::new(format!("{many} warnings"))),
    }
}

fn from_file(path: &Path) -> Result<Document, Failure> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read = if name == "-" {
        io::stdin().take(LONGEST + 1).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
    };
    match read {
        Ok(size) if size as u64 > LONGEST => Err(Failure::usage(format!("`{name}` is larger than any trust policy"))),
        Ok(_) => Ok(Document { name, text }),
        Err(error) => Err(Failure::usage(format!("`{name}` cannot be read: {error}"))),
    }
}

/// The trust policies of all roles of the caller's account, and its number.
async fn of_server(flags: &LintFlags, environment: &Environment) -> Result<(Vec<Document>, String), Failure> {
    let opened = Opened::new(&flags.access, environment)?;
    let (rpc, key) = (opened.rpc()?, opened.credential().await?);
    let account = opened.sts()?.caller_identity(&key, now()).await?.account_id;
    let mut documents = Vec::new();
    let mut marker = None;
    loop {
        let parameters: Vec<_> = marker.map(|marker| ("Marker".to_owned(), marker)).into_iter().collect();
        let page: Value = rpc.call(&key, Api::RAM, "ListRoles", &parameters, now()).await?;
        for role in page.pointer("/Roles/Role").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = role.get("RoleName").and_then(Value::as_str) else { continue };
            documents.extend(of_role(&rpc, &key, name).await?);
        }
        marker = page.get("Marker").and_then(Value::as_str).map(str::to_owned);
        if marker.is_none() {
            return Ok((documents, account));
        }
    }
}

/// The trust policy of a role; nothing if the role has gone meanwhile.
async fn of_role(rpc: &Rpc, key: &Credential, name: &str) -> Result<Option<Document>, Failure> {
    let parameters = [("RoleName".to_owned(), name.to_owned())];
    let role: Value = match rpc.call(key, Api::RAM, "GetRole", &parameters, now()).await {
        Ok(role) => role,
        Err(error) if error.refusal().is_some_and(|refusal| refusal.code == "EntityNotExist.Role") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let text = role.pointer("/Role/AssumeRolePolicyDocument").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Some(Document { name: format!("role {name}"), text }))
}

fn print(form: Form, found: &[(&str, Vec<Warning>)]) {
    match form {
        Form::Json => {
            let all: Vec<Value> = found.iter().map(|(name, warnings)| json!({"of": name, "warnings": warnings})).collect();
            table::print_json(&Value::Array(all));
        }
        Form::Table => {
            for (name, warnings) in found {
                for one in warnings {
                    let Warning { path, problem, advice, .. } = one;
                    terminal::say(&escape(&format!("{name}: {path}")));
                    terminal::say(&escape(&format!("    {problem};")));
                    terminal::say(&escape(&format!("    {advice}")));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::{Access, Printed};

    fn flags(files: &[&Path]) -> LintFlags {
        let printed = Printed { output: Form::Json };
        let files = files.iter().map(|path| path.to_path_buf()).collect();
        LintFlags { files, all: false, account: Some("1000000000000001".to_owned()), printed, access: Access::default() }
    }

    #[test]
    fn the_status_says_whether_there_is_anything_to_say() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, principal: &str| {
            let path = folder.path().join(name);
            let text = format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":"{principal}"}}}}]}}"#
            );
            std::fs::write(&path, text).unwrap();
            path
        };
        let own = write("own.json", "acs:ram::1000000000000001:root");
        let foreign = write("foreign.json", "acs:ram::1000000000000002:root");
        let environment = Environment::default();
        lint(&flags(&[&own]), &environment).unwrap();
        let failure = lint(&flags(&[&own, &foreign]), &environment).unwrap_err();
        assert_eq!((failure.status(), failure.to_string().as_str()), (1, "one warning"));
        std::fs::write(&own, "{}").unwrap();
        assert_eq!(lint(&flags(&[&own]), &environment).unwrap_err().status(), 2);
        assert_eq!(lint(&flags(&[Path::new("/nowhere/x")]), &environment).unwrap_err().status(), 2);
    }
}
