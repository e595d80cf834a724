//! What the sample directory and the command line set up before anybody can ask: kinds of organisations, what they offer, first roles.

use tegata_model::UserId;
use tegata_store::organisation::{self, BindingRow, OrganisationRow};

use super::OrgKind;
use crate::directory::{Provision, Provisioned};

impl Provision<'_> {
    /// Says what kind of organisation an account is.
    pub fn organisation(&mut self, owner: &Provisioned, kind: OrgKind, display_name: &str) {
        let created_at = self.core().now();
        let row = OrganisationRow { account_id: owner.account, kind, display_name: display_name.to_owned(), created_at };
        self.push(organisation::set(&row));
    }

    /// Offers these roles of services, as (name of the service, role); a service that is not known is passed over.
    pub fn offer(&mut self, owner: &Provisioned, roles: &[(&str, &str)]) {
        let services = &self.core().services;
        let named = roles.iter().filter_map(|(service, role)| Some((services.named(service)?.id.clone(), (*role).to_owned())));
        let (named, now): (Vec<_>, _) = (named.collect(), self.core().now());
        self.push(organisation::offer_only(owner.account, &named, now));
    }

    /// Gives a user a role in an organisation: its own, or that of a service by name.
    pub fn bind(&mut self, org: &Provisioned, user: UserId, service: Option<&str>, role: &str) {
        let service = service.and_then(|name| self.core().services.named(name)).map(|service| service.id.clone()).unwrap_or_default();
        let created_at = self.core().now();
        let row = BindingRow { account_id: org.account, user_id: user, service, role: role.to_owned(), created_at, expires_at: None };
        self.push(organisation::bind(&row));
    }
}
