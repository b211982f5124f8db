use super::{facts, town::*};
use crate::{KeyRefused, MAX_API_KEYS, key_token};
use kernel::Fault;
use store::{Caller, Origin, Who, entity::api_key};

const ANA: &str = "ana@example.org";

async fn caller_of(town: &Town, secret: &str) -> Option<Caller> {
    town.seen().await;
    let token = key_token(secret)?;
    town.accounts.db.front_desk().api_key(&token, Origin::default()).await.unwrap()
}

facts! {
    async fn a_key_is_shown_once_works_and_ends_when_revoked(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let key = town.accounts.create_key(&ana.caller, " statement runs ").await.unwrap();
        assert!(key.secret.starts_with("csk_") && key.secret.len() == 47);
        let caller = caller_of(&town, &key.secret).await.unwrap();
        assert!(matches!(caller.who(), Who::Key { id, member, proven: true, .. } if *id == key.id && Some(*member) == ana.caller.member()));
        let listed = town.accounts.keys(&ana.caller).await.unwrap();
        assert_eq!(listed.iter().map(|k| (k.id, k.name.as_str(), k.shown.as_str())).collect::<Vec<_>>(), [(key.id, "statement runs", &key.secret[..10])]);
        assert!(town.accounts.revoke_key(&ana.caller, key.id).await.unwrap());
        assert!(!town.accounts.revoke_key(&ana.caller, key.id).await.unwrap());
        assert!(caller_of(&town, &key.secret).await.is_none());
        assert_eq!(town.accounts.keys(&ana.caller).await.unwrap(), []);
    }

    async fn only_the_hash_of_a_key_is_kept(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let key = town.accounts.create_key(&ana.caller, "runs").await.unwrap();
        let row = town.accounts.db.read::<_, Fault, _>(&ana.caller, async |read| read.find::<api_key::Entity>().one().await).await.unwrap().unwrap();
        let token = key_token(&key.secret).unwrap();
        assert_eq!(row.token_hash, token.hash());
        assert_ne!(row.token_hash, token.as_bytes());
        assert!(row.shown.len() < 12);
    }

    async fn a_key_of_another_tenant_is_not_found(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let eve = town.member("eve@example.org", PASSWORD).await;
        let key = town.accounts.create_key(&ana.caller, "runs").await.unwrap();
        assert!(!town.accounts.revoke_key(&eve.caller, key.id).await.unwrap());
        assert_eq!(town.accounts.keys(&eve.caller).await.unwrap(), []);
        assert!(caller_of(&town, &key.secret).await.is_some());
    }

    async fn a_key_makes_no_keys_and_ends_none(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let key = town.accounts.create_key(&ana.caller, "runs").await.unwrap();
        let caller = caller_of(&town, &key.secret).await.unwrap();
        assert!(matches!(town.accounts.create_key(&caller, "more").await, Err(KeyRefused::NotSignedIn)));
        assert!(!town.accounts.revoke_key(&caller, key.id).await.unwrap());
        assert_eq!(town.accounts.me(&caller).await.unwrap().email, ANA);
    }

    async fn there_is_room_for_so_many_keys(town) {
        let ana = town.member(ANA, PASSWORD).await;
        for n in 0..MAX_API_KEYS {
            town.accounts.create_key(&ana.caller, &format!("key {n}")).await.unwrap();
        }
        assert!(matches!(town.accounts.create_key(&ana.caller, "one more").await, Err(KeyRefused::TooMany { limit: MAX_API_KEYS })));
        let newest = town.accounts.keys(&ana.caller).await.unwrap()[0].id;
        assert!(town.accounts.revoke_key(&ana.caller, newest).await.unwrap());
        assert!(town.accounts.create_key(&ana.caller, "one more").await.is_ok());
        assert_eq!(town.accounts.create_key(&ana.caller, "").await.err().and_then(|e| e.field()), Some("name"));
    }

    async fn a_suspended_tenants_key_ends_and_comes_back(town) {
        let ana = town.member(ANA, PASSWORD).await;
        let key = town.accounts.create_key(&ana.caller, "runs").await.unwrap();
        let desk = town.accounts.db.front_desk();
        assert!(desk.set_tenant_state(ana.caller.tenant(), "suspended").await.unwrap());
        assert!(caller_of(&town, &key.secret).await.is_none());
        assert!(desk.set_tenant_state(ana.caller.tenant(), "active").await.unwrap());
        assert!(caller_of(&town, &key.secret).await.is_some());
    }
}

#[test]
fn text_that_cannot_be_a_key_is_none() {
    let token = keys::Token::random(&kernel::Chance::seeded(3));
    let good = format!("csk_{token}");
    assert!(key_token(&good).is_some());
    for bad in ["", "csk_", &good[1..], &good[..good.len() - 1], &format!("{good}A"), &good.replace("csk_", "CSK_"), &format!(" {good}")] {
        assert!(key_token(bad).is_none(), "{bad}");
    }
}
