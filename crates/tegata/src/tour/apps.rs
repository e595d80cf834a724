//! Temporary keys for apps: an app server hands its client app the smallest key that does the work.

use std::time::Duration;

use bytes::Bytes;
use tegata_client::{ClientError, Credential, Oss, Sts, Transport, sts::AssumeRole};
use tegata_core::clock::{Clock as _, SystemClock};
use tegata_model::{AccessKeyId, SecretKey, Timestamp};

use super::{Guide, Should, why};
use crate::{
    dev::ready::{ReadyFile, UserEntry},
    failure::Failure,
};

/// The smallest policy: this user's prefix, put and get, and a list of it.
const FOR_ALICE: &str = r#"{"Version":"1","Statement":[
  {"Effect":"Allow","Action":["oss:PutObject","oss:GetObject"],"Resource":"acs:oss:*:*:photos/alice/*"},
  {"Effect":"Allow","Action":"oss:ListObjects","Resource":"acs:oss:*:*:photos","Condition":{"StringLike":{"oss:Prefix":"alice/*"}}}]}"#;
const BUCKET: &str = "photos";
const CAT: &str = "alice/cat.txt";

struct Walk<'a> {
    guide: &'a mut Guide,
    sts: Sts,
    oss: Oss,
    role: String,
    now: fn() -> Timestamp,
}

pub(super) async fn walk(guide: &mut Guide, ready: &ReadyFile) -> Result<(), Failure> {
    let transport = Transport::new();
    let appserver = long_term(ready.users.get("appserver").map(UserEntry::access_key))?;
    let root = long_term(Some(ready.root.access_key()))?;
    let role = ready
        .roles
        .get("app-uploader")
        .map(|role| role.arn.clone())
        .ok_or_else(|| Failure::new("the sample directory has no role `app-uploader`"))?;
    let mut walk = Walk {
        guide,
        sts: Sts::new(transport.clone(), &ready.issuer),
        oss: Oss::new(transport, &ready.oss, &ready.oss_region),
        role,
        now: || SystemClock.now(),
    };
    Guide::chapter("An app hands out temporary keys");
    let Some(key) = walk.hand_out(&appserver).await else { return Ok(()) };
    walk.use_it(&key).await;
    Guide::chapter("What the key cannot do, and what nobody can do with it");
    walk.refuse_outside(&key, ready).await;
    walk.refuse_tampering(&key, &appserver).await;
    walk.refuse_wrong_callers(&root, &appserver).await;
    Ok(())
}

fn long_term(pair: Option<(&str, &str)>) -> Result<Credential, Failure> {
    let (id, secret) = pair.ok_or_else(|| Failure::new("the sample directory lacks a user of the tour"))?;
    let id = AccessKeyId::new(id).map_err(|error| Failure::new(error.to_string()))?;
    Ok(Credential::long_term(id, SecretKey::new(secret.to_owned())))
}

