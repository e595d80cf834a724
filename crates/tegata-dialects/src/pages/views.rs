//! One type per page. Each holds what its template shows, already in the reader's words where it is not fixed text.

use askama::Template;

use super::Frame;

/// The application somebody is signing in to, as its page shows it.
#[derive(Debug, Clone)]
pub(crate) struct ClientShown {
    /// Its name for people.
    pub(crate) name: String,
    /// True for the command line that this server's account installs from the maker.
    pub(crate) official: bool,
}

/// Name and password.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: Option<ClientShown>,
    pub(crate) username: String,
    /// The key of the text that says what was wrong.
    pub(crate) problem: Option<&'static str>,
}

/// The one-time code of a second factor.
#[derive(Debug, Template)]
#[template(path = "one_time_code.html")]
pub(crate) struct OneTimeCode {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) username: String,
    pub(crate) problem: Option<&'static str>,
}

/// A new password: after a first-start or reset link, or where the old one has to be replaced.
#[derive(Debug, Template)]
#[template(path = "new_password.html")]
pub(crate) struct NewPassword {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) username: String,
    /// What the password must have, one sentence each.
    pub(crate) rules: Vec<String>,
    /// What was wrong with the last one, in words.
    pub(crate) problem: Option<String>,
}

/// Where a letter with a link to a new password is asked for.
#[derive(Debug, Template)]
#[template(path = "reset.html")]
pub(crate) struct Reset {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) username: String,
    pub(crate) problem: Option<&'static str>,
}

/// What the button of a notice's link will do.
#[derive(Debug, Template)]
#[template(path = "not_me.html")]
pub(crate) struct NotMe {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) person: String,
    /// The key of the sentence that says what happened.
    pub(crate) what: &'static str,
    /// The key of the sentence that says what will end.
    pub(crate) does: &'static str,
    /// When it happened.
    pub(crate) at: String,
}

/// A second factor that is set up for the first time.
#[derive(Debug, Template)]
#[template(path = "new_factor.html")]
pub(crate) struct NewFactor {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) username: String,
    /// The side of the square that the picture is drawn in.
    pub(crate) size: i32,
    /// The picture that an authenticator application reads, as the path of an SVG.
    pub(crate) picture: String,
    /// The same as text, in groups of four.
    pub(crate) seed: Vec<String>,
    pub(crate) problem: Option<&'static str>,
}

/// Somebody who is signed in with the browser.
#[derive(Debug, Clone)]
pub(crate) struct AccountShown {
    pub(crate) alias: String,
    pub(crate) number: String,
    pub(crate) user: String,
    /// The role that is acted as, if one is.
    pub(crate) role: Option<String>,
}

/// As which of several people who are signed in.
#[derive(Debug, Template)]
#[template(path = "choose_account.html")]
pub(crate) struct ChooseAccount {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) accounts: Vec<AccountShown>,
}

/// The administrator's consent for the whole account, which installs an application.
#[derive(Debug, Template)]
#[template(path = "admin_consent.html")]
pub(crate) struct AdminConsent {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: ClientShown,
    /// Whose application it is.
    pub(crate) publisher: String,
    /// The account it is installed in.
    pub(crate) account: String,
    /// True where it belongs to another account.
    pub(crate) foreign: bool,
    /// Where it sends people back to.
    pub(crate) redirect_host: String,
    pub(crate) scopes: Vec<String>,
}

/// The administrator's consent was asked of somebody who may not give it.
#[derive(Debug, Template)]
#[template(path = "unauthorized_call.html")]
pub(crate) struct UnauthorizedCall {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) request_id: String,
}

/// The application is installed; now somebody has to be assigned.
#[derive(Debug, Template)]
#[template(path = "installed.html")]
pub(crate) struct Installed {
    pub(crate) frame: Frame,
    pub(crate) client: String,
    pub(crate) account: String,
    /// A relative link to its assignments.
    pub(crate) assignments: String,
    /// A relative link that goes on with the sign-in.
    pub(crate) go_on: Option<String>,
}

