//! Our own profiles of mode SORACOM: one file for each beside the file of the profiles, for one user only.
//!
//! The file of the profiles names this program as the one that gives a key, so that every tool that reads it can use the profile; what
//! belongs to this wire stands in a file of its own, because the vendor's program drops what it does not know when it writes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Login, Members, command::ProfileCommand};
use crate::private_file;

/// Sessions live at least so long.
const SHORTEST: u64 = 180;
/// Sessions live at most so long: two days.
const LONGEST: u64 = 172_800;
/// Sessions by switching live at most so long.
const LONGEST_SWITCHED: u64 = 3600;
/// How long a session lives if the profile does not say: a working day.
const USUAL: Duration = Duration::from_hours(8);

/// One profile.
#[derive(Debug, Clone)]
pub struct SamProfile {
    /// Its name.
    pub name: String,
    members: Members,
}

/// Where the profiles of this mode are.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// Beside this file of profiles.
    pub fn beside(file: &Path) -> Self {
        Self { folder: file.parent().map(Path::to_owned).unwrap_or_default() }
    }

    /// The file of a profile; nothing for names that no such profile has.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let plain = !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        plain.then(|| self.folder.join(format!("tegata-sam-{name}.json")))
    }

    /// A profile, if there is one of this name.
    pub fn find(&self, name: &str) -> Result<Option<SamProfile>, String> {
        let Some(path) = self.path(name) else { return Ok(None) };
        let Some(text) = private_file::read(&path).map_err(|error| error.to_string())? else { return Ok(None) };
        let text = zeroize::Zeroizing::new(text);
        let members = Members::read(&text).map_err(|problem| format!("`{}`: {problem}", path.display()))?;
        SamProfile::new(name, members).map(Some)
    }

    /// A profile that must be there.
    pub fn named(&self, name: &str) -> Result<SamProfile, String> {
        self.find(name)?
            .ok_or_else(|| format!("there is no profile `{name}` of mode SORACOM; make one with `tegata configure --mode SORACOM`"))
    }

    /// Writes a profile, 0600 and in one step.
    pub fn put(&self, profile: &SamProfile) -> Result<(), String> {
        let path = self.path(&profile.name).ok_or_else(|| bad_name(&profile.name))?;
        let text = zeroize::Zeroizing::new(profile.members.to_json().to_string());
        private_file::write(&path, text.as_bytes()).map_err(|error| error.to_string())
    }

    /// Takes a profile away; true if it was there.
    pub fn delete(&self, name: &str) -> Result<bool, String> {
        let Some(path) = self.path(name) else { return Ok(false) };
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(format!("`{}` cannot be removed: {error}", path.display())),
        }
    }
}

/// What is wrong with the name of a profile.
pub fn bad_name(name: &str) -> String {
    format!("`{name}` cannot be the name of a profile of this mode: letters, digits, `-` and `_` can, 64 at most")
}

impl SamProfile {
    /// A profile of these members, which must mean something.
    pub fn new(name: &str, members: Members) -> Result<Self, String> {
        let profile = Self { name: name.to_owned(), members };
        profile.check().map_err(|problem| format!("the profile `{name}`: {problem}"))?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), String> {
        if let [first, ..] = self.members.unknown() {
            return Err(format!("`{first}` means nothing in a profile of mode SORACOM"));
        }
        self.members.text("endpoint")?.ok_or("`endpoint` is missing: a profile belongs to one server")?;
        self.members.headers()?;
        self.lifetime()?;
        let command = ProfileCommand::of(&self.members)?;
        if command.is_some() {
            return Ok(());
        }
        if self.source_profile()?.is_some() {
            return self.target(&self.members).map(drop);
        }
        Login::of(&self.members).map(drop)
    }

    /// The server. Nothing of this profile is sent anywhere else.
    pub fn endpoint(&self) -> &str {
        self.members.text("endpoint").ok().flatten().unwrap_or_default()
    }

