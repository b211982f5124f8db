use store::{TenantRead, entity::message, sea_orm::EntityTrait};

fn unscoped(read: &TenantRead) {
    let _ = message::Entity::find().all(read);
}

fn main() {}
