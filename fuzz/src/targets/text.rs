//! Small texts: forms, dates, names, ranges.

use std::{fmt::Display, time::Duration};

use tegata_core::object::{ByteRange, Resolved};
use tegata_model::{
    AccessKeyId, AccountAlias, BucketName, ExternalId, GroupName, ObjectKey, PolicyName, RequestId, RoleName, RoleSessionName, SessionId,
    SourceIdentity, Timestamp, UserName,
};
use tegata_policy::Resource;
use tegata_sign::form as coding;

use super::check_error;
use crate::deep;

/// Form and percent decoding: what was read can be written, and reads back as the same.
pub fn form(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match coding::decode(&text) {
        Err(error) => check_error(&error),
        Ok(pairs) => {
            deep();
            // A pair that is empty on both sides writes as `=`, which is a pair again.
            let written = coding::encode(&pairs);
            assert_eq!(coding::decode(&written).as_ref(), Ok(&pairs), "a form does not read back");
            assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "a form is not written in plain letters");
            assert_eq!(coding::encode(&coding::decode(&written).unwrap_or_default()), written, "the strict form is not a fixed point");
        }
    }
    if let Ok(plain) = coding::percent_decode(&text) {
        for encoded in [coding::percent_encode(&plain), coding::percent_encode_path(&plain)] {
            assert_eq!(coding::percent_decode(&encoded).as_deref(), Ok(&*plain), "a path does not read back");
        }
    }
}

/// Forms to begin with.
pub fn forms() -> Vec<Vec<u8>> {
    ["Action=AssumeRole&Version=2015-04-01&Policy=%7B%22a%22%3A+1%7D", "prefix=a%2Fb&marker=%E6%97%A5&acl&x==", "&&a=b&&"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

/// Dates in five forms: what is read is written the same way again, and arithmetic at the edges saturates.
pub fn timestamp(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(at) = Timestamp::parse_iso(&text) {
        deep();
        assert_eq!(at.to_iso(), text, "two texts for one instant");
    }
    if let Some(at) = Timestamp::parse_iso_basic(&text) {
        deep();
        assert_eq!(at.to_iso_basic(), text, "two texts for one instant");
        assert!(text.starts_with(&at.to_basic_date()), "the day is another one");
    }
    if let Some(at) = Timestamp::parse_http_date(&text) {
        deep();
        assert_eq!(Timestamp::parse_http_date(&at.to_http_date()), Some(at), "an HTTP date does not read back");
    }
    if let Some(at) = Timestamp::parse_rfc3339(&text) {
        deep();
        if (0..253_402_300_800).contains(&at.unix()) {
            assert_eq!(Timestamp::parse_rfc3339(&at.to_iso_millis()), Some(at), "an instant does not read back");
        }
    }
    if let Some(bytes) = input.first_chunk::<8>() {
        let at = Timestamp::from_unix(i64::from_le_bytes(*bytes));
        let far = Duration::from_secs(u64::from_le_bytes(*bytes));
        assert!(at.plus(far) >= at && at.minus(far) <= at, "time goes backwards");
        for text in [at.to_iso(), at.to_iso_basic(), at.to_iso_millis(), at.to_http_date(), at.to_basic_date()] {
            assert!(!text.is_empty(), "an instant has no text");
        }
    }
}

/// Dates to begin with.
pub fn timestamps() -> Vec<Vec<u8>> {
    ["2026-01-02T03:04:05Z", "20260102T030405Z", "Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05.678+09:00", "2024-02-29T23:59:59Z"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

/// Names, ids and keys: the text of a name is the text that was given, and its folded form is a name too.
pub fn name(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    macro_rules! each {
        ($($name:ident),+) => { $(
            match $name::new(&text) {
                Err(error) => check_error(&error),
                Ok(name) => {
                    deep();
                    assert_eq!(name.as_str(), &*text, "a name is not what was given");
                    assert!($name::new(&name.folded()).is_ok(), "a folded name is no name");
                    let json = serde_json::to_string(&name).unwrap_or_default();
                    assert_eq!(serde_json::from_str::<$name>(&json).ok(), Some(name), "a name does not read back");
                }
            }
        )+ };
    }
    each!(
        AccountAlias,
        UserName,
        GroupName,
        RoleName,
        PolicyName,
        RoleSessionName,
        SourceIdentity,
        ExternalId,
        BucketName,
        ObjectKey,
        AccessKeyId
    );
    if let Ok(key) = ObjectKey::new(&text) {
        assert!(key.as_str().chars().all(|c| c >= ' ' || matches!(c, '\t' | '\n' | '\r')), "no reply could carry this key");
    }
    id::<RequestId>(&text);
    id::<SessionId>(&text);
    if let Some(resource) = Resource::parse(&text) {
        let written = resource.to_string();
        assert_eq!(Resource::parse(&written), Some(resource), "a resource does not read back");
    }
}

fn id<T: std::str::FromStr<Err: Display> + Display + PartialEq + std::fmt::Debug>(text: &str) {
    match text.parse::<T>() {
        Err(error) => check_error(&error),
        Ok(id) => assert_eq!(id.to_string().parse::<T>().ok(), Some(id), "an id does not read back"),
    }
}

/// Names to begin with.
pub fn names() -> Vec<Vec<u8>> {
    let names = [
        "acme",
        "app-uploader",
        "photos",
        "alice@example",
        "a/../b//c.jpg",
        "日本/鍵.txt",
        "LTAI5tExample",
        "STS.01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ];
    let ids = ["request_01ARZ3NDEKTSV4RRFFQ69G5FAV", "session_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "acs:oss:*:1000000000000001:photos/a:b"];
    names.into_iter().chain(ids).map(|text| text.as_bytes().to_vec()).collect()
}

/// Byte ranges: what is given lies inside the object and is not empty.
pub fn range(input: &[u8]) {
    let (size, text) = input.split_at_checked(8).unwrap_or((&[0; 8], input));
    let size = size.try_into().map_or(0, u64::from_le_bytes);
    let Some(range) = ByteRange::parse(&String::from_utf8_lossy(text)) else { return };
    deep();
    for size in [size, size % 4096, 0, 1, u64::MAX] {
        for standard in [false, true] {
            match range.resolve(size, standard) {
                Resolved::Part(part) => assert!(part.start < part.end && part.end <= size, "a part {part:?} of {size} bytes"),
                Resolved::Unsatisfiable => assert!(standard, "a reader that ignores strange ranges refused one"),
                Resolved::Whole => {}
            }
        }
    }
}

/// Ranges to begin with: eight bytes of size, then the text.
pub fn ranges() -> Vec<Vec<u8>> {
    ["bytes=0-4", "bytes=5-", "bytes=-3", "bytes=0-18446744073709551615", "bytes=18446744073709551615-"]
        .map(|text| [&10_u64.to_le_bytes()[..], text.as_bytes()].concat())
        .into()
}
