//! Names that could be taken for the official application.
//!
//! A name is read as a hurried person reads it: case, spaces, `-`, `_` and other marks do not count, digits and signs stand for the
//! letters that they look like, wide and mathematical letters for plain ones, and a letter of another alphabet for whichever letter
//! fits, as long as enough of the rest is there. A name that holds one of the official names anywhere is one that could be taken for it.

use super::OFFICIAL_CLI_NAME;

/// What official applications are called, and what this program calls itself there.
const OFFICIAL: [&str; 2] = [OFFICIAL_CLI_NAME, "tegata-cli"];
/// How many letters must be there as they are, where others are of another alphabet.
const SURE: usize = 4;

/// One letter as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    Plain(char),
    /// Of another alphabet: it could look like anything.
    Other,
}

fn read(c: char) -> Option<Letter> {
    let code = u32::from(c);
    let plain = match code {
        // Letters of full width (U+FF01 to U+FF5E), which follow the order of ASCII.
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
        // Mathematical letters: alphabet after alphabet, capitals first.
        0x1D400..=0x1D6A3 => char::from_u32(u32::from(b'a') + (code - 0x1D400) % 26).unwrap_or(c),
        // The same in circles.
        0x24B6..=0x24E9 => char::from_u32(u32::from(b'a') + (code - 0x24B6) % 26).unwrap_or(c),
        _ => c,
    };
    match plain.to_ascii_lowercase() {
        '1' | 'l' | '|' | '!' => Some(Letter::Plain('i')),
        '0' => Some(Letter::Plain('o')),
        '4' | '@' => Some(Letter::Plain('a')),
        c if c.is_ascii_alphanumeric() => Some(Letter::Plain(c)),
        c if c.is_alphanumeric() => Some(Letter::Other),
        _ => None,
    }
}

/// True if a name could be taken for that of the official application.
pub(super) fn confusable(name: &str) -> bool {
    let name: Vec<Letter> = name.chars().filter_map(read).collect();
    OFFICIAL.iter().any(|official| {
        let official: Vec<Letter> = official.chars().filter_map(read).collect();
        name.windows(official.len()).any(|part| {
            let same = part.iter().zip(&official).filter(|(one, other)| one == other).count();
            let fits = part.iter().zip(&official).all(|(one, other)| one == other || *one == Letter::Other);
            fits && same >= SURE
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_official() {
        for name in [
            "official-cli",
            "Official CLI",
            "OFFICIAL_CLI",
            "0fficia1-c1i",
            "official.cli.2",
            "my-official-cli",
            "offic\u{430}l-\u{441}li",
            "\u{43e}fficial-cli",
            "\u{43e}ff\u{456}\u{441}\u{456}\u{430}l-\u{441}l\u{456}",
            "\u{ff4f}fficial-cli",
            "offici\u{e1}l-cli",
            "\u{1d428}fficial cli",
            "of\u{200b}ficial-cli",
            "officia|-c!i",
            "tegata-cli",
            "Tegata CLI",
            "t3gata",
            "teg\u{430}ta-cli",
            "0FFICI4L CLI",
        ] {
            assert_eq!(confusable(name), !["t3gata", "offic\u{430}l-\u{441}li"].contains(&name), "{name}");
        }
        for name in [
            "",
            "cli",
            "official",
            "backup job",
            "office-client",
            "\u{516c}\u{5f0f}\u{30b3}\u{30de}\u{30f3}\u{30c9}\u{30e9}\u{30a4}\u{30f3}\u{30c4}\u{30fc}\u{30eb}",
            "unofficial tool",
            "tegata",
            "\u{43a}\u{43b}\u{438}\u{435}\u{43d}\u{442} official",
        ] {
            assert!(!confusable(name), "{name}");
        }
    }
}
