//! Refusals in the words of this wire: one table from the core's causes to statuses, codes and two languages.
//!
//! `AUM…` where the vendor's code is known. What it answers elsewhere is not public, so those codes are ours, `TGT…`, and never collide.
//! Clients run messages through format functions, so there is no percent sign in any.

use std::{error::Error, fmt::Display, time::Duration};

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use tegata_core::{AuthnFailure, Caller, DeniedBy, Input, LayerKind, OpError, sam::Refusal};
use tegata_model::UserName;

use super::texts::Language;
use crate::edge::span::Failure;

/// A refusal, ready to be sent.
#[derive(Debug)]
pub(crate) struct SamFault {
    status: StatusCode,
    code: &'static str,
    english: String,
    japanese: String,
    retry_after: Option<Duration>,
    denied: bool,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl SamFault {
    fn new(status: u16, code: &'static str, english: impl Into<String>, japanese: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, english: english.into(), japanese: japanese.into(), retry_after: None, denied: false, cause: None }
    }

    /// What was sent cannot be read.
    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        let why = why.into();
        Self::new(400, "TGT0001", format!("the request cannot be read: {why}"), format!("リクエストを読み取れません: {why}"))
    }

    /// A member or variable that is not what it must be.
    pub(crate) fn member(name: &str, why: &dyn Display) -> Self {
        Self::new(400, "TGT0002", format!("`{name}` is not valid: {why}"), format!("`{name}` が正しくありません: {why}"))
    }

