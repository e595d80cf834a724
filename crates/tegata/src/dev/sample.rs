//! The sample directory of `dev`: people, a role, a bucket, and secrets that everybody knows. `serve` refuses these keys.
//!
//! Every secret here holds the word `Example` or `EXAMPLE`, so that nobody takes it for a real one.

use std::time::Duration;

use tegata_core::{
    Core,
    client::ClientKind,
    directory::{Attachable, NewAccessKey, NewAccount, NewClient, NewRole, NewUser, Provision, ProvisionError, Provisioned},
    org::OrgKind,
};
use tegata_model::{
    AccessKeyId, AccountAlias, AccountNumber, BucketName, MfaDeviceName, OperatorId, OrganisationId, PasswordHash, PolicyName,
    PrincipalNumber, RoleName, SecretKey, UserId, UserName,
};

use crate::failure::Failure;

/// An account of the sample directory.
pub(crate) struct Account {
    pub(crate) alias: &'static str,
    pub(crate) number: u64,
    pub(crate) operator_id: &'static str,
    pub(crate) organisation_id: &'static str,
    root_login: &'static str,
}

/// Somebody of the sample directory, with every kind of credential there will be.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    number: u64,
    pub(crate) password: &'static str,
    /// The password as it is kept: worked out once, so that no start has to wait for it.
    password_hash: &'static str,
    pub(crate) access_key_id: &'static str,
    pub(crate) access_key_secret: &'static str,
    pub(crate) auth_key_id: &'static str,
    pub(crate) auth_key: &'static str,
    pub(crate) csp_api_token: &'static str,
    pub(crate) totp_secret: Option<&'static str>,
    policy: Option<&'static str>,
}

/// An OAuth client of the sample directory.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
}

/// The account everything belongs to; also a provider organisation.
pub(crate) const ACME: Account = Account {
    alias: "acme",
    number: 1_000_000_000_000_001,
    operator_id: "OP0000000001",
    organisation_id: "aaaaaaaa-0000-4000-8000-000000000001",
    root_login: "root@acme.test",
};

/// Its customer.
pub(crate) const GLOBEX: Account = Account {
    alias: "globex",
    number: 1_000_000_000_000_002,
    operator_id: "OP0000000002",
    organisation_id: "aaaaaaaa-0000-4000-8000-000000000002",
    root_login: "root@globex.test",
};

/// The owner of `acme`.
pub(crate) const ROOT: Person = Person {
    name: ACME.root_login,
    number: 0,
    password: "root-Example-Password-1",
    password_hash: "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZnJvbw$s0mGjVFh0qxzUMCm1BtcQeI8U3i7SdGFhGXScUvlUNg",
    access_key_id: "LTAIDEVEXAMPLEROOT000001",
    access_key_secret: "DevExampleSecretOfRoot00000001",
    auth_key_id: "keyId-DevExampleAuthKeyOfRoot000000001",
    auth_key: "secret-DevExampleAuthKeySecretOfRoot00000000000000000000000000000000001",
    csp_api_token: "",
    totp_secret: None,
    policy: None,
};

/// The users of `acme`.
pub(crate) const USERS: [Person; 5] = [
    Person {
        name: "alice",
        number: 200_000_000_000_000_001,
        password: "alice-Example-Password-1",
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZmFsaQ$h6v2QZyVC+aCWynLHU3akpC95/ebCwpwC5+njgV+1fo",
        access_key_id: "LTAIDEVEXAMPLEALICE00001",
        access_key_secret: "DevExampleSecretOfAlice0000001",
        auth_key_id: "keyId-DevExampleAuthKeyOfAlice00000001",
        auth_key: "secret-DevExampleAuthKeySecretOfAlice0000000000000000000000000000000001",
        csp_api_token: "DevExampleCspApiTokenOfAlice000000000000000000000000000000000001",
        totp_secret: None,
        policy: Some("AdministratorAccess"),
    },
    Person {
        name: "bob",
        number: 200_000_000_000_000_002,
        password: "bob-Example-Password-1",
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZmJvYg$AX9dQ1Nyz1X25qFecDdRzxpa7QoIz0Qpkn1tSA8ZVKU",
        access_key_id: "LTAIDEVEXAMPLEBOB0000001",
        access_key_secret: "DevExampleSecretOfBob000000001",
        auth_key_id: "keyId-DevExampleAuthKeyOfBob0000000001",
        auth_key: "secret-DevExampleAuthKeySecretOfBob000000000000000000000000000000000001",
        csp_api_token: "DevExampleCspApiTokenOfBob00000000000000000000000000000000000001",
        totp_secret: None,
        policy: Some(ASSUME),
    },
    Person {
        name: "carol",
        number: 200_000_000_000_000_003,
        password: "carol-Example-Password-1",
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZmNhcg$RiSgFM8pdOwsRiBJO2eIAN+i3OBOd2WJ84Jl0ZLG4/s",
        access_key_id: "LTAIDEVEXAMPLECAROL00001",
        access_key_secret: "DevExampleSecretOfCarol0000001",
        auth_key_id: "keyId-DevExampleAuthKeyOfCarol00000001",
        auth_key: "secret-DevExampleAuthKeySecretOfCarol0000000000000000000000000000000001",
        csp_api_token: "DevExampleCspApiTokenOfCarol000000000000000000000000000000000001",
        totp_secret: Some("DEVEXAMPLETOTPSECRETOFCAROLAAAAA"),
        policy: Some(ASSUME),
    },
    Person {
        name: "dan",
        number: 200_000_000_000_000_004,
        password: "dan-Example-Password-1",
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZmRhbg$TgXM6P21qWVDCStF/Lz3SP8fp+ky+z5CsAk/pckWixM",
        access_key_id: "LTAIDEVEXAMPLEDAN0000001",
        access_key_secret: "DevExampleSecretOfDan000000001",
        auth_key_id: "keyId-DevExampleAuthKeyOfDan0000000001",
        auth_key: "secret-DevExampleAuthKeySecretOfDan000000000000000000000000000000000001",
        csp_api_token: "DevExampleCspApiTokenOfDan00000000000000000000000000000000000001",
        totp_secret: None,
        policy: None,
    },
    Person {
        name: "appserver",
        number: 200_000_000_000_000_005,
        password: "appserver-Example-Password-1",
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$RXhhbXBsZVNhbHRPZmFwcA$lGnuBxGMAPi25wEG/x+JXVj7+eKnj/97WQ6H7ZcHTPA",
        access_key_id: "LTAIDEVEXAMPLEAPPSERVER1",
        access_key_secret: "DevExampleSecretOfAppserver001",
        auth_key_id: "keyId-DevExampleAuthKeyOfAppserver0001",
        auth_key: "secret-DevExampleAuthKeySecretOfAppserver000000000000000000000000000001",
        csp_api_token: "DevExampleCspApiTokenOfAppserver00000000000000000000000000000001",
        totp_secret: None,
        policy: Some(ASSUME),
    },
];

