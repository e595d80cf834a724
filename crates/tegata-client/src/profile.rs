//! Profiles: which server, which key. Kept in the file of the vendor's command line, `~/.aliyun/config.json`, in its form.
//!
//! Everything in the file that is not ours to understand is kept as it is.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::Serialize as _;
use serde_json::{Map, Value};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};

use crate::{
    Credential,
    private_file::{self, PrivateFileError},
    sign_in,
};

/// Where a profile's key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A long-term key.
    Ak,
    /// A temporary key that somebody put there.
    StsToken,
    /// A role, taken on with the profile's own key.
    RamRoleArn,
    /// A role, taken on with the key of another profile.
    ChainableRamRoleArn,
    /// A role, taken on with the token that an identity provider keeps in a file; no key at all.
    Oidc,
    /// A URL that answers with a temporary key.
    CredentialsUri,
    /// A program that prints a key.
    External,
    /// A session of the SORACOM wire. In the file such a profile is one of a program, this one; the rest is in [`crate::sam::profile`].
    Soracom,
    /// A person at a browser. The vendor's command line keeps the tokens in the profile; this one turns it into [`Self::External`].
    OAuth,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 9] = [
        Self::Ak,
        Self::StsToken,
        Self::RamRoleArn,
        Self::ChainableRamRoleArn,
        Self::Oidc,
        Self::CredentialsUri,
        Self::External,
        Self::Soracom,
        Self::OAuth,
    ];

    /// As the file spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ak => "AK",
            Self::StsToken => "StsToken",
            Self::RamRoleArn => "RamRoleArn",
            Self::ChainableRamRoleArn => "ChainableRamRoleArn",
            Self::Oidc => "OIDC",
            Self::CredentialsUri => "CredentialsURI",
            Self::External => "External",
            Self::Soracom => "SORACOM",
            Self::OAuth => "OAuth",
        }
    }

    /// The fields without which a profile of this mode says nothing.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Ak => &["access_key_id", "access_key_secret"],
            Self::StsToken => &["access_key_id", "access_key_secret", "sts_token"],
            Self::RamRoleArn => &["access_key_id", "access_key_secret", "ram_role_arn", "ram_session_name"],
            Self::ChainableRamRoleArn => &["source_profile", "ram_role_arn", "ram_session_name"],
            Self::Oidc => &["oidc_provider_arn", "oidc_token_file", "ram_role_arn", "ram_session_name"],
            Self::CredentialsUri => &["credentials_uri"],
            Self::External => &["process_command"],
            Self::Soracom | Self::OAuth => &[],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            let instead = if text.eq_ignore_ascii_case("CloudSSO") { "; `tegata login --device` signs in as that mode does" } else { "" };
            format!("the mode `{text}` is not known to this program{instead}; it knows {known}")
        })
    }
}

/// Why a profile could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file could not be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The file is not what it should be.
    #[error("`{path}` cannot be read: {problem}; nothing was changed", path = .path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There is no such profile.
    #[error("there is no profile `{name}`{}", there_are(.known))]
    Unknown {
        /// The name asked for.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// A profile says something that cannot be used.
    #[error("the profile `{name}`: {problem}")]
    Unusable {
        /// Which.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

fn there_are(names: &[String]) -> String {
    match names {
        [] => "; make one with `tegata configure`".to_owned(),
        names => format!("; there are `{}`", names.join("`, `")),
    }
}

/// One profile: what the file says, with names for what we understand of it. Its `Debug` shows no value.
#[derive(Clone)]
pub struct Profile(Map<String, Value>);

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("name", &self.name()).field("mode", &self.text("mode")).finish_non_exhaustive()
    }
}

