//! The operations, as a table of contents: each says what it takes and hands over to the file of its name.

use crate::{
    Api,
    account::{self, Account},
    answer::{Answer, NoContent},
    attachments::{self, Attachment, AttachmentList},
    bearer::Key,
    certificates::{self, AuthorityList, CertificateList},
    domains::{self, Added, Domain, DomainList, NewDomain},
    file::{self, FileAnswer},
    ids::Id,
    message::{self, Message, RecipientList},
    problem::Problem,
    replies::{self, Reply, ReplyList},
    retract::{self, Retraction, RetractionRequest},
    send::{self, NewMessage, Sending},
    sent::{self, MessageList, SentParams},
    strict_json::StrictJson,
    timeline::{self, Timeline, TimelineParams},
    unlock,
    upload::{self, Began, RawBody},
    words::StateWord,
};
use kernel::{AttachmentId, ClientCertificateId, DomainId, MessageId, RecipientId, ReplyId};
use poem::{IntoEndpoint, Request, endpoint::BoxEndpoint};
use poem_openapi::{
    OpenApi, OpenApiService,
    param::{Header, Path, Query},
};

/// `None` only for writing the document.
pub(crate) struct Operations(Option<Api>);

pub(crate) fn operations(api: Api) -> BoxEndpoint<'static> {
    OpenApiService::new(Operations(Some(api)), "", "").into_endpoint()
}

pub(crate) fn service() -> OpenApiService<Operations, ()> {
    OpenApiService::new(Operations(None), "Countersign", "1")
}

/// The operations' names in the order of this file, which is the order in which people need them.
pub(crate) fn in_order() -> Vec<&'static str> {
    let paths = Operations::meta().into_iter().flat_map(|api| api.paths);
    paths.flat_map(|path| path.operations).filter_map(|operation| operation.operation_id).collect()
}

impl Operations {
    fn api(&self) -> &Api {
        self.0.as_ref().expect("`operations` gives an API to every table that serves requests")
    }
}

#[OpenApi]
impl Operations {
    /// Send a message
    ///
    /// Answers after the message is durable. Each recipient gets a short mail with a link; the content waits behind it.
    #[oai(path = "/messages", method = "post", operation_id = "sendMessage")]
    async fn send_message(
        &self,
        key: Key,
        /// Any text of your choice, 1 to 200 printable characters, kept for 24 hours: the same key with the same body answers what the first request did.
        #[oai(name = "Idempotency-Key", validator(min_length = 1, max_length = 200))]
        idempotency_key: Header<Option<String>>,
        body: StrictJson<NewMessage>,
    ) -> Result<Sending, Problem> {
        send::send(self.api(), &key.0, idempotency_key.0.as_deref(), body).await
    }

    /// List sent messages, newest first
    #[oai(path = "/messages", method = "get", operation_id = "listMessages")]
    async fn list_messages(
        &self,
        key: Key,
        /// In the subject or a recipient's address; one line of at most 100 characters.
        #[oai(validator(max_length = 100))]
        search: Query<Option<String>>,
        /// At least one recipient stands there.
        state: Query<Option<StateWord>>,
        /// The `next` of the page before.
        after: Query<Option<Id<MessageId>>>,
        /// Messages on a page; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u64>>,
    ) -> Result<Answer<MessageList>, Problem> {
        let params = SentParams { search: search.0, state: state.0, after: after.0, limit: limit.0 };
        sent::list(self.api(), &key.0, params).await
    }

    /// Read one message
    #[oai(path = "/messages/:id", method = "get", operation_id = "readMessage")]
    async fn read_message(&self, key: Key, id: Path<Id<MessageId>>) -> Result<Answer<Message>, Problem> {
        message::read(self.api(), &key.0, id.0.0).await
    }

    /// List a message's recipients and where each stands
    #[oai(path = "/messages/:id/recipients", method = "get", operation_id = "listRecipients")]
    async fn list_recipients(&self, key: Key, id: Path<Id<MessageId>>) -> Result<Answer<RecipientList>, Problem> {
        message::recipients(self.api(), &key.0, id.0.0).await
    }

    /// Read a message's evidence, oldest first
    #[oai(path = "/messages/:id/evidence", method = "get", operation_id = "listEvidence")]
    async fn list_evidence(
        &self,
        key: Key,
        id: Path<Id<MessageId>>,
        /// Only what concerns this recipient, or all of them.
        recipient: Query<Option<Id<RecipientId>>>,
        /// The `next` of the page before.
        #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
        after: Query<Option<i64>>,
        /// Facts on a page; 100 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u64>>,
    ) -> Result<Answer<Timeline>, Problem> {
        let params = TimelineParams { recipient: recipient.0, after: after.0, limit: limit.0 };
        timeline::read(self.api(), &key.0, id.0.0, params).await
    }

