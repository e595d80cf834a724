//! A short text as a picture that cameras read.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcodegen::{QrCode, QrCodeEcc};

/// Pixels of one module.
const SCALE: u32 = 4;
/// Modules of white around it (ISO/IEC 18004 asks for four).
const BORDER: u32 = 4;

/// The text as a QR code, in a PNG of grey values with one bit each, in base64. `None` if the text is too long for one.
pub(crate) fn png_base64(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let modules = u32::try_from(code.size()).ok()?;
    let side = (modules + 2 * BORDER) * SCALE;
    let dark = |pixel: u32| i32::try_from(pixel / SCALE).unwrap_or(i32::MAX) - i32::try_from(BORDER).unwrap_or(0);
    let mut rows = Vec::with_capacity(usize::try_from(side.div_ceil(8) * side).ok()?);
    for y in 0..side {
        for byte in 0..side.div_ceil(8) {
            // Outside of the code, and past the side, is white.
            let bits = (0..8).map(|bit| !code.get_module(dark(byte * 8 + bit), dark(y)));
            rows.push(bits.fold(0u8, |byte, white| (byte << 1) | u8::from(white)));
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&rows).ok()?;
    writer.finish().ok()?;
    Some(STANDARD.encode(file))
}

/// The text as a QR code for an inline picture: the side of the square it is drawn in, with its border, and the path of its dark
/// modules, one unit each. `None` if the text is too long for one.
pub(crate) fn svg_path(text: &str) -> Option<(i32, String)> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let border = i32::try_from(BORDER).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let dark = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            let Ok(dark) = i32::try_from(dark) else { return None };
            if dark > 0 {
                let _ = write!(path, "M{} {}h{dark}v1h-{dark}z", x + border, y + border);
            }
            x += dark.max(1);
        }
    }
    Some((code.size() + 2 * border, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_draws_the_code() {
        let text = "otpauth://totp/tegata:alice@acme?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&issuer=tegata";
        let (side, path) = svg_path(text).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        assert_eq!(side, code.size() + 8);
        let mut drawn = std::collections::BTreeSet::new();
        for run in path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (i32, i32) = (x.parse().unwrap(), y.parse().unwrap());
            let long: i32 = rest.split('v').next().unwrap().parse().unwrap();
            drawn.extend((x..x + long).map(|x| (x - 4, y - 4)));
        }
        for y in 0..code.size() {
            for x in 0..code.size() {
                assert_eq!(drawn.contains(&(x, y)), code.get_module(x, y), "{x} {y}");
            }
        }
        assert!(svg_path(&"a".repeat(5000)).is_none());
    }

    #[test]
    fn the_picture_shows_the_code() {
        let text = "otpauth://totp/tegata:alice@acme?secret=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&issuer=tegata";
        let file = STANDARD.decode(png_base64(text).unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().unwrap();
        let (side, line) = (reader.info().width, reader.output_line_size(reader.info().width).unwrap());
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        assert_eq!(side, (u32::try_from(code.size()).unwrap() + 8) * 4);
        for y in 0..side {
            for x in 0..side {
                let white = pixels[usize::try_from(y).unwrap() * line + usize::try_from(x / 8).unwrap()] >> (7 - x % 8) & 1 == 1;
                let (column, row) = (i32::try_from(x / 4).unwrap() - 4, i32::try_from(y / 4).unwrap() - 4);
                assert_eq!(white, !code.get_module(column, row), "{x} {y}");
            }
        }
        assert!(file.len() < 2000, "{}", file.len());
    }

    #[test]
    fn what_is_too_long_has_no_picture() {
        assert_eq!(png_base64(&"a".repeat(5000)), None);
    }
}
