//! Base64 (RFC 4648, 4), written between quotes.

use base64_simd::STANDARD;

/// Writes bytes in base64 between quotes.
pub fn write_base64(json: &mut Vec<u8>, bytes: &[u8]) {
    json.reserve(STANDARD.encoded_length(bytes.len()) + 2);
    json.push(b'"');
    STANDARD.encode_append(bytes, json);
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    use super::write_base64;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_are_written_as_another_encoder_writes_them(bytes in vec(any::<u8>(), 0..100)) {
            let mut json = b"before ".to_vec();
            write_base64(&mut json, &bytes);
            let written = String::from_utf8(json).unwrap();
            prop_assert_eq!(written, format!("before \"{}\"", STANDARD.encode(&bytes)));
        }
    }
}
