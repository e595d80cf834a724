//! Devices for one-time codes, and whose second factor they are.

use tegata_core::{
    directory::{
        BindMfaDevice, CreateVirtualMfaDevice, DeleteVirtualMfaDevice, DescribeFactor, ListVirtualMfaDevices, MfaDevice, Page,
        UnbindMfaDevice,
    },
    otp::OneTimeCode,
};
use tegata_model::{MfaDeviceName, UserName};

use crate::{
    acs::{
        arn::{self, SerialNumber},
        ask::{Ask, Entry, Fields, entry, text, wrapped},
        catalogue::{Kind, need},
        error::AcsError,
        reply::Tree,
    },
    edge::qr,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateVirtualMFADevice",
        "Make a device for one-time codes and show its seed once",
        create,
        [need("VirtualMFADeviceName", Kind::Text)]
    ),
    entry!("ListVirtualMFADevices", "The devices for one-time codes, and whose they are", list, []),
    entry!("DeleteVirtualMFADevice", "Delete a device that is nobody's second factor", delete, [need("SerialNumber", Kind::MfaDevice)]),
    entry!(
        "BindMFADevice",
        "Make a device the second factor of a user; two codes that follow one another prove it",
        bind,
        [
            need("SerialNumber", Kind::MfaDevice),
            need("UserName", Kind::User),
            need("AuthenticationCode1", Kind::Text),
            need("AuthenticationCode2", Kind::Text)
        ]
    ),
    entry!("UnbindMFADevice", "Take its second factor from a user", unbind, [need("UserName", Kind::User)]),
    entry!("GetUserMFAInfo", "Which device is the second factor of a user", describe, [need("UserName", Kind::User)]),
];

/// All of them: this list has no pages.
const EVERY: usize = 1000;

pub(in crate::acs) async fn create(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let made = ask.perform(CreateVirtualMfaDevice { name: ask.name("VirtualMFADeviceName")? }).await?;
    let picture =
        qr::png_base64(made.address.expose()).ok_or_else(|| AcsError::from(tegata_core::OpError::internal("no picture of a seed")))?;
    let fields = [
        ("SerialNumber", arn::mfa_device(made.device.account, &made.device.name)),
        ("Base32StringSeed", made.seed.expose().to_owned()),
        ("QRCodePNG", picture),
    ];
    Ok(vec![("VirtualMFADevice", Tree::object(fields))])
}

fn shown(device: MfaDevice) -> Tree {
    let mut fields = vec![("SerialNumber", Tree::Text(arn::mfa_device(device.account, &device.name)))];
    if let Some((user, since)) = device.bound {
        let user = [("UserId", user.number.to_string()), ("UserName", user.name.to_string()), ("DisplayName", user.display_name)];
        fields.extend([("ActivateDate", Tree::Text(since.to_iso())), ("User", Tree::object(user))]);
    }
    Tree::Object(fields)
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListVirtualMfaDevices { page: Page { after: String::new(), limit: EVERY } }).await?;
    Ok(vec![wrapped("VirtualMFADevices", "VirtualMFADevice", listed.items.into_iter().map(shown).collect())])
}

pub(in crate::acs) async fn delete(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let SerialNumber { account, name } = ask.params.required("SerialNumber")?;
    ask.perform(DeleteVirtualMfaDevice { account, name }).await?;
    Ok(Vec::new())
}

/// One of the two codes. Both have the same error.
fn code(ask: &Ask<'_>, parameter: &'static str) -> Result<OneTimeCode, AcsError> {
    let text = ask.params.text(parameter).filter(|text| !text.is_empty()).ok_or_else(|| AcsError::missing(parameter))?;
    text.parse().map_err(|error: tegata_core::otp::NoCode| AcsError::invalid_in("AuthenticationCode", "Format", &error.to_string()))
}

pub(super) async fn bind(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    bind_to(ask, ask.name("UserName")?).await
}

/// The same, whichever way the user is named.
pub(in crate::acs) async fn bind_to(ask: &Ask<'_>, user: UserName) -> Result<Fields, AcsError> {
    let SerialNumber { account, name } = ask.params.required("SerialNumber")?;
    let input =
        BindMfaDevice { user, account, device: name, first: code(ask, "AuthenticationCode1")?, second: code(ask, "AuthenticationCode2")? };
    ask.perform(input).await?;
    Ok(Vec::new())
}

pub(in crate::acs) fn serial(ask: &Ask<'_>, name: &MfaDeviceName) -> Result<Tree, AcsError> {
    let account = ask.caller.account_number().parse().map_err(|error| AcsError::from(tegata_core::OpError::internal(error)))?;
    Ok(Tree::Text(arn::mfa_device(account, name)))
}

pub(super) async fn unbind(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let device = ask.perform(UnbindMfaDevice { user: ask.name("UserName")? }).await?;
    Ok(vec![("MFADevice", Tree::Object(vec![("SerialNumber", serial(ask, &device)?)]))])
}

pub(super) async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let device = ask.perform(DescribeFactor { user: ask.name("UserName")? }).await?;
    Ok(vec![("MFADevice", Tree::Object(vec![("SerialNumber", serial(ask, &device)?), ("Type", text(&"VMFA"))]))])
}
