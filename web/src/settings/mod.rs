//! The settings page: you, password, where you are signed in, API keys, plan and usage. One page, one form a matter.

mod api_keys;
mod domains;
mod password;
mod profile;
mod sessions;
mod show;

crate::routes::page_routes! {
    "/settings" Member { get show::show }
    "/settings/name" Member { post profile::rename }
    "/settings/organisation" Member { post profile::rename_tenant }
    "/settings/proof" Member { post profile::mail_proof }
    "/settings/password" Member { post password::change }
    "/settings/sessions/end" Member { post sessions::end }
    "/settings/sessions/end-all" Member { post sessions::end_all }
    "/settings/keys" Member { post api_keys::create }
    "/settings/keys/revoke" Member { post api_keys::revoke }
    "/settings/domains" Member { get domains::list, post domains::add }
    "/settings/domains/:id" Member { get domains::show }
    "/settings/domains/:id/look" Member { post domains::look }
    "/settings/domains/:id/remove" Member { post domains::remove }
}
