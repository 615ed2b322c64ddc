//! The text of a record: base64 of gzip of protobuf, both ways. Sizes are bounded before anything is believed.

use std::io::{self, Read as _, Write as _};

use base64::Engine as _;
use base64::alphabet::STANDARD as STANDARD_ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use buffa::{DecodeOptions, Message as _};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::hapi::Release;

/// How large a record may be once it is decompressed, in bytes. One of 1 MiB holds a few MiB.
pub const MAX_DECOMPRESSED: usize = 64 << 20;
/// By which Tiller tells a compressed record from one of its first releases, which did not compress.
///
/// Source: `pkg/storage/driver/util.go`, Helm 2.17.0.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Base64 as Go's decoder reads it, which does not look at the bits after the last byte.
const LIKE_GO: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);
/// Memory for the parts of a message, in bytes, over that of their texts.
const MAX_PARTS: usize = 32 << 20;

/// A record cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It has no text.
    #[error("it has no key `release`")]
    Absent,
    /// Its text is empty.
    #[error("its key `release` is empty")]
    Empty,
    /// Its text is not base64.
    #[error("it is not base64")]
    Base64(#[source] base64::DecodeError),
    /// What base64 holds is damaged gzip.
    #[error("it is not gzip, or damaged")]
    Gzip(#[source] io::Error),
    /// It would be too large.
    #[error("it is larger than {} MiB once decompressed", MAX_DECOMPRESSED >> 20)]
    TooLarge,
    /// What gzip holds is not a release.
    #[error("it is not a release of Helm 2")]
    Protobuf(#[source] buffa::DecodeError),
    /// The release lacks what every release has.
    #[error("the release in it has no {0}")]
    Incomplete(&'static str),
}

/// The release in a record's text. One that lacks what every release has is none: it stops Tiller.
pub fn decode(text: &[u8]) -> Result<Release, DecodeError> {
    let release = read(&message(text)?)?;
    let lacks = [
        ("name", release.name.is_empty()),
        ("info", release.info.as_option().is_none()),
        ("status", release.info.status.as_option().is_none()),
        ("chart", release.chart.as_option().is_none()),
        (
            "chart's metadata",
            release.chart.metadata.as_option().is_none(),
        ),
        ("revision", release.version < 1),
    ];
    match lacks.into_iter().find(|(_, lacks)| *lacks) {
        Some((part, _)) => Err(DecodeError::Incomplete(part)),
        None => Ok(release),
    }
}

fn read(message: &[u8]) -> Result<Release, DecodeError> {
    let options = DecodeOptions::new()
        .with_max_message_size(MAX_DECOMPRESSED)
        .with_element_memory_limit(MAX_PARTS);
    options
        .decode_from_slice(message)
        .map_err(DecodeError::Protobuf)
}

/// The protobuf message in a record's text.
pub fn message(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    // Go's decoder passes over line breaks.
    let lines: Vec<u8>;
    let text = if memchr::memchr2(b'\n', b'\r', text).is_some() {
        let kept = text.iter().copied();
        lines = kept.filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
        &lines
    } else {
        text
    };
    if text.is_empty() {
        return Err(DecodeError::Empty);
    }
    let bytes = LIKE_GO.decode(text).map_err(DecodeError::Base64)?;
    if bytes.starts_with(&GZIP) {
        decompress(&bytes)
    } else {
        Ok(bytes)
    }
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut message = Vec::with_capacity(bytes.len().saturating_mul(4).min(MAX_DECOMPRESSED));
    let limit = u64::try_from(MAX_DECOMPRESSED).unwrap_or(u64::MAX);
    MultiGzDecoder::new(bytes)
        .take(limit.saturating_add(1))
        .read_to_end(&mut message)
        .map_err(DecodeError::Gzip)?;
    if message.len() > MAX_DECOMPRESSED {
        return Err(DecodeError::TooLarge);
    }
    Ok(message)
}

/// The text of a record of a release.
pub fn encode(release: &Release) -> io::Result<String> {
    compress(&release.encode_to_vec())
}

/// Base64 of gzip of a message, as both Helm 2 and Helm 3 keep it.
pub fn compress(message: &[u8]) -> io::Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(message)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;

    fn text(message: &[u8]) -> Vec<u8> {
        compress(message).unwrap().into_bytes()
    }

    fn reason(text: &[u8]) -> String {
        decode(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_reason() {
        assert_eq!(reason(b""), "its key `release` is empty");
        assert_eq!(reason(b"\n"), "its key `release` is empty");
        assert_eq!(reason(b"no base64!"), "it is not base64");
        let mut cut = STANDARD.decode(text(b"abc")).unwrap();
        cut.truncate(cut.len() - 3);
        assert_eq!(
            reason(STANDARD.encode(cut).as_bytes()),
            "it is not gzip, or damaged"
        );
        assert_eq!(
            reason(&text(&[0x0a, 0xff])),
            "it is not a release of Helm 2"
        );
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = text(&vec![0; MAX_DECOMPRESSED + 1]);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        assert_eq!(reason(&bomb), "it is larger than 64 MiB once decompressed");
    }

    /// A hook without a field takes two bytes, and some hundred in memory.
    #[test]
    fn a_bomb_of_empty_parts_is_refused() {
        let parts = text(&[0x32, 0x00].repeat(8 << 20));
        let DecodeError::Protobuf(error) = decode(&parts).unwrap_err() else {
            panic!("another reason");
        };
        assert_eq!(error, buffa::DecodeError::ElementMemoryLimitExceeded);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_stops_the_decoder(bytes in vec(any::<u8>(), 0..400)) {
            let _any = decode(&bytes).is_ok();
            let _any = decode(&text(&bytes)).is_ok();
            let _any = decode(STANDARD.encode(&bytes).as_bytes()).is_ok();
        }
    }

    const RELEASE: &[u8] = b"\x0a\x03web\x12\x02\x0a\x00\x1a\x02\x0a\x00\x38\x01";

    /// Other programs write a message in another way than Tiller does, which reads all of these.
    #[test]
    fn a_record_encodes_to_the_same_release() {
        let plain = decode(&text(RELEASE)).unwrap();
        for (part, is_plain) in [
            // Fields that have their default: an empty namespace, no manifest, revision 0 before the one that counts.
            (&b"\x42\x00"[..], true),
            (b"\x2a\x00", true),
            (b"\x38\x00", true),
            // A name that stands twice: the second counts.
            (b"\x0a\x01a", true),
            // A field that no version of Tiller has.
            (b"\xa0\x06\x01", false),
        ] {
            let written = [part, RELEASE].concat();
            let release = decode(&text(&written)).unwrap();
            let encoded = encode(&release).unwrap();
            assert_eq!(decode(encoded.as_bytes()).unwrap(), release, "{part:?}");
            assert_eq!(release == plain, is_plain, "{part:?}");
        }
    }

    /// The last letter of base64 has bits that hold nothing. Go reads it whatever they are.
    #[test]
    fn bits_after_the_last_byte_are_passed_over() {
        let text = STANDARD.encode([RELEASE, b"\x42\x00"].concat());
        let text = text.strip_suffix("A=").unwrap().to_owned() + "B=";
        let text = text.as_bytes();
        assert_eq!(decode(text).unwrap().name, "web");
    }
}
