use store::TenantRead;

fn take(read: &TenantRead) {
    let _ = &read.connection;
}

fn main() {}
