use kernel::TenantId;
use store::{Caller, Origin, Who};

fn made(tenant: TenantId) -> Caller {
    Caller::new(tenant, Who::System, Origin::default())
}

fn main() {}
