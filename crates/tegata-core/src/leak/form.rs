//! What our credentials look like, so that they are found in whatever text they have leaked into.
//!
//! Every kind is one line of [`FORMS`]. Ids and secrets of long-term keys end with a checksum, by which a scanner tells them
//! from noise without asking anybody; those made before there was one are still found, by asking for every word.

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA256, digest};
use tegata_model::{AccessKeyId, SessionId};
use zeroize::Zeroizing;

use crate::token;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters of a checksum: enough for 32 bits.
const CHECK: usize = 6;

/// A kind of text whose last six letters are a checksum of the others: the CRC-32 (IEEE 802.3) of a word, a colon and the other
/// letters, in base 62 (digits, capital letters, small letters), most significant letter first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checked {
    word: &'static str,
    /// How long it is, checksum and prefix included.
    pub(crate) len: usize,
    prefix: &'static str,
}

impl Checked {
    /// The id of a long-term key.
    pub(crate) const KEY_ID: Self = Self { word: "tegata-key-id", len: 24, prefix: "LTAI" };
    /// The secret of one.
    pub(crate) const KEY_SECRET: Self = Self { word: "tegata-key-secret", len: 30, prefix: "" };

    /// The text with its checksum behind it.
    pub(crate) fn close(self, body: &str) -> String {
        let text = [self.word, ":", body].concat();
        let mut rest = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, text.as_bytes());
        let mut check = [0; CHECK];
        for letter in check.iter_mut().rev() {
            *letter = usize::try_from(rest % 62).ok().and_then(|at| BASE62.get(at)).copied().unwrap_or(b'0');
            rest /= 62;
        }
        body.chars().chain(check.into_iter().map(char::from)).collect()
    }

    /// True for a text that this could have made.
    pub(crate) fn is_one(self, text: &str) -> bool {
        text.len() == self.len
            && text.starts_with(self.prefix)
            && text.get(..self.len.saturating_sub(CHECK)).is_some_and(|body| self.close(body) == text)
    }
}

/// What a text may hold.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// Texts of the form of a long-term key's id.
    pub(crate) key_ids: Vec<AccessKeyId>,
    /// Digests (SHA-256) of texts that may be secrets of long-term keys. The texts themselves are not kept.
    pub(crate) secrets: HashSet<[u8; 32]>,
    /// How many of them carry a right checksum, and so were made by a server like this.
    pub(crate) checked_secrets: usize,
    /// Sessions whose temporary key is named, or whose token begins, and which of the two it was.
    pub(crate) sessions: Vec<(SessionId, &'static str)>,
}

/// One kind of credential, and how it is found.
pub(crate) struct Form {
    /// What it is.
    pub(crate) name: &'static str,
    find: fn(&Form, &str, &mut Candidates),
}

/// The id of a long-term key.
pub(crate) const KEY_ID: &str = "access key id";
/// The secret of a long-term key.
pub(crate) const KEY_SECRET: &str = "access key secret";
/// The id of a temporary key.
pub(crate) const TEMPORARY_KEY_ID: &str = "temporary key id";
/// The token of a temporary key.
pub(crate) const SECURITY_TOKEN: &str = "security token";

/// Every kind.
pub(crate) const FORMS: &[Form] = &[
    Form { name: KEY_ID, find: key_ids },
    Form { name: KEY_SECRET, find: secrets },
    Form { name: TEMPORARY_KEY_ID, find: temporary_keys },
    Form { name: SECURITY_TOKEN, find: tokens },
];

/// Everything in a text that may be a credential.
pub(crate) fn look(text: &str) -> Candidates {
    let mut candidates = Candidates::default();
    for form in FORMS {
        (form.find)(form, text, &mut candidates);
    }
    candidates
}

/// The text without the line breaks that a log or a mail has put into it. What only then looks like one of ours counts if its
/// checksum is right: nothing else tells it from two words that have become one.
fn joined(text: &str) -> Zeroizing<String> {
    let mut letters = text.chars().peekable();
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => {}
            '\\' if letters.next_if(|next| matches!(next, 'n' | 'r' | 't')).is_some() => {}
            kept => out.push(kept),
        }
    }
    out
}

