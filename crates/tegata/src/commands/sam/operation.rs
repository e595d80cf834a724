//! `tegata sam OPERATION`: any operation of the SORACOM wire, by its name.

use serde_json::{Map, Value};
use tegata_client::sam::{
    Sam, Session, segment,
    source::{self, SamError},
};
use tegata_dialects::soracom::{Kind, Parameter, Place};

use super::{SamOpened, alone};
use crate::{
    cli::{
        client::{Form, Reply},
        sam_operations::{OPERATOR, SamOperation, name},
    },
    commands::{
        call,
        reply::{self, Node},
        runtime,
    },
    config::Environment,
    failure::Failure,
    terminal,
};

/// `tegata sam OPERATION`
pub(crate) fn operation(asked: &SamOperation, environment: &Environment) -> Result<(), Failure> {
    if let Some(expression) = &asked.reply.query {
        reply::compiled(expression)?;
    }
    let (mut query, mut body) = (Vec::new(), Map::new());
    for (parameter, values) in &asked.given {
        let read = values.iter().map(|value| read(parameter, value)).collect::<Result<Vec<_>, _>>()?;
        match (parameter.place, read.as_slice()) {
            (Place::Query, values) => query.extend(values.iter().map(|value| (parameter.name.to_owned(), plain(value)))),
            (Place::Body, values) if parameter.kind == Kind::List => _ = body.insert(parameter.name.to_owned(), values.into()),
            (Place::Body, values) => body.extend(values.last().map(|value| (parameter.name.to_owned(), value.clone()))),
        }
    }
    for Parameter { name, place, kind, required } in asked.spec.parameters {
        if *required && *kind == Kind::Secret && *place == Place::Body && !body.contains_key(*name) {
            body.insert((*name).to_owned(), call::secret(name)?.into());
        }
    }
    let has_body = asked.spec.parameters.iter().any(|parameter| parameter.place == Place::Body);
    let body = has_body.then_some(Value::Object(body));
    let (body, asked_of) = (body.as_ref(), &query);
    let value = if asked.spec.open {
        let sam = alone(&asked.server, environment)?;
        runtime()?.block_on(whole(asked, &sam, None, asked_of.clone(), body))?
    } else {
        let opened = SamOpened::new(&asked.server, environment)?;
        let sam = &opened.sam;
        let calling = opened.with(|session| async move { whole(asked, sam, Some(&session), asked_of.clone(), body).await });
        runtime()?.block_on(calling)?
    };
    print(&value, asked)
}

/// The answer; of a list every part, where that is wanted.
async fn whole(
    asked: &SamOperation,
    sam: &Sam,
    session: Option<&Session>,
    mut query: Vec<(String, String)>,
    body: Option<&Value>,
) -> Result<Value, SamError> {
    let path = path(asked, session);
    let mut before: Vec<Value> = Vec::new();
    loop {
        let answer = sam.call(session, asked.spec.method.name(), &path, &query, body).await?;
        let value = source::json(&answer)?;
        let Value::Array(items) = value else { return Ok(value) };
        before.extend(items);
        let Some(next) = answer.next.filter(|_| asked.all) else { return Ok(Value::Array(before)) };
        if query.iter().any(|(name, before)| name == "last_evaluated_key" && *before == next) {
            return Err(SamError::Profile("the server gives the same part of the list again and again".to_owned()));
        }
        query.retain(|(name, _)| name != "last_evaluated_key");
        query.push(("last_evaluated_key".to_owned(), next));
    }
}

/// The path, its variables filled in; the operator is the session's, unless another is named.
fn path(asked: &SamOperation, session: Option<&Session>) -> String {
    let given = |name: &str| asked.variables.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str());
    let segments = asked.spec.path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(OPERATOR) => segment(given(OPERATOR).or_else(|| session.map(|session| session.operator_id.as_str())).unwrap_or_default()),
        Some(name) => segment(given(name).unwrap_or_default()),
        None => part.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

fn print(value: &Value, asked: &SamOperation) -> Result<(), Failure> {
    if value.is_null() {
        return Ok(());
    }
    let (form, query) = (asked.reply.printed.form(), asked.reply.query.clone());
    if query.is_none() && form == Form::Json {
        // Tabs lay it out; whatever else a stranger may have said is escaped.
        for line in super::auth::tabbed(value).lines() {
            let text = line.trim_start_matches('\t');
            let tabs = "\t".repeat(line.len() - text.len());
            terminal::say(&format!("{tabs}{}", crate::commands::audit::harmless(text)));
        }
        return Ok(());
    }
    let node: Node = serde_json::from_value(value.clone()).map_err(|error| Failure::new(error.to_string()))?;
    // A list of its own is a part of nothing, and shown as one.
    let query = query.or_else(|| value.is_array().then(|| "@".to_owned()));
    reply::print(&node, name(asked.spec), &Reply { output: form, query })
}

/// What a flag means.
fn read(parameter: &Parameter, value: &str) -> Result<Value, Failure> {
    use tegata_dialects::acs::Kind as Other;
    let name = parameter.name;
    Ok(match parameter.kind {
        Kind::Text | Kind::Word(_) | Kind::List => value.into(),
        Kind::Number => value.parse::<i64>().map_err(|_| Failure::usage(format!("`--{name}` has to be a whole number")))?.into(),
        Kind::Flag => (value == "true").into(),
        Kind::Document => call::read(Other::Document, name, value)?.into(),
        Kind::Secret => call::read(Other::Secret, name, value)?.into(),
    })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
