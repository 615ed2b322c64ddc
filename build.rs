//! Makes the messages of release records, and has the linker fold functions.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");
    make_messages(Path::new(&env::var("OUT_DIR")?))?;
    fold_functions();
    Ok(())
}

/// `release.rs` in this folder, from `proto/release.proto`. No protoc is needed.
fn make_messages(folder: &Path) -> Result<(), Box<dyn Error>> {
    let descriptors = folder.join("release.binpb");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler
        .include_source_info(true)
        .open_file("release.proto")?;
    fs::write(&descriptors, compiler.encode_file_descriptor_set())?;
    buffa_build::Config::new()
        .descriptor_set(&descriptors)
        .files(&["release.proto"])
        .includes(&["proto"])
        .generate_views(false)
        .compile()
}

/// Has the linker fold functions whose code came out the same: generic code makes many, some hundred kilobytes.
fn fold_functions() {
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