/// The confidential client that test suites use.
pub(crate) const CLIENT: Client = Client { name: "bench", id: "5000000000000000001", secret: "DevExampleClientSecretOfBench00000000001" };

/// Where it may be sent codes.
const CLIENT_REDIRECTS: [&str; 1] = ["http://127.0.0.1/callback"];
/// What it may ask for.
const CLIENT_SCOPES: [&str; 3] = ["openid", "aliuid", "profile"];

/// Who has which role in the organisation `acme`: its own, or that of a service. The others have none.
const ORG_ROLES: [(&str, Option<&str>, &str); 4] = [
    ("alice", None, "provider_admin"),
    ("dan", None, "provider_service_manager"),
    ("dan", None, "provider_developer"),
    ("dan", Some("vcd"), "vcd:user"),
];

/// The role that may use the bucket.
pub(crate) const ROLE: &str = "app-uploader";
const ROLE_NUMBER: u64 = 300_000_000_000_000_001;
/// The bucket.
pub(crate) const BUCKET: &str = "photos";
/// The policy that lets somebody assume the role.
const ASSUME: &str = "assume-app-uploader";
/// The policy of the role.
const UPLOAD: &str = "app-uploader-photos";

/// The ids of all keys that everybody knows.
pub(crate) fn access_key_ids() -> impl Iterator<Item = &'static str> {
    std::iter::once(&ROOT).chain(&USERS).map(|person| person.access_key_id)
}

/// The resource name of the role.
pub(crate) fn role_arn() -> String {
    format!("acs:ram::{}:role/{ROLE}", ACME.number)
}

fn upload_policy() -> String {
    format!(
        r#"{{"Version":"1","Statement":[
  {{"Effect":"Allow","Action":["oss:PutObject","oss:GetObject"],"Resource":"acs:oss:*:*:{BUCKET}/*"}},
  {{"Effect":"Allow","Action":"oss:ListObjects","Resource":"acs:oss:*:*:{BUCKET}"}}]}}"#
    )
}

fn assume_policy() -> String {
    format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{}"}}]}}"#, role_arn())
}

