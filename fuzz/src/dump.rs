//! The file in which a finding is kept: what broke, and the input as a hex dump that can be read back.

use std::{fmt::Write as _, path::Path};

/// One input that broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// The target.
    pub target: String,
    /// What it said, on one line.
    pub problem: String,
    /// The input.
    pub input: Vec<u8>,
}

impl Dump {
    /// As the text of a file.
    pub fn text(&self) -> String {
        let mut out = format!("target: {}\nproblem: {}\n", self.target, one_line(&self.problem));
        for (row, bytes) in self.input.chunks(16).enumerate() {
            let mut hex = String::new();
            let mut seen = String::new();
            for byte in bytes {
                let _ = write!(hex, "{byte:02x} ");
                seen.push(if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' });
            }
            let _ = writeln!(out, "{:08x}  {hex:<48} |{seen}|", row * 16);
        }
        out
    }

    /// Reads what [`Self::text`] wrote; `None` if it is something else.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let target = lines.next()?.strip_prefix("target: ")?.to_owned();
        let problem = lines.next()?.strip_prefix("problem: ")?.to_owned();
        let mut input = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (_, rest) = line.split_once("  ")?;
            let (hex, _) = rest.split_once('|')?;
            for byte in hex.split_ascii_whitespace() {
                input.push(u8::from_str_radix(byte, 16).ok()?);
            }
        }
        Some(Self { target, problem, input })
    }

    /// Writes the file into `folder` under a name of target and content, and says where.
    ///
    /// # Errors
    /// A text for people: the file could not be written.
    pub fn write(&self, folder: &Path) -> Result<std::path::PathBuf, String> {
        let hash =
            self.input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let path = folder.join(format!("fuzz-{}-{hash:016x}.hex", self.target));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, self.text()))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

fn one_line(text: &str) -> String {
    text.chars().take(2000).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_reads_back() {
        for length in [0, 1, 15, 16, 17, 300] {
            let input: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0]).collect();
            let dump = Dump { target: "t".into(), problem: "a | b".into(), input };
            assert_eq!(Dump::read(&dump.text()), Some(dump));
        }
        assert_eq!(Dump::read("something else"), None);
    }
}
