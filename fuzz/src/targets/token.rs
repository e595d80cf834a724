//! Security tokens, opened where the server opens them: on the way to a caller, before the signature is judged.

use std::sync::OnceLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tegata_core::{
    OpError,
    authn::Proof,
    sts::AssumeRole,
    testing::{TestCore, TestKey},
};
use tegata_model::{AccountNumber, RoleName, RoleSessionName, SecretKey};
use tegata_sign::{Arrived, Credential, acs_rpc};
use tokio::runtime::Runtime;

use super::check_error;
use crate::deep;

/// A core with one role session.
struct Setting {
    runtime: Runtime,
    core: TestCore,
    key: TestKey,
    token: String,
}

/// Made once; what it takes to make it is not under test here.
fn setting() -> &'static Setting {
    static SETTING: OnceLock<Setting> = OnceLock::new();
    #[expect(clippy::panic, reason = "without a core there is nothing to be tried, and nobody else to be told")]
    SETTING.get_or_init(|| make().unwrap_or_else(|error| panic!("the core could not be set up: {error}")))
}

fn make() -> Result<Setting, tegata_core::testing::Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (core, key) = runtime.block_on(async {
        let core = TestCore::new().await?;
        let caller = core.user("appserver").await?;
        let input = AssumeRole {
            account: AccountNumber::new(1_000_000_000_000_001)?,
            role: RoleName::new("app-uploader")?,
            session_name: RoleSessionName::new("fuzz")?,
            lifetime: None,
            policy: Some(
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"acs:oss:*:*:photos/a/*"}]}"#.to_owned(),
            ),
            external_id: None,
            source_identity: None,
        };
        let key = TestKey::from(core.perform(&caller, &input).await?);
        Ok::<_, tegata_core::testing::Broken>((core, key))
    })?;
    let token = key.token.as_ref().map(SecretKey::expose).unwrap_or_default().to_owned();
    Ok(Setting { runtime, core, key, token })
}

/// A token opens only if it is, letter for letter, the one that was given out; anything else is a refusal, never a fault.
///
/// The input is tried as the text of a token and as the bytes behind one.
pub fn open(input: &[u8]) {
    let setting = setting();
    open_text(setting, &String::from_utf8_lossy(input));
    open_text(setting, &URL_SAFE_NO_PAD.encode(input));
}

fn open_text(setting: &Setting, token: &str) {
    static NONCE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let nonce = NONCE.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
    // Signed with the right secret whatever the token says, so that only the token can be what is refused.
    let credential = Credential { access_key_id: &setting.key.key_id, secret: &setting.key.secret, security_token: Some(token) };
    let query = acs_rpc::sign("GET", &[], &credential, setting.core.now(), &nonce);
    let arrived = Arrived { method: "GET", path: "/", query: &query, headers: &[], form: &[], body_sha256: None };
    let Ok(presented) = acs_rpc::present(&arrived) else { return };
    let genuine = token == setting.token;
    match setting.runtime.block_on(setting.core.authenticate(Proof::Signed(presented), setting.core.meta())) {
        Ok(_) => {
            assert!(genuine, "a token that was never given out opened");
            deep();
        }
        Err(error) => {
            assert!(!genuine, "the token that was given out did not open: {error}");
            assert!(matches!(error, OpError::Authentication(_)), "a token made a fault: {error}");
            check_error(&error);
        }
    }
}

/// The token that was given out, as text and as bytes, and things that look like one.
pub fn tokens() -> Vec<Vec<u8>> {
    let token = setting().token.clone();
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap_or_default();
    vec![token.into_bytes(), bytes, b"CAISvectorToken-_1abc".to_vec(), vec![0x08, 0x02, 0x12, 1, 0, 0, 0, 1]]
}
