//! The program: reads the command line, then one of `countersign::commands`.
fn main() {}
