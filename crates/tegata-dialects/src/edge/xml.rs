//! Text inside XML 1.0.

/// Appends `text` with everything escaped that an element's text may not hold as it is; quotation marks may.
///
/// Tab, line feed and carriage return become references, since readers normalise line ends; a character that no XML 1.0
/// document may hold becomes U+FFFD.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

/// Appends `<name>text</name>`.
pub(crate) fn leaf(out: &mut String, name: &str, text: &str) {
    open(out, name);
    escape_into(out, text);
    close(out, name);
}

/// Appends `<name>`.
pub(crate) fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

/// Appends `</name>`.
pub(crate) fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_text_can_be_said() {
        let mut out = String::new();
        super::leaf(&mut out, "Key", "a&<>\"'\r\n\t\u{1}é");
        assert_eq!(out, "<Key>a&amp;&lt;&gt;\"'&#13;&#10;&#9;\u{FFFD}é</Key>");
    }
}
