//! Any operation of the API, by its name: parameters read from flags, files and standard input, the answer printed.

use std::io::Read as _;

use tegata_client::{Rpc, rpc::Api};
use tegata_dialects::acs::{Kind, Parameter, Product};

use super::{
    access::{self, Opened, now},
    reply::{self, Node},
    runtime,
};
use crate::{
    cli::{
        client::{CallFlags, Form},
        operations::Asked,
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// Longest document, in bytes.
const MAX_DOCUMENT: u64 = 1024 * 1024;

/// `tegata ram OPERATION` and its like.
pub(crate) fn operation(asked: &Asked, environment: &Environment) -> Result<(), Failure> {
    if let Some(expression) = &asked.reply.query {
        reply::compiled(expression)?;
    }
    let mut parameters = Vec::new();
    for (parameter, values) in &asked.given {
        match parameter.kind {
            Kind::Tags => parameters.extend(tags(parameter.name, values)?),
            kind => {
                for value in values {
                    parameters.push((parameter.name.to_owned(), read(kind, parameter.name, value)?));
                }
            }
        }
    }
    for Parameter { name, required, kind } in asked.spec.parameters {
        if *required && *kind == Kind::Secret && !parameters.iter().any(|(given, _)| given == name) {
            parameters.push(((*name).to_owned(), secret(name)?));
        }
    }
    let (api, name) = (Api(asked.product.version()), asked.spec.name);
    let reply = if proves_itself(name) {
        let (transport, server) = access::server_alone(&asked.access, environment)?;
        runtime()?.block_on(Rpc::new(transport, &server).call_anonymously(api, name, &parameters, now()))?
    } else {
        let opened = Opened::new(&asked.access, environment)?;
        runtime()?.block_on(whole(&opened, api, name, parameters, asked.all))?
    };
    reply::print(&reply, asked.spec.name, &asked.reply)?;
    if asked.reply.output == Form::Table
        && asked.reply.query.is_none()
        && let Some((name, value)) = reply.next()
    {
        terminal::note(&format!("there is more: `--all` shows everything, `--{name} {value}` the next part"));
    }
    Ok(())
}

/// True for operations that a token among their parameters proves, and no key.
fn proves_itself(operation: &str) -> bool {
    matches!(operation, "AssumeRoleWithOIDC" | "AssumeRoleWithSAML")
}

/// `tegata call`
pub(crate) fn call(flags: &CallFlags, environment: &Environment) -> Result<(), Failure> {
    if let Some(expression) = &flags.reply.query {
        reply::compiled(expression)?;
    }
    let known = Product::ALL.into_iter().find(|product| flags.product.eq_ignore_ascii_case(product.name()));
    let api = known.map(|product| Api(product.version())).ok_or_else(|| {
        let names: Vec<_> = Product::ALL.into_iter().map(Product::name).collect();
        Failure::usage(format!("`{}` is none of the APIs, which are `{}`", flags.product, names.join("`, `")))
    })?;
    let mut parameters = Vec::new();
    for given in &flags.parameters {
        let (name, value) = given
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("`{given}` is no parameter; expected `Name=VALUE`, `Name=@FILE` or `Name=-`")))?;
        parameters.push((name.to_owned(), read(Kind::Document, name, value)?));
    }
    let opened = Opened::new(&flags.access, environment)?;
    let reply = runtime()?.block_on(whole(&opened, api, &flags.operation, parameters, false))?;
    reply::print(&reply, &flags.operation, &flags.reply)
}

/// The answer; with `all`, every part of it as one.
pub(super) async fn whole(
    opened: &Opened,
    api: Api,
    operation: &str,
    mut parameters: Vec<(String, String)>,
    all: bool,
) -> Result<Node, Failure> {
    let rpc = opened.rpc()?;
    let mut reply: Node = rpc.call(&opened.credential().await?, api, operation, &parameters, now()).await?;
    while let Some((name, value)) = reply.next().filter(|_| all).map(|(name, value)| (name, value.to_owned())) {
        if parameters.iter().any(|(given, before)| given == name && *before == value) {
            return Err(Failure::new(format!("the server gives the same part of the list again and again (`{name}` is `{value}`)")));
        }
        parameters.retain(|(given, _)| given != name);
        parameters.push((name.to_owned(), value));
        reply.append(rpc.call(&opened.credential().await?, api, operation, &parameters, now()).await?);
    }
    Ok(reply)
}

/// What a flag means.
pub(super) fn read(kind: Kind, name: &str, value: &str) -> Result<String, Failure> {
    match (kind, value) {
        (Kind::Secret, "-") => secret(name),
        // Any case is understood here; the wire wants one.
        (Kind::Word(words), text) => Ok(words.iter().find(|word| word.eq_ignore_ascii_case(text)).map_or(text, |word| word).to_owned()),
        (Kind::Document, "-") => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(MAX_DOCUMENT).read_to_string(&mut text);
            read.map(|_| text).map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))
        }
        (Kind::Document, text) => text.strip_prefix('@').map_or_else(|| Ok(text.to_owned()), |path| file(name, path)),
        (Kind::Secret, text) => {
            // Whoever writes a secret into a file ends its line; the line's end is not part of it.
            text.strip_prefix('@')
                .map_or_else(|| Ok(text.to_owned()), |path| Ok(file(name, path)?.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (_, text) => Ok(text.to_owned()),
    }
}

fn file(name: &str, path: &str) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("`--{name}`: `{path}` cannot be read: {error}"));
    let mut text = String::new();
    std::fs::File::open(path).and_then(|file| file.take(MAX_DOCUMENT).read_to_string(&mut text)).map_err(unreadable)?;
    Ok(text)
}

/// A secret: typed unseen, or a line of standard input.
pub(super) fn secret(name: &str) -> Result<String, Failure> {
    let answer = terminal::secret(name)?;
    answer.ok_or_else(|| Failure::usage(format!("`--{name}` is needed: type it when asked, or give it as a line of standard input")))
}

/// Tags as this wire flattens them; JSON is sent as it is.
fn tags(name: &str, values: &[String]) -> Result<Vec<(String, String)>, Failure> {
    if let [json] = values
        && json.starts_with(['[', '{'])
    {
        return Ok(vec![(name.to_owned(), json.clone())]);
    }
    let mut all = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let (key, value) = value.split_once('=').unwrap_or((value, ""));
        if key.is_empty() {
            return Err(Failure::usage(format!("`--{name}` needs `KEY=VALUE`")));
        }
        all.push((format!("{name}.{}.Key", at + 1), key.to_owned()));
        all.push((format!("{name}.{}.Value", at + 1), value.to_owned()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_flattened() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let flat = tags("Tag", &["a=1=2".to_owned(), "b".to_owned()]).unwrap();
        assert_eq!(flat, [pair("Tag.1.Key", "a"), pair("Tag.1.Value", "1=2"), pair("Tag.2.Key", "b"), pair("Tag.2.Value", "")]);
        assert_eq!(tags("Tag", &["[]".to_owned()]).unwrap(), [pair("Tag", "[]")]);
        assert!(tags("Tag", &["=x".to_owned()]).is_err());
    }
}
