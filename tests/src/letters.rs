//! What people look for in the letters they get.

use mail::CapturedLetter;

/// Characters of a token in an address.
const TOKEN: usize = 43;

/// The first link under `path` (`/p/`, `/prove/`, `/reset/`), as a path of the site.
pub fn link_in(letter: &CapturedLetter, path: &str) -> String {
    let text = &letter.text;
    let at = text.find(path).unwrap_or_else(|| panic!("no link to {path} in: {text}"));
    text[at..at + path.len() + TOKEN].to_owned()
}

/// The six digits.
pub fn code_in(letter: &CapturedLetter) -> String {
    let code = letter.text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
    code.unwrap_or_else(|| panic!("no code in: {}", letter.text)).to_owned()
}
