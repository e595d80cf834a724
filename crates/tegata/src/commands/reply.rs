//! What a server answered, in its own order of fields: kept as it is for programs, laid out for people.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use tegata_core::why::escape;

use super::{audit::harmless, table::fields};
use crate::{
    cli::client::{Form, Reply as Flags},
    failure::Failure,
    terminal,
};

/// A JSON value that keeps the order of its fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = map.next_entry()? {
            items.push(item);
        }
        Ok(Node::Object(items))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(value) => value.serialize(serializer),
            Self::Number(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(items) => serializer.collect_map(items.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl From<&jmespath::Variable> for Node {
    fn from(found: &jmespath::Variable) -> Self {
        match found {
            jmespath::Variable::Null | jmespath::Variable::Expref(_) => Self::Null,
            jmespath::Variable::Bool(value) => Self::Flag(*value),
            jmespath::Variable::Number(value) => Self::Number(value.clone()),
            jmespath::Variable::String(value) => Self::Text(value.clone()),
            jmespath::Variable::Array(items) => Self::List(items.iter().map(|item| Self::from(item.as_ref())).collect()),
            jmespath::Variable::Object(items) => {
                Self::Object(items.iter().map(|(name, value)| (name.clone(), Self::from(value.as_ref()))).collect())
            }
        }
    }
}

impl Node {
    /// A field of an object.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(items) = self else { return None };
        items.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The one list that an answer is about, wrapped as this wire does it (`{"Users":{"User":[…]}}`) or bare.
    pub(super) fn list(&self) -> Option<&[Self]> {
        let Self::Object(fields) = self else { return None };
        let mut lists = fields.iter().filter_map(|(_, value)| match value {
            Self::List(items) => Some(items.as_slice()),
            Self::Object(inner) => match inner.as_slice() {
                [(_, Self::List(items))] => Some(items),
                _ => None,
            },
            _ => None,
        });
        let first = lists.next()?;
        let beside =
            fields.iter().any(|(_, value)| matches!(value, Self::Object(inner) if !matches!(inner.as_slice(), [(_, Self::List(_))])));
        if lists.next().is_none() && !beside { Some(first) } else { None }
    }

    /// The same, to add to.
    fn list_mut(&mut self) -> Option<&mut Vec<Self>> {
        let Self::Object(fields) = self else { return None };
        fields.iter_mut().find_map(|(_, value)| match value {
            Self::List(items) => Some(items),
            Self::Object(inner) => match inner.as_mut_slice() {
                [(_, Self::List(items))] => Some(items),
                _ => None,
            },
            _ => None,
        })
    }

    /// How to ask for the next part, if there is one: the parameter and its value.
    pub(super) fn next(&self) -> Option<(&'static str, &str)> {
        let more = self.field("IsTruncated").is_none_or(|value| *value == Self::Flag(true));
        let found = ["Marker", "NextToken"].into_iter().find_map(|name| Some((name, self.field(name)?.text()?)));
        found.filter(|(_, value)| more && !value.is_empty())
    }

    /// Puts the next part of a list behind this one.
    pub(super) fn append(&mut self, mut next: Self) {
        if let (Some(own), Some(new)) = (self.list_mut(), next.list_mut()) {
            own.append(new);
        }
        let Self::Object(fields) = self else { return };
        fields.retain(|(name, _)| !matches!(name.as_str(), "Marker" | "NextToken"));
        for (name, value) in fields {
            if name == "IsTruncated" {
                *value = next.field(name).cloned().unwrap_or(Self::Flag(false));
            }
        }
        let more = ["Marker", "NextToken"].into_iter().filter_map(|name| Some((name.to_owned(), next.field(name)?.clone())));
        let more: Vec<_> = more.collect();
        if let Self::Object(fields) = self {
            fields.extend(more);
        }
    }

    /// In one cell.
    fn cell(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.clone(),
            Self::Flag(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::List(items) if items.iter().all(Self::is_plain) => items.iter().map(Self::cell).collect::<Vec<_>>().join(", "),
            Self::Object(inner) => match inner.as_slice() {
                [(_, list @ Self::List(_))] => list.cell(),
                _ => serde_json::to_string(self).unwrap_or_default(),
            },
            Self::List(_) => serde_json::to_string(self).unwrap_or_default(),
        }
    }

    fn is_plain(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object(_))
    }
}

/// Prints an answer, or what is selected of it.
pub(super) fn print(reply: &Node, operation: &str, flags: &Flags) -> Result<(), Failure> {
    let Some(expression) = &flags.query else {
        match flags.output {
            Form::Json => json(reply),
            Form::Table => whole(reply, operation),
        }
        return Ok(());
    };
    let found = compiled(expression)?.search(reply).map_err(|error| Failure::new(format!("`--query`: {}", first_line(&error))))?;
    let found = Node::from(found.as_ref());
    match flags.output {
        Form::Json => json(&found),
        Form::Table => part(&found),
    }
    Ok(())
}

/// A selection that can be understood; told before anything is sent.
pub(super) fn compiled(expression: &str) -> Result<jmespath::Expression<'static>, Failure> {
    jmespath::compile(expression).map_err(|error| {
        Failure::usage(format!("`--query`: {}; it is read as JMESPath, such as `Users.User[].UserName`", first_line(&error)))
    })
}

