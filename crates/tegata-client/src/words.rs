//! A command line split into words without a shell, so that nothing in it can start another program.

/// Splits as POSIX shells do: blanks divide, single quotes keep everything, double quotes keep all but `\` before `"`, `\`, `$`
/// and a backtick. Nothing is expanded.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        match letter {
            blank if blank.is_ascii_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            '\'' => loop {
                match rest.next().ok_or("a single quote is never closed")? {
                    '\'' => break,
                    kept => word.push(kept),
                }
            },
            '"' => loop {
                match rest.next().ok_or("a double quote is never closed")? {
                    '"' => break,
                    '\\' => match rest.next().ok_or("a double quote is never closed")? {
                        kept @ ('"' | '\\' | '$' | '`') => word.push(kept),
                        other => word.extend(['\\', other]),
                    },
                    kept => word.push(kept),
                }
            },
            '\\' => word.push(rest.next().ok_or("it ends with a backslash")?),
            kept => word.push(kept),
        }
        begun = true;
    }
    if begun {
        words.push(word);
    }
    if words.is_empty() { Err("it is empty") } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_split_and_nothing_is_expanded() {
        let words = split(r#"  /bin/x 'a  b' "c \"d\" \n $HOME" e\ f '' g'h'"i" ;rm|`x`"#).unwrap();
        assert_eq!(words, ["/bin/x", "a  b", r#"c "d" \n $HOME"#, "e f", "", "ghi", ";rm|`x`"]);
        for wrong in ["", "  ", "a 'b", "a \"b", "a \"b\\", "a\\"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
