//! What comes next for a browser that a client has sent here. Nothing is kept between two requests but the browser itself: each
//! answer is worked out afresh from what is stored now.

use std::time::Duration;

use tegata_oauth::{AuthorizationRequest, Scope};
use tegata_store::{browser_session::Stage, installation};

use super::{Application, Browser, Readiness};
use crate::{
    Core, RequestMeta,
    caller::Caller,
    client::{InstallClient, InstallExternalClient, installed_as, let_in, scope_of},
    error::OpError,
};

/// How old a sign-in may be when an application is installed for a whole account.
pub(super) const FRESH: Duration = Duration::from_mins(5);

/// What a page asks, or that it need not ask any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Name and password.
    SignIn,
    /// A one-time code.
    OneTimeCode,
    /// A new password.
    NewPassword,
    /// A second factor, set up for the first time.
    NewFactor,
    /// As which of those who are signed in with this browser.
    ChooseAccount,
    /// The administrator's consent, which installs the application with these scopes.
    AdminConsent(Scope),
    /// An administrator's consent is needed and this is none.
    Unauthorized,
    /// The application belongs to another account, and the person's own does not let it in.
    Foreign,
    /// The application is installed, but not for whoever acts.
    NotAssigned,
    /// The person's own consent to these scopes; `true` if it was given before and only one click is asked.
    Consent(Scope, bool),
    /// Nothing: the code may go out.
    Redirect,
}

/// As whom a person wants to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The person has not said.
    #[default]
    Unsaid,
    /// As the one who counts now: the person has chosen.
    Chosen,
    /// As somebody who is yet to sign in.
    SomebodyElse,
}

/// What was done already in this very flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// The person has signed in for it.
    pub signed_in: bool,
    /// An administrator has just installed the application.
    pub installed: bool,
    /// As whom the person wants to go on.
    pub choice: Choice,
    /// More than one person is signed in with the browser.
    pub several: bool,
}

impl Core {
    /// What comes next.
    pub async fn next(
        &self,
        meta: &RequestMeta,
        request: &AuthorizationRequest,
        application: &Application,
        browser: Option<&Browser>,
        done: Done,
    ) -> Result<Next, OpError> {
        let Some(browser) = browser else { return Ok(Next::SignIn) };
        match browser.stage() {
            Stage::OneTimeCode => return Ok(Next::OneTimeCode),
            Stage::NewPassword => return Ok(Next::NewPassword),
            Stage::NewFactor => return Ok(Next::NewFactor),
            Stage::SignedIn => {}
        }
        if done.choice == Choice::SomebodyElse && !done.signed_in {
            return Ok(Next::SignIn);
        }
        let unsaid = done.choice == Choice::Unsaid && !done.signed_in;
        if unsaid && (request.prompt.select_account || (done.several && !request.prompt.none && !request.prompt.login)) {
            return Ok(Next::ChooseAccount);
        }
        let age = self.now().since(browser.signed_in_at());
        let asked_again = request.prompt.login && !done.signed_in;
        if asked_again
            || self.owner_must_return(&browser.0.principal, &browser.who()).await?
            || request.max_age.is_some_and(|most| age > Duration::from_secs(most) && !done.signed_in)
        {
            return Ok(Next::SignIn);
        }
        let readiness = self.readiness(application, &browser.who()).await?;
        let once_more = request.prompt.admin_consent && application.is_official() && !done.installed;
        if readiness == Readiness::NotInstalled || once_more {
            let account = browser.0.principal.account.id;
            if application.is_foreign_to(account) && let_in(self, &application.row, account).await?.is_none() {
                return Ok(Next::Foreign);
            }
            let Some(caller) = self.browser_caller(browser, meta.clone()) else { return Ok(Next::SignIn) };
            return match self.may_install(&caller, application).await {
                Ok(()) if age > FRESH => Ok(Next::SignIn),
                Ok(()) => Ok(Next::AdminConsent(application.scope.clone())),
                Err(OpError::Denied(_)) => Ok(Next::Unauthorized),
                Err(other) => Err(other),
            };
        }
        let consent_again = request.prompt.consent || (request.prompt.admin_consent && !application.is_official());
        Ok(match readiness {
            Readiness::NotInstalled | Readiness::NotAssigned => Next::NotAssigned,
            Readiness::ConsentNeeded(scope) => Next::Consent(scope, false),
            Readiness::Ready if consent_again => Next::Consent(self.granted(application, browser).await?, false),
            // Any program of this computer can say that it is this client, so somebody has to look.
            Readiness::Ready if application.is_native() => Next::Consent(self.granted(application, browser).await?, true),
            Readiness::Ready => Next::Redirect,
        })
    }

    /// What the client asks for, as far as the account has agreed to it.
    async fn granted(&self, application: &Application, browser: &Browser) -> Result<Scope, OpError> {
        let found = installation::find_by_client(&self.store, browser.0.principal.account.id, installed_as(&application.row)).await?;
        Ok(match found {
            Some(installation) => application.scope.common(&scope_of(&installation.scopes)?),
            None => application.scope.clone(),
        })
    }

    /// Whether somebody may install the application for the whole account: the official one, one that is the account's own, or one of
    /// another account.
    async fn may_install(&self, caller: &Caller, application: &Application) -> Result<(), OpError> {
        let (app_id, scopes) = (application.app_id().to_owned(), None);
        if application.is_official() || application.is_foreign_to(caller.account()) {
            self.check(caller, &InstallExternalClient { app_id, scopes }).await
        } else {
            self.check(caller, &InstallClient { app_id, scopes }).await
        }
    }

    /// Installs an application for the account of a browser: the administrator's consent. The sign-in must be fresh.
    pub async fn install_at_page(&self, meta: &RequestMeta, application: &Application, browser: &Browser) -> Result<bool, OpError> {
        let fresh = self.now().since(browser.signed_in_at()) <= FRESH;
        let Some(caller) = self.browser_caller(browser, meta.clone()).filter(|_| fresh) else { return Ok(false) };
        let (app_id, scopes) = (application.app_id().to_owned(), None);
        if application.is_official() || application.is_foreign_to(caller.account()) {
            self.perform(&caller, &InstallExternalClient { app_id, scopes }).await?;
        } else {
            self.perform(&caller, &InstallClient { app_id, scopes }).await?;
        }
        Ok(true)
    }
}