/// Somebody who may use an installed application.
#[derive(Debug, Clone)]
pub(crate) struct AssignmentShown {
    /// `user` or `role`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) since: String,
}

/// Who may use an installed application.
#[derive(Debug, Template)]
#[template(path = "assignments.html")]
pub(crate) struct Assignments {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) assigned: Vec<AssignmentShown>,
    /// True where everybody may use it.
    pub(crate) everybody: bool,
    /// What was wrong with the last change, in words.
    pub(crate) problem: Option<String>,
    /// What the last change did, in words.
    pub(crate) done: Option<String>,
}

/// The application is installed, but not for this identity.
#[derive(Debug, Template)]
#[template(path = "not_assigned.html")]
pub(crate) struct NotAssigned {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: String,
    pub(crate) account: String,
    /// The user or role that would have to be assigned.
    pub(crate) identity: String,
    /// The command that an administrator can use.
    pub(crate) command: String,
}

/// A person's own consent.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: ClientShown,
    pub(crate) account: String,
    /// The role that is acted as, if one is.
    pub(crate) role: Option<String>,
    /// The account that the application belongs to, if it is another than the person's own.
    pub(crate) publisher: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// The host that the answer goes to; nothing for a program on this computer.
    pub(crate) redirect_host: Option<String>,
    /// True if the answer is shown as a code, to be typed into a terminal.
    pub(crate) shows_code: bool,
    /// True if consent was given before and only one click is asked, because any program could be asking.
    pub(crate) remembered: bool,
}

/// The code that a device shows.
#[derive(Debug, Template)]
#[template(path = "device_code.html")]
pub(crate) struct DeviceCode {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) user_code: String,
    pub(crate) problem: Option<&'static str>,
}

/// Approval of a device's sign-in.
#[derive(Debug, Template)]
#[template(path = "device_approval.html")]
pub(crate) struct DeviceApproval {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) client: ClientShown,
    pub(crate) account: String,
    pub(crate) user_code: String,
    /// What the program says of itself, unverified.
    pub(crate) claims: String,
    /// Where the request came from.
    pub(crate) address: String,
    /// Three numbers of which one stands in the terminal; none where the program cannot show one.
    pub(crate) numbers: Vec<String>,
    pub(crate) scopes: Vec<String>,
}

/// Done; the window can be closed.
#[derive(Debug, Template)]
#[template(path = "done.html")]
pub(crate) struct Done {
    pub(crate) frame: Frame,
    /// The key of the heading.
    pub(crate) title: &'static str,
    /// The key of the sentence below it.
    pub(crate) text: &'static str,
}

/// A one-time code to type into the terminal that waits for it.
#[derive(Debug, Template)]
#[template(path = "code.html")]
pub(crate) struct Code {
    pub(crate) frame: Frame,
    /// The code in groups of four letters.
    pub(crate) groups: Vec<String>,
    /// How long it is good, in minutes.
    pub(crate) minutes: String,
}

/// The page of a browser that is signed in.
#[derive(Debug, Template)]
#[template(path = "signed_in.html")]
pub(crate) struct SignedIn {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) account: String,
    pub(crate) account_number: String,
    pub(crate) user: String,
    pub(crate) role: Option<String>,
    /// When the sign-in ends, in words.
    pub(crate) until: String,
    /// True where others are signed in with the browser too.
    pub(crate) several: bool,
}

/// A role to act as.
#[derive(Debug, Template)]
#[template(path = "switch_role.html")]
pub(crate) struct SwitchRole {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) account: String,
    pub(crate) role: String,
    /// The role acted as now.
    pub(crate) acting: Option<String>,
    pub(crate) problem: Option<String>,
}

/// Something is wrong, and what to do.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem {
    pub(crate) frame: Frame,
    /// The key of the heading.
    pub(crate) title: &'static str,
    /// What happened, in words.
    pub(crate) what: String,
    /// What to do, in words.
    pub(crate) advice: String,
    pub(crate) request_id: String,
}
