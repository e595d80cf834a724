//! Inputs to begin with: the recorded vectors, which real clients made.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// The files of `vectors/` that targets take inputs from.
#[derive(Debug)]
pub struct Vectors {
    rpc: Value,
    acs3: Value,
    oss_v1: Value,
    oss_v4: Value,
    policies: Value,
}

impl Vectors {
    /// Reads the files in `folder`.
    ///
    /// # Errors
    /// A text for people: a file is absent or is not JSON.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Self {
            rpc: read("rpc-v1.json")?,
            acs3: read("acs3.json")?,
            oss_v1: read("oss-v1.json")?,
            oss_v4: read("oss-v4.json")?,
            policies: read("ram-policy.json")?,
        })
    }

    /// `vectors/` of the working directory if there is one, otherwise of the source tree this was built from.
    pub fn folder() -> PathBuf {
        let here = PathBuf::from("vectors");
        if here.is_dir() { here } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors") }
    }

    /// RPC requests in the text form of [`crate::wire`].
    pub fn rpc(&self) -> Vec<Vec<u8>> {
        requests(&self.rpc)
    }

    /// ACS3 requests.
    pub fn acs3(&self) -> Vec<Vec<u8>> {
        requests(&self.acs3)
    }

    /// OSS V1 requests, signed in header and URL.
    pub fn oss_v1(&self) -> Vec<Vec<u8>> {
        requests(&self.oss_v1)
    }

    /// OSS V4 requests, signed in header and URL.
    pub fn oss_v4(&self) -> Vec<Vec<u8>> {
        requests(&self.oss_v4)
    }

    /// Policy documents of both kinds, good and malformed.
    pub fn policies(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        documents(&self.policies, &mut found);
        found.into_iter().map(String::into_bytes).collect()
    }

    /// The `Authorization` values of all recorded requests.
    pub fn authorizations(&self) -> Vec<Vec<u8>> {
        let all = [self.acs3(), self.oss_v1(), self.oss_v4()].concat();
        let texts = all.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok());
        let lines = texts.flat_map(str::lines).filter_map(|line| line.split_once(": "));
        lines.filter(|(name, _)| *name == "authorization").map(|(_, value)| value.as_bytes().to_vec()).collect()
    }
}

/// The requests of the cases of a file. The two shapes are those of the recorded files.
fn requests(file: &Value) -> Vec<Vec<u8>> {
    let cases = file.get("cases").and_then(Value::as_array).into_iter().flatten();
    cases.filter_map(|case| request(case.get("request").unwrap_or(case))).collect()
}

fn request(case: &Value) -> Option<Vec<u8>> {
    let text = |name: &str| case.get(name).and_then(Value::as_str);
    let target = text("target").or_else(|| text("request_target"))?;
    let mut out = format!("{} {target}\n", text("method")?);
    let mut header = |name: &str, value: &str| {
        let _ = writeln!(out, "{}: {value}", name.to_ascii_lowercase());
    };
    match case.get("headers")? {
        Value::Array(pairs) => {
            for pair in pairs {
                header(pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                header(name, value.as_str()?);
            }
        }
        _ => return None,
    }
    out.push('\n');
    out.push_str(text("body").unwrap_or_default());
    Some(out.into_bytes())
}

/// Everything below `value` that is a policy document, as text.
fn documents(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) if members.contains_key("Statement") || members.contains_key("Version") => found.push(value.to_string()),
        Value::Object(members) => members.values().for_each(|member| documents(member, found)),
        Value::Array(items) => items.iter().for_each(|item| documents(item, found)),
        Value::String(text) if text.starts_with('{') => found.push(text.clone()),
        _ => {}
    }
}
