//! What is named as deciding is deciding: with exactly those statements gone or turned round the answer changes, and no other
//! statement changes it by going.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::properties::{Asked, asked, compile, statement};
use crate::*;

/// Two policies, so that names as well as numbers count.
fn documents() -> impl Strategy<Value = Vec<Vec<Value>>> {
    prop::collection::vec(prop::collection::vec(statement(&["Allow", "Allow", "Allow", "Deny"]), 1..5), 1..3)
}

/// The decision on documents, those statements left out for which `keep` is false, the others as `change` makes them.
fn decided(
    asked: &Asked,
    documents: &[Vec<Value>],
    keep: impl Fn(&StatementRef) -> bool,
    change: impl Fn(&StatementRef, Value) -> Value,
) -> Decision {
    let mut policies = Vec::new();
    for (at, statements) in documents.iter().enumerate() {
        let label = format!("p{at}");
        // What is left out keeps its place: it becomes a statement about nothing.
        let statements: Vec<Value> = statements
            .iter()
            .enumerate()
            .map(|(index, statement)| {
                let here = StatementRef { policy: label.as_str().into(), index: index + 1 };
                if keep(&here) {
                    change(&here, statement.clone())
                } else {
                    json!({"Effect": "Allow", "Action": "none:Nothing", "Resource": "acs:none:::none"})
                }
            })
            .collect();
        policies.push(compile(&statements).labelled(label));
    }
    decide(&asked.request(), &policies)
}

fn as_it_is(_: &StatementRef, statement: Value) -> Value {
    statement
}

fn turned(mut statement: Value) -> Value {
    let effect = if statement["Effect"] == "Allow" { "Deny" } else { "Allow" };
    statement["Effect"] = json!(effect);
    statement
}

fn all(documents: &[Vec<Value>]) -> Vec<StatementRef> {
    let of = |(at, statements): (usize, &Vec<Value>)| -> Vec<StatementRef> {
        (1..=statements.len()).map(|index| StatementRef { policy: format!("p{at}").into(), index }).collect()
    };
    documents.iter().enumerate().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_named_as_deciding_is_deciding(asked in asked(), documents in documents()) {
        let before = decided(&asked, &documents, |_| true, as_it_is);
        let named = before.by().to_vec();
        let without = decided(&asked, &documents, |at| !named.contains(at), as_it_is);
        let flipped = decided(&asked, &documents, |_| true, |at, statement| {
            if named.contains(at) { turned(statement) } else { statement }
        });
        match &before {
            Decision::Allow { .. } => {
                prop_assert_eq!(without, Decision::ImplicitDeny);
                prop_assert_eq!(flipped, Decision::ExplicitDeny { by: named.clone() });
            }
            Decision::ExplicitDeny { .. } => {
                // What was hidden behind the Deny decides: an Allow that applies, or nothing.
                prop_assert!(!matches!(&without, Decision::ExplicitDeny { .. }), "{:?}", without);
                prop_assert!(!matches!(&flipped, Decision::ExplicitDeny { .. }), "{:?}", flipped);
            }
            Decision::ImplicitDeny => prop_assert_eq!(&without, &before),
        }
        // Any part of the set is not enough.
        for kept in &named {
            let part = decided(&asked, &documents, |at| at == kept || !named.contains(at), as_it_is);
            prop_assert_eq!(part.is_allow(), before.is_allow());
            prop_assert_eq!(part.by(), std::slice::from_ref(kept));
        }
        // Nothing else matters.
        for other in all(&documents).iter().filter(|other| !named.contains(other)) {
            let gone = decided(&asked, &documents, |at| at != other, as_it_is);
            prop_assert_eq!(&gone, &before, "without {}", other);
        }
    }
}
