//! Makes the messages of release records, and has the linker make the program smaller.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");
    make_messages(Path::new(&env::var("OUT_DIR")?))?;
    shrink();
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

/// Has LLD make the program smaller: fold functions whose code came out the same, of which generic code makes many (some
/// hundred KB), and pack the relocations of a position-independent program (460 KB).
fn shrink() {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    if !is("PROFILE", "release") {
        return;
    }
    if is("RUSTC_LINKER", "rust-lld") {
        // In the Dockerfile. musl unpacks relocations from 1.2.4 on; Rust brings 1.2.5.
        println!("cargo::rustc-link-arg-bins=--icf=all");
        println!("cargo::rustc-link-arg-bins=--pack-dyn-relocs=relr");
        return;
    }
    // There rustc has the C compiler link by its own LLD, from 1.90 on.
    let has_lld = is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    if has_lld {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        if unpacks_relocations() {
            println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
    }
}

/// Whether this machine's glibc unpacks relocations: from 2.36 on. The program requires that version then, as it would
/// of any other symbol of this glibc.
fn unpacks_relocations() -> bool {
    let printed = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let version = printed
        .ok()
        .and_then(|it| String::from_utf8(it.stdout).ok());
    let minor = version.and_then(|it| it.trim().strip_prefix("glibc 2.")?.parse::<u16>().ok());
    minor.is_some_and(|minor| minor >= 36)
}
