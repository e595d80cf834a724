//! Where devices may ask from when a person signs them in.

use tegata_core::directory::{DescribeDevicePolicy, DeviceOrigin, DevicePolicy, SetDevicePolicy};

use crate::acs::{
    ask::{Ask, Entry, Fields, entry, text},
    catalogue::{Kind, need},
    error::AcsError,
    reply::Tree,
};

const ORIGINS: [(&str, DeviceOrigin); 3] =
    [("Off", DeviceOrigin::Off), ("SameNetwork", DeviceOrigin::SameNetwork), ("Anywhere", DeviceOrigin::Anywhere)];

/// The operations of this topic.
pub(super) const OPERATIONS: &[Entry] = &[
    entry!("GetDevicePolicy", "Where devices that people sign in may ask from", describe, []),
    entry!(
        "SetDevicePolicy",
        "Say where devices that people sign in may ask from",
        set,
        [need("Origin", Kind::Word(&["Off", "SameNetwork", "Anywhere"]))]
    ),
];

fn shown(policy: DevicePolicy) -> Fields {
    let name = ORIGINS.iter().find(|(_, origin)| *origin == policy.origin).map_or("", |(name, _)| *name);
    vec![("DevicePolicy", Tree::Object(vec![("Origin", text(&name))]))]
}

async fn describe(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    Ok(shown(ask.perform(DescribeDevicePolicy).await?))
}

async fn set(ask: &Ask<'_>) -> Result<Fields, AcsError> {
    let named: String = ask.params.required("Origin")?;
    let origin = ORIGINS.iter().find(|(name, _)| *name == named).map(|(_, origin)| *origin);
    let origin = origin.ok_or_else(|| AcsError::invalid("Origin", "it is `Off`, `SameNetwork` or `Anywhere`"))?;
    Ok(shown(ask.perform(SetDevicePolicy { origin }).await?))
}
