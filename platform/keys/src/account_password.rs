//! A member's password as they choose it: long enough, not on the lists, not their own name. No composition rules
//! (NIST SP 800-63B §3.1.1.2).

use kernel::{MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS};
use std::{collections::HashSet, sync::LazyLock};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Sorted, lower case, one a line: common passwords, and the words they are made of.
static COMMON_TEXT: &str = include_str!("common_passwords.txt");
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON_TEXT.lines().collect());

/// Rows and columns of keyboards, digits and the alphabet; read both ways.
const WALKS: [&str; 10] = [
    "abcdefghijklmnopqrstuvwxyzabc",
    "012345678901234567890",
    "qwertyuiop[]",
    "qwertzuiopü",
    "azertyuiop",
    "asdfghjkl;'",
    "qsdfghjklm",
    "zxcvbnm,./",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
];
/// A run of keys counts from this length on, and this many characters beside the runs do not save a password.
const SHORTEST_WALK: usize = 3;
const CHARS_BESIDE_WALKS: usize = 3;
/// A pattern up to this long, repeated, is a pattern; and so is anything made of this few different characters.
const LONGEST_PATTERN: usize = 8;
const FEW_CHARS: usize = 3;
/// A piece of the name or address counts from this length on; this many characters must be there beside it.
const SHORTEST_PIECE: usize = 3;
const CHARS_BESIDE_PIECES: usize = 6;

/// A password that may be hashed: NFC, 12 to 256 characters. Wiped when dropped.
#[derive(Clone)]
pub struct AccountPassword(Zeroizing<String>);

/// Why a password is refused; a sentence to show beside the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    #[error("This password has {chars} {}. At least {min} are needed.", if *chars == 1 { "character" } else { "characters" }, min = MIN_PASSWORD_CHARS)]
    TooShort { chars: usize },
    #[error("This password is too long. At most {max} characters fit.", max = MAX_PASSWORD_CHARS)]
    TooLong,
    #[error("This password is one of those that attackers try first. Three or four words that do not belong together make a good one.")]
    Common,
    #[error("This password is a pattern that is quickly guessed. Three or four words that do not belong together make a good one.")]
    Pattern,
    #[error("This password is little more than your name or address. Choose one that nobody could guess from them.")]
    AboutYou,
}

