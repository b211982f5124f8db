//! What must not compile: asking without a tenant, making a caller, and getting hold of the connection.

#[test]
fn an_unscoped_query_and_a_home_made_caller_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/does_not_compile/*.rs");
}
