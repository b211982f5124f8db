//! The small authority of a tenant that has none.

use super::{town::*, workshop::CA};
use crate::{BadCertificate, IssueRefused, Rules};
use rustls_pki_types::{CertificateDer, pem::PemObject};

facts! {
    async fn what_it_gives_out_opens_with_openssl_signs_in_and_is_revoked(town) {
        let (ana, eve) = (town.owner("ana@example.org").await, town.owner("eve@example.org").await);
        assert!(matches!(town.room.issue(&ana.caller, "four other herons").await, Err(IssueRefused::NotBegun)));
        for owner in [&ana, &eve] {
            town.room.found_own(&owner.caller).await.unwrap();
        }
        assert!(matches!(town.room.found_own(&ana.caller).await, Err(IssueRefused::HasAnother)));
        assert!(matches!(town.room.issue(&ana.caller, "short").await, Err(IssueRefused::Password)));
        let issued = town.room.issue(&ana.caller, "four other herons").await.unwrap();
        std::fs::write(town.shop.path("ana.p12"), &issued.file).unwrap();
        let open = ["pkcs12", "-in", "ana.p12", "-passin", "pass:four other herons", "-nodes"];
        let pem = town.shop.openssl(&open);
        let text = String::from_utf8_lossy(&pem);
        assert!(text.contains("PRIVATE KEY") && text.matches("BEGIN CERTIFICATE").count() == 2, "{text}");
        let der = CertificateDer::pem_slice_iter(&pem).find_map(|der| {
            let der = der.unwrap();
            (crate::Facts::of(&der).unwrap().subject == "Ana Brandt").then_some(der)
        });
        let der = der.unwrap();
        let here = ana.caller.tenant();
        assert_eq!(town.whose(here, &der).await, Ok("ana@example.org".into()));
        assert_eq!(town.whose(eve.caller.tenant(), &der).await, Err(BadCertificate::Foreign.to_string()));
        let view = town.room.certificates(&ana.caller).await.unwrap().remove(0);
        assert!(view.issued && view.last_used_at.is_none());
        assert!(town.room.revoke(&ana.caller, view.id).await.unwrap());
        assert_eq!(town.whose(here, &der).await, Err(BadCertificate::Revoked.to_string()));
    }

    async fn its_key_is_sealed_and_a_tenant_with_an_authority_gets_no_other(town) {
        let (ana, eve) = (town.owner("ana@example.org").await, town.owner("eve@example.org").await);
        town.room.found_own(&ana.caller).await.unwrap();
        let sealed = town.room.accounts.db.read(&ana.caller, async |read| crate::authorities::rows(read).await).await.unwrap();
        let key = sealed[0].key_sealed.clone().unwrap();
        assert!(!String::from_utf8_lossy(&key).contains("PRIVATE"));
        town.accept(&eve, &town.shop.root("root", "Acme", 300, CA).pem, Rules::default()).await;
        assert!(matches!(town.room.found_own(&eve.caller).await, Err(IssueRefused::HasAnother)));
        assert!(matches!(town.room.issue(&eve.caller, "four other herons").await, Err(IssueRefused::HasAnother)));
    }
}
