//! Seeded mutations: the same seed gives the same inputs.

/// A splitmix64 sequence.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, or 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.step() % end).unwrap_or(0)
    }

    /// One of `items`.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = self.below(items.len());
        items.get(at)
    }

    fn byte(&mut self) -> u8 {
        self.step().to_le_bytes()[0]
    }
}

/// Longest input that is made, in bytes: beyond every limit that a parser has, except those of whole bodies.
pub const LONGEST: usize = 80 * 1024;

/// What parsers trip over.
const WORDS: &[&[u8]] = &[
    b"%",
    b"%2",
    b"%00",
    b"%0A",
    b"%2F",
    b"%252e",
    b"%ff",
    b"+",
    b"&",
    b"=",
    b"&&",
    b"?",
    b"*",
    b"**",
    b"#",
    b"/",
    b"//",
    b"/../",
    b"..",
    b"\\",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"\t",
    b" ",
    b",",
    b";",
    b":",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[[[[[[[[[[[",
    b"${acs:SourceIp}",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"18446744073709551616",
    b"9999-12-31T23:59:59Z",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xf0\x9f\x92\xa9",
    b"bytes=",
    b"-",
    b"STS.",
    b"Signature",
    b"SignatureNonce=",
    b"SecurityToken=",
    b"Credential=",
    b"SignedHeaders=",
    b"AdditionalHeaders=",
    b"OSS ",
    b"x-oss-security-token: a\n",
    b"security-token=a&",
    b"x-oss-date",
    b"host: a.b\n",
    b"<a>",
    b"</a>",
    b"<!DOCTYPE",
    b"&lt;",
    b"<![CDATA[",
    b"<![CDATA[x]]>",
    b"<?pi x?>",
    b"<!--x-->",
    b"&amp;",
    b"]]>",
    b"\"Effect\":\"Deny\",",
    b"\"NotAction\":",
    b"\"Condition\":{},",
    b"\"Principal\":{\"RAM\":[\"*\"]},",
];

/// One mutation of one of `corpus`, by one to six steps.
pub fn mutated(rng: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = rng.one_of(corpus).cloned().unwrap_or_default();
    // Mostly one step: what is changed much seldom gets past a parser.
    let most = 1 + rng.below(6);
    for _ in 0..=rng.below(most) {
        step(rng, &mut input, corpus);
    }
    input.truncate(LONGEST);
    input
}

fn step(rng: &mut Rng, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = rng.below(input.len() + 1);
    match rng.below(12) {
        0 => {
            let bit = rng.below(8);
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        1 => {
            let new = rng.byte();
            if let Some(byte) = input.get_mut(at) {
                *byte = new;
            }
        }
        2 => input.insert(at, rng.byte()),
        3..=5 => {
            let word = rng.one_of(WORDS).copied().unwrap_or_default();
            input.splice(at..at, word.iter().copied());
        }
        6 => {
            // Over what stands there, of the same length.
            let word = rng.one_of(WORDS).copied().unwrap_or_default();
            let end = (at + word.len()).min(input.len());
            input.splice(at..end, word.iter().copied());
        }
        7 => {
            let end = (at + 1 + rng.below(16)).min(input.len());
            input.drain(at..end);
        }
        8 => {
            let piece = piece(rng, input);
            // Now and then so often that a limit is passed.
            let times = if rng.below(16) == 0 { 1 << rng.below(13) } else { 1 };
            let times = times.min(LONGEST / piece.len().max(1));
            input.splice(at..at, piece.repeat(times));
        }
        9 => {
            let other = rng.one_of(corpus).cloned().unwrap_or_default();
            let piece = piece(rng, &other);
            input.splice(at..at, piece);
        }
        10 => {
            // The beginning of one, the end of another.
            let other = rng.one_of(corpus).cloned().unwrap_or_default();
            let from = rng.below(other.len() + 1);
            input.truncate(at);
            input.extend(other.into_iter().skip(from));
        }
        _ => {
            if rng.below(4) == 0 {
                input.truncate(at);
            } else if let Some(byte) = input.get_mut(at) {
                *byte = byte.wrapping_add(if rng.below(2) == 0 { 1 } else { 255 });
            }
        }
    }
}

/// Some bytes in a row, at most 64.
fn piece(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let (from, length) = (rng.below(bytes.len() + 1), 1 + rng.below(64));
    bytes.iter().skip(from).take(length).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_another_seed_others() {
        let corpus = vec![b"one input".to_vec(), b"and another one".to_vec()];
        let run = |seed| {
            let mut rng = Rng::new(seed);
            (0..500).map(|_| mutated(&mut rng, &corpus)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let distinct: std::collections::HashSet<_> = run(1).into_iter().collect();
        assert!(distinct.len() > 400, "{} distinct inputs of 500", distinct.len());
        assert!(distinct.iter().all(|input| input.len() <= LONGEST));
        assert!(distinct.iter().any(|input| input.len() > 4096), "no input is long");
    }

    #[test]
    fn an_empty_corpus_gives_inputs_too() {
        let mut rng = Rng::new(7);
        assert!((0..100).any(|_| !mutated(&mut rng, &[]).is_empty()));
    }
}
