//! The URL of a PostgreSQL database, with and without its password.

/// The URL with the password in it; without a password only the form is checked.
pub(super) fn with_password(url: &str, password: Option<&str>) -> Result<String, &'static str> {
    use std::fmt::Write as _;
    let (scheme, rest) = url.split_once("://").ok_or("expected `postgres://user@host/name`")?;
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(authority_end).ok_or("expected `postgres://user@host/name`")?;
    let Some((user, host)) = authority.rsplit_once('@').filter(|(user, _)| !user.is_empty()) else {
        return Err("the URL names no user: expected `postgres://user@host/name`");
    };
    let Some(password) = password else { return Ok(url.to_owned()) };
    if user.contains(':') {
        return Err("the URL has a password, and another one is given beside it; keep one of them");
    }
    let mut encoded = String::with_capacity(password.len() * 3);
    for byte in password.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Ok(format!("{scheme}://{user}:{encoded}@{host}{tail}"))
}

/// The URL without its password, for people.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(redacted)".to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((authority, tail)) = rest.split_at_checked(authority_end) else { return "(redacted)".to_owned() };
    let shown = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            if user.contains(':') { format!("{name}:(redacted)@{host}") } else { format!("{name}@{host}") }
        }
        None => authority.to_owned(),
    };
    // Drivers take a password as a parameter too.
    let tail = if tail.contains('?') { format!("{}?(redacted)", tail.split('?').next().unwrap_or_default()) } else { tail.to_owned() };
    format!("{scheme}://{shown}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_go_in_and_never_come_out() {
        assert_eq!(with_password("postgres://u@h:5/d?x=1", Some("a:@/ é")).as_deref(), Ok("postgres://u:a%3A%40%2F%20%C3%A9@h:5/d?x=1"));
        assert!(with_password("postgres://u:p@h/d", Some("q")).is_err());
        assert!(with_password("postgres://u:p@h/d", None).is_ok());
        assert!(with_password("postgres:///d", None).is_err() && with_password("postgres://@h/d", None).is_err());
        for url in [
            "postgres://u:hunter2@h/d",
            "postgres://u:hunter2@h",
            "postgres://u:x@hunter2@h/d",
            "postgres://u@h/d?password=hunter2",
            "hunter2",
        ] {
            assert!(!without_password(url).contains("hunter2"), "{url}");
        }
        assert_eq!(without_password("postgres://u@h/d"), "postgres://u@h/d");
    }
}
