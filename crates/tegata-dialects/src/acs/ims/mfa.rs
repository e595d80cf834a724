//! Second factors: devices for one-time codes, and whose they are.

use tegata_core::directory::{FindFactor, ListVirtualMfaDevices, MfaDevice, UnbindMfaDevice};

use super::principal::{self, ANY_USER, USER};
use crate::acs::{
    arn,
    ask::{Ask, Entry, Fields, entry, paged, text},
    catalogue::{Kind, MARKER, MAX_ITEMS, need},
    error::AcsError,
    ram::mfa::{bind_to, create, delete, serial},
    reply::Tree,
};

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!(
        "CreateVirtualMFADevice",
        "Make a device for one-time codes and show its seed once",
        create,
        [need("VirtualMFADeviceName", Kind::Text)]
    ),
    entry!("ListVirtualMFADevices", "The devices for one-time codes, and whose they are", list, [MARKER, MAX_ITEMS]),
    entry!("DeleteVirtualMFADevice", "Delete a device that is nobody's second factor", delete, [need("SerialNumber", Kind::MfaDevice)]),
    entry!(
        "BindMFADevice",
        "Make a device the second factor of a user; two codes that follow one another prove it",
        bind,
        [need("SerialNumber", Kind::MfaDevice), USER, need("AuthenticationCode1", Kind::Text), need("AuthenticationCode2", Kind::Text)]
    ),
    entry!("UnbindMFADevice", "Take its second factor from a user", unbind, [USER]),
    entry!("GetUserMFAInfo", "Whether a user, or the caller, has a second factor, and which", describe, [ANY_USER]),
];

fn shown(ask: &Ask<'_>, device: MfaDevice) -> Tree {
    let mut fields = vec![("SerialNumber", Tree::Text(arn::mfa_device(device.account, &device.name)))];
    if let Some((user, since)) = device.bound {
        let name = principal::shown(ask, &user.name);
        let user = [("UserId", user.number.to_string()), ("UserPrincipalName", name), ("DisplayName", user.display_name)];
        fields.extend([("ActivateDate", Tree::Text(since.to_iso())), ("User", Tree::object(user))]);
    }
    Tree::Object(fields)
}

async fn list(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let listed = ask.perform(ListVirtualMfaDevices { page: ask.page(100)? }).await?;
    Ok(paged("VirtualMFADevices", "VirtualMFADevice", listed, |device| shown(ask, device)))
}

async fn bind(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    bind_to(ask, principal::named(ask)?).await
}

async fn unbind(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let device = ask.perform(UnbindMfaDevice { user: principal::named(ask)? }).await?;
    Ok(vec![("MFADevice", Tree::Object(vec![("SerialNumber", serial(ask, &device)?)]))])
}

/// The owner of an account and roles have no name at its domain: whoever asks as one of them names a user.
async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let user = principal::maybe(ask)?.or_else(|| ask.caller.user_name().cloned());
    let user = user.ok_or_else(|| AcsError::missing("UserPrincipalName"))?;
    let factor = ask.perform(FindFactor { user }).await?;
    let mut fields = vec![("IsMFAEnable", Tree::Flag(factor.is_some()))];
    if let Some(device) = factor {
        fields.push(("MFADevice", Tree::Object(vec![("SerialNumber", serial(ask, &device)?), ("Type", text(&"VMFA"))])));
    }
    Ok(fields)
}
