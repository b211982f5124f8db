//! The operator's commands, one file each. Each answers the process's exit code and prints what a person asked for.
