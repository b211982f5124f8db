//! What a CA that checks a name is to be answered, by whichever process it asks.

use super::{Certificates, name_of};
use kernel::{Fault, HostName, Time};
use sea_orm::FromQueryResult;

const PUT: &str = "INSERT INTO acme_challenge (name, kind, token, answer, ends_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, token = excluded.token, answer = excluded.answer, ends_at = excluded.ends_at";
const ALL: &str = "SELECT name, kind, token, answer, ends_at FROM acme_challenge WHERE ends_at > $1";
const DROP: &str = "DELETE FROM acme_challenge WHERE (name = $1 AND token = $2) OR ends_at <= $3";

/// How a CA checks a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChallengeKind {
    /// RFC 8555 §8.3: over plain HTTP, port 80.
    Http01,
    /// RFC 8737: in a TLS handshake, port 443.
    TlsAlpn01,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub name: HostName,
    pub kind: ChallengeKind,
    pub token: String,
    /// The key authorization (RFC 8555 §8.1). Not a secret: whoever asks is given it.
    pub answer: String,
    pub ends_at: Time,
}

#[derive(FromQueryResult)]
struct Row {
    name: String,
    kind: String,
    token: String,
    answer: String,
    ends_at: i64,
}

impl Certificates<'_> {
    /// From the commit on every process answers it; one a name.
    pub async fn put_challenge(&self, challenge: &Challenge) -> Result<(), Fault> {
        let Challenge { name, kind, token, answer, ends_at } = challenge;
        let values = [name.as_str().into(), kind.as_str().into(), token.into(), answer.into(), ends_at.0.into()];
        self.write(async |rows| rows.run(rows.words(PUT, values)).await.map(|_| ())).await
    }
    /// Those that have not ended.
    pub async fn challenges(&self) -> Result<Vec<Challenge>, Fault> {
        let now = self.now().0;
        let rows: Vec<Row> = self.read(async |rows| rows.all(rows.words(ALL, [now.into()])).await).await?;
        rows.into_iter().map(Challenge::try_from).collect()
    }
    /// It is answered no more; what has ended goes with it.
    pub async fn drop_challenge(&self, challenge: &Challenge) -> Result<(), Fault> {
        let values = [challenge.name.as_str().into(), (&challenge.token).into(), self.now().0.into()];
        self.write(async |rows| rows.run(rows.words(DROP, values)).await.map(|_| ())).await
    }
}

impl ChallengeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ChallengeKind::Http01 => "http-01",
            ChallengeKind::TlsAlpn01 => "tls-alpn-01",
        }
    }
}

impl TryFrom<Row> for Challenge {
    type Error = Fault;
    fn try_from(row: Row) -> Result<Challenge, Fault> {
        let kind = match row.kind.as_str() {
            "http-01" => ChallengeKind::Http01,
            _ => ChallengeKind::TlsAlpn01,
        };
        Ok(Challenge { name: name_of(&row.name)?, kind, token: row.token, answer: row.answer, ends_at: Time(row.ends_at) })
    }
}
