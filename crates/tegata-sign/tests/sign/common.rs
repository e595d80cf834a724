//! A request that owns its text, and the ways to spoil one.

use aws_lc_rs::digest;
use serde_json::Value;
use tegata_sign::{Arrived, form};

pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn vectors(file: &str) -> Value {
    let path = format!("{}/../../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}`"))
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Pairs,
    pub(crate) headers: Pairs,
    pub(crate) form: Pairs,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str, headers: Pairs, body: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_form = headers.iter().any(|(name, value)| name == "content-type" && value == "application/x-www-form-urlencoded");
        Self {
            method: method.into(),
            path: path.into(),
            query: form::decode(query).unwrap(),
            headers,
            form: if is_form { form::decode(body).unwrap() } else { Pairs::new() },
            body: body.into(),
        }
    }

    pub(crate) fn arrived(&self) -> Arrived<'_> {
        Arrived {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            form: &self.form,
            body_sha256: Some(sha256(&self.body)),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().chain(&self.form).find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// This request, changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut copy = self.clone();
        change(&mut copy);
        copy
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 0x0F]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

pub(crate) fn pair(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

/// `[["Name", "value"], …]` or `{"Name": "value", …}`, names in lower case as the edge delivers them.
pub(crate) fn header_list(value: &Value) -> Pairs {
    match value {
        Value::Array(list) => list.iter().map(|h| pair(&h[0].as_str().unwrap().to_lowercase(), h[1].as_str().unwrap())).collect(),
        Value::Object(map) => map.iter().map(|(name, v)| pair(&name.to_lowercase(), v.as_str().unwrap())).collect(),
        _ => panic!("no headers"),
    }
}

/// A text that differs a little: last digit or letter replaced, so that dates and numbers stay well-formed.
pub(crate) fn nudged(value: &str) -> String {
    let mut chars: Vec<char> = value.chars().collect();
    match chars.iter().rposition(char::is_ascii_digit).or_else(|| chars.len().checked_sub(1)) {
        Some(at) => {
            chars[at] = match chars[at] {
                c if c.is_ascii_digit() => char::from(b'0' + (u8::try_from(c).unwrap() - b'0' + 1) % 10),
                'x' => 'y',
                _ => 'x',
            };
        }
        None => chars.push('x'),
    }
    chars.into_iter().collect()
}

/// Every way to spoil entry `at` of a list: another value, a longer one, another name, gone, twice.
pub(crate) fn spoiled(list: &Pairs, at: usize) -> Vec<(&'static str, Pairs)> {
    let change = |f: &dyn Fn(&mut Pairs)| {
        let mut copy = list.clone();
        f(&mut copy);
        copy
    };
    vec![
        ("nudged", change(&|l| l[at].1 = nudged(&l[at].1))),
        ("longer", change(&|l| l[at].1.push('x'))),
        ("spaced", change(&|l| l[at].1.insert_str(0, "a b"))),
        ("renamed", change(&|l| l[at].0.push('x'))),
        ("gone", change(&|l| drop(l.remove(at)))),
        ("twice", change(&|l| l.insert(at, l[at].clone()))),
    ]
}