    /// Take a message back
    ///
    /// From everybody who has not opened it, or from the recipients named. Asking again does no harm.
    #[oai(path = "/messages/:id/retraction", method = "post", operation_id = "retractMessage")]
    async fn retract_message(
        &self,
        key: Key,
        id: Path<Id<MessageId>>,
        body: StrictJson<RetractionRequest>,
    ) -> Result<Answer<Retraction>, Problem> {
        retract::retract(self.api(), &key.0, id.0.0, body.value).await
    }

    /// Give a locked-out recipient five new tries
    #[oai(path = "/messages/:id/recipients/:recipient/unlocking", method = "post", operation_id = "unlockRecipient")]
    async fn unlock_recipient(&self, key: Key, id: Path<Id<MessageId>>, recipient: Path<Id<RecipientId>>) -> Result<NoContent, Problem> {
        unlock::unlock(self.api(), &key.0, id.0.0, recipient.0.0).await
    }

    /// List a message's files, also before it is sent
    #[oai(path = "/messages/:id/attachments", method = "get", operation_id = "listAttachments")]
    async fn list_attachments(&self, key: Key, id: Path<Id<MessageId>>) -> Result<Answer<AttachmentList>, Problem> {
        attachments::list(self.api(), &key.0, id.0.0).await
    }

    /// Download a file of a message
    ///
    /// The same as `GET /v1/attachments/{id}`, for whoever knows the message.
    #[oai(path = "/messages/:id/attachments/:attachment", method = "get", operation_id = "downloadAttachment")]
    async fn download_attachment(
        &self,
        key: Key,
        id: Path<Id<MessageId>>,
        attachment: Path<Id<AttachmentId>>,
        request: &Request,
    ) -> Result<FileAnswer, Problem> {
        file::read(self.api(), &key.0, Some(id.0.0), attachment.0.0, request).await
    }

    /// Remove a file before the message is sent
    #[oai(path = "/messages/:id/attachments/:attachment", method = "delete", operation_id = "removeAttachment")]
    async fn remove_attachment(&self, key: Key, id: Path<Id<MessageId>>, attachment: Path<Id<AttachmentId>>) -> Result<NoContent, Problem> {
        attachments::remove(self.api(), &key.0, id.0.0, attachment.0.0).await
    }

    /// Upload a file
    ///
    /// The body is the file itself, of any content type. With `size` it may be the beginning alone (4194304 bytes at least), or empty: the rest follows with `PUT`.
    #[oai(path = "/attachments", method = "post", operation_id = "uploadAttachment")]
    async fn upload_attachment(
        &self,
        key: Key,
        /// The file's name, without folders.
        #[oai(validator(min_length = 1, max_length = 255))]
        name: Query<String>,
        /// The message that earlier uploads answered; without it a new one begins.
        message: Query<Option<Id<MessageId>>>,
        /// Bytes of the whole file.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000000000000")))]
        size: Query<Option<u64>>,
        body: RawBody,
    ) -> Result<Began, Problem> {
        upload::begin(self.api(), &key.0, &name.0, message.0.map(|id| id.0), size.0, body).await
    }

    /// Go on with an upload
    ///
    /// A piece that does not end the file has 4194304 bytes at least; the answer's `received` says where the next one begins.
    #[oai(path = "/attachments/:id", method = "put", operation_id = "continueAttachment")]
    async fn continue_attachment(
        &self,
        key: Key,
        id: Path<Id<AttachmentId>>,
        /// Where the body's first byte belongs: as many bytes as were `received`.
        #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000000")))]
        offset: Query<u64>,
        body: RawBody,
    ) -> Result<Answer<Attachment>, Problem> {
        upload::go_on(self.api(), &key.0, id.0.0, offset.0, body).await
    }

    /// Download a file
    ///
    /// Whole, or with `Range: bytes=…` from any byte on: a download that broke goes on with `If-Range` and the `ETag` it was given. Several ranges at once are answered with the whole file. Not of a message sealed with a message password: we cannot open it.
    #[oai(path = "/attachments/:id", method = "get", operation_id = "readAttachment")]
    async fn read_attachment(&self, key: Key, id: Path<Id<AttachmentId>>, request: &Request) -> Result<FileAnswer, Problem> {
        file::read(self.api(), &key.0, None, id.0.0, request).await
    }

