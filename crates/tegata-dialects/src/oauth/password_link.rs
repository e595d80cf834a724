//! The page behind a link by which somebody sets a password: the one that the first start prints, and those of letters.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use tegata_core::signin::Refusal;
use tegata_model::SecretKey;
use tegata_oauth::Parameters;

use super::{
    authorize::{refused_password, rules_in_words},
    visit::{Page, Visit, see_other},
};
use crate::pages::{FormTarget, respond, views};

/// A link by which somebody sets a password.
#[derive(Debug, Clone, Copy)]
pub(super) enum PasswordLink {
    /// What the first start prints, for the owner's first password.
    Welcome,
    /// What a letter holds.
    Letter,
}

impl PasswordLink {
    /// What its forms are for.
    fn purpose(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Letter => "reset-by-link",
        }
    }

    /// The page for one that is of no more use.
    fn gone(self, visit: &Visit) -> Response {
        let what = match self {
            Self::Welcome => "link-gone",
            Self::Letter => "letter-link-gone",
        };
        visit.problem(StatusCode::NOT_FOUND, "problem-expired-title", visit.frame().t.say(what), None)
    }

    /// Shows the form, or sets the password that it holds.
    pub(super) async fn page(self, visit: &Visit, link: &SecretKey, form: Option<Parameters>) -> Page {
        let core = &visit.oauth.core;
        let invited = match self {
            Self::Welcome => core.invited(link).await?,
            Self::Letter => core.password_reset(link).await?,
        };
        let Some(invited) = invited else { return Ok(self.gone(visit)) };
        let mut problem = None;
        if let Some(form) = form {
            if !visit.holds(self.purpose(), &form) {
                return Ok(visit.stale());
            }
            let text = |name: &str| SecretKey::new(form.text(name).unwrap_or_default().to_owned());
            let (password, repeated) = (text("password"), text("again"));
            let t = visit.frame().t;
            if password == repeated {
                let password = Arc::new(password);
                let set = match self {
                    Self::Welcome => core.set_password_by_link(&visit.meta, link, password).await?,
                    Self::Letter => core.reset_password(&visit.meta, link, password).await?,
                };
                match set {
                    Ok(()) => return Ok(see_other(&format!("{}signin", visit.root()))),
                    Err(Refusal::Expired) => return Ok(self.gone(visit)),
                    Err(refusal) => problem = Some(refused_password(t, &refusal)),
                }
            } else {
                problem = Some(t.say("new-password-differs"));
            }
        }
        let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let (frame, csrf) = (visit.frame(), visit.token(self.purpose())?);
        let rules = rules_in_words(frame.t, &invited.rules);
        let page = views::NewPassword { frame, csrf, username: invited.name, rules, problem };
        Ok(respond(status, &page, FormTarget::Here))
    }
}