fn trust_policy() -> String {
    let principals = ["bob", "carol", "appserver"].map(|name| format!(r#""acs:ram::{}:user/{name}""#, ACME.number)).join(",");
    format!(r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":[{principals}]}}}}]}}"#)
}

/// Puts the sample directory into an empty store, all of it or nothing.
pub(crate) async fn seed(core: &Core) -> Result<(), Failure> {
    let mut work = core.provision();
    work.system_policies().await?;
    let acme = account(&mut work, &ACME, None)?;
    let globex = account(&mut work, &GLOBEX, Some(&acme))?;
    work.organisation(&acme, OrgKind::Provider, "Acme");
    work.offer(&acme, &[("vcd", "vcd:admin"), ("vcd", "vcd:user"), ("vmc", "vmc:admin"), ("vmc", "vmc:auditor")]);
    work.organisation(&globex, OrgKind::Customer, "Globex");
    work.offer(&globex, &[("vcd", "vcd:user")]);
    work.policy(&acme, &name(ASSUME, PolicyName::new)?, &assume_policy())?;
    work.policy(&acme, &name(UPLOAD, PolicyName::new)?, &upload_policy())?;
    key(&mut work, &acme, acme.root, &ROOT)?;
    work.login_profile(&acme, acme.root, PasswordHash::new(ROOT.password_hash))?;
    for person in &USERS {
        let new = NewUser { name: name(person.name, UserName::new)?, number: Some(number(person.number)?) };
        let user = work.user(&acme, &new)?;
        key(&mut work, &acme, user, person)?;
        for (service, role) in ORG_ROLES.iter().filter(|(name, ..)| *name == person.name).map(|(_, service, role)| (*service, *role)) {
            work.bind(&acme, user, service, role);
        }
        work.api_token(&acme, user, &SecretKey::new(person.csp_api_token.to_owned()))?;
        work.login_profile(&acme, user, PasswordHash::new(person.password_hash))?;
        if let Some(seed) = person.totp_secret {
            work.factor(&acme, user, name(person.name, MfaDeviceName::new)?, &SecretKey::new(seed.to_owned()))?;
        }
        if let Some(policy) = person.policy {
            work.attach(&acme, &name(policy, PolicyName::new)?, Attachable::User(user)).await?;
        }
    }
    let role = NewRole {
        name: name(ROLE, RoleName::new)?,
        number: Some(number(ROLE_NUMBER)?),
        description: "may put, get and list objects of the bucket photos".to_owned(),
        trust_document: trust_policy(),
        max_session: Duration::from_hours(1),
    };
    let role = work.role(&acme, &role).await?;
    work.attach(&acme, &name(UPLOAD, PolicyName::new)?, Attachable::Role(role)).await?;
    work.bucket(&acme, &name(BUCKET, BucketName::new)?)?;
    work.client(
        &acme,
        &NewClient {
            app_id: CLIENT.id.to_owned(),
            name: CLIENT.name.to_owned(),
            // As native clients it may listen on any port of this computer; unlike them it keeps a secret.
            kind: ClientKind::Native,
            secret: SecretKey::new(CLIENT.secret.to_owned()),
            redirect_uris: CLIENT_REDIRECTS.iter().map(|uri| (*uri).to_owned()).collect(),
            scopes: CLIENT_SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
        },
    )?;
    work.commit().await?;
    Ok(())
}

fn account(work: &mut Provision<'_>, account: &Account, parent: Option<&Provisioned>) -> Result<Provisioned, Failure> {
    let wrong = |error: tegata_model::NumberError| Failure::new(format!("the sample directory is not usable: {error}"));
    Ok(work.account(NewAccount {
        alias: name(account.alias, AccountAlias::new)?,
        number: Some(AccountNumber::new(account.number).map_err(wrong)?),
        operator_id: Some(OperatorId::new(account.operator_id).map_err(wrong)?),
        organisation_id: Some(OrganisationId::new(account.organisation_id).map_err(wrong)?),
        parent: parent.map(|parent| parent.account),
        root_login: account.root_login.to_owned(),
    })?)
}

fn key(work: &mut Provision<'_>, owner: &Provisioned, user: UserId, person: &Person) -> Result<(), Failure> {
    let new =
        NewAccessKey { key_id: name(person.access_key_id, AccessKeyId::new)?, secret: SecretKey::new(person.access_key_secret.to_owned()) };
    Ok::<(), ProvisionError>(work.access_key(owner, user, &new)?).map_err(Into::into)
}

fn name<T>(text: &str, read: impl FnOnce(&str) -> Result<T, tegata_model::NameError>) -> Result<T, Failure> {
    read(text).map_err(|error| Failure::new(format!("the sample directory is not usable: {error}, found `{text}`")))
}

fn number(number: u64) -> Result<PrincipalNumber, Failure> {
    PrincipalNumber::new(number).map_err(|error| Failure::new(format!("the sample directory is not usable: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_their_form_and_give_themselves_away() {
        for person in std::iter::once(&ROOT).chain(&USERS) {
            assert_eq!(person.access_key_id.len(), 24, "{}", person.access_key_id);
            assert_eq!(person.access_key_secret.len(), 30, "{}", person.access_key_secret);
            assert_eq!(person.auth_key_id.len(), "keyId-".len() + 32, "{}", person.auth_key_id);
            assert_eq!(person.auth_key.len(), "secret-".len() + 64, "{}", person.auth_key);
            for secret in [person.access_key_id, person.access_key_secret, person.auth_key_id, person.auth_key, person.password] {
                assert!(secret.to_ascii_lowercase().contains("example"), "{secret}");
            }
            if let Some(secret) = person.totp_secret {
                assert!(secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)), "{secret}");
            }
        }
        for person in std::iter::once(&ROOT).chain(&USERS) {
            let verified =
                argon2::PasswordVerifier::verify_password(&argon2::Argon2::default(), person.password.as_bytes(), person.password_hash);
            assert!(verified.is_ok(), "the hash is not of this password: {}", person.name);
        }
        for person in &USERS {
            assert_eq!(person.csp_api_token.len(), 64, "{}", person.csp_api_token);
        }
        let mut ids: Vec<_> = access_key_ids().collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }
}
