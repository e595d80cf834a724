//! Signing in with a browser that cannot reach this computer: it shows a code, and a person types that here.
//!
//! The code is worth nothing without the verifier and the key of this very process, so whoever overhears it has nothing.

use tegata_model::{SecretKey, Timestamp};

use super::{SignIn, Tokens, form, random_text};
use crate::ClientError;

/// The page that shows the code, below the server's name.
const CODE_PAGE: &str = "/oauth/code";
/// Longest text that somebody may type or paste.
const LONGEST: usize = 4096;

/// A sign-in that waits for a code to be typed.
#[derive(Debug)]
pub struct WaitingPaste {
    redirect_uri: String,
    verifier: SecretKey,
    /// Where a browser, anywhere, has to go.
    pub url: String,
}

impl SignIn {
    /// Says where a browser has to go.
    pub fn begin_paste(&self) -> Result<WaitingPaste, ClientError> {
        let (state, verifier) = (random_text()?, random_text()?);
        let redirect_uri = format!("{}{CODE_PAGE}", self.called());
        let url = self.address(&redirect_uri, &state, &verifier);
        Ok(WaitingPaste { redirect_uri, verifier: SecretKey::new(verifier), url })
    }

    /// Redeems the code that somebody typed.
    pub async fn finish_paste(&self, waiting: &WaitingPaste, typed: &str, now: Timestamp) -> Result<Tokens, ClientError> {
        let code =
            code_of(typed).ok_or_else(|| ClientError::Request("what was typed is no code; the page shows sixteen letters".to_owned()))?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("client_id", &self.client_id),
            ("redirect_uri", &waiting.redirect_uri),
            ("code_verifier", waiting.verifier.expose()),
        ];
        self.tokens(&fields, now).await
    }
}

/// The code in what was typed: in groups or not, in capitals or not; or in the address of the page, where somebody copied that.
pub(super) fn code_of(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if typed.len() > LONGEST {
        return None;
    }
    let plain = match typed.split_once("://").and_then(|(_, rest)| rest.split_once('?')) {
        Some((_, query)) => form::decode(query).ok()?.into_iter().find(|(name, _)| name == "code")?.1,
        None => typed.to_owned(),
    };
    let letters: String = plain.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    let good = !letters.is_empty() && letters.len() <= 64 && letters.bytes().all(|b| b.is_ascii_alphanumeric());
    good.then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_copied() {
        let code = Some("BCDFGHJKLMNPQRST".to_owned());
        for typed in [
            "BCDF-GHJK-LMNP-QRST",
            " bcdf ghjk lmnp qrst\n",
            "BCDFGHJKLMNPQRST",
            "https://id.example.com/oauth/code?code=BCDFGHJKLMNPQRST&mark=x",
        ] {
            assert_eq!(code_of(typed), code, "{typed}");
        }
        for wrong in ["", "--", "b\u{1b}[31m", "https://id.example.com/oauth/code?error=access_denied", "é"] {
            assert_eq!(code_of(wrong), None, "{wrong}");
        }
    }
}
