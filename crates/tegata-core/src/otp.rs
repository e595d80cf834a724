//! One-time codes by time (RFC 6238: HMAC-SHA-1, 30 seconds, six digits).
//!
//! A code is good once: whoever accepts one claims its step with [`tegata_store::mfa_device::use_step`], which only rises.

use std::{fmt, str::FromStr};

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use tegata_model::{SecretKey, Timestamp, secret::constant_time_eq};
use tegata_store::mfa_device::MfaDeviceRow;

use crate::{
    Core,
    clock::{Entropy, NoEntropy, random},
    error::OpError,
    keyring::Place,
};

/// Seconds of one step.
const STEP: i64 = 30;
/// Steps that a device's clock may be off, either way (RFC 6238 §5.2 and §6).
const DRIFT: i64 = 1;
/// Bytes of a new seed: 40 characters, without padding; RFC 4226 §4 R6 asks for 20 bytes at least.
pub(crate) const SEED: usize = 25;

/// Six digits that somebody typed.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode([u8; 6]);

#[cfg(any(test, feature = "testing"))]
impl OneTimeCode {
    /// The digits, for whoever plays the device.
    pub(crate) fn digits(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A text is no one-time code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a one-time code has six digits")]
pub struct NoCode;

impl FromStr for OneTimeCode {
    type Err = NoCode;

    fn from_str(text: &str) -> Result<Self, NoCode> {
        let digits: [u8; 6] = text.as_bytes().try_into().map_err(|_| NoCode)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(NoCode) }
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(redacted)")
    }
}

/// A new seed, in base32.
pub(crate) fn new_seed(entropy: &dyn Entropy) -> Result<SecretKey, NoEntropy> {
    Ok(SecretKey::new(BASE32_NOPAD.encode(&random::<SEED>(entropy)?)))
}

/// The step that an instant is in.
pub(crate) fn step_at(now: Timestamp) -> i64 {
    now.unix().div_euclid(STEP)
}

/// The code of a step; `None` if the seed is no base32.
pub(crate) fn code(seed: &SecretKey, step: i64) -> Option<OneTimeCode> {
    let key = BASE32_NOPAD.decode(seed.expose().as_bytes()).ok()?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    // RFC 4226 §5.3: four bytes from where the last one says, without the sign.
    let bytes = tag.as_ref();
    let at = usize::from(bytes.last()? & 0xf);
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000;
    format!("{number:06}").parse().ok()
}

/// The step of a code that is good now and newer than the newest one used: to be claimed before anything is done on the
/// strength of it.
pub fn verify(seed: &SecretKey, given: &OneTimeCode, now: Timestamp, last_step: i64) -> Option<i64> {
    let around = step_at(now) - DRIFT..=step_at(now) + DRIFT;
    // Every step is compared, so that the time does not tell which one it was.
    around.filter(|step| matches(seed, *step, given)).filter(|step| *step > last_step).max()
}

/// The step of the second of two codes that follow one another, if that is good now and newer than the newest one used.
pub(crate) fn verify_pair(seed: &SecretKey, first: &OneTimeCode, second: &OneTimeCode, now: Timestamp, last_step: i64) -> Option<i64> {
    let around = step_at(now) - DRIFT..=step_at(now) + DRIFT;
    around.filter(|step| matches(seed, *step, second) & matches(seed, *step - 1, first)).filter(|step| *step - 1 > last_step).max()
}

fn matches(seed: &SecretKey, step: i64, given: &OneTimeCode) -> bool {
    code(seed, step).is_some_and(|right| constant_time_eq(&right.0, &given.0))
}

/// What an authenticator application reads from a picture. Neither label needs escaping: names and aliases have no character that would.
pub(crate) fn address(device: &str, alias: &str, seed: &SecretKey) -> SecretKey {
    let seed = seed.expose();
    SecretKey::new(format!("otpauth://totp/tegata:{device}@{alias}?secret={seed}&issuer=tegata&algorithm=SHA1&digits=6&period=30"))
}

impl Core {
    /// The seed of a device.
    pub(crate) fn seed(&self, device: &MfaDeviceRow) -> Result<SecretKey, OpError> {
        let place = Place { table: "mfa_devices", row: device.id.as_bytes(), account: &device.account_id };
        self.keyring.open_row(&place, &device.sealed_seed).map_err(OpError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `12345678901234567890`.
    fn rfc_seed() -> SecretKey {
        SecretKey::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned())
    }

    fn typed(text: &str) -> OneTimeCode {
        text.parse().unwrap()
    }

    /// RFC 6238, appendix B, the SHA-1 column, cut to six digits.
    #[test]
    fn the_codes_of_the_rfc() {
        for (time, right) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&rfc_seed(), step_at(Timestamp::from_unix(time))).unwrap().0, right.as_bytes(), "{time}");
        }
    }

    #[test]
    fn a_code_is_good_for_a_minute_and_never_again() {
        let at = |time| Timestamp::from_unix(time);
        let given = typed("287082"); // step 1: 30 to 59 s
        assert_eq!(verify(&rfc_seed(), &given, at(59), 0), Some(1));
        assert_eq!(verify(&rfc_seed(), &given, at(89), 0), Some(1));
        assert_eq!(verify(&rfc_seed(), &given, at(29), 0), Some(1), "the device is ahead");
        assert_eq!(verify(&rfc_seed(), &given, at(90), 0), None);
        assert_eq!(verify(&rfc_seed(), &given, at(59), 1), None, "used");
        assert_eq!(verify(&rfc_seed(), &typed("287083"), at(59), 0), None);
        assert_eq!(verify(&SecretKey::new("not base32".to_owned()), &given, at(59), 0), None);
    }

    #[test]
    fn two_codes_must_follow_one_another() {
        let now = Timestamp::from_unix(1_000_000_000);
        let step = step_at(now);
        let seed = rfc_seed();
        let of = |step| code(&seed, step).unwrap();
        assert_eq!(verify_pair(&seed, &of(step - 1), &of(step), now, 0), Some(step));
        assert_eq!(verify_pair(&seed, &of(step), &of(step + 1), now, 0), Some(step + 1));
        assert_eq!(verify_pair(&seed, &of(step - 2), &of(step - 1), now, 0), Some(step - 1));
        for (first, second) in [(step, step - 1), (step - 1, step + 1), (step, step), (step - 3, step - 2), (step + 1, step + 2)] {
            assert_eq!(verify_pair(&seed, &of(first), &of(second), now, 0), None, "{first} {second}");
        }
        assert_eq!(verify_pair(&seed, &of(step - 1), &of(step), now, step - 1), None, "the first was used");
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", " 12345"] {
            assert_eq!(bad.parse::<OneTimeCode>(), Err(NoCode), "{bad}");
        }
        assert_eq!(format!("{:?}", typed("123456")), "OneTimeCode(redacted)");
    }
}
