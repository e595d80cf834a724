//! One-time codes by time (RFC 6238: HMAC-SHA-1, 30 seconds, six digits), for whoever keeps the seed where a program can ask for it.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use tegata_model::{SecretKey, Timestamp};

/// Seconds of one step.
const STEP: i64 = 30;

/// A code, and how long it is good.
#[derive(Debug)]
pub struct Code {
    /// Six digits.
    pub digits: SecretKey,
    /// Seconds until the next one.
    pub seconds_left: u64,
}

/// The code of a seed: base32 in any case, with or without blanks and padding, or an `otpauth://totp/…` address.
pub fn code(seed: &SecretKey, now: Timestamp) -> Result<Code, &'static str> {
    let key = key(seed.expose())?;
    let step = now.unix().div_euclid(STEP);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &step.to_be_bytes());
    // RFC 4226 §5.3: four bytes from where the last one says, without the sign.
    let bytes = tag.as_ref();
    let at = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
    let four: [u8; 4] = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or_default();
    let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000;
    let seconds_left = u64::try_from(STEP - now.unix().rem_euclid(STEP)).unwrap_or_default();
    Ok(Code { digits: SecretKey::new(format!("{number:06}")), seconds_left })
}

/// The secret of an address as authenticator applications read it; any other text as it is.
pub fn seed(text: &str) -> Result<SecretKey, &'static str> {
    let Some((_, query)) = text.strip_prefix("otpauth://totp/").and_then(|rest| rest.split_once('?')) else {
        let plain = !text.contains("://");
        return if plain { Ok(SecretKey::new(text.to_owned())) } else { Err("it is no address of one-time codes by time") };
    };
    let fields = tegata_sign::form::decode(query).unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let usual = [("algorithm", "SHA1"), ("digits", "6"), ("period", "30")];
    if usual.iter().any(|(name, usual)| field(name).is_some_and(|value| !value.eq_ignore_ascii_case(usual))) {
        return Err("its codes are not of SHA1, six digits and 30 seconds");
    }
    field("secret").map(|secret| SecretKey::new(secret.to_owned())).ok_or("it holds no `secret`")
}

fn key(text: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, &'static str> {
    let seed = seed(text.trim())?;
    let plain: String =
        seed.expose().chars().filter(|letter| !matches!(letter, ' ' | '-' | '=')).map(|letter| letter.to_ascii_uppercase()).collect();
    let plain = zeroize::Zeroizing::new(plain);
    let key = BASE32_NOPAD.decode(plain.as_bytes()).map_err(|_| "it is no base32")?;
    if key.is_empty() { Err("it is empty") } else { Ok(zeroize::Zeroizing::new(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(seed: &str, at: i64) -> Result<String, &'static str> {
        code(&SecretKey::new(seed.to_owned()), Timestamp::from_unix(at)).map(|code| code.digits.expose().to_owned())
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B: the last six of eight digits.
        let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (at, expected) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(digits(seed, at).unwrap(), expected);
        }
        assert_eq!(digits(" gezd gnbv gy3t qojq gezd gnbv gy3t qojq== \n", 59).unwrap(), "287082");
        assert_eq!(digits(&format!("otpauth://totp/x:y?secret={seed}&issuer=x&digits=6"), 59).unwrap(), "287082");
        for wrong in ["", "0189", "otpauth://hotp/x?secret=GEZA", "otpauth://totp/x?secret=GEZA&digits=8", "otpauth://totp/x?a=b"] {
            assert!(digits(wrong, 59).is_err(), "{wrong}");
        }
        assert_eq!(code(&SecretKey::new(seed.to_owned()), Timestamp::from_unix(59)).unwrap().seconds_left, 1);
    }
}
