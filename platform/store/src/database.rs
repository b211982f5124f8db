//! The address of a database, as the configuration writes it.

use crate::Database;
use kernel::Fault;
use std::fmt;

/// Connections to PostgreSQL unless the address says otherwise.
const CONNECTIONS: u32 = 16;

impl Database {
    /// Reads `sqlite:/path/file.db` or `postgres://user@host/name`; the latter may carry `connections=N` among its parameters.
    pub fn parse(url: &str) -> Result<Database, Fault> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(['?', '\0']) {
                return Err(Fault::other("the database address needs a file: sqlite:/var/lib/countersign/countersign.db"));
            }
            return Ok(Database::Sqlite { path: path.into() });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let (url, connections) = take_connections(url)?;
            return Ok(Database::Postgres { url, connections });
        }
        Err(Fault::other("the database address begins with sqlite: or postgres://"))
    }
}

/// The address without our own parameter, which PostgreSQL does not know.
fn take_connections(url: &str) -> Result<(String, u32), Fault> {
    let Some((base, parameters)) = url.split_once('?') else { return Ok((url.to_owned(), CONNECTIONS)) };
    let (ours, theirs): (Vec<&str>, Vec<&str>) = parameters.split('&').partition(|p| p.starts_with("connections="));
    let connections = match ours.first() {
        None => CONNECTIONS,
        Some(ours) => {
            let count = ours.trim_start_matches("connections=").parse().ok();
            count.filter(|n| (2..=1000).contains(n)).ok_or_else(|| Fault::other("connections must be a number from 2 to 1000"))?
        }
    };
    let url = if theirs.is_empty() { base.to_owned() } else { format!("{base}?{}", theirs.join("&")) };
    Ok((url, connections))
}

/// Without user and password: the address ends up in logs.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite { path } => write!(f, "sqlite:{}", path.display()),
            Database::Postgres { url, connections } => {
                let place = url.rsplit('@').next().unwrap_or_default().split('?').next().unwrap_or_default();
                write!(f, "postgres://…@{place} ({connections} connections)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!(Database::parse("sqlite:/a/b.db").unwrap(), Database::Sqlite { path: "/a/b.db".into() });
        assert_eq!(Database::parse("sqlite:///a/b.db").unwrap(), Database::Sqlite { path: "/a/b.db".into() });
        let pg = |url: &str, connections| Database::Postgres { url: url.into(), connections };
        assert_eq!(Database::parse("postgres://u@h/d").unwrap(), pg("postgres://u@h/d", 16));
        assert_eq!(Database::parse("postgres://u@h/d?sslmode=require&connections=4").unwrap(), pg("postgres://u@h/d?sslmode=require", 4));
        for bad in ["", "sqlite:", "mysql://h/d", "postgres://h/d?connections=1", "postgres://h/d?connections=many", "/a/b.db"] {
            assert!(Database::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let shown = format!("{:?}", Database::parse("postgres://user:secret@host/name?password=secret").unwrap());
        assert!(!shown.contains("secret") && shown.contains("host/name"), "{shown}");
    }
}
