use store::{TenantTx, entity::message, sea_orm::EntityTrait};

fn unscoped(tx: &TenantTx) {
    let _ = message::Entity::find().one(tx);
}

fn main() {}
