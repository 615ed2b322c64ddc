//! No key and no certificate is kept in the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;

/// A line that begins a PEM block, and behind it at least one line of base64.
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    let begin = concat!("-----BEGIN ", "");
    text.split(begin).skip(1).filter(|rest| {
        let body = rest.lines().nth(1).unwrap_or_default().trim();
        rest.lines()
            .next()
            .is_some_and(|line| line.contains("-----"))
            && body.len() >= 40
            && body
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"+/=".contains(&it))
    })
}

/// The same in base64, as in a Secret: `-----BEGIN ` is 11 octets, so that the start is always the same.
const IN_SECRET: &str = "LS0tLS1CRUdJT";

#[test]
fn no_key_and_no_certificate_is_committed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output();
    let listed = match listed {
        Ok(output) if output.status.success() => output.stdout,
        // An archive without its history.
        _ => return,
    };
    let mut seen = 0;
    for name in String::from_utf8(listed)
        .unwrap()
        .split('\0')
        .filter(|it| !it.is_empty())
    {
        let Ok(content) = fs::read(root.join(name)) else {
            continue;
        };
        let text = String::from_utf8_lossy(&content);
        assert_eq!(pem_blocks(&text).count(), 0, "{name} holds a PEM block");
        let is_this = name == "tests/it/committed_keys.rs";
        assert!(
            is_this || !text.contains(IN_SECRET),
            "{name} holds a PEM block in base64"
        );
        let extension = Path::new(name)
            .extension()
            .and_then(|it| it.to_str())
            .unwrap_or_default();
        let is_key = ["pem", "key", "crt", "cer", "p12", "pfx", "jks"].contains(&extension);
        assert!(!is_key, "{name} is named like a key or a certificate");
        seen += 1;
    }
    assert!(seen > 100, "only {seen} files were looked at");
}

/// The guard itself still sees what it is to see.
#[test]
fn a_block_would_be_found() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    assert_eq!(pem_blocks(&format!("x: |\n{key}")).count(), 1);
    let indented = key.replace('\n', "\n    ");
    assert_eq!(pem_blocks(&format!("x: |\n    {indented}")).count(), 1);
    let encoded = base64::engine::general_purpose::STANDARD.encode(&key);
    assert!(encoded.starts_with(IN_SECRET));
    assert_eq!(pem_blocks("the marker -----BEGIN alone").count(), 0);
}
