use store::TenantRead;

mod brake {
    use store::sea_orm::{self, entity::prelude::*};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "brake")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

fn unscoped(read: &TenantRead) {
    let _ = read.find::<brake::Entity>();
}

fn main() {}
