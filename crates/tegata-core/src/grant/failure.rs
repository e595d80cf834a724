//! Why a grant yields nothing.

use std::fmt;

use tegata_model::GrantId;

/// Why a grant yields nothing. `Display` is safe to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantFailure {
    /// The client must prove itself by a secret, and has none or showed none.
    Unproven,
    /// This kind of client, or whoever asks, may not ask for this.
    NotForYou,
    /// A scope that this client cannot have here: which.
    Scope(String),
    /// No such code, or it is another client's.
    CodeUnknown,
    /// The code was used before; whatever it gave is over.
    CodeUsed(GrantId),
    /// The code is too old.
    CodeExpired,
    /// Not where the code was sent.
    Redirect,
    /// The verifier is not the one whose challenge came with the request for the code.
    Verifier,
    /// No such refresh token, or it is another client's.
    RefreshUnknown,
    /// The refresh token has been replaced; its successor is in use.
    RefreshReplaced,
    /// The refresh token was replaced long ago, so somebody else has it; the grant is over.
    RefreshReused(GrantId),
    /// The grant has run out.
    Expired,
    /// Something that the grant stands on is gone.
    Fallen(Fallen),
    /// The access token lacks this scope.
    Insufficient(&'static str),
    /// The access token is not made for this place.
    Audience,
    /// The client must show that it has the key its tokens are bound to.
    KeyNeeded,
    /// The key is not the one that the tokens are bound to.
    KeyOther,
    /// What is to be exchanged cannot be: why.
    Subject(&'static str),
    /// The grant is not offered.
    Unsupported,
    /// The person has not said anything yet.
    Waiting,
    /// The person has not said anything yet, and the device asks too often.
    TooSoon,
    /// The person has refused.
    DeviceRefused,
    /// The person took too long.
    DeviceExpired,
}

/// Which of the things that a grant stands on is gone, switched off or not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallen {
    /// The account.
    Account,
    /// The user or role, or the person behind it.
    Identity,
    /// The client.
    Client,
    /// The client is not installed in the account, or was installed anew.
    Installation,
    /// The identity is not assigned.
    Assignment,
    /// The identity has not agreed, or has taken it back.
    Consent,
    /// The grant was ended.
    Grant,
    /// The session that it was born in is over.
    Session,
    /// The role does not trust the person who acts as it any more.
    Trust,
}

impl Fallen {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Account,
        Self::Identity,
        Self::Client,
        Self::Installation,
        Self::Assignment,
        Self::Consent,
        Self::Grant,
        Self::Session,
        Self::Trust,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Account => "the account is switched off",
            Self::Identity => "the user or role may not sign in any more",
            Self::Client => "the application is switched off or gone",
            Self::Installation => "the application is not installed in the account any more",
            Self::Assignment => "the user or role is not assigned to the application",
            Self::Consent => "the consent was taken back",
            Self::Grant => "the sign-in was ended",
            Self::Session => "the session that it was born in is over",
            Self::Trust => "the role does not trust the person any more",
        }
    }
}

impl fmt::Display for GrantFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unproven => "the client must prove itself by a secret",
            Self::NotForYou => "this client may not ask for this",
            Self::Scope(scope) => return write!(f, "the scope `{scope}` cannot be given to this client here"),
            Self::CodeUnknown => "the code is not known",
            Self::CodeUsed(_) => "the code was used before; what it gave is over",
            Self::CodeExpired => "the code is too old",
            Self::Redirect => "the code was sent to another redirect URI",
            Self::Verifier => "the code verifier does not fit the challenge",
            Self::RefreshUnknown => "the refresh token is not known",
            Self::RefreshReplaced => "the refresh token has been replaced",
            Self::RefreshReused(_) => "the refresh token was replaced long ago; sign in again",
            Self::Expired => "the sign-in has run out; sign in again",
            Self::Fallen(fallen) => fallen.words(),
            Self::Insufficient(scope) => return write!(f, "the access token lacks the scope `{scope}`"),
            Self::Audience => "the access token is not made for this place",
            Self::KeyNeeded => "the tokens of this client are bound to a key: a proof of possession is needed",
            Self::KeyOther => "the proof is by another key than the one that the tokens are bound to",
            Self::Subject(why) => why,
            Self::Unsupported => "the grant is not offered",
            Self::Waiting => "nobody has agreed yet",
            Self::TooSoon => "nobody has agreed yet; ask less often",
            Self::DeviceRefused => "the sign-in was refused",
            Self::DeviceExpired => "nobody agreed in time; begin again",
        })
    }
}