    /// A member that must be there.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(400, "TGT0003", format!("`{name}` is missing"), format!("`{name}` がありません"))
    }

    /// No operation has this path.
    pub(super) fn no_path() -> Self {
        Self::new(404, "TGT0004", "no operation of this server has this path", "このパスの API はありません")
    }

    /// Another method of this path is offered.
    pub(super) fn other_method() -> Self {
        Self::new(405, "TGT0005", "this path has no operation of this method", "このパスにこのメソッドの API はありません")
    }

    /// The body is too large.
    pub(super) fn too_large(limit: usize) -> Self {
        let japanese = format!("リクエストボディが {limit} バイトを超えています");
        Self::new(413, "TGT0006", format!("the body is larger than {limit} bytes"), japanese)
    }

    /// No API key, or no token.
    pub(crate) fn no_pair(api_key: bool) -> Self {
        let header = if api_key { "X-Soracom-Token" } else { "X-Soracom-API-Key" };
        Self::new(
            401,
            "AUM0001",
            format!("the header {header} is missing; sign in at /v1/auth first"),
            format!("ヘッダー {header} がありません。/v1/auth で認証してください"),
        )
    }

    /// The body of a sign-in names nobody.
    pub(super) fn nothing_shown() -> Self {
        Self::new(
            401,
            "TGT0101",
            "no credentials were sent: give authKeyId and authKey, or email and password, or operatorId, userName and password. \
             Note that `soracom auth` does not use the credentials of a profile, and that a source profile is not asked for its profile command",
            "認証情報がありません。authKeyId と authKey、email と password、または operatorId と userName と password を指定してください。\
             `soracom auth` はプロファイルの認証情報を使いません",
        )
    }

    /// A name that paths use for something else.
    pub(super) fn reserved(name: &str) -> Self {
        Self::new(400, "TGT0501", format!("no user can be called `{name}` here"), format!("`{name}` というユーザー名は使用できません"))
    }

    /// No such role; where a role of the path is meant the status is 404, in a body 400.
    pub(super) fn no_role(status: u16) -> Self {
        Self::new(status, "TGT0502", "there is no role of this id", "指定されたロールはありません")
    }

    /// Roles of an operator have no versions.
    pub(super) fn no_versions() -> Self {
        Self::new(400, "TGT0503", "only managed roles have versions, and this server has none", "バージョンがあるのは管理ロールのみです")
    }

    /// There is nothing written that could be deleted.
    pub(super) fn nothing_written() -> Self {
        Self::new(400, "TGT0504", "nothing is written that could be deleted", "削除する内容がありません")
    }

    /// No such auth key.
    pub(super) fn no_auth_key() -> Self {
        Self::new(404, "TGT0505", "the user has no auth key of this id", "指定された認証キーはありません")
    }

    /// The path names another operator than the token.
    pub(super) fn other_operator() -> Self {
        let mut fault = Self::new(
            403,
            "TGT0201",
            "the operator of the path is not the operator of this token",
            "パスのオペレーターがトークンのオペレーターと一致しません",
        );
        fault.denied = true;
        fault
    }

    /// A sign-in was refused. None of these is a reason to try the same again, so none says 429, but for a full pool.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        let unauthorized = |code, english: &str, japanese: &str| Self::new(401, code, english, japanese);
        match refusal {
            Refusal::Wrong => unauthorized(
                "AUM0002",
                "the user name, password or auth key is not right",
                "ユーザー名、パスワードまたは認証キーが正しくありません",
            ),
            Refusal::CodeNeeded => unauthorized("AUM0063", "MFA OTP code is required", "MFA OTPコードが必要です。"),
            Refusal::Code => unauthorized(
                "TGT0102",
                "the MFA OTP code is not right, or was used before; wait for the next one",
                "MFA OTPコードが正しくないか、すでに使用されています。次のコードをお待ちください",
            ),
            Refusal::TooMany(_) => unauthorized(
                "TGT0103",
                "too many sign-ins were tried; try again in up to 15 minutes",
                "試行回数が多すぎます。最大15分後に再試行してください",
            ),
            Refusal::TooManyCodes => unauthorized(
                "TGT0104",
                "too many MFA OTP codes were tried; try again in up to 15 minutes",
                "MFA OTPコードの試行回数が多すぎます。最大15分後に再試行してください",
            ),
            Refusal::Inactive => unauthorized("TGT0105", "this user may not sign in", "このユーザーはサインインできません"),
            Refusal::Network => {
                unauthorized("TGT0106", "signing in from this address is not allowed", "このアドレスからのサインインは許可されていません")
            }
            Refusal::NewPassword => unauthorized(
                "TGT0107",
                "a new password has to be set at the sign-in page first",
                "先にサインインページで新しいパスワードを設定してください",
            ),
            Refusal::FactorMissing => {
                unauthorized("TGT0108", "this user has to enable MFA before signing in", "サインインの前に MFA を有効にしてください")
            }
            Refusal::Key => {
                unauthorized("TGT0109", "the account does not allow this auth key any more", "この認証キーは現在許可されていません")
            }
            Refusal::Busy(wait) => Self::busy(*wait),
        }
    }

    /// The same with another status, where a sign-in is only a part of what was asked. A full pool stays one.
    #[must_use]
    pub(super) fn instead(mut self, status: u16) -> Self {
        if self.status == StatusCode::UNAUTHORIZED {
            self.status = StatusCode::from_u16(status).unwrap_or(self.status);
        }
        self
    }

    /// No letter can help: there is no second factor, or nowhere to send it.
    pub(super) fn nothing_to_remove() -> Self {
        Self::new(
            400,
            "TGT0110",
            "no letter was sent: the root user has no second factor, or this server sends no mail",
            "メールは送信されませんでした。MFA が無効か、サーバーがメールを送信できません",
        )
    }

    /// The token of a letter or the backup code does not do.
    pub(super) fn wrong_removal() -> Self {
        Self::new(
            400,
            "TGT0111",
            "the token or the backup code is not right, or was used before",
            "トークンまたはバックアップコードが正しくないか、すでに使用されています",
        )
    }

    /// The token that sets a password is not good (any more).
    pub(super) fn reset_expired() -> Self {
        Self::new(404, "TGT0112", "the token is unknown, too old, or was used before", "トークンが無効か、有効期限が切れています")
    }

    /// The address cannot be one.
    pub(super) fn address() -> Self {
        Self::new(400, "COM0008", "the e-mail address is malformed", "メールアドレスの形式が正しくありません")
    }

    /// The new password breaks a rule.
    pub(super) fn password(rule: &str) -> Self {
        Self::new(400, "AUM0010", format!("the new password does not do: {rule}"), format!("新しいパスワードが正しくありません: {rule}"))
    }

    /// The same where a throttle speaks of wrong passwords, which is no reason to try again at once.
    #[must_use]
    pub(super) fn secret_throttled(self) -> Self {
        match self.retry_after {
            Some(wait) if wait > Duration::from_secs(2) => Self::refused(&Refusal::TooMany(wait)).instead(400),
            _ => self,
        }
    }

    pub(super) fn busy(wait: Duration) -> Self {
        let mut fault = Self::new(429, "TGT0901", "the server is busy; try again", "サーバーが混み合っています。再試行してください");
        fault.retry_after = Some(wait);
        fault
    }

    /// A refusal of the core to an operation with this API name, asked for by `who`.
    pub(crate) fn of(error: OpError, api: &str, who: Option<&Caller>) -> Self {
        let text = error.to_string().replace('%', "");
        let same = |status, code| Self::new(status, code, text.clone(), text.clone());
        match error {
            OpError::Authentication(failure) => Self::unauthenticated(&failure, &text),
            OpError::Denied(denial) => {
                let name = who.and_then(Caller::user_name).map_or("root", UserName::as_str);
                let mut fault = match denial.by {
                    DeniedBy::Layer { layer: LayerKind::Trust, .. } | DeniedBy::ChainEnded => Self::new(
                        400,
                        "TGT0301",
                        "the user cannot be switched to: it does not exist, does not trust you, or the time since you signed in is over",
                        "このユーザーにはスイッチできません",
                    ),
                    DeniedBy::SecondFactor => Self::new(
                        403,
                        "TGT0302",
                        format!("{api} needs a session that was begun with an MFA OTP code"),
                        format!("{api} には MFA OTPコードで開始したセッションが必要です"),
                    ),
                    DeniedBy::Layer { .. }
                    | DeniedBy::OwnerMayNotAssume
                    | DeniedBy::ForeignAccount
                    | DeniedBy::SourceIdentityFixed
                    | DeniedBy::KeyPolicy
                    | DeniedBy::NoPassword
                    | DeniedBy::Organisation(_) => Self::new(
                        403,
                        "AUM0017",
                        format!("user {name} has no permission for {api}; after a change of permissions sign in again"),
                        format!("ユーザー {name} には {api} の権限がありません。権限の変更後は再度サインインしてください"),
                    ),
                };
                fault.denied = true;
                fault
            }
            OpError::NotFound(_) => Self::new(404, "TGT0401", text, "指定されたものが見つかりません"),
            OpError::Exists(_) => Self::new(400, "TGT0402", text, "すでに存在します"),
            OpError::InUse(..) | OpError::NotEmpty(_) => Self::new(400, "TGT0403", text, "使用中のため削除できません"),
            OpError::LimitExceeded(..) => Self::new(400, "TGT0404", text, "上限に達しています"),
            OpError::Invalid(problem) if matches!(problem.input, Input::Password | Input::NewPassword) => Self::password(&text),
            OpError::Invalid(_) => Self::new(400, "TGT0405", text.clone(), format!("入力が正しくありません: {text}")),
            OpError::Grant(_) | OpError::Organisation(_) => same(400, "TGT0406"),
            OpError::Precondition(_) => same(412, "TGT0407"),
            OpError::Conflict => Self::new(
                409,
                "TGT0408",
                "others kept changing what this depends on; nothing was done, try again",
                "同時に変更されたため処理できませんでした。再試行してください",
            ),
            OpError::Throttled(wait) => Self::busy(wait),
            OpError::Internal(cause) => Self {
                cause: Some(cause),
                ..Self::new(
                    500,
                    "TGT0902",
                    "the server failed; its operator finds the cause in the log",
                    "サーバー内部でエラーが発生しました",
                )
            },
        }
    }

    fn unauthenticated(failure: &AuthnFailure, text: &str) -> Self {
        let unauthorized = |code, japanese: &str| Self::new(401, code, text, japanese);
        match failure {
            AuthnFailure::Anonymous => Self::no_pair(false),
            AuthnFailure::TokenExpired => unauthorized("TGT0202", "トークンの有効期限が切れています。再度サインインしてください"),
            AuthnFailure::SessionEnded => unauthorized("TGT0203", "セッションは終了しています。再度サインインしてください"),
            AuthnFailure::TokenMismatch => Self::new(
                401,
                "TGT0204",
                "the API key and the token do not belong together",
                "API キーとトークンの組み合わせが正しくありません",
            ),
            AuthnFailure::OwnerInactive => unauthorized("TGT0205", "ユーザーまたはオペレーターが無効です"),
            AuthnFailure::UnknownKey
            | AuthnFailure::KeyInactive
            | AuthnFailure::KeyTooOld(_)
            | AuthnFailure::KeyElsewhere
            | AuthnFailure::KeyOfPerson
            | AuthnFailure::TokenMissing
            | AuthnFailure::TokenMalformed
            | AuthnFailure::Signature(_)
            | AuthnFailure::Time(_)
            | AuthnFailure::Replayed
            | AuthnFailure::Federation(_)
            | AuthnFailure::Client => Self::new(
                401,
                "TGT0206",
                "the API key or the token is not one of this server's",
                "API キーまたはトークンが正しくありません",
            ),
        }
    }

    /// The answer.
    pub(super) fn response(&self, language: Language) -> Response {
        let message = match language {
            Language::English => &self.english,
            Language::Japanese => &self.japanese,
        };
        let body = json!({ "code": self.code, "message": message.replace('%', "") });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

impl Failure for SamFault {
    fn code(&self) -> &str {
        self.code
    }

    fn status(&self) -> StatusCode {
        self.status
    }

    fn denied(&self) -> bool {
        self.denied
    }

    fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}
