//! The crate graph: what ARCHITECTURE.md permits against what the manifests say.
//!
//! The table stands between `<!-- crate-graph -->` and `<!-- /crate-graph -->`. Its first column names a crate, its second the
//! crates it uses (without `tegata-`): a plain name is an edge that is there, one in parentheses is permitted and not used yet,
//! `all` permits everything, `–` nothing. Tools (members outside `crates/`) may use everything, need no row, and are used by nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::Member;

const START: &str = "<!-- crate-graph -->";
const END: &str = "<!-- /crate-graph -->";

/// What the table says about one crate.
#[derive(Debug, Default, PartialEq)]
struct Row {
    all: bool,
    /// Edges that must be there.
    used: BTreeSet<String>,
    /// Edges that may be there.
    permitted: BTreeSet<String>,
}

/// Every difference between the table in `architecture` and the edges of `members`.
pub(super) fn check(architecture: &str, members: &[Member]) -> Vec<String> {
    let table = match read(architecture) {
        Ok(table) => table,
        Err(problem) => return vec![format!("ARCHITECTURE.md: {problem}")],
    };
    let mut problems = Vec::new();
    let tools: BTreeSet<&str> = members.iter().filter(|member| member.tool).map(|member| member.name.as_str()).collect();
    for member in members {
        for tool in member.uses.iter().filter(|used| tools.contains(used.as_str()) && !member.tool) {
            problems.push(format!("crate graph: {} → {tool}; a tool is used by nothing: move what is needed into a crate", member.name));
        }
        if member.tool && !table.contains_key(&member.name) {
            continue;
        }
        let Some(row) = table.get(&member.name) else {
            problems
                .push(format!("ARCHITECTURE.md: crate `{}` is not in the crate graph; add a row that says what it may use", member.name));
            continue;
        };
        for used in &member.uses {
            if !row.all && !tools.contains(used.as_str()) && !row.used.contains(used) && !row.permitted.contains(used) {
                problems.push(format!(
                    "crate graph: new edge {} → {used}; remove the dependency, or argue for it in ARCHITECTURE.md and add it to the table",
                    member.name
                ));
            }
        }
        for promised in row.used.iter().filter(|&promised| !member.uses.contains(promised)) {
            problems.push(format!(
                "crate graph: missing edge {} → {promised}; take it out of the table in ARCHITECTURE.md, or put it in parentheses if it is to come",
                member.name
            ));
        }
    }
    let known: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    for (name, row) in &table {
        for name in std::iter::once(name).chain(&row.used).chain(&row.permitted).filter(|name| !known.contains(name.as_str())) {
            problems.push(format!("ARCHITECTURE.md: the crate graph names `{name}`, which is no crate of this workspace"));
        }
    }
    problems
}

fn read(architecture: &str) -> Result<BTreeMap<String, Row>, String> {
    let (_, rest) = architecture.split_once(START).ok_or_else(|| format!("there is no `{START}`"))?;
    let (table, _) = rest.split_once(END).ok_or_else(|| format!("there is no `{END}`"))?;
    let mut rows = BTreeMap::new();
    for line in table.lines().map(str::trim).filter(|line| line.starts_with('|')) {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (Some(name), Some(uses)) = (cells.next(), cells.next()) else {
            return Err(format!("a row of the crate graph needs two columns: `{line}`"));
        };
        // The heading and the line under it name no crate: crates stand in backticks.
        let Some(names) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
        if rows.insert(names.to_owned(), row(uses)).is_some() {
            return Err(format!("the crate graph has two rows for `{names}`"));
        }
    }
    if rows.is_empty() { Err("the crate graph has no rows".to_owned()) } else { Ok(rows) }
}

fn row(uses: &str) -> Row {
    let mut row = Row::default();
    for word in uses.split([',', ' ']).map(|word| word.trim_matches('`')).filter(|word| !word.is_empty()) {
        match word {
            "all" => row.all = true,
            "–" | "-" | "—" => {}
            later if later.starts_with('(') && later.ends_with(')') => {
                row.permitted.insert(full_name(later.trim_matches(['(', ')', '`'])));
            }
            name => {
                row.used.insert(full_name(name));
            }
        }
    }
    row
}

fn full_name(name: &str) -> String {
    if name.starts_with("tegata") { name.to_owned() } else { format!("tegata-{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
text before
<!-- crate-graph -->
| crate | may use |
|---|---|
| `tegata-model` | – |
| `tegata-core` | model, (sign) |
| `tegata-sign` | model |
| `xtask` | all |
<!-- /crate-graph -->
| `tegata-ghost` | outside the markers |";

    fn member(name: &str, uses: &[&str]) -> Member {
        let uses = uses.iter().map(|&name| name.to_owned()).collect();
        Member {
            name: name.to_owned(),
            manifest: "Cargo.toml".into(),
            uses,
            binaries: Vec::new(),
            outside: Vec::new(),
            tool: name == "bench",
        }
    }

    fn good() -> Vec<Member> {
        vec![
            member("tegata-core", &["tegata-model"]),
            member("tegata-model", &[]),
            member("tegata-sign", &["tegata-model"]),
            member("xtask", &["tegata-core", "tegata-sign"]),
        ]
    }

    #[test]
    fn a_graph_as_in_the_table_is_clean_with_and_without_the_permitted_edge() {
        assert_eq!(check(TABLE, &good()), Vec::<String>::new());
        let mut members = good();
        members[0] = member("tegata-core", &["tegata-model", "tegata-sign"]);
        assert_eq!(check(TABLE, &members), Vec::<String>::new());
    }

    #[test]
    fn a_new_edge_is_named_with_what_to_do() {
        let mut members = good();
        members[2] = member("tegata-sign", &["tegata-core", "tegata-model"]);
        let problems = check(TABLE, &members);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("new edge tegata-sign → tegata-core") && problems[0].contains("argue"), "{problems:?}");
    }

    #[test]
    fn a_missing_edge_is_named_with_what_to_do() {
        let mut members = good();
        members[0] = member("tegata-core", &["tegata-sign"]);
        let problems = check(TABLE, &members);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("missing edge tegata-core → tegata-model"), "{problems:?}");
    }

    #[test]
    fn unknown_and_unlisted_crates_are_named() {
        let mut members = good();
        members.push(member("tegata-new", &[]));
        members.remove(2);
        let problems = check(TABLE, &members).join("\n");
        assert!(problems.contains("crate `tegata-new` is not in the crate graph"), "{problems}");
        assert!(problems.contains("names `tegata-sign`, which is no crate"), "{problems}");
        assert!(!problems.contains("ghost"), "{problems}");
    }

    #[test]
    fn tools_need_no_row_and_are_used_by_nothing() {
        let mut members = good();
        members.push(member("bench", &["tegata-core", "tegata-sign"]));
        assert_eq!(check(TABLE, &members), Vec::<String>::new());
        // Not even where everything else is permitted.
        members[3] = member("xtask", &["bench"]);
        let problems = check(TABLE, &members);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("xtask → bench"), "{problems:?}");
    }

    #[test]
    fn a_table_that_is_not_there_or_empty_is_a_finding() {
        for text in ["", START, "<!-- crate-graph -->\n<!-- /crate-graph -->", "<!-- crate-graph -->\n| `a` |\n<!-- /crate-graph -->"] {
            assert_eq!(check(text, &good()).len(), 1, "{text}");
        }
        let twice = TABLE.replace("| `xtask` | all |", "| `xtask` | all |\n| `xtask` | – |");
        assert!(check(&twice, &good())[0].contains("two rows"));
    }
}
