//! Bodies in XML: writing ours, reading the client's within limits.

use quick_xml::{Reader, events::Event};

pub(crate) use crate::edge::xml::{close, leaf, open};

/// Largest XML body that is read, in bytes.
pub(crate) const LARGEST: usize = 64 * 1024;
/// How deep elements may nest.
const DEEPEST: usize = 8;

/// A document with our declaration, without a namespace (clients do not find elements in one).
pub(crate) fn document(root: &str, content: impl FnOnce(&mut String)) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    open(&mut out, root);
    content(&mut out);
    close(&mut out, root);
    out
}

/// `<ID>` and `<DisplayName>` in an `<Owner>`.
pub(crate) fn owner(out: &mut String, account: &str) {
    open(out, "Owner");
    leaf(out, "ID", account);
    leaf(out, "DisplayName", account);
    close(out, "Owner");
}

/// A body is not the XML that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The texts of the elements right below `root`, by name. No document type, no entities, no instructions; every name once.
pub(crate) fn fields(body: &[u8], root: &str) -> Result<Vec<(String, String)>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed)?;
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut finished = false;
    loop {
        match reader.read_event().map_err(|_| Malformed)? {
            Event::Start(element) => {
                let name = local(element.local_name().as_ref())?;
                let misplaced = match path.len() {
                    0 => finished || name != root,
                    1 => fields.iter().any(|(known, _)| *known == name),
                    depth => depth >= DEEPEST,
                };
                if misplaced {
                    return Err(Malformed);
                }
                if path.len() == 1 {
                    fields.push((name.clone(), String::new()));
                }
                path.push(name);
            }
            Event::End(_) => {
                path.pop().ok_or(Malformed)?;
                finished = path.is_empty();
            }
            Event::Empty(element) => {
                let name = local(element.local_name().as_ref())?;
                match path.len() {
                    0 if finished || name != root => return Err(Malformed),
                    0 => finished = true,
                    _ => {}
                }
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                match (path.len(), fields.last_mut()) {
                    (2, Some((_, value))) => value.push_str(text.trim()),
                    _ if text.trim().is_empty() => {}
                    _ => return Err(Malformed),
                }
            }
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof => return if finished { Ok(fields) } else { Err(Malformed) },
            Event::CData(_) | Event::PI(_) | Event::DocType(_) | Event::GeneralRef(_) => return Err(Malformed),
        }
    }
}

fn local<N: AsRef<[u8]> + ?Sized>(name: &N) -> Result<String, Malformed> {
    std::str::from_utf8(name.as_ref()).map(str::to_owned).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, Malformed> {
        fields(text.as_bytes(), "C")
    }

    #[test]
    fn plain_fields_are_read() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read("<C><A>1</A>\n<B> 2 </B></C>"), Ok(vec![pair("A", "1"), pair("B", "2")]));
        assert_eq!(read("<?xml version='1.0'?><x:C xmlns:x='y'/>"), Ok(vec![]));
    }

    #[test]
    fn everything_else_is_refused() {
        let deep = format!("<C>{}{}</C>", "<A>".repeat(20), "</A>".repeat(20));
        for bad in [
            "",
            "<D/>",
            "<C>",
            "<C></D>",
            "<C/><C/>",
            "<C><A>1</A><A>2</A></C>",
            "<!DOCTYPE C [<!ENTITY a 'b'>]><C><A>&a;</A></C>",
            "<C><A>&lt;</A></C>",
            "<C>text</C>",
            "<C><?pi?></C>",
            "<C><A><![CDATA[x]]></A></C>",
            "<C></C>trailing",
            &deep,
            "\u{0}",
        ] {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
        assert_eq!(fields(b"<C>\xff</C>", "C"), Err(Malformed));
    }
}
