//! Form and percent coding.
//!
//! Every scheme signs *decoded* text that it encodes again in one strict way, because the wire carries many spellings of the
//! same thing (`*` or `%2A`, `+` or `%20`). Decoding is strict: a broken escape is an error, never passed through.

/// Most parameters one text may carry.
pub const MAX_PARAMETERS: usize = 1024;

/// Why a text could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A `%` is not followed by two hex digits.
    #[error("a percent sign is not followed by two hex digits")]
    Escape,
    /// The decoded bytes are not UTF-8.
    #[error("the decoded text is not UTF-8")]
    NotUtf8,
    /// More than [`MAX_PARAMETERS`].
    #[error("more than {MAX_PARAMETERS} parameters")]
    TooMany,
}

/// Decodes a query string or a form body (without `?`), keeping the order.
///
/// `+` and `%20` are both a space; a name without `=` has an empty value; empty pieces between two `&` are skipped.
pub fn decode(raw: &str) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs = Vec::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        if pairs.len() == MAX_PARAMETERS {
            return Err(FormError::TooMany);
        }
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        pairs.push((unescape(name, true)?, unescape(value, true)?));
    }
    Ok(pairs)
}

/// Decodes percent escapes exactly once; `+` stays a plus, as in a path.
pub fn percent_decode(raw: &str) -> Result<String, FormError> {
    unescape(raw, false)
}

/// Percent-encodes all but `A-Z a-z 0-9 - _ . ~` (RFC 3986 §2.3), upper-case hex.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    encode_into(&mut out, text, false);
    out
}

/// As [`percent_encode`], but keeps `/`.
pub fn percent_encode_path(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    encode_into(&mut out, text, true);
    out
}

/// Writes `pairs` as a query string in the strict encoding, in the order given.
pub fn encode(pairs: &[(String, String)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode_into(&mut out, name, false);
        out.push('=');
        encode_into(&mut out, value, false);
    }
    out
}

/// Appends the strict encoding of `text`; `keep_slash` leaves `/` as it is.
pub(crate) fn encode_into(out: &mut String, text: &str, keep_slash: bool) {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') || (keep_slash && byte == b'/');
    let mut rest = text;
    // In runs: most of what is signed needs no escape. The first byte that does begins a character.
    while let Some((plain, tail)) = rest.bytes().position(|byte| !kept(byte)).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(plain);
        let mut chars = tail.chars();
        if let Some(escaped) = chars.next() {
            for byte in escaped.encode_utf8(&mut [0; 4]).bytes() {
                out.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 0x0F)]);
            }
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

fn hex_digit(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) })
}

fn unescape(raw: &str, plus_is_space: bool) -> Result<String, FormError> {
    if !raw.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return Ok(raw.to_owned());
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = bytes.next().and_then(hex_value).ok_or(FormError::Escape)?;
                let low = bytes.next().and_then(hex_value).ok_or(FormError::Escape)?;
                out.push(high << 4 | low);
            }
            b'+' if plus_is_space => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| FormError::NotUtf8)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_a_space_and_of_nothing() {
        let pairs = decode("a=x+y&b=x%20y&c=%2B&d&e=&&f==").unwrap();
        let expected = [("a", "x y"), ("b", "x y"), ("c", "+"), ("d", ""), ("e", ""), ("f", "=")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(percent_decode("a+b%2fc").unwrap(), "a+b/c");
        assert_eq!(percent_decode("%252F").unwrap(), "%2F", "exactly once");
    }

    #[test]
    fn broken_text_is_an_error() {
        for raw in ["%", "%4", "%4g", "a=%zz", "%+1", "%ff", "%C3%28"] {
            assert!(decode(raw).is_err(), "{raw}");
        }
        assert_eq!(percent_decode("%E6%97"), Err(FormError::NotUtf8));
        assert_eq!(decode(&"a&".repeat(MAX_PARAMETERS + 1)), Err(FormError::TooMany));
        assert!(decode(&"a&".repeat(MAX_PARAMETERS)).is_ok());
    }

    proptest! {
        #[test]
        fn encoding_reads_back(text in "\\PC*") {
            prop_assert_eq!(percent_decode(&percent_encode(&text)).unwrap(), text.clone());
            prop_assert_eq!(percent_decode(&percent_encode_path(&text)).unwrap(), text);
        }

        #[test]
        fn pairs_read_back(pairs in prop::collection::vec(("\\PC{1,8}", "\\PC{0,8}"), 0..6)) {
            prop_assert_eq!(decode(&encode(&pairs)).unwrap(), pairs);
        }

        #[test]
        fn decoding_never_panics(raw in any::<String>()) {
            let _ = (decode(&raw), percent_decode(&raw));
        }
    }
}
