//! A directory as a file: read from TOML or JSON, written as TOML that reads the same tomorrow.

use std::{
    fmt::Write as _,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tegata_core::directory::Declaration;

use crate::failure::Failure;

/// Where a document may stand in a file of its own: the section, the word for it, the word for the document.
const FILES: [(&str, &str, &str); 2] = [("policies", "document_file", "document"), ("roles", "trust_file", "trust")];
/// Members of a statement, in the order in which people write them.
const STATEMENT: [&str; 6] = ["Effect", "Action", "NotAction", "Resource", "Principal", "Condition"];

/// Reads a declaration, with every document in it, and checks its form. The answer is what travels.
pub(super) fn read(path: &Path) -> Result<Value, Failure> {
    let place = path.display();
    let (text, folder) = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
        (text, PathBuf::new())
    } else {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("`{place}` cannot be read: {error}")))?;
        (text, path.parent().map(Path::to_path_buf).unwrap_or_default())
    };
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) || text.trim_start().starts_with('{');
    let mut value: Value = if is_json {
        serde_json::from_str(&text).map_err(|error| Failure::usage(format!("`{place}` is not JSON: {error}")))?
    } else {
        toml::from_str(&text).map_err(|error| Failure::usage(format!("`{place}` is not TOML: {}", error.to_string().trim_end())))?
    };
    for (section, word, document) in FILES {
        for (name, entry) in value.get_mut(section).and_then(Value::as_object_mut).into_iter().flatten() {
            inline(entry, &format!("{section}.{name}"), word, document, &folder)?;
        }
    }
    Declaration::read(&value)
        .map_err(|unreadable| Failure::usage(format!("`{place}` has problems:\n  {}", unreadable.problems.join("\n  "))))?;
    Ok(value)
}

/// Puts a document that stands in a file of its own where it belongs.
fn inline(entry: &mut Value, place: &str, word: &str, document: &str, folder: &Path) -> Result<(), Failure> {
    let Some(entry) = entry.as_object_mut() else { return Ok(()) };
    let Some(file) = entry.remove(word) else { return Ok(()) };
    let Value::String(file) = file else { return Err(Failure::usage(format!("`{place}.{word}`: expected the name of a file"))) };
    if entry.contains_key(document) {
        return Err(Failure::usage(format!("`{place}`: there is both `{word}` and `{document}`")));
    }
    let path = folder.join(&file);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("`{place}.{word}`: `{}` cannot be read: {error}", path.display())))?;
    let value = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("`{place}.{word}`: `{}` is not JSON: {error}", path.display())))?;
    entry.insert(document.to_owned(), value);
    Ok(())
}

/// A declaration as TOML: names in order, one entry a table, the statements of documents as tables of their own.
pub(super) fn to_toml(declaration: &Value) -> String {
    let mut out = String::from("version = 1\n");
    let empty = Map::new();
    for section in ["users", "groups", "roles", "policies"] {
        let entries = declaration.get(section).and_then(Value::as_object).unwrap_or(&empty);
        if entries.is_empty() {
            // A section that is there can be pruned; one that is absent is never touched.
            let _ = write!(out, "\n[{section}]\n");
        }
        for (name, entry) in entries {
            table(&mut out, &format!("{section}.{}", key(name)), entry);
        }
    }
    out
}

/// One entry: its plain values first, then its document.
fn table(out: &mut String, path: &str, entry: &Value) {
    let _ = write!(out, "\n[{path}]\n");
    let (documents, plain): (Vec<_>, Vec<_>) = entry.as_object().into_iter().flatten().partition(|(_, value)| value.is_object());
    for (word, value) in plain {
        let _ = writeln!(out, "{} = {}", key(word), inline_value(value));
    }
    for (word, document) in documents {
        let path = format!("{path}.{}", key(word));
        let (statements, rest): (Vec<_>, Vec<_>) =
            document.as_object().into_iter().flatten().partition(|(word, value)| *word == "Statement" && tables(value));
        let _ = write!(out, "\n[{path}]\n");
        for (word, value) in rest {
            let _ = writeln!(out, "{} = {}", key(word), inline_value(value));
        }
        for statement in statements.iter().filter_map(|(_, value)| value.as_array()).flatten() {
            let _ = write!(out, "\n[[{path}.Statement]]\n");
            for (word, value) in ordered(statement) {
                let _ = writeln!(out, "{} = {}", key(word), inline_value(value));
            }
        }
    }
}

/// Whether it can be written as tables one after another.
fn tables(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

fn ordered(statement: &Value) -> Vec<(&String, &Value)> {
    let rank = |word: &str| STATEMENT.iter().position(|known| *known == word).unwrap_or(STATEMENT.len());
    let mut members: Vec<_> = statement.as_object().into_iter().flatten().collect();
    members.sort_by_key(|(word, _)| (rank(word), (*word).clone()));
    members
}

/// A key, quoted where it has to be.
fn key(word: &str) -> String {
    let bare = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if bare { word.to_owned() } else { text(word) }
}

fn inline_value(value: &Value) -> String {
    match value {
        Value::String(content) => text(content),
        Value::Array(items) => {
            let short = format!("[{}]", items.iter().map(inline_value).collect::<Vec<_>>().join(", "));
            // A long list has a line for each item, so that a change of one is a change of one line.
            if short.len() <= 100 || items.iter().any(Value::is_object) {
                return short;
            }
            items.iter().fold("[\n".to_owned(), |mut out, item| {
                let _ = writeln!(out, "  {},", inline_value(item));
                out
            }) + "]"
        }
        Value::Object(map) => {
            let members: Vec<String> = map.iter().map(|(word, value)| format!("{} = {}", key(word), flat(value))).collect();
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        // TOML has no null; no document that this server accepts has one.
        Value::Null => "\"\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A value that must stay on one line.
fn flat(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        other => inline_value(other),
    }
}

/// A basic string. What JSON escapes TOML reads the same; of the control characters JSON leaves one alone that TOML does not.
fn text(content: &str) -> String {
    serde_json::Value::from(content).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let many: Vec<String> = (0..40).map(|n| format!("user-{n}")).collect();
        let declaration = json!({
            "version": 1,
            "users": {"alice": {"display_name": "A \"quoted\" \\ name\u{7f}\t", "policies": []}, "b.c": {"policies": ["system:ReadOnlyAccess", "p"]}},
            "groups": {"staff": {"members": many, "policies": []}},
            "roles": {"r": {"max_session_seconds": 3600, "policies": [], "trust": {"Version": "1", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ["acs:ram::1:user/x"]},
                 "Condition": {"StringEquals": {"acs:UserAgent": ["a", "b"]}, "Bool": {"acs:SecureTransport": "true"}}}]}}},
            "policies": {},
        });
        let written = to_toml(&declaration);
        let read: Value = toml::from_str(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(read, declaration, "{written}");
        assert!(written.contains("\n[[roles.r.trust.Statement]]\nEffect = \"Allow\"\nAction = \"sts:AssumeRole\"\n"), "{written}");
        assert!(
            written.contains("  \"user-39\",\n]") && written.contains("[users.\"b.c\"]") && written.ends_with("\n[policies]\n"),
            "{written}"
        );
    }
}