impl Profile {
    /// An empty profile.
    pub fn new(name: &str) -> Self {
        Self(Map::from_iter([("name".to_owned(), Value::from(name))]))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// A field, if it is there and not empty.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A field that is a number.
    pub fn number(&self, field: &str) -> Option<i64> {
        self.0.get(field).and_then(Value::as_i64).filter(|&number| number != 0)
    }

    /// Writes a field; nothing or an empty text takes it out.
    pub fn set(&mut self, field: &str, value: Option<Value>) {
        match value.filter(|value| value.as_str() != Some("")) {
            Some(value) => _ = self.0.insert(field.to_owned(), value),
            None => _ = self.0.remove(field),
        }
    }

    /// The mode. One that is not said follows from what is there, as in the vendor's command line.
    pub fn mode(&self) -> Result<Mode, ProfileError> {
        let Some(text) = self.text("mode") else {
            let has = |field| self.text(field).is_some();
            return Ok(match () {
                () if has("sts_token") => Mode::StsToken,
                () if has("oidc_token_file") && !has("access_key_id") => Mode::Oidc,
                () if has("ram_role_arn") => Mode::RamRoleArn,
                () if has("process_command") => Mode::External,
                () => Mode::Ak,
            });
        };
        text.parse().map_err(|problem| self.unusable(problem))
    }

    /// A field that must be there.
    pub fn required(&self, field: &'static str) -> Result<&str, ProfileError> {
        self.text(field)
            .ok_or_else(|| self.unusable(format!("`{field}` is missing; add it with `tegata configure --profile {}`", self.name())))
    }

    /// The key that stands in the profile.
    pub fn credential(&self) -> Result<Credential, ProfileError> {
        let id = self.required("access_key_id")?;
        let access_key_id = AccessKeyId::new(id).map_err(|error| self.unusable(format!("`access_key_id`: {error}")))?;
        let key = Credential::long_term(access_key_id, SecretKey::new(self.required("access_key_secret")?.to_owned()));
        let token = self.text("sts_token").map(|token| SecretKey::new(token.to_owned()));
        Ok(Credential { expires_at: self.number("sts_expiration").map(Timestamp::from_unix), ..key.with_token(token) })
    }

    pub(crate) fn unusable(&self, problem: impl Into<String>) -> ProfileError {
        ProfileError::Unusable { name: self.name().to_owned(), problem: problem.into() }
    }

    /// Every field with its value; secrets as their last three characters.
    pub fn shown(&self) -> Map<String, Value> {
        let secret = |name: &str| {
            const OPEN: [&str; 4] = ["access_key_id", "key_pair_name", "bearer_token_header_key", "oidc_token_file"];
            !OPEN.contains(&name)
                && !name.ends_with("_expire")
                && ["secret", "token", "key", "password"].iter().any(|word| name.to_ascii_lowercase().contains(word))
        };
        let show = |(name, value): (&String, &Value)| {
            let shown = match value {
                value if !secret(name) => value.clone(),
                Value::String(text) if text.chars().count() > 12 => {
                    let end: String = text.chars().skip(text.chars().count() - 3).collect();
                    Value::from(format!("***{end}"))
                }
                _ => Value::from("***"),
            };
            (name.clone(), shown)
        };
        self.0.iter().map(show).collect()
    }
}

/// What the file holds, and where that is.
#[derive(Clone)]
pub struct Profiles(Map<String, Value>, PathBuf);

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Profiles").field(&self.names()).finish()
    }
}

