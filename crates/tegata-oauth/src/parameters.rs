//! Parameters of a request: each name once (RFC 6749 §3.1 and §3.2); names that nobody asks for are ignored.

use crate::OauthError;

/// Most parameters that are looked at.
pub const MAX_PARAMETERS: usize = 64;
/// Longest value, in bytes.
pub const MAX_VALUE: usize = 16 * 1024;

/// The parameters of one request.
pub struct Parameters(Vec<(String, String)>);

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Parameters {
    /// Takes decoded names and values. A name that stands twice is refused, since which one counts would be anyone's guess.
    pub fn of(pairs: Vec<(String, String)>) -> Result<Self, OauthError> {
        if pairs.len() > MAX_PARAMETERS {
            return Err(OauthError::request(format!("more than {MAX_PARAMETERS} parameters")));
        }
        let mut kept: Vec<(String, String)> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            if kept.iter().any(|(known, _)| *known == name) {
                return Err(OauthError::request(format!("`{}` stands twice", shown(&name))));
            }
            if value.len() > MAX_VALUE {
                return Err(OauthError::request(format!("`{}` is longer than {MAX_VALUE} bytes", shown(&name))));
            }
            if value.contains('\0') {
                return Err(OauthError::request(format!("`{}` has a character that cannot be there", shown(&name))));
            }
            kept.push((name, value));
        }
        Ok(Self(kept))
    }

    /// The value of that name; one without a value counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The value of that name, which must be there.
    pub fn need(&self, name: &str) -> Result<&str, OauthError> {
        self.text(name).ok_or_else(|| OauthError::request(format!("`{name}` is missing")))
    }
}

/// A stranger's text, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
