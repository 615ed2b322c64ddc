//! Has the linker fold functions whose code came out the same: generic code makes many, some hundred kilobytes.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    if !is("PROFILE", "release") {
        return;
    }
    // There rustc has the C compiler link by its own LLD, from 1.90 on.
    let has_lld = is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is("RUSTC_LINKER", "rust-lld") {
        // In the Dockerfile.
        println!("cargo::rustc-link-arg-bins=--icf=all");
    } else if has_lld {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