    /// What it says.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The profile whose session switches to this one's user.
    pub fn source_profile(&self) -> Result<Option<&str>, String> {
        self.members.text("sourceProfile")
    }

    /// The program that gives the rest.
    pub fn command(&self) -> Result<Option<ProfileCommand>, String> {
        ProfileCommand::of(&self.members)
    }

    /// Authorities of its server.
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.members.text("caFile").ok().flatten().map(PathBuf::from)
    }

    /// The account and the user that a switch leads to.
    pub fn target<'a>(&self, members: &'a Members) -> Result<(&'a str, &'a str), String> {
        match (members.text("operatorId")?, members.text("userName")?) {
            (Some(operator), Some(user)) => Ok((operator, user)),
            _ => Err("`sourceProfile` switches to another user, and `operatorId` and `userName` have to say which".to_owned()),
        }
    }

    /// How long its sessions live.
    pub fn lifetime(&self) -> Result<Option<Duration>, String> {
        lifetime(&self.members, self.members.text("sourceProfile")?.is_some())
    }

    /// Everything that decides whose session comes out, without passwords and codes: who changes a password ends its sessions on the server.
    pub fn fingerprint(&self) -> Vec<String> {
        let mut open = self.members.clone();
        for secret in ["password", "authKey", "mfaOTPCode", "caFile", "profileCommandTimeoutSeconds"] {
            open.set(secret, None);
        }
        vec![self.name.clone(), open.to_json().to_string()]
    }
}

/// How long sessions of these members live, within what the server allows.
pub(super) fn lifetime(members: &Members, switched: bool) -> Result<Option<Duration>, String> {
    let longest = if switched { LONGEST_SWITCHED } else { LONGEST };
    match members.number("tokenTimeoutSeconds")? {
        None => Ok((!switched).then_some(USUAL)),
        Some(seconds) if (SHORTEST..=longest).contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        Some(_) => Err(format!("`tokenTimeoutSeconds` has to be from {SHORTEST} to {longest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_where_and_with_what() {
        let read = |text: &str| SamProfile::new("p", Members::read(text)?);
        let good = r#"{"endpoint":"http://h","profileCommand":"op x"}"#;
        assert_eq!(read(good).unwrap().endpoint(), "http://h");
        for (wrong, told) in [
            (r#"{"profileCommand":"op x"}"#, "`endpoint` is missing"),
            (r#"{"endpoint":"http://h"}"#, "nobody can sign in"),
            (r#"{"endpoint":"http://h","sourceProfile":"s","operatorId":"OP1"}"#, "`userName`"),
            (r#"{"endpoint":"http://h","profileCommand":"op x","tokenTimeoutSeconds":60}"#, "from 180"),
            (r#"{"endpoint":"http://h","sourceProfile":"s","operatorId":"o","userName":"u","tokenTimeoutSeconds":3601}"#, "to 3600"),
            (r#"{"endpoint":"http://h","profileCommand":"a | b"}"#, "`|`"),
            (r#"{"endpoint":"http://h","profileCommand":"a","pasword":"x"}"#, "`pasword`"),
        ] {
            let problem = read(wrong).unwrap_err();
            assert!(problem.contains(told) && problem.contains("`p`"), "{wrong}: {problem}");
        }
    }

    #[test]
    fn a_profile_is_a_file_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::beside(&home.path().join("config.json"));
        let members = Members::read(r#"{"endpoint":"http://h","email":"a@b","password":"pw"}"#).unwrap();
        let profile = SamProfile::new("sam", members).unwrap();
        assert!(!profile.fingerprint().concat().contains("pw"));
        shelf.put(&profile).unwrap();
        assert_eq!(shelf.named("sam").unwrap().members().text("password").unwrap(), Some("pw"));
        assert!(shelf.find("other").unwrap().is_none() && shelf.path("../x").is_none() && shelf.path("").is_none());
        assert!(shelf.delete("sam").unwrap() && !shelf.delete("sam").unwrap());
    }
}
