//! A browser's name in human words: "Firefox on Windows". A guess from what the program calls itself, and shown as no more.

/// Programs by the mark they leave, the more special first (Edge also calls itself Chrome, and Chrome calls itself Safari).
const PROGRAMS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Thunderbird/", "Thunderbird"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome without a window"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Microsoft Office", "Microsoft Office"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "a Python program"),
    ("Go-http-client/", "a Go program"),
    ("Java/", "a Java program"),
];

const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
];

/// What scanners of mail security and previewers call themselves.
const SCANNERS: &[&str] = &[
    "bot",
    "scan",
    "crawl",
    "spider",
    "preview",
    "headless",
    "barracuda",
    "proofpoint",
    "mimecast",
    "safelinks",
    "python-requests",
    "go-http-client",
    "curl/",
    "wget/",
];

/// "Firefox on Windows", "curl", "a program that did not say its name".
pub fn words(user_agent: &str) -> String {
    let find = |list: &[(&'static str, &'static str)]| list.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (find(PROGRAMS), find(SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        (None, Some(system)) => format!("a program on {system}"),
        (None, None) if user_agent.trim().is_empty() => "a program that did not say its name".to_owned(),
        (None, None) => {
            let name: String = user_agent.chars().take(40).collect();
            format!("“{name}”")
        }
    }
}

/// A note for the reader and nothing more: no decision hangs on it.
pub fn looks_like_a_scanner(user_agent: &str) -> bool {
    let folded = user_agent.to_ascii_lowercase();
    folded.trim().is_empty() || SCANNERS.iter().any(|mark| folded.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_named() {
        let cases = [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0",
                "Edge on Windows",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "Chrome on Linux"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
            ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", "Safari on Mac"),
            ("curl/8.5.0", "curl"),
            ("", "a program that did not say its name"),
            ("BarracudaScanner 1.0", "“BarracudaScanner 1.0”"),
        ];
        for (agent, said) in cases {
            assert_eq!(words(agent), said);
        }
    }

    #[test]
    fn scanners_are_noted_and_people_are_not() {
        assert!(looks_like_a_scanner("BarracudaScanner 1.0"));
        assert!(looks_like_a_scanner(""));
        assert!(!looks_like_a_scanner("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"));
    }
}