/// The text behind each place where `start` stands, with it.
fn places<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(start).filter_map(|(at, _)| text.get(at..))
}

fn key_ids(_: &Form, text: &str, found: &mut Candidates) {
    for rest in places(text, Checked::KEY_ID.prefix) {
        let letters = |more: &str| rest.find(|c: char| !(c.is_ascii_alphanumeric() || more.contains(c))).unwrap_or(rest.len());
        // With the checksum it is known where an id ends; without it, it is the whole word, in the narrow sense or in the wide one.
        let checked = rest.get(..Checked::KEY_ID.len).filter(|id| Checked::KEY_ID.is_one(id));
        let words = [rest.get(..letters("")), rest.get(..letters("_-"))];
        for word in checked.map_or_else(|| words.into_iter().flatten().collect::<Vec<_>>(), |id| vec![id]) {
            add_key_id(word, found);
        }
    }
    for rest in places(&joined(text), Checked::KEY_ID.prefix) {
        if let Some(id) = rest.get(..Checked::KEY_ID.len).filter(|id| Checked::KEY_ID.is_one(id)) {
            add_key_id(id, found);
        }
    }
}

fn add_key_id(text: &str, found: &mut Candidates) {
    if let Ok(id) = AccessKeyId::new(text)
        && !found.key_ids.contains(&id)
    {
        found.key_ids.push(id);
    }
}

fn secrets(_: &Form, text: &str, found: &mut Candidates) {
    let mut checked = HashSet::new();
    let joined = joined(text);
    // Wherever it stands: glued to a name, or to the letter of an escape.
    for run in [text, joined.as_str()].into_iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric())) {
        for at in 0..(run.len() + 1).saturating_sub(Checked::KEY_SECRET.len) {
            if let Some(window) = run.get(at..at + Checked::KEY_SECRET.len)
                && Checked::KEY_SECRET.is_one(window)
            {
                checked.insert(fingerprint(window));
            }
        }
    }
    found.checked_secrets = checked.len();
    found.secrets.extend(checked);
    // Those of older keys have no mark. They are whole words; what an escape before them leaves in front is cut off.
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut before = None;
    for piece in text.split_inclusive(|c: char| !in_word(c)) {
        let word = piece.trim_end_matches(|c: char| !in_word(c));
        let cut: &[usize] = match before {
            Some('\\') => &[0, 1, 5],
            Some('%') => &[0, 2],
            _ => &[0],
        };
        for word in cut.iter().filter_map(|&at| word.get(at..)).filter(|word| (16..=64).contains(&word.len())) {
            found.secrets.insert(fingerprint(word));
        }
        before = piece.chars().last();
    }
}

/// Under which a secret is looked for: comparing digests tells nothing of the secrets by the time it takes.
pub(crate) fn fingerprint(secret: &str) -> [u8; 32] {
    digest(&SHA256, secret.as_bytes()).as_ref().try_into().unwrap_or_default()
}

fn temporary_keys(form: &Form, text: &str, found: &mut Candidates) {
    for rest in places(text, AccessKeyId::TEMPORARY_PREFIX) {
        let len = AccessKeyId::TEMPORARY_PREFIX.len() + 26;
        let id = rest.get(..len).and_then(|id| AccessKeyId::new(id).ok());
        found.sessions.extend(id.and_then(|id| token::session_of(&id)).map(|session| (session, form.name)));
    }
}

fn tokens(form: &Form, text: &str, found: &mut Candidates) {
    for rest in places(text, "CAIS") {
        found.sessions.extend(token::session_named(&beginning(rest)).map(|session| (session, form.name)));
    }
}

