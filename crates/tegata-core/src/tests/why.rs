//! What `why` says would allow something does allow it, and nothing less does: on random policies of two layers.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use tegata_policy::{Context, DocumentKind, Layer, LayerKind, Policy, Request, Resource, evaluate, ram};

use crate::{
    error::layer_words,
    why::{Reasons, changes},
};

const RESOURCE: &str = "acs:oss:*:1000000000000001:media/a.jpg";
const ACTION: &str = "oss:GetObject";
const KINDS: [LayerKind; 2] = [LayerKind::Session, LayerKind::Identity];

fn statement() -> impl Strategy<Value = Value> {
    let condition = select(vec![
        None,
        None,
        Some(json!({"StringEquals": {"k": "a"}})),
        Some(json!({"StringEquals": {"k": "b"}})),
        Some(json!({"NumericLessThan": {"k": "5"}})),
    ]);
    let action = select(vec!["*", "oss:*", "oss:GetObject", "oss:PutObject", "sts:*"]);
    let resource = select(vec!["*", "acs:oss:*:*:media/*", "acs:oss:*:*:other/*"]);
    (select(vec!["Allow", "Allow", "Deny"]), action, resource, condition).prop_map(|(effect, action, resource, condition)| {
        let mut out = json!({"Effect": effect, "Action": action, "Resource": resource});
        if let Some(condition) = condition {
            out["Condition"] = condition;
        }
        out
    })
}

/// The documents of each layer: labelled `s0`, `s1`, … and `i0`, `i1`, …
type Stack = [Vec<Vec<Value>>; 2];

fn stack() -> impl Strategy<Value = Stack> {
    let layer = || prop::collection::vec(prop::collection::vec(statement(), 1..4), 1..3);
    [layer(), layer()]
}

fn compiled(stack: &Stack) -> [Vec<Policy>; 2] {
    std::array::from_fn(|layer| {
        let documents = stack.get(layer).map_or(&[][..], Vec::as_slice).iter().enumerate();
        documents
            .map(|(at, statements)| {
                let text = json!({"Version": "1", "Statement": statements}).to_string();
                ram::parse(&text, DocumentKind::Identity).unwrap().labelled(format!("{}{at}", ["s", "i"][layer]))
            })
            .collect()
    })
}

/// Whether the stack allows, and what `why` says would make it.
fn asked(stack: &Stack) -> (bool, Vec<String>) {
    let mut context = Context::new();
    context.set("k", "a");
    let request = Request { action: ACTION, alias: None, resource: Resource::parse(RESOURCE).unwrap(), principal: None, context: &context };
    let policies = compiled(stack);
    let layers: Vec<Layer<'_>> =
        KINDS.iter().zip(&policies).map(|(kind, policies)| Layer { kind: *kind, policies: policies.iter().collect() }).collect();
    let verdict = evaluate(&request, &layers);
    let told = changes(ACTION, RESOURCE, &verdict.layers, &Reasons::of(&request, &layers));
    (verdict.allowed, if verdict.allowed { Vec::new() } else { told })
}

/// Does what a sentence says.
fn follow(stack: &mut Stack, sentence: &str) {
    let (layer, what) = KINDS
        .iter()
        .enumerate()
        .find_map(|(at, kind)| Some((at, sentence.strip_prefix(&format!("in {}: ", layer_words(*kind)))?)))
        .unwrap_or_else(|| panic!("{sentence}"));
    let named = |text: &str| -> Vec<(usize, usize)> {
        let one = |text: &str| {
            let (label, index) = text.trim_start_matches('`').split_once("` statement ").unwrap();
            (label.get(1..).unwrap().parse().unwrap(), index.parse::<usize>().unwrap() - 1)
        };
        text.split(" and ").map(one).collect()
    };
    if let Some(added) = what.strip_prefix("add ") {
        stack[layer].push(vec![serde_json::from_str(added).unwrap()]);
    } else if let Some(text) = what.strip_prefix("remove or narrow the Deny of ") {
        for (document, index) in named(text) {
            stack[layer][document][index] = json!({"Effect": "Deny", "Action": "none:Nothing", "Resource": "*"});
        }
    } else if let Some(text) = what.strip_prefix("meet or widen the condition of ") {
        for (document, index) in named(text) {
            stack[layer][document][index].as_object_mut().unwrap().remove("Condition");
        }
    } else {
        panic!("{sentence}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_changes_that_why_names_flip_the_decision_and_no_part_of_them_does(stack in stack()) {
        let (allowed, told) = asked(&stack);
        prop_assert_eq!(allowed, told.is_empty());
        if !allowed {
            let mut changed = stack.clone();
            for sentence in &told {
                follow(&mut changed, sentence);
            }
            prop_assert!(asked(&changed).0, "{:?}", told);
            for left_out in 0..told.len() {
                let mut part = stack.clone();
                told.iter().enumerate().filter(|(at, _)| *at != left_out).for_each(|(_, sentence)| follow(&mut part, sentence));
                prop_assert!(!asked(&part).0, "{:?} without {}", told, left_out);
            }
        }
    }
}
