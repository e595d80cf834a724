//! The partner console's own doors to the same tokens: other paths, other spellings, 201 where something is made.

use serde_json::{Value, json};
use tegata_core::grant::OrganisationTokens;

use super::{
    Asked, Csp, CspFault, Reply, Row, rows,
    token::{for_api_token, for_app},
};

pub(crate) const ROWS: &[Row] = rows! {
    "POST" "/cphub/api/auth/v1/authn/accesstoken" "PartnerAccessToken" for_user;
    "POST" "/cphub/api/auth/v1/authn/accounts/{org}/accesstoken" "PartnerAccountAccessToken" for_account;
    "POST" "/cphub/api/auth/v2/authn/authorize" "PartnerAuthorize" authorize;
};

fn shown(issued: &OrganisationTokens, api_token: Option<&str>) -> Value {
    json!({ "accessToken": issued.access_token.expose(), "idToken": null, "refreshToken": api_token, "returnUrl": null })
}

/// For an API token of a user.
async fn for_user(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    asked.json()?;
    let token = asked.need("refreshToken")?;
    Ok(Reply::created(shown(&for_api_token(csp, asked, token).await?, Some(token))))
}

/// For an app that shows itself in the body.
async fn for_account(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    asked.json()?;
    let issued = super::token::for_app_in_body(csp, asked, asked.variable("org").to_owned()).await?;
    Ok(Reply::created(shown(&issued, None)))
}

/// For an app that shows itself in the header. The organization must be said.
async fn authorize(csp: &Csp, asked: &Asked) -> Result<Reply, CspFault> {
    let organisation = asked.need("orgId")?.to_owned();
    let issued = for_app(csp, asked, Some(organisation)).await?;
    Ok(Reply::json(shown(&issued, None)))
}
