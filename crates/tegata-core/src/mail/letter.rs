//! What each letter says. Plain text, no secret but the link or token that the letter is for, no link but that one.

use serde::{Deserialize, Serialize};
use tegata_model::Timestamp;

use super::Message;

/// Which language a letter is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    English,
    /// Japanese.
    Japanese,
    /// English, and below it Japanese.
    Both,
}

/// What a notice tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A sign-in at a browser that the person has not used before.
    SignedIn,
    /// An application was given consent.
    Consented,
    /// An access key was made.
    KeyMade,
    /// The password was set or changed.
    PasswordChanged,
    /// The second factor was taken off.
    FactorRemoved,
    /// The e-mail address was changed; the letter goes to the one before.
    AddressChanged,
}

impl What {
    const ALL: [Self; 6] =
        [Self::SignedIn, Self::Consented, Self::KeyMade, Self::PasswordChanged, Self::FactorRemoved, Self::AddressChanged];

    pub(crate) fn from_i64(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.to_i64() == number)
    }

    pub(crate) fn to_i64(self) -> i64 {
        match self {
            Self::SignedIn => 0,
            Self::Consented => 1,
            Self::KeyMade => 2,
            Self::PasswordChanged => 3,
            Self::FactorRemoved => 4,
            Self::AddressChanged => 5,
        }
    }

    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::Consented => "consented",
            Self::KeyMade => "key-made",
            Self::PasswordChanged => "password-changed",
            Self::FactorRemoved => "factor-removed",
            Self::AddressChanged => "address-changed",
        }
    }
}

/// One identity whose password a letter lets somebody set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Way {
    pub(crate) person: String,
    /// A URL, or the token alone where a program asked.
    pub(crate) way: String,
}

/// A letter with everything it says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Letter {
    /// A link to set a new password, for each identity with this address: because somebody asked, or because the old one was disowned.
    NewPassword { ways: Vec<Way>, from: String, by_token: bool, disowned: bool },
    /// A token to give up a second factor that was lost.
    RemoveFactor { person: String, token: String, from: String },
    /// Something has happened.
    Notice { person: String, what: What, detail: String, at: i64, from: String, link: String, until: i64 },
}

/// A letter as it rests: to whom, and in which language.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) to: String,
    pub(super) language: Language,
    pub(super) letter: Letter,
}