/// The beginning of a token, across the line breaks that a log or a mail has put into it.
fn beginning(rest: &str) -> String {
    let mut letters = rest.chars().peekable();
    let mut out = String::with_capacity(token::TOKEN_BEGINNING);
    while out.len() < token::TOKEN_BEGINNING {
        match letters.next() {
            Some(letter) if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') => out.push(letter),
            Some(' ' | '\t' | '\r' | '\n' | '"' | '\'' | '+' | '>') => {}
            Some('\\') => {
                letters.next_if(|letter| matches!(letter, 'n' | 'r' | 't'));
            }
            _ => break,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_hold_and_one_wrong_letter_breaks_them() {
        let id = Checked::KEY_ID.close("LTAI0123456789abcd");
        assert_eq!(id, "LTAI0123456789abcd30HQo3");
        let secret = Checked::KEY_SECRET.close("abcdefghijklmnopqrstuvwx");
        assert!(Checked::KEY_ID.is_one(&id) && Checked::KEY_SECRET.is_one(&secret) && secret.len() == 30);
        assert!(!Checked::KEY_SECRET.is_one(&id) && !Checked::KEY_ID.is_one(&secret));
        for at in 0..id.len() {
            let mut wrong: Vec<char> = id.chars().collect();
            wrong[at] = if wrong[at] == 'x' { 'y' } else { 'x' };
            assert!(!Checked::KEY_ID.is_one(&wrong.into_iter().collect::<String>()));
        }
        for wrong in ["", "LTAI", "é", &"é".repeat(12), &"é".repeat(15)] {
            assert!(!Checked::KEY_ID.is_one(wrong) && !Checked::KEY_SECRET.is_one(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_found_however_it_is_wrapped() {
        let secret = Checked::KEY_SECRET.close("abcdefghijklmnopqrstuvwx");
        let old = "DevExampleSecretOfRoot00000001";
        for (before, after) in [
            ("", ""),
            (r#"{"AccessKeySecret":""#, r#"","x":1}"#),
            (r#"msg="key:\n"#, r#"\n""#),
            (r"\u003d", r"\u0026"),
            ("secret%3D", "%26Expires"),
            ("2026-11-24 ERR\tkey=", "\r\nnext"),
            ("é", "é"),
            ("https://x:", "@host"),
        ] {
            for secret in [secret.as_str(), old] {
                let found = look(&format!("{before}{secret}{after}"));
                assert!(found.secrets.contains(&fingerprint(secret)), "{before}{secret}{after}");
            }
        }
        let (start, end) = secret.split_at(11);
        for between in ["\n", "\\n", "\r\n\t", "\\r\\n  "] {
            let found = look(&format!("key {start}{between}{end} end"));
            assert!(found.secrets.contains(&fingerprint(&secret)), "{between:?}");
        }
        let glued = format!("zz{secret}9");
        let found = look(&glued);
        assert!(found.secrets.contains(&fingerprint(&secret)) && found.checked_secrets == 1);
    }

    #[test]
    fn noise_is_told_from_secrets() {
        // Every window of a long random word: none of them carries its checksum.
        let noise: String = (0..60_000_u64)
            .map(|n| char::from(BASE62[usize::try_from((n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) % 62).unwrap()]))
            .collect();
        let found = look(&noise);
        assert_eq!((found.checked_secrets, found.secrets.len(), found.sessions.len()), (0, 0, 0));
        let found = look("LTAI LTAIx STS. STS.abc CAIS CAISxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx \u{1F600}LTAI\u{1F600}");
        assert!(found.sessions.is_empty(), "{found:?}");
        assert_eq!(found.key_ids.iter().map(AccessKeyId::as_str).collect::<Vec<_>>(), ["LTAI", "LTAIx"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_hides_a_credential(before in ".{0,80}", after in ".{0,80}") {
            let (id, secret) = (Checked::KEY_ID.close("LTAI0123456789abcd"), Checked::KEY_SECRET.close("abcdefghijklmnopqrstuvwx"));
            let session = SessionId::from_bytes([7; 16]);
            let temporary = token::key_id(session).unwrap();
            let found = look(&format!("{before}{id}{after}{secret}{before}{temporary}{after}"));
            proptest::prop_assert!(found.key_ids.iter().any(|known| known.as_str() == id));
            proptest::prop_assert!(found.secrets.contains(&fingerprint(&secret)));
            proptest::prop_assert!(found.sessions.iter().any(|(known, _)| *known == session));
        }
    }
}
