//! The load program runs: a few operations of each scenario on both databases against the program of the same build. It holds
//! nothing to a figure: a debug build on a busy machine says nothing about speed.

use std::{path::Path, process::Command};

#[test]
fn every_scenario_runs_on_both_databases() {
    let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
    let server = bench.with_file_name("countersign");
    assert!(server.exists(), "build the server first: cargo build, or test the whole workspace");
    let few = ["--seconds=2", "--operations=20", "--pickups=20", "--pairs=1", "--clients=2", "--file-mib=9"];
    let ran = Command::new(bench).arg("--server").arg(&server).args(few).output().expect("the load program starts");
    let (said, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{complained}");
    for (database, columns) in [("SQLite", 11), ("PostgreSQL", 13)] {
        let table = said.split(&format!("## {database}\n")).nth(1).unwrap_or_else(|| panic!("no {database} in: {said}"));
        for scenario in ["send", "first page", "pickup", "sent list page", "API read", "send, one tenant"] {
            let row = table.lines().find(|line| line.starts_with(&format!("| {scenario} |")));
            let row = row.unwrap_or_else(|| panic!("no {scenario} in: {table}"));
            assert_eq!(row.matches('|').count(), columns + 1, "{row}");
            assert!(!row.contains("NaN") && !row.contains("inf"), "{row}");
        }
        assert!(table.contains("| up | 9 |") && table.contains("| down | 9 |"), "{table}");
        assert!(table.contains("Accepted and relayed"), "{table}");
    }
}