impl Letter {
    /// In one word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NewPassword { .. } => "new-password",
            Self::RemoveFactor { .. } => "remove-factor",
            Self::Notice { what, .. } => what.word(),
        }
    }

    fn subject(&self, japanese: bool, host: &str) -> String {
        let words = match (self, japanese) {
            (Self::NewPassword { .. }, false) => "Set a new password",
            (Self::NewPassword { .. }, true) => "新しいパスワードの設定",
            (Self::RemoveFactor { .. }, false) => "Give up your second factor",
            (Self::RemoveFactor { .. }, true) => "二要素認証の解除",
            (Self::Notice { what, .. }, false) => match what {
                What::SignedIn => "New sign-in",
                What::Consented => "New access for an application",
                What::KeyMade => "New access key",
                What::PasswordChanged => "Your password was changed",
                What::FactorRemoved => "Your second factor was removed",
                What::AddressChanged => "Your e-mail address was changed",
            },
            (Self::Notice { what, .. }, true) => match what {
                What::SignedIn => "新しいサインイン",
                What::Consented => "アプリケーションへの新しい許可",
                What::KeyMade => "新しいアクセスキー",
                What::PasswordChanged => "パスワードが変更されました",
                What::FactorRemoved => "二要素認証が解除されました",
                What::AddressChanged => "メールアドレスが変更されました",
            },
        };
        if japanese { format!("{words}（{host}）") } else { format!("{words} at {host}") }
    }

    fn english(&self, host: &str) -> String {
        match self {
            Self::NewPassword { ways, from, by_token, disowned } => {
                let shown = shown(ways);
                let how = if *by_token {
                    "This token sets a new password, once, within 30 minutes:"
                } else {
                    "Open this link to set a new password. It works once, within 30 minutes:"
                };
                let (why, otherwise) = if *disowned {
                    let why = format!("Somebody with a letter to you said at {host}, from the address {from}, that something was not you.");
                    (why, "The password you had is good no more.")
                } else {
                    let why = format!("Somebody at the address {from} said that the password of this identity at {host} was forgotten.");
                    (why, "If it was not you who asked, ignore this letter: nothing has changed.")
                };
                format!("{why}\n\n{how}\n\n{shown}\nYour second factor, if you have one, stays as it is. {otherwise}\n")
            }
            Self::RemoveFactor { person, token, from } => format!(
                "Somebody at the address {from}, who knows the password of {person}, wants to give up the second factor of this identity at \
                 {host}.\n\nThis token does so, once, within 30 minutes, together with the password and a backup code:\n\n  {token}\n\n\
                 If it was not you who asked, somebody knows your password: change it now. Without a backup code the token does nothing.\n"
            ),
            Self::Notice { person, what, detail, at, from, link, until } => {
                let (happened, label) = match what {
                    What::SignedIn => ("signed in with a browser that was not used before", "Browser:"),
                    What::Consented => ("let an application act in your name", "Application:"),
                    What::KeyMade => ("made an access key for you", "Access key:"),
                    What::PasswordChanged => ("changed your password", "How:"),
                    What::FactorRemoved => ("removed your second factor", "Device:"),
                    What::AddressChanged => ("changed the address that letters to you go to", "Identity:"),
                };
                let does = match what {
                    What::SignedIn => "ends that sign-in and all others",
                    What::Consented => "takes that consent back and ends all sign-ins",
                    What::KeyMade => "switches that key off and ends all sign-ins",
                    What::PasswordChanged | What::FactorRemoved | What::AddressChanged => "ends all sign-ins",
                };
                let (when, until) = (moment(*at), moment(*until));
                format!(
                    "You, {person}, or somebody in your name, {happened} at {host}.\n\n  {label:<13}{detail}\n  {:<13}{when}\n  {:<13}{from}\
                     \n\nIf that is as it should be, there is nothing to do.\n\nIf it was not you, open this page and press its button. It \
                     {does}, and the password you have now is good no more:\n\n  {link}\n\nThe link works once, until {until}.\n",
                    "When:", "Address:"
                )
            }
        }
    }

    fn japanese(&self, host: &str) -> String {
        match self {
            Self::NewPassword { ways, from, by_token, disowned } => {
                let shown = shown(ways);
                let how = if *by_token {
                    "次のトークンで新しいパスワードを設定できます（30分以内、1回限り）:"
                } else {
                    "次のリンクを開いて新しいパスワードを設定してください（30分以内、1回限り）:"
                };
                let (why, otherwise) = if *disowned {
                    let why =
                        format!("お送りしたメールのリンクから（アドレス {from}）、{host} でのお心当たりのない操作の届け出がありました。");
                    (why, "これまでのパスワードは使えません。")
                } else {
                    let why = format!("アドレス {from} から、{host} のパスワードを忘れたという申し出がありました。");
                    (why, "お心当たりがない場合は、このメールを無視してください。何も変更されていません。")
                };
                format!("{why}\n\n{how}\n\n{shown}\n二要素認証の設定は変わりません。{otherwise}\n")
            }
            Self::RemoveFactor { person, token, from } => format!(
                "アドレス {from} から、{person} のパスワードを知る方が、{host} での二要素認証の解除を求めています。\n\n\
                 次のトークンを、パスワードとバックアップコードと合わせて使うと解除されます（30分以内、1回限り）:\n\n  {token}\n\n\
                 お心当たりがない場合、パスワードが他人に知られています。すぐに変更してください。\
                 バックアップコードがなければ、このトークンだけでは何もできません。\n"
            ),
            Self::Notice { person, what, detail, at, from, link, until } => {
                let (happened, label) = match what {
                    What::SignedIn => ("これまで使われていないブラウザーでサインインがありました", "ブラウザー"),
                    What::Consented => ("アプリケーションに許可が与えられました", "アプリケーション"),
                    What::KeyMade => ("アクセスキーが作成されました", "アクセスキー"),
                    What::PasswordChanged => ("パスワードが変更されました", "方法"),
                    What::FactorRemoved => ("二要素認証が解除されました", "デバイス"),
                    What::AddressChanged => ("メールの宛先が変更されました", "対象"),
                };
                let does = match what {
                    What::SignedIn => "そのサインインを含むすべてのサインインが終了し",
                    What::Consented => "その許可が取り消され、すべてのサインインが終了し",
                    What::KeyMade => "そのキーが無効になり、すべてのサインインが終了し",
                    What::PasswordChanged | What::FactorRemoved | What::AddressChanged => "すべてのサインインが終了し",
                };
                let (when, until) = (moment(*at), moment(*until));
                format!(
                    "{host} で、{person} として{happened}。\n\n  {label}: {detail}\n  日時: {when}\n  アドレス: {from}\n\n\
                     お心当たりがある場合は、何もする必要はありません。\n\n\
                     お心当たりがない場合は、次のページを開いてボタンを押してください。{does}、現在のパスワードは使えなくなります:\n\n\
                     \x20 {link}\n\nこのリンクは1回限り、{until} まで有効です。\n"
                )
            }
        }
    }

    /// The message that this letter is, from the server with this URL.
    pub(crate) fn message(&self, id: [u8; 16], to: String, language: Language, issuer: &str) -> Message {
        let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        let (subject, text) = match language {
            Language::English => (self.subject(false, host), self.english(host)),
            Language::Japanese => (self.subject(true, host), self.japanese(host)),
            Language::Both => {
                let subject = format!("{} / {}", self.subject(false, host), self.subject(true, host));
                (subject, format!("{}\n---\n\n{}", self.english(host), self.japanese(host)))
            }
        };
        Message {
            id: data_encoding::HEXLOWER.encode(&id),
            kind: self.kind(),
            to,
            subject,
            // Where plain text ends by custom (RFC 3676 §4.3).
            body: format!("{text}\n-- \n{issuer}\n"),
        }
    }
}

/// Each identity, and below it its way.
fn shown(ways: &[Way]) -> String {
    ways.iter().fold(String::new(), |text, Way { person, way }| text + "  " + person + "\n    " + way + "\n")
}

/// An instant, as people read it.
fn moment(unix: i64) -> String {
    Timestamp::from_unix(unix).to_iso().replace('T', " ").replace('Z', " UTC")
}
