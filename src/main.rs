//! The command line of tiller-guard.

fn main() {}
