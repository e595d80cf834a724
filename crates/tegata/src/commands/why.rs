//! `tegata why REQUEST_ID`: explains the answer to one request from its audit entry.

use tegata_core::why::{escape, explain_row};
use tegata_model::RequestId;
use tegata_store::{Store, StoreError, audit};

use super::{audit::harmless, beside, read_only, runtime};
use crate::{
    cli::{WhyFlags, WhyOutput},
    config::Environment,
    failure::Failure,
    terminal,
};

/// A request id in one of the spellings replies and logs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Whole(RequestId),
    /// The short spelling of object storage.
    Beginning([u8; 12]),
}

/// `tegata why REQUEST_ID`
pub(crate) fn explain(flags: &WhyFlags, environment: &Environment) -> Result<(), Failure> {
    let text = flags.request.trim();
    let wanted = read(text).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` is not a request id; expected one as replies carry it: `7E0F3F4A-6B3E-5C0E-9D2B-0E8A5C1B7D21`, 24 hexadecimal digits, or `request_…`",
            escape(text)
        ))
    })?;
    let config = beside(&flags.place, environment)?;
    let row = runtime()?.block_on(async {
        let store = read_only(&config).await?;
        let row = find(&store, wanted).await;
        store.close().await;
        row.map_err(Failure::from)
    })?;
    let Some(row) = row else {
        return Err(Failure::new(format!(
            "the audit trail in `{}` has no request `{text}`; requests whose caller stayed unknown, and reads that changed nothing, have no entry of their own. If another server answered it, name its folder with `--data DIR`",
            config.data.display()
        )));
    };
    let report = explain_row(&row);
    let page = match flags.output {
        WhyOutput::Text => report.to_string().trim_end().to_owned(),
        WhyOutput::Json => harmless(&serde_json::to_string_pretty(&report).map_err(|error| Failure::new(error.to_string()))?),
    };
    terminal::say(&page);
    Ok(())
}

async fn find(store: &Store, wanted: Wanted) -> Result<Option<audit::AuditRow>, StoreError> {
    match wanted {
        Wanted::Whole(id) => audit::find_by_request(store, id).await,
        Wanted::Beginning(prefix) => audit::find_by_request_prefix(store, prefix).await,
    }
}

fn read(text: &str) -> Option<Wanted> {
    if let Ok(id) = text.parse::<RequestId>() {
        return Some(Wanted::Whole(id));
    }
    let uuid_dashes = text.len() == 36 && text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23));
    let digits = if uuid_dashes { text.replace('-', "") } else { text.to_owned() };
    match digits.len() {
        32 => Some(Wanted::Whole(RequestId::from_bytes(bytes(&digits)?))),
        24 => Some(Wanted::Beginning(bytes(&digits)?)),
        _ => None,
    }
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut out = [0; N];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_finds_the_same_request() {
        let mut raw = [0xAB; 16];
        raw[0] = 0x01;
        let id = RequestId::from_bytes(raw);
        for text in [id.to_uuid(), id.to_uuid().to_lowercase(), id.to_hex(), id.to_string()] {
            assert_eq!(read(&text), Some(Wanted::Whole(id)), "{text}");
        }
        let mut beginning = [0xAB; 12];
        beginning[0] = 0x01;
        assert_eq!(read(&id.to_short_hex()), Some(Wanted::Beginning(beginning)));
        for wrong in [
            "",
            "request_",
            "abc",
            "session_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "ZZ0F3F4A-6B3E-5C0E-9D2B-0E8A5C1B7D21",
            "0123456789abcdef0123456-",
            "ééééééééééééééé",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
