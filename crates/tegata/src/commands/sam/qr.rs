//! A picture for a camera, in the letters of a terminal.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the picture (ISO/IEC 18004 asks for four; cameras do with two).
const BORDER: i32 = 2;

/// Two rows of modules in each line. With `coloured` it is black on white; without, letters are light, as on a dark terminal.
pub(super) fn lines(text: &str, coloured: bool) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let range = -BORDER..code.size() + BORDER;
    let lines = range.clone().step_by(2).map(|y| {
        let cells: String = range
            .clone()
            .map(|x| {
                // Outside of it, every module is light.
                let (upper, lower) = (code.get_module(x, y) == coloured, code.get_module(x, y + 1) == coloured);
                match (upper, lower) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            })
            .collect();
        if coloured { format!("\u{1b}[30;107m{cells}\u{1b}[0m") } else { cells }
    });
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_picture_has_its_corners() {
        let plain = lines("otpauth://totp/tegata:carol@acme?secret=ABC", false).unwrap();
        let width = plain[0].chars().count();
        assert!(plain.iter().all(|line| line.chars().count() == width) && plain.len() == width.div_ceil(2), "{plain:#?}");
        // A light border of two, then the finder pattern: seven dark modules, in letters their upper halves are blank.
        assert!(plain[0].chars().all(|letter| letter == '█'));
        assert_eq!(plain[1].chars().take(10).collect::<String>(), "██ ▄▄▄▄▄ █");
        let black = lines("x", true).unwrap();
        assert!(black[1].starts_with("\u{1b}[30;107m  █▀▀▀▀▀█ "), "{black:#?}");
    }
}