impl Profiles {
    fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(Map::new(), PathBuf::new()));
        }
        // The position is told and nothing of the text: it is full of secrets.
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON at line {}, column {}", error.line(), error.column()))?;
        let Value::Object(whole) = value else { return Err("it is not a JSON object".to_owned()) };
        match whole.get("profiles") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) if list.iter().all(Value::is_object) => {}
            Some(_) => return Err("`profiles` is not a list of objects".to_owned()),
        }
        Ok(Self(whole, PathBuf::new()))
    }

    fn list(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.0.get("profiles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    /// The names in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.list().filter_map(|profile| profile.get("name")?.as_str().map(str::to_owned)).collect()
    }

    /// The name of the current profile.
    pub fn current(&self) -> Option<&str> {
        self.0.get("current").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// The profile of this name.
    pub fn find(&self, name: &str) -> Option<Profile> {
        self.list().find(|profile| profile.get("name").and_then(Value::as_str) == Some(name)).cloned().map(Profile)
    }

    /// The profile of this name, which must be there.
    pub fn named(&self, name: &str) -> Result<Profile, ProfileError> {
        self.find(name).ok_or_else(|| ProfileError::Unknown { name: name.to_owned(), known: self.names() })
    }

    /// The sign-in that lies beside the file for the profile of this name, and its mark. One that cannot be read counts as none here:
    /// whoever then runs the profile's program is told what is wrong.
    pub(crate) fn sign_in(&self, name: &str) -> Option<(PathBuf, String)> {
        let file = sign_in::place(&self.1, name)?;
        let mark = sign_in::Kept::read(&file).ok()??.mark();
        Some((file, mark))
    }

    /// Adds a profile, or replaces the one of its name.
    pub fn put(&mut self, profile: Profile) {
        let list = self.0.entry("profiles").or_insert_with(|| Value::Array(Vec::new()));
        if list.is_null() {
            *list = Value::Array(Vec::new());
        }
        let Value::Array(list) = list else { return };
        let name = Value::from(profile.name());
        match list.iter_mut().find(|found| found.get("name") == Some(&name)) {
            Some(found) => *found = Value::Object(profile.0),
            None => list.push(Value::Object(profile.0)),
        }
    }

    /// Makes a profile the current one.
    pub fn use_profile(&mut self, name: &str) -> Result<(), ProfileError> {
        let name = self.named(name)?.name().to_owned();
        self.0.insert("current".to_owned(), name.into());
        Ok(())
    }

    /// Takes a profile out. If it was the current one, the first that is left becomes it, or `default`.
    pub fn delete(&mut self, name: &str) -> Result<(), ProfileError> {
        self.named(name)?;
        if let Some(Value::Array(list)) = self.0.get_mut("profiles") {
            list.retain(|profile| profile.get("name").and_then(Value::as_str) != Some(name));
        }
        if self.current() == Some(name) {
            let first = self.names().into_iter().next().unwrap_or_else(|| "default".to_owned());
            self.0.insert("current".to_owned(), first.into());
        }
        Ok(())
    }

    /// The text of the file, as the vendor's command line writes it: tabs, no line end.
    fn to_text(&self) -> Vec<u8> {
        let mut whole = self.0.clone();
        whole.entry("current").or_insert_with(|| "default".into());
        whole.entry("profiles").or_insert_with(|| Value::Array(Vec::new()));
        whole.entry("meta_path").or_insert_with(|| "".into());
        let mut text = Vec::new();
        let form = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        // A map of JSON values is always JSON, and memory does not refuse to be written.
        let _ = whole.serialize(&mut serde_json::Serializer::with_formatter(&mut text, form));
        text
    }
}

/// The file of the profiles.
#[derive(Debug, Clone)]
pub struct ProfileFile {
    path: PathBuf,
}

impl ProfileFile {
    /// The file at this place, whether it is there or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; nothing if it is not there.
    pub fn read(&self) -> Result<Profiles, ProfileError> {
        let text = private_file::read(&self.path)?.unwrap_or_default();
        let found = Profiles::parse(&text).map(|found| Profiles(found.0, self.path.clone()));
        found.map_err(|problem| ProfileError::Malformed { path: self.path.clone(), problem })
    }

    /// Changes it: alone, from what it holds at that moment, and in one step.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Profiles) -> Result<T, ProfileError>) -> Result<T, ProfileError> {
        let _held = private_file::lock(&self.path)?;
        let mut profiles = self.read()?;
        let done = change(&mut profiles)?;
        private_file::write(&self.path, &profiles.to_text())?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FOREIGN: &str = r#"{"current":"sso","meta_path":"","next_thing":{"a":[1,2.5,null]},"profiles":[
        {"name":"sso","mode":"CloudSSO","access_token":"t-secret-token-value","cloud_sso_access_token_expire":18446744073709551615,"later":{"x":true}},
        {"name":"key","mode":"AK","access_key_id":"LTAI5tExample0000000abc","access_key_secret":"example-secret-0123456789","region_id":"cn-hangzhou"}]}"#;

    fn file() -> (tempfile::TempDir, ProfileFile) {
        let home = tempfile::tempdir().unwrap();
        let file = ProfileFile::at(home.path().join(".aliyun/config.json"));
        (home, file)
    }

    #[test]
    fn nothing_is_lost_that_we_do_not_know() {
        let (_home, file) = file();
        private_file::write(file.path(), FOREIGN.as_bytes()).unwrap();
        file.edit(|profiles| {
            let mut key = profiles.named("key")?;
            key.set("region_id", Some("cn-shanghai".into()));
            profiles.put(key);
            profiles.put(Profile::new("new"));
            profiles.use_profile("new")
        })
        .unwrap();
        let mut expected: Value = serde_json::from_str(FOREIGN).unwrap();
        expected["current"] = "new".into();
        expected["profiles"][1]["region_id"] = "cn-shanghai".into();
        expected["profiles"].as_array_mut().unwrap().push(serde_json::json!({"name": "new"}));
        let text = fs::read_to_string(file.path()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        assert!(text.contains("\n\t\"profiles\": [\n\t\t{") && !text.ends_with('\n'), "{text}");
    }

    #[test]
    fn a_deleted_current_profile_hands_over() {
        let (_home, file) = file();
        private_file::write(file.path(), FOREIGN.as_bytes()).unwrap();
        file.edit(|profiles| profiles.delete("sso")).unwrap();
        assert_eq!(file.read().unwrap().current(), Some("key"));
        file.edit(|profiles| profiles.delete("key")).unwrap();
        assert_eq!(file.read().unwrap().current(), Some("default"));
        let told = file.edit(|profiles| profiles.delete("key")).unwrap_err().to_string();
        assert!(told.contains("no profile `key`") && told.contains("configure"), "{told}");
    }

    #[test]
    fn a_broken_file_is_told_without_its_text_and_left_alone() {
        let (_home, file) = file();
        for broken in ["{\"current\":\"x\",\n \"secret-text", "[]", "{\"profiles\":[1]}", "{\"profiles\":{}}"] {
            private_file::write(file.path(), broken.as_bytes()).unwrap();
            let told = file.edit(|profiles| profiles.use_profile("x")).unwrap_err().to_string();
            assert!(told.contains("config.json") && !told.contains("secret-text"), "{told}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), broken);
        }
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let profiles = Profiles::parse(FOREIGN).unwrap();
        let told = format!("{:?} {:?} {:?}", profiles, profiles.named("key").unwrap().shown(), profiles.named("sso").unwrap().shown());
        assert!(!told.contains("example-secret") && !told.contains("t-secret") && told.contains("LTAI5tExample"), "{told}");
    }

    #[test]
    fn modes_are_read_in_any_case_and_guessed_when_absent() {
        for mode in Mode::ALL {
            assert_eq!(mode.as_str().to_uppercase().parse(), Ok(mode));
        }
        let told = Profiles::parse(FOREIGN).unwrap().named("sso").unwrap().mode().unwrap_err().to_string();
        assert!(told.contains("CloudSSO") && told.contains("ChainableRamRoleArn"), "{told}");
        let mut profile = Profile::new("p");
        assert_eq!(profile.mode().unwrap(), Mode::Ak);
        profile.set("process_command", Some("x".into()));
        assert_eq!(profile.mode().unwrap(), Mode::External);
        profile.set("sts_token", Some("x".into()));
        assert_eq!(profile.mode().unwrap(), Mode::StsToken);
    }
}