impl AccountPassword {
    /// `about`: the person's name, e-mail address, tenant; what a stranger would try.
    pub fn parse(text: &str, about: &[&str]) -> Result<Self, BadPassword> {
        let password = AccountPassword(Zeroizing::new(text.nfc().take(MAX_PASSWORD_CHARS + 1).collect()));
        let chars = password.0.chars().count();
        if chars > MAX_PASSWORD_CHARS {
            return Err(BadPassword::TooLong);
        }
        if chars < MIN_PASSWORD_CHARS {
            return Err(BadPassword::TooShort { chars });
        }
        let lower: Vec<char> = password.0.to_lowercase().chars().collect();
        if is_pattern(&lower) {
            return Err(BadPassword::Pattern);
        }
        if is_common(&lower) {
            return Err(BadPassword::Common);
        }
        if is_about(&lower, about) {
            return Err(BadPassword::AboutYou);
        }
        Ok(password)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn unchecked(text: &str) -> Self {
        AccountPassword(Zeroizing::new(text.nfc().collect()))
    }
}

fn is_pattern(lower: &[char]) -> bool {
    let few = lower.iter().collect::<HashSet<_>>().len() <= FEW_CHARS;
    few || is_repetition(lower) || is_walk(lower)
}

fn is_repetition(lower: &[char]) -> bool {
    (1..=LONGEST_PATTERN.min(lower.len() / 2)).any(|period| lower.iter().zip(&lower[period..]).all(|(a, b)| a == b))
}

fn is_walk(lower: &[char]) -> bool {
    let (mut at, mut beside) = (0, 0);
    while at < lower.len() {
        let run = longest_run(&lower[at..]);
        if run < SHORTEST_WALK {
            beside += 1;
            at += 1;
        } else {
            at += run;
        }
    }
    beside <= CHARS_BESIDE_WALKS
}

/// How many characters from the start lie beside each other on a keyboard or in a row.
fn longest_run(lower: &[char]) -> usize {
    let common = |walk: &mut dyn Iterator<Item = char>| walk.zip(lower).take_while(|(a, b)| a == *b).count();
    let from_every_key = |walk: &&str| {
        let onwards = walk.char_indices().map(|(i, _)| common(&mut walk[i..].chars()));
        let backwards = walk.char_indices().map(|(i, c)| common(&mut walk[..i + c.len_utf8()].chars().rev()));
        onwards.chain(backwards).max().unwrap_or(0)
    };
    WALKS.iter().map(from_every_key).max().unwrap_or(0)
}

/// On the list: as typed, or without digits and symbols around it, or with `3` read as `e` and so on, or as two entries joined.
fn is_common(lower: &[char]) -> bool {
    let typed: String = lower.iter().collect();
    let stem = typed.trim_matches(|c: char| !c.is_alphabetic());
    let plain = |text: &str| text.chars().map(unleet).filter(|c| c.is_alphanumeric()).collect::<String>();
    [typed.clone(), plain(stem), plain(&typed)].iter().any(|text| is_listed(text) || is_two_listed(text))
}

fn is_listed(text: &str) -> bool {
    COMMON.contains(text)
}

fn is_two_listed(text: &str) -> bool {
    text.char_indices().skip(1).any(|(i, _)| is_listed(&text[..i]) && is_listed(&text[i..]))
}

fn unleet(c: char) -> char {
    match c {
        '@' | '4' => 'a',
        '3' | '€' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// What is left beside the pieces of name and address is too little to be a password.
fn is_about(lower: &[char], about: &[&str]) -> bool {
    let letters = |text: &str| text.to_lowercase().nfc().filter(|c| c.is_alphanumeric()).collect::<String>();
    let typed: String = lower.iter().filter(|c| c.is_alphanumeric()).collect();
    let mut pieces: Vec<String> = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).map(letters).chain([letters(text)]))
        .filter(|piece| piece.chars().count() >= SHORTEST_PIECE)
        .collect();
    // Longest first, so that a whole address goes before its parts.
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    let left = pieces.iter().fold(typed.clone(), |left, piece| left.replace(piece.as_str(), ""));
    left != typed && left.chars().count() < CHARS_BESIDE_PIECES
}

impl std::fmt::Debug for AccountPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountPassword")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, about: &[&str]) -> Option<BadPassword> {
        AccountPassword::parse(text, about).err()
    }

    #[test]
    fn length_is_counted_in_characters_after_nfc() {
        assert_eq!(refused("elevenchars", &[]), Some(BadPassword::TooShort { chars: 11 }));
        assert_eq!(refused("", &[]), Some(BadPassword::TooShort { chars: 0 }));
        assert_eq!(refused("e\u{301}levencharx", &[]), Some(BadPassword::TooShort { chars: 11 }));
        assert_eq!(refused("twelvechars!", &[]), None);
        let long: String = (100..200).map(|n| format!("tractor {n} ")).collect();
        assert_eq!(refused(&long[..256], &[]), None);
        assert_eq!(refused(&long[..257], &[]), Some(BadPassword::TooLong));
        assert_eq!(refused(&"é".repeat(1 << 20), &[]), Some(BadPassword::TooLong));
    }

    #[test]
    fn common_passwords_and_their_disguises_are_refused() {
        for common in [
            "password1234",
            "Password2024!",
            "P@ssw0rd2024!",
            "1234password!",
            "passwordmonkey",
            "iloveyouforever",
            "LetMeIn-Please",
            "correcthorsebatterystaple",
            "administrator",
            "Administrator1!",
            "welcome123456",
            "dragon-master-99",
        ] {
            assert_eq!(refused(common, &[]), Some(BadPassword::Common), "{common}");
        }
    }

    #[test]
    fn patterns_are_refused() {
        for pattern in [
            "aaaaaaaaaaaa",
            "ababababababab",
            "abcabcabcabc",
            "passwordpassword",
            "123456789012",
            "987654321098",
            "qwertyuiop123",
            "qwertyuiopasdfgh",
            "1qaz2wsx3edc",
            "1q2w3e4r5t6y",
            "abcdefghijkl",
            "zyxwvutsrqpo",
            "QWERTZUIOP12",
            "asdfghjkl123",
        ] {
            assert_eq!(refused(pattern, &[]), Some(BadPassword::Pattern), "{pattern}");
        }
    }

    #[test]
    fn names_and_addresses_with_a_few_characters_more_are_refused() {
        let about = ["Jane Doe-Smith", "jane.doe@example.org"];
        for bad in ["janedoe@example.org", "jane.doe@example.org", "JaneDoeSmith", "doesmith12345", "2024JaneSmith!", "example.org-jane"] {
            assert_eq!(refused(bad, &about), Some(BadPassword::AboutYou), "{bad}");
        }
        assert_eq!(refused("jane paints violet tractors", &about), None);
        assert_eq!(refused("violet tractors", &["", "a", " "]), None);
    }

    #[test]
    fn good_ones_pass() {
        for good in [
            "violet tractor hums",
            "Tr0ub4dor&3xyzzy",
            "kX9#vQ2!mL7p",
            "830174629581",
            "приветтрактор",
            "sieben gelbe Gabeln",
            "p@ssphrase of unusual length",
            "  spaces  count  ",
        ] {
            assert_eq!(refused(good, &[]), None, "{good}");
        }
    }

    #[test]
    fn the_list_is_sorted_lower_case_and_small() {
        let lines: Vec<&str> = COMMON_TEXT.lines().collect();
        assert!(lines.is_sorted_by(|a, b| a < b), "sorted, each once");
        assert!(lines.iter().all(|l| !l.is_empty() && *l == l.to_lowercase() && l.trim() == *l));
        assert!(COMMON_TEXT.len() < 100 * 1024 && lines.len() > 2_000);
        assert!(lines.iter().filter(|l| l.chars().count() >= MIN_PASSWORD_CHARS).count() > 1_000);
    }

    #[test]
    fn sentences_are_whole_and_debug_is_silent() {
        assert_eq!(BadPassword::TooShort { chars: 1 }.to_string(), "This password has 1 character. At least 12 are needed.");
        assert_eq!(BadPassword::TooShort { chars: 9 }.to_string(), "This password has 9 characters. At least 12 are needed.");
        assert_eq!(BadPassword::TooLong.to_string(), "This password is too long. At most 256 characters fit.");
        assert_eq!(format!("{:?}", AccountPassword::unchecked("secret")), "AccountPassword");
    }
}
