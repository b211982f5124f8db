//! What the demo says when it is ready: where it is, how to sign in, and a message that can be sent by pasting three lines.

use super::credentials::Credentials;
use crate::App;
use std::path::Path;

/// `kept`: the directory that stays. `root`: the certificate that makes the site trusted.
pub fn greeting(app: &App, who: &Credentials, kept: Option<&Path>, root: Option<&Path>) -> String {
    let url = app.site.base();
    let Credentials { email, password, api_key } = who;
    let data = match kept {
        Some(dir) => format!("Everything is in {} and is there the next time.", dir.display()),
        None => "Everything is in a temporary directory and goes when you stop it (keep it with --data DIR).".to_owned(),
    };
    let trusted = root
        .map(|root| format!("  Trust     {}     (install it in the browser, or click through its warning)\n", root.display()))
        .unwrap_or_default();
    let with = root.map(|root| format!(" --cacert {}", root.display())).unwrap_or_default();
    format!(
        r#"Countersign is running. Stop it with Ctrl-C.
{data}

  Site      {url}
  Sign in   {email}
  Password  {password}
  Mail      {url}/_mail     (nothing leaves this machine)
{trusted}
To send a message from another terminal, paste this:

  export COUNTERSIGN={url} COUNTERSIGN_KEY={api_key}
  curl -sS{with} $COUNTERSIGN/v1/messages -H "Authorization: Bearer $COUNTERSIGN_KEY" -H "Content-Type: application/json" \
    -d '{{"to": ["bob@example.org"], "subject": "Hello", "body": "Sealed until you open it."}}'

"#
    )
}