    /// List received replies, newest first
    #[oai(path = "/replies", method = "get", operation_id = "listReplies")]
    async fn list_replies(
        &self,
        key: Key,
        /// Only replies to this message.
        message: Query<Option<Id<MessageId>>>,
        /// The `next` of the page before.
        after: Query<Option<Id<ReplyId>>>,
        /// Replies on a page; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u64>>,
    ) -> Result<Answer<ReplyList>, Problem> {
        replies::list(self.api(), &key.0, message.0.map(|id| id.0), after.0.map(|id| id.0), limit.0).await
    }

    /// Read a reply
    ///
    /// Looking changes nothing: `POST …/read` marks it as read.
    #[oai(path = "/replies/:id", method = "get", operation_id = "readReply")]
    async fn read_reply(&self, key: Key, id: Path<Id<ReplyId>>) -> Result<Answer<Reply>, Problem> {
        replies::read(self.api(), &key.0, id.0.0).await
    }

    /// Mark a reply as read
    ///
    /// For everybody in the tenant. Asking again does no harm and keeps the first time.
    #[oai(path = "/replies/:id/read", method = "post", operation_id = "markReplyRead")]
    async fn mark_reply_read(&self, key: Key, id: Path<Id<ReplyId>>) -> Result<NoContent, Problem> {
        replies::mark_read(self.api(), &key.0, id.0.0).await
    }

    /// List your own domains
    #[oai(path = "/domains", method = "get", operation_id = "listDomains")]
    async fn list_domains(&self, key: Key) -> Result<Answer<DomainList>, Problem> {
        domains::list(self.api(), &key.0).await
    }

    /// Add a domain of your own
    ///
    /// The answer has the records to make in its DNS. A name that you removed less than 30 days ago comes back with the same ones.
    /// A site that does not get certificates by itself takes no domain, and answers with a conflict.
    #[oai(path = "/domains", method = "post", operation_id = "addDomain")]
    async fn add_domain(&self, key: Key, body: StrictJson<NewDomain>) -> Result<Added, Problem> {
        domains::add(self.api(), &key.0, body.value).await
    }

    /// Read one domain: its step, the records to make, and what was seen instead
    #[oai(path = "/domains/:id", method = "get", operation_id = "readDomain")]
    async fn read_domain(&self, key: Key, id: Path<Id<DomainId>>) -> Result<Answer<Domain>, Problem> {
        domains::read(self.api(), &key.0, id.0.0).await
    }

    /// Remove a domain
    ///
    /// It is served no more. Nobody else can have it here for 30 days.
    #[oai(path = "/domains/:id", method = "delete", operation_id = "removeDomain")]
    async fn remove_domain(&self, key: Key, id: Path<Id<DomainId>>) -> Result<NoContent, Problem> {
        domains::remove(self.api(), &key.0, id.0.0).await
    }

    /// Look at a domain's DNS again now
    ///
    /// What is found stands in the domain a few seconds later.
    #[oai(path = "/domains/:id/look", method = "post", operation_id = "lookAtDomain")]
    async fn look_at_domain(&self, key: Key, id: Path<Id<DomainId>>) -> Result<NoContent, Problem> {
        domains::look(self.api(), &key.0, id.0.0).await
    }

    /// List the authorities whose client certificates count
    ///
    /// They are accepted, given rules and removed on the settings page alone, where the password is asked again: whoever may accept an
    /// authority may sign in as any member, and that is more than a key may do.
    #[oai(path = "/authorities", method = "get", operation_id = "listAuthorities")]
    async fn list_authorities(&self, key: Key) -> Result<Answer<AuthorityList>, Problem> {
        certificates::authorities(self.api(), &key.0).await
    }

    /// List your own client certificates
    ///
    /// Those of the member whose key this is. They are enrolled and made on the settings page alone, for the same reason.
    #[oai(path = "/certificates", method = "get", operation_id = "listCertificates")]
    async fn list_certificates(&self, key: Key) -> Result<Answer<CertificateList>, Problem> {
        certificates::certificates(self.api(), &key.0).await
    }

    /// Revoke one of your own client certificates
    ///
    /// It signs nobody in and opens nothing from now on. This cannot be undone.
    #[oai(path = "/certificates/:id/revoke", method = "post", operation_id = "revokeCertificate")]
    async fn revoke_certificate(&self, key: Key, id: Path<Id<ClientCertificateId>>) -> Result<NoContent, Problem> {
        certificates::revoke(self.api(), &key.0, id.0.0).await
    }

    /// Read the plan, its limits and what is used
    #[oai(path = "/account", method = "get", operation_id = "readAccount")]
    async fn read_account(&self, key: Key) -> Result<Answer<Account>, Problem> {
        account::read(self.api(), &key.0).await
    }
}