impl Walk<'_> {
    async fn hand_out(&mut self, appserver: &Credential) -> Option<Credential> {
        let input = AssumeRole {
            role_arn: &self.role,
            session_name: "alice-phone",
            lifetime: Some(Duration::from_mins(15)),
            policy: Some(FOR_ALICE),
            external_id: None,
        };
        let answer = self.sts.assume_role(appserver, &input, (self.now)()).await;
        self.guide.step("appserver: AssumeRole app-uploader, 15 minutes, only photos/alice/*", &Should::Work, answer, |key| {
            let until = key.expires_at.map(tegata_model::Timestamp::to_iso).unwrap_or_default();
            let token = key.security_token.as_ref().map_or(0, |token| token.expose().len());
            format!("{} until {until}, with a security token of {token} bytes", key.access_key_id)
        })
    }

    async fn use_it(&mut self, key: &Credential) {
        let answer = self.sts.caller_identity(key, (self.now)()).await;
        self.guide.step("the app: GetCallerIdentity", &Should::Work, answer, |who| format!("{} of account {}", who.arn, who.account_id));
        let answer = self.oss.put(key, BUCKET, CAT, Bytes::from_static(b"meow"), (self.now)()).await;
        self.guide.step("the app: put photos/alice/cat.txt", &Should::Work, answer, |etag| format!("stored, ETag {etag}"));
        let answer = self.oss.get(key, BUCKET, CAT, (self.now)()).await;
        let told = |body: &Bytes| format!("`{}`", String::from_utf8_lossy(body));
        self.guide.step("the app: get photos/alice/cat.txt", &Should::Work, answer, told);
        let answer = self.oss.list(key, BUCKET, "alice/", (self.now)()).await;
        self.guide.step("the app: list photos/alice/", &Should::Work, answer, |keys| keys.join(", "));
        let answer = match self.oss.signed_url(key, BUCKET, CAT, Duration::from_mins(5), (self.now)()) {
            Ok(url) => self.oss.fetch(&url, &[]).await,
            Err(error) => Err(error),
        };
        self.guide.step("a browser: get the URL the app signed for five minutes", &Should::Work, answer, told);
    }

    async fn refuse_outside(&mut self, key: &Credential, ready: &ReadyFile) {
        let denied = self.oss.put(key, BUCKET, "bob/cat.txt", Bytes::from_static(b"meow"), (self.now)()).await;
        let request_id = denied.as_ref().err().and_then(ClientError::refusal).map(|refusal| refusal.request_id.clone()).unwrap_or_default();
        self.guide.step("the app: put photos/bob/cat.txt", &Should::Refuse("AccessDenied"), denied, |_| String::new());
        let explained = why(ready, &request_id).await.map_err(|failure| ClientError::Request(failure.to_string()));
        let explained = self.guide.step(&format!("you: tegata why {request_id}"), &Should::Work, explained, |_| "it says:".to_owned());
        if let Some(text) = explained {
            let told = text.lines().skip_while(|line| !line.starts_with("Answer")).filter(|line| !line.trim_start().starts_with("acs:"));
            Guide::note(&told.filter(|line| !line.starts_with("Conditions")).collect::<Vec<_>>().join("\n"));
        }
    }

    async fn refuse_tampering(&mut self, key: &Credential, appserver: &Credential) {
        let token = key.security_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default();
        let altered = key.with_token(Some(SecretKey::new(alter(&token))));
        let answer = self.oss.get(&altered, BUCKET, CAT, (self.now)()).await;
        self.guide.step(
            "a thief: the same key with one letter of the token altered",
            &Should::Refuse("InvalidSecurityToken"),
            answer,
            |_| String::new(),
        );

        let answer = match self.oss.signed_url(key, BUCKET, CAT, Duration::from_mins(5), (self.now)()) {
            Ok(url) => self.oss.fetch(&url, &[("x-oss-security-token".to_owned(), token)]).await,
            Err(error) => Err(error),
        };
        self.guide.step("a muddle: the token in the URL and in a header", &Should::Refuse("InvalidArgument"), answer, |_| String::new());

        let foreign = appserver.with_token(key.security_token.as_ref().map(|token| SecretKey::new(token.expose().to_owned())));
        let answer = self.oss.get(&foreign, BUCKET, CAT, (self.now)()).await;
        let code = Should::Refuse("AccessKeyIdAndSecurityTokenNotMatch");
        self.guide.step("a thief: the app's token with another key", &code, answer, |_| String::new());

        let guessed = Credential { secret: std::sync::Arc::new(SecretKey::new("a guess".to_owned())), ..key.clone() };
        let answer = self.sts.caller_identity(&guessed, (self.now)()).await;
        self.guide
            .step("a thief: key and token, but a guessed secret", &Should::Refuse("SignatureDoesNotMatch"), answer, |_| String::new());

        let old = (self.now)().minus(Duration::from_mins(20));
        let answer = self.sts.caller_identity(appserver, old).await;
        self.guide.step("a recording: a good request, twenty minutes old", &Should::Refuse("InvalidTimeStamp.Expired"), answer, |_| {
            String::new()
        });
    }

    async fn refuse_wrong_callers(&mut self, root: &Credential, appserver: &Credential) {
        let input = AssumeRole { role_arn: &self.role, session_name: "root", ..AssumeRole::default() };
        let answer = self.sts.assume_role(root, &input, (self.now)()).await;
        self.guide.step("root: AssumeRole app-uploader", &Should::Refuse("NoPermission"), answer, |_| String::new());
        let answer = self.oss.get(appserver, BUCKET, CAT, (self.now)()).await;
        self.guide.step("appserver: get photos/alice/cat.txt with its own key", &Should::Refuse("AccessDenied"), answer, |_| String::new());
    }
}

/// Another letter in the middle.
fn alter(token: &str) -> String {
    let middle = token.len() / 2;
    token.char_indices().map(|(at, letter)| if at == middle { if letter == 'A' { 'B' } else { 'A' } } else { letter }).collect()
}
