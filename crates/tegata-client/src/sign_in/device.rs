//! Signing in with a browser elsewhere (RFC 8628): a code to type there, and a number to pick where the page asks for one.

use std::time::Duration;

use serde_json::Value;
use tegata_model::{SecretKey, Timestamp};

use super::{SignIn, Tokens, missing, random_text, shown};
use crate::ClientError;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How much longer to wait when the server asks for patience (RFC 8628 §3.5).
const LONGER: u64 = 5;

/// A sign-in that waits for a person elsewhere.
#[derive(Debug)]
pub struct WaitingDevice {
    code: SecretKey,
    verifier: SecretKey,
    interval: u64,
    lifetime: u64,
    /// Where the person has to go.
    pub url: String,
    /// The same with the code in it.
    pub complete_url: String,
    /// What the person types there.
    pub user_code: String,
    /// The number that the page will ask for.
    pub number: Option<String>,
}

impl SignIn {
    /// Begins, and says what to show.
    pub async fn begin_device(&self, now: Timestamp) -> Result<WaitingDevice, ClientError> {
        let path = "/oauth/device_authorization";
        let verifier = random_text()?;
        let challenge = super::challenge_of(&verifier);
        let fields = [
            ("client_id", self.client_id.as_str()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("tegata_number", "1"),
        ];
        let answer = self.post(path, &fields, now).await?;
        let url = format!("{}{path}", self.issuer);
        // What is printed on a terminal is only what can be printed.
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(shown).ok_or_else(|| missing(&url, name));
        let code = answer.get("device_code").and_then(Value::as_str).ok_or_else(|| missing(&url, "device_code"))?;
        let seconds = |name: &str, usual: u64| answer.get(name).and_then(Value::as_u64).unwrap_or(usual);
        Ok(WaitingDevice {
            code: SecretKey::new(code.to_owned()),
            verifier: SecretKey::new(verifier),
            interval: seconds("interval", 5).clamp(1, 60),
            lifetime: seconds("expires_in", 600).min(3600),
            url: text("verification_uri")?,
            complete_url: text("verification_uri_complete")?,
            user_code: text("user_code")?,
            number: text("tegata_number").ok(),
        })
    }

    /// Asks until the person has agreed, refused or taken too long.
    pub async fn finish_device(&self, waiting: WaitingDevice, now: impl Fn() -> Timestamp) -> Result<Tokens, ClientError> {
        let mut interval = waiting.interval;
        let end = now().plus(Duration::from_secs(waiting.lifetime));
        let fields = [
            ("grant_type", DEVICE_CODE),
            ("device_code", waiting.code.expose()),
            ("client_id", &self.client_id),
            ("code_verifier", waiting.verifier.expose()),
        ];
        while now() < end {
            tokio::time::sleep(Duration::from_secs(interval)).await;
            match self.tokens(&fields, now()).await {
                Err(error) => match error.refusal().map(|refusal| refusal.code.as_str()) {
                    Some("authorization_pending") => {}
                    Some("slow_down") => interval += LONGER,
                    _ => return Err(error),
                },
                done => return done,
            }
        }
        Err(ClientError::Request("nobody has agreed in time".to_owned()))
    }
}
