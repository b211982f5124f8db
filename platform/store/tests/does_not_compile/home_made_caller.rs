use kernel::TenantId;
use store::{Caller, Origin, Who};

fn forged(tenant: TenantId) -> Caller {
    Caller { tenant, who: Who::System, origin: Origin::default() }
}

fn main() {}
