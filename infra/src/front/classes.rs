//! Which kind of route a path is, for metrics: a closed set, so that a scanner cannot make up labels.

/// The class of `path`, in the words of the route table.
pub fn class(path: &str) -> &'static str {
    let mut parts = path.trim_start_matches('/').split('/');
    let first = parts.next().unwrap_or_default();
    match first {
        "" => "/",
        "v1" => api(parts.next().unwrap_or_default(), parts.nth(1)),
        "p" => match parts.nth(1) {
            None => "/p/:token",
            Some("files") => "/p/:token/files",
            Some("open") => "/p/:token/open",
            Some("message") => "/p/:token/message",
            Some(_) => "/p/:token/step",
        },
        "c" => "/c/:link/:name",
        "drafts" => match parts.nth(1) {
            Some("files") => "/drafts/:id/files",
            Some("send") => "/drafts/:id/send",
            _ => "/drafts",
        },
        "messages" => match parts.nth(1) {
            Some("events") => "/messages/:id/events",
            Some("files") => "/messages/:id/files",
            Some("retract") => "/messages/:id/retract",
            _ => "/messages/:id",
        },
        "live" | "ready" => "probe",
        "assets" | "favicon.ico" => "/assets",
        "sent" => "/sent",
        "received" => "/received",
        "compose" => "/compose",
        "settings" => "/settings",
        "sign-up" | "sign-in" | "sign-out" | "step-up" | "hand-off" | "arrive" | "forgot" | "reset" | "prove" => "/account",
        "openapi.json" | "docs" | "problems" => "/docs",
        _ => "other",
    }
}

fn api(resource: &str, sub: Option<&str>) -> &'static str {
    match (resource, sub) {
        ("messages", None) => "/v1/messages",
        ("messages", Some("retraction")) => "/v1/messages/:id/retraction",
        ("messages", Some(_)) => "/v1/messages/:id/part",
        ("attachments", _) => "/v1/attachments",
        ("replies", _) => "/v1/replies",
        ("account", _) => "/v1/account",
        _ => "/v1/other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fall_into_classes() {
        for (path, expected) in [
            ("/", "/"),
            ("/sent", "/sent"),
            ("/p/abc", "/p/:token"),
            ("/p/abc/open", "/p/:token/open"),
            ("/p/abc/files/att_1/a.pdf", "/p/:token/files"),
            ("/c/abc/a.pdf", "/c/:link/:name"),
            ("/v1/messages", "/v1/messages"),
            ("/v1/messages/msg_1", "/v1/messages"),
            ("/v1/messages/msg_1/evidence", "/v1/messages/:id/part"),
            ("/v1/messages/msg_1/retraction", "/v1/messages/:id/retraction"),
            ("/drafts/msg_1/send", "/drafts/:id/send"),
            ("/live", "probe"),
            ("/wp-login.php", "other"),
            ("/v1/x/y/z", "/v1/other"),
        ] {
            assert_eq!(class(path), expected, "{path}");
        }
    }

    #[test]
    fn every_page_route_has_a_class_of_its_own_kind() {
        for route in web::ROUTES {
            assert_ne!(class(route.path), "other", "{}", route.path);
        }
    }
}
