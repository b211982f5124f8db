//! The tables, the same on SQLite and PostgreSQL. Every key has the tenant in it; whole numbers are `i64` (SQLite has no
//! other), times are milliseconds since the epoch, JSON is text that the room owning the column reads and writes.
//!
//! What would surprise you: `tenant` is keyed by itself alone, and `job` is the one table the worker reads across tenants.

use sea_orm::{EntityTrait, TryIntoModel};

/// A table whose rows belong to a tenant; what `TenantTx` lets through.
pub trait TenantOwned: EntityTrait<ActiveModel: TryIntoModel<<Self as EntityTrait>::Model>> {
    const TENANT: Self::Column;
    /// Of the table.
    const NAME: &'static str;
}

/// Declares one table: its module, its name, its columns after `tenant_id`.
macro_rules! table {
    ($(#[$doc:meta])* $module:ident $name:literal { $($columns:tt)* }) => {
        $(#[$doc])*
        pub mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $name)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub tenant_id: Uuid,
                $($columns)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}
            impl ActiveModelBehavior for ActiveModel {}
            impl $crate::entity::TenantOwned for Entity {
                const TENANT: Column = Column::TenantId;
                const NAME: &'static str = $name;
            }
        }
    };
}

table! {
    /// One customer. `state`: active, suspended, closed.
    tenant "tenant" {
        pub name: String,
        pub state: String,
        pub plan: String,
        pub key_version: i64,
        pub key_wrapped: Vec<u8>,
        pub created_at: i64,
    }
}
table! {
    /// A person of one tenant. `role`: owner, admin, member, auditor, billing. `state`: active, invited, suspended.
    /// `epoch` goes up when everything issued to the member must end (password changed, suspended).
    member "member" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub email_folded: String,
        pub name: String,
        pub role: String,
        pub state: String,
        pub password_hash: String,
        pub email_proven_at: Option<i64>,
        pub epoch: i64,
        pub created_at: i64,
    }
}
table! {
    /// One signed-in browser; only the SHA-256 of its token is here. `stepped_up_at`: when a factor was last given at it.
    session "session" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub token_hash: Vec<u8>,
        pub epoch: i64,
        pub ip: String,
        pub user_agent: String,
        pub created_at: i64,
        pub seen_at: i64,
        pub expires_at: i64,
        pub stepped_up_at: Option<i64>,
        /// The one host that it is for; empty: the account host.
        pub host: String,
    }
}
table! {
    /// A browser that signed in as this member before: its token opens nothing, it only has guesses of its own at the password.
    device "device" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub token_hash: Vec<u8>,
        pub created_at: i64,
        pub expires_at: i64,
    }
}
table! {
    /// An authority whose client certificates are accepted. `chain`: PEM, the topmost last. `key_sealed`: our own. `crl_grace_hours`: of all
    /// of its lists.
    client_ca "client_ca" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub fingerprint: Vec<u8>,
        pub subject: String,
        pub chain: String,
        pub not_after: i64,
        pub key_sealed: Option<Vec<u8>>,
        pub maps_by_address: bool,
        pub crl_grace_hours: i64,
        pub added_at: i64,
    }
}
table! {
    /// A list of revoked certificates of an authority. `der`: as it was last fetched from `url`, sound until `next_at`; `said`: what went wrong
    /// with the last look.
    client_ca_list "client_ca_list" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub ca_id: Uuid,
        pub place: i64,
        pub url: String,
        pub der: Option<Vec<u8>>,
        pub next_at: Option<i64>,
        pub looked_at: Option<i64>,
        pub said: String,
    }
}
table! {
    /// A certificate that signs a member in: this very one (`issuer_key_hash`, `serial`), or with `by_key` any sound one of the same key.
    client_certificate "client_certificate" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub ca_id: Uuid,
        pub issuer_key_hash: Vec<u8>,
        pub serial: Vec<u8>,
        pub key_hash: Vec<u8>,
        pub by_key: bool,
        pub issued: bool,
        pub subject: String,
        pub not_after: i64,
        pub added_at: i64,
        pub last_used_at: Option<i64>,
        pub revoked_at: Option<i64>,
    }
}
table! {
    /// What was revoked here of an authority that is not accepted any more: this very certificate, or with `by_key` any of the same key.
    revoked_certificate "revoked_certificate" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub issuer_key_hash: Vec<u8>,
        pub serial: Vec<u8>,
        pub key_hash: Vec<u8>,
        pub by_key: bool,
        pub revoked_at: i64,
    }
}
table! {
    /// What a member proved at one host of ours, to be spent once at another; only the SHA-256 of its token is here. `purpose`: sign_in,
    /// enrolment.
    ticket "ticket" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub purpose: String,
        pub token_hash: Vec<u8>,
        pub epoch: i64,
        pub factor_at: i64,
        pub ends_at: i64,
    }
}
table! {
    /// A bearer key of the API; `shown` is its first characters, so that people can tell keys apart.
    api_key "api_key" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub name: String,
        pub shown: String,
        pub token_hash: Vec<u8>,
        pub created_at: i64,
        pub last_used_at: Option<i64>,
        pub revoked_at: Option<i64>,
    }
}
table! {
    /// A link mailed to a member. `purpose`: prove_address, reset_password. Spent by one conditional update.
    mailed_link "mailed_link" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub purpose: String,
        pub token_hash: Vec<u8>,
        pub created_at: i64,
        pub expires_at: i64,
        pub used_at: Option<i64>,
    }
}
table! {
    /// A message being written; the message that comes of it has the same id, so its attachments are sealed once.
    draft "draft" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        /// Made by an API upload: not shown among the drafts.
        pub hidden: bool,
        pub content_sealed: Vec<u8>,
        pub message_key: Vec<u8>,
        pub revision: i64,
        pub created_at: i64,
        pub updated_at: i64,
    }
}
table! {
    /// A message that was accepted. Shredding empties `body_sealed`, `sender_slot`, `hint_sealed`; the row stays.
    message "message" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub member_id: Uuid,
        pub api_key_id: Option<Uuid>,
        /// What member and tenant were called when it was submitted; empty in rows from before that was kept.
        pub sender_name: Option<String>,
        pub tenant_name: Option<String>,
        pub subject: String,
        pub body_sealed: Option<Vec<u8>>,
        pub body_blob: Option<String>,
        pub body_bytes: i64,
        /// r0, r1, r2, r4 (`security.md`, "Opening is a gesture").
        pub proof: String,
        pub sender_slot: Option<Vec<u8>>,
        pub password_salt: Option<Vec<u8>>,
        pub hint_sealed: Option<Vec<u8>>,
        pub accept_first: bool,
        pub hide_sender: bool,
        pub show_subject: bool,
        pub notify_opened: bool,
        /// Days before expiry on which a reminder goes out, as "7,1"; empty for none.
        pub remind_days: String,
        pub recipients: i64,
        pub attachments: i64,
        pub attachment_bytes: i64,
        pub created_at: i64,
        /// When the notices go out; equal to `created_at` unless sent later.
        pub release_at: i64,
        pub expires_at: i64,
        pub retracted_at: Option<i64>,
        pub shredded_at: Option<i64>,
    }
}
table! {
    /// One addressee of one message. `state`: waiting, notified, failed, opened, refused, retracted, expired, locked.
    /// `slot` is the message key wrapped for this recipient; empty once retracted, refused, expired.
    recipient "recipient" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub message_id: Uuid,
        pub position: i64,
        pub address: String,
        pub token_hash: Vec<u8>,
        pub state: String,
        pub slot: Option<Vec<u8>>,
        /// Wrong message passwords since the last reset.
        pub tries: i64,
        pub reminded_days: Option<i64>,
        pub opened_at: Option<i64>,
        pub changed_at: i64,
    }
}
table! {
    /// One browser of a recipient's, from the gesture on. `key_wrapped` opens with that browser's cookie alone.
    visit "visit" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub message_id: Uuid,
        pub recipient_id: Uuid,
        pub cookie_hash: Vec<u8>,
        /// How many codes were mailed for this visit; the newest alone counts.
        pub codes_sent: i64,
        pub code_sent_at: Option<i64>,
        pub code_tries: i64,
        pub code_proven_at: Option<i64>,
        pub accepted_at: Option<i64>,
        pub opened_at: Option<i64>,
        pub key_wrapped: Option<Vec<u8>>,
        /// SHA-256 of the certificate that was shown from this browser and found to be the recipient's (R4).
        pub certificate_hash: Option<Vec<u8>>,
        pub created_at: i64,
        pub expires_at: i64,
    }
}
table! {
    /// An attachment that was handed over to one visit; its bytes may follow in as many requests as the network needs.
    released "released" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub visit_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub attachment_id: Uuid,
        pub at: i64,
    }
}
table! {
    /// A file of a draft or message, sealed in segments under `blob`. Complete when `sha256` is there.
    attachment "attachment" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub message_id: Uuid,
        pub name: String,
        pub media_type: String,
        pub declared_bytes: Option<i64>,
        pub received_bytes: i64,
        pub hash_state: Vec<u8>,
        pub sha256: Option<Vec<u8>>,
        pub blob: String,
        pub places: Vec<u8>,
        pub created_at: i64,
        pub updated_at: i64,
    }
}
table! {
    /// One recorded fact; append-only (a trigger refuses anything else). `hash` chains over `prev` within the tenant.
    evidence "evidence" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub id: Uuid,
        pub message_id: Option<Uuid>,
        pub recipient_id: Option<Uuid>,
        pub kind: String,
        pub at: i64,
        /// Canonical JSON (RFC 8785): who, from where, on what grounds.
        pub grounds: String,
        pub prev: Vec<u8>,
        pub hash: Vec<u8>,
    }
}
table! {
    /// The head of a tenant's evidence chain: sequence number and hash of its newest row.
    chain "chain" {
        pub seq: i64,
        pub head: Vec<u8>,
    }
}
table! {
    /// A sealed answer of a recipient's to the sender.
    reply "reply" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub message_id: Uuid,
        pub recipient_id: Uuid,
        pub body_sealed: Vec<u8>,
        pub created_at: i64,
        pub read_at: Option<i64>,
    }
}
table! {
    /// What a tenant bought and has used. A limit of NULL is unlimited, 0 is none.
    allowance "allowance" {
        pub sends_used: i64,
        pub sends_limit: Option<i64>,
        pub period_ends_at: i64,
        pub recipients_limit: Option<i64>,
        pub message_bytes_limit: Option<i64>,
        pub stored_bytes: i64,
        pub stored_limit: Option<i64>,
        pub life_days_limit: Option<i64>,
        pub api_per_minute: Option<i64>,
        pub own_domains_limit: Option<i64>,
    }
}
table! {
    /// A recipient who wants no more notices from this tenant.
    blocked_address "blocked_address" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub address: String,
        pub created_at: i64,
    }
}
table! {
    /// What an `Idempotency-Key` was answered with; kept for 24 hours.
    idempotency "idempotency" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        pub request_hash: Vec<u8>,
        pub message_id: Uuid,
        pub created_at: i64,
    }
}
table! {
    /// Work for later, written in the act that causes it. `state`: queued (due), later (until `run_at`), held (until the sender's
    /// address is proven), running, parked; done jobs are deleted.
    job "job" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub kind: String,
        /// Ids only, as JSON: this row can be read by the worker of any tenant.
        pub payload: String,
        pub state: String,
        pub run_at: i64,
        pub attempts: i64,
        pub lease_until: Option<i64>,
        pub last_error: Option<String>,
        pub created_at: i64,
        /// Goes before the tenant's other jobs.
        pub urgent: bool,
    }
}
table! {
    /// A host name that a tenant says is theirs. From `proven_at` on it is in nobody else's hands.
    domain "domain" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        /// What the TXT record has to say.
        pub proof: String,
        pub added_at: i64,
        pub proven_at: Option<i64>,
        /// Since when the proof is missing that was there.
        pub missed_at: Option<i64>,
        /// When it turned out that somebody else has it.
        pub taken_at: Option<i64>,
        pub looked_at: Option<i64>,
        /// When the tenant let it go; the row keeps others out for a while.
        pub gone_at: Option<i64>,
        /// The last look at DNS found that the name leads to the site.
        pub leads: bool,
        /// What it found, as JSON; empty before the first.
        pub seen: String,
        /// The end of the certificate of which it was told that it cannot be renewed.
        pub renewal_told: Option<i64>,
        /// Since when it leads elsewhere, having been live.
        pub elsewhere_at: Option<i64>,
    }
}
table! {
    /// A hand-off code that was spent. It stays until the code would be over anyway.
    hand_off "hand_off" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub host: String,
        pub spent_at: i64,
        pub expires_at: i64,
    }
}
