//! Profiles of the vendor's `soracom` program, read to be taken over: `$SORACOM_PROFILE_DIR`, else `~/.soracom`, a file `NAME.json` each.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    Members,
    profile::{SamProfile, Shelf, bad_name},
};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// A profile that was read, and what of it means nothing here.
#[derive(Debug)]
pub struct Taken {
    /// The profile, of our own form.
    pub profile: SamProfile,
    /// Sentences about what was left out.
    pub left_out: Vec<String>,
    /// The file it was read from.
    pub file: PathBuf,
}

/// Every name in the folder, in order.
pub fn names(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(name) = name.strip_suffix(".json") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What the vendor's program makes of a name: which file it takes.
fn sanitised(name: &str) -> String {
    let dashed = name.chars().filter_map(|letter| match letter {
        '.' | '/' | ' ' | '&' | '_' | '=' | '+' | ':' => Some('-'),
        letter if letter.is_ascii_alphanumeric() || letter == '-' => Some(letter),
        _ => None,
    });
    let mut name = String::new();
    for letter in dashed {
        if letter != '-' || !name.ends_with('-') {
            name.push(letter);
        }
    }
    name
}

/// Reads one profile. `endpoint` is the server of profiles that name none: the vendor's public one is never assumed.
pub fn read(folder: &Path, name: &str, endpoint: Option<&str>) -> Result<Taken, String> {
    let file = folder.join(format!("{name}.json"));
    let same = sanitised(name);
    if same != name {
        return Err(format!(
            "the vendor's program would take `--profile {name}` for `{same}`, and that may be another profile: name the file, without \
             `.json`, whose name has letters, digits and single `-` only"
        ));
    }
    if Shelf::beside(&file).path(name).is_none() {
        return Err(bad_name(name));
    }
    let unreadable = |error: std::io::Error| format!("`{}` cannot be read: {error}", file.display());
    let found = fs::metadata(&file).map_err(unreadable)?;
    if found.mode() & 0o077 != 0 {
        return Err(format!(
            "`{0}` is open to others (mode {1:03o}), and so are its secrets; close it with `chmod 600 {0}`, and change them",
            file.display(),
            found.mode() & 0o777
        ));
    }
    if !found.is_file() || found.len() > MAX_FILE {
        return Err(format!("`{}` is no file of a profile", file.display()));
    }
    let text = zeroize::Zeroizing::new(fs::read_to_string(&file).map_err(unreadable)?);
    let mut members = Members::read(&text).map_err(|problem| format!("`{}`: {problem}", file.display()))?;
    let mut left_out: Vec<String> = members.unknown().iter().map(|name| format!("`{name}`, which means nothing here")).collect();
    members = members.known_only();
    if members.text("endpoint")?.is_none() {
        let endpoint = endpoint.ok_or_else(|| {
            format!("`{name}` names no `endpoint`, so it is a profile of the vendor's own service; say with `--endpoint URL` which server it shall belong to")
        })?;
        members.set("endpoint", Some(endpoint.into()));
    }
    for (member, why) in [
        ("coverageType", "a profile belongs to its endpoint"),
        ("sandbox", "a profile belongs to its endpoint"),
        ("registerPaymentMethod", "it is for the vendor's sandbox"),
        ("mfaOTPCode", "a code is good once; let a profile command print it"),
    ] {
        let said = members.value(member).is_some_and(|value| *value != serde_json::Value::Bool(false) && value.as_str() != Some(""));
        if said {
            left_out.push(format!("`{member}`: {why}"));
        }
        members.set(member, None);
    }
    // The vendor's program runs the command and forgets the rest.
    if members.text("profileCommand")?.is_some() {
        for member in ["email", "password", "authKeyId", "authKey", "userName", "operatorId", "sourceProfile"] {
            if members.value(member).is_some() {
                left_out.push(format!("`{member}`: the profile command replaces it"));
                members.set(member, None);
            }
        }
    }
    let switched = members.text("sourceProfile")?.is_some();
    let seconds = members.number("tokenTimeoutSeconds")?;
    if seconds.is_some_and(|seconds| seconds < 180 || switched && seconds > 3600) {
        left_out.push("`tokenTimeoutSeconds`: out of range, and ignored there too".to_owned());
        members.set("tokenTimeoutSeconds", None);
    }
    Ok(Taken { profile: SamProfile::new(name, members)?, left_out, file })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn names_are_what_the_vendors_program_makes_of_them() {
        for (name, same) in [("my_team", "my-team"), ("a.b/c", "a-b-c"), ("a--b", "a-b"), ("日本", ""), ("plain-1", "plain-1")] {
            assert_eq!(sanitised(name), same);
        }
    }

    #[test]
    fn profiles_are_taken_over_and_what_is_left_out_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        write(
            "plain.json",
            r#"{"sandbox":false,"coverageType":"jp","Email":"a@b","password":"not to be told","registerPaymentMethod":false}"#,
            0o600,
        );
        write(
            "sam.json",
            r#"{"endpoint":"http://h","profileCommand":"/bin/sh -c \"op | jq .\"","password":"old","mfaOTPCode":"1","extra":1}"#,
            0o600,
        );
        write("open.json", r#"{"endpoint":"http://h","email":"a@b","password":"not to be told"}"#, 0o640);
        write("cut.json", r#"{"endpoint":"http://h","profileCommand":"op item get x | jq ."}"#, 0o600);
        write("my_team.json", "{}", 0o600);
        assert_eq!(names(folder.path()).unwrap(), ["cut", "my_team", "open", "plain", "sam"]);
        let read = |name: &str, endpoint: Option<&str>| read(folder.path(), name, endpoint);
        assert!(read("plain", None).unwrap_err().contains("--endpoint"));
        let plain = read("plain", Some("http://mine")).unwrap();
        assert_eq!((plain.profile.endpoint(), plain.left_out.len()), ("http://mine", 1));
        let sam = read("sam", Some("http://mine")).unwrap();
        assert_eq!(sam.profile.endpoint(), "http://h");
        assert_eq!(sam.profile.command().unwrap().unwrap().words(), ["/bin/sh", "-c", "op | jq ."]);
        assert_eq!(sam.left_out.len(), 3, "{:?}", sam.left_out);
        for (name, told) in [("open", "chmod 600"), ("cut", "`|`"), ("my_team", "`my-team`"), ("absent", "cannot be read")] {
            let problem = read(name, None).unwrap_err();
            assert!(problem.contains(told) && !problem.contains("not to be told"), "{problem}");
        }
    }
}