fn first_line(error: &jmespath::JmespathError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn json(node: &Node) {
    terminal::say(&harmless(&serde_json::to_string_pretty(node).unwrap_or_default()));
}

/// A whole answer, for people.
fn whole(reply: &Node, operation: &str) {
    if let Some(items) = reply.list() {
        if items.is_empty() {
            terminal::note("the list is empty");
        }
        part(&Node::List(items.to_vec()));
        return;
    }
    let Node::Object(all) = reply else { return part(reply) };
    let told: Vec<_> = all.iter().filter(|(name, _)| name != "RequestId").collect();
    match told.as_slice() {
        [] => _ = terminal::say(&format!("{operation}: done")),
        [(_, inner @ Node::Object(_))] => part(inner),
        _ => part(&Node::Object(told.into_iter().cloned().collect())),
    }
}

/// Any value, for people.
fn part(node: &Node) {
    match node {
        Node::Object(_) => {
            let mut rows = Vec::new();
            flatten("", node, &mut rows);
            let rows: Vec<_> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            fields(&rows);
        }
        Node::List(items) if items.iter().any(|item| matches!(item, Node::Object(_))) => table(items),
        Node::List(items) => {
            let line = |item: &Node| match item {
                Node::List(cells) => cells.iter().map(|cell| escape(&cell.cell())).collect::<Vec<_>>().join("\t"),
                other => escape(&other.cell()),
            };
            let _ = items.iter().all(|item| terminal::say(&line(item)));
        }
        Node::Null => {}
        plain => _ = terminal::say(&escape(&plain.cell())),
    }
}

fn flatten(path: &str, node: &Node, rows: &mut Vec<(String, String)>) {
    match node {
        Node::Object(items) if !matches!(items.as_slice(), [(_, Node::List(_))]) => {
            for (name, value) in items {
                flatten(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, rows);
            }
        }
        other => rows.push((path.to_owned(), other.cell())),
    }
}

/// Objects as rows; the columns are all their fields, in the order in which they appear.
fn table(items: &[Node]) {
    let mut columns: Vec<String> = Vec::new();
    let rows: Vec<Vec<(String, String)>> = items
        .iter()
        .map(|item| {
            let mut cells = Vec::new();
            flatten("", item, &mut cells);
            cells
        })
        .collect();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let cell = |column: &String| row.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone()).unwrap_or_default();
            columns.iter().map(cell).collect()
        })
        .collect();
    super::table::wide(&columns, &lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_order_of_the_server_is_kept() {
        let text = r#"{"z":1,"a":[{"y":null,"b":true}],"m":-1.5,"t":"é"}"#;
        assert_eq!(serde_json::to_string(&node(text)).unwrap(), text);
    }

    #[test]
    fn parts_of_a_list_become_one() {
        let mut first = node(r#"{"RequestId":"1","Users":{"User":[{"UserName":"a"}]},"IsTruncated":true,"Marker":"m1"}"#);
        assert_eq!(first.next(), Some(("Marker", "m1")));
        first.append(node(r#"{"RequestId":"2","Users":{"User":[{"UserName":"b"}]},"IsTruncated":true,"Marker":"m2"}"#));
        assert_eq!(first.next(), Some(("Marker", "m2")));
        first.append(node(r#"{"RequestId":"3","Users":{"User":[{"UserName":"c"}]},"IsTruncated":false}"#));
        assert_eq!(first.next(), None);
        let expected = r#"{"RequestId":"1","Users":{"User":[{"UserName":"a"},{"UserName":"b"},{"UserName":"c"}]},"IsTruncated":false}"#;
        assert_eq!(serde_json::to_string(&first).unwrap(), expected);
    }

    #[test]
    fn a_list_is_seen_where_it_is_what_the_answer_is_about() {
        assert_eq!(node(r#"{"Users":{"User":[]},"IsTruncated":false}"#).list(), Some(&[][..]));
        assert!(node(r#"{"Policy":{"PolicyName":"p"},"Tags":{"Tag":[]}}"#).list().is_none());
        assert!(node(r#"{"Groups":{"Group":[]},"Users":{"User":[]}}"#).list().is_none());
        assert!(node(r#"{"User":{"UserName":"a"}}"#).list().is_none());
    }
}
