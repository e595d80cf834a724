//! Instants: whole UTC seconds, and the text forms that wires use.

use std::{fmt, time::Duration};

use jiff::{civil, tz::Offset};
use serde::{Deserialize, Serialize};

/// An instant in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since 1970.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// Later by whole seconds of `duration`, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Earlier by whole seconds of `duration`, saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)))
    }

    /// How much later than `earlier`; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// How far apart, in either direction.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_secs(self.0.abs_diff(other.0))
    }

    fn civil(self) -> civil::DateTime {
        Offset::UTC.to_datetime(jiff::Timestamp::from_second(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    fn from_civil(date_time: civil::DateTime) -> Option<Self> {
        Some(Self(Offset::UTC.to_timestamp(date_time).ok()?.as_second()))
    }

    /// `2026-01-02T03:04:05Z`.
    pub fn to_iso(self) -> String {
        let c = self.civil();
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year(), c.month(), c.day(), c.hour(), c.minute(), c.second())
    }

    /// `2026-01-02T03:04:05.000Z`.
    pub fn to_iso_millis(self) -> String {
        let mut text = self.to_iso();
        text.truncate(text.len().saturating_sub(1));
        text.push_str(".000Z");
        text
    }

    /// `20260102T030405Z`.
    pub fn to_iso_basic(self) -> String {
        let c = self.civil();
        format!("{:04}{:02}{:02}T{:02}{:02}{:02}Z", c.year(), c.month(), c.day(), c.hour(), c.minute(), c.second())
    }

    /// `20260102`: the UTC day.
    pub fn to_basic_date(self) -> String {
        let c = self.civil();
        format!("{:04}{:02}{:02}", c.year(), c.month(), c.day())
    }

    /// `Fri, 02 Jan 2026 03:04:05 GMT` (RFC 9110 §5.6.7, fixed length form).
    pub fn to_http_date(self) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let c = self.civil();
        let day = DAYS.get(usize::try_from(c.weekday().to_monday_zero_offset()).unwrap_or(0)).copied().unwrap_or("Mon");
        let month = usize::try_from(c.month() - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or("Jan");
        format!("{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT", c.day(), c.year(), c.hour(), c.minute(), c.second())
    }

    /// Reads exactly `2026-01-02T03:04:05Z`.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
        let fixed = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        if fixed.iter().any(|&(at, byte)| bytes.get(at) != Some(&byte)) {
            return None;
        }
        Self::from_parts(
            digits(bytes, 0, 4)?,
            digits(bytes, 5, 2)?,
            digits(bytes, 8, 2)?,
            digits(bytes, 11, 2)?,
            digits(bytes, 14, 2)?,
            digits(bytes, 17, 2)?,
        )
    }

    /// Reads exactly `20260102T030405Z`.
    pub fn parse_iso_basic(text: &str) -> Option<Self> {
        let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
        if bytes.get(8) != Some(&b'T') || bytes.get(15) != Some(&b'Z') {
            return None;
        }
        Self::from_parts(
            digits(bytes, 0, 4)?,
            digits(bytes, 4, 2)?,
            digits(bytes, 6, 2)?,
            digits(bytes, 9, 2)?,
            digits(bytes, 11, 2)?,
            digits(bytes, 13, 2)?,
        )
    }

    /// Reads `Fri, 02 Jan 2026 03:04:05 GMT`; the name of the day is not compared with the date.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(", ")?;
        let mut parts = rest.split(' ');
        let (day, month, year, clock, zone) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || zone != "GMT" || year.len() != 4 || !(1..=2).contains(&day.len()) {
            return None;
        }
        let month = MONTHS.iter().position(|name| *name == month)?;
        let clock: &[u8; 8] = clock.as_bytes().try_into().ok()?;
        if clock.get(2) != Some(&b':') || clock.get(5) != Some(&b':') {
            return None;
        }
        Self::from_parts(
            digits(year.as_bytes(), 0, 4)?,
            i64::try_from(month).ok()? + 1,
            digits(day.as_bytes(), 0, day.len())?,
            digits(clock, 0, 2)?,
            digits(clock, 3, 2)?,
            digits(clock, 6, 2)?,
        )
    }

    /// Reads any RFC 3339 text, with offset and fraction; the fraction is dropped.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_second()))
    }

    fn from_parts(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<Self> {
        let small = |value: i64| i8::try_from(value).ok();
        let date_time =
            civil::DateTime::new(i16::try_from(year).ok()?, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0)
                .ok()?;
        Self::from_civil(date_time)
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn digits(bytes: &[u8], at: usize, len: usize) -> Option<i64> {
    bytes.get(at..at + len)?.iter().try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_form_reads_back(seconds in 0_i64..253_402_300_800) {
            let t = Timestamp::from_unix(seconds);
            prop_assert_eq!(Timestamp::parse_iso(&t.to_iso()), Some(t));
            prop_assert_eq!(Timestamp::parse_iso_basic(&t.to_iso_basic()), Some(t));
            prop_assert_eq!(Timestamp::parse_http_date(&t.to_http_date()), Some(t));
            prop_assert_eq!(Timestamp::parse_rfc3339(&t.to_iso_millis()), Some(t));
        }

        #[test]
        fn strange_texts_are_refused_quietly(text in "\\PC{0,40}") {
            let _ = (Timestamp::parse_iso(&text), Timestamp::parse_iso_basic(&text), Timestamp::parse_http_date(&text));
        }
    }

    #[test]
    fn known_values() {
        let t = Timestamp::from_unix(1_733_227_932);
        assert_eq!(t.to_http_date(), "Tue, 03 Dec 2024 12:12:12 GMT");
        assert_eq!(t.to_iso_basic(), "20241203T121212Z");
        assert_eq!(Timestamp::parse_iso("2024-02-30T00:00:00Z"), None);
        assert_eq!(Timestamp::parse_iso("2024-02-01T00:00:00"), None);
    }
}
