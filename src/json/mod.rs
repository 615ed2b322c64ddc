//! JSON as reviews are read and answered with it. All other JSON is `serde_json`'s.

mod base64;
mod bytes;
mod read;
mod reader;
mod scan;
mod value;
mod writer;

pub use base64::write_base64;
pub use bytes::position;
pub use read::{Presence, Problem, Read, ReadError, Source, Type, once, read};
pub use reader::{MAX_DEPTH, Reader};
pub use writer::{ArrayWriter, ObjectWriter, write_boolean, write_number, write_text};

/// Reads the members of a JSON object into the fields of a struct: `fields!(Port<'a> { "name" => name })`. Other members
/// are skipped; a member that appears twice is an error.
macro_rules! fields {
    ($struct:ident $(<$lifetime:lifetime>)? { $($member:literal => $field:ident),+ $(,)? }) => {
        impl<'j $(: $lifetime, $lifetime)?> $crate::json::Read<'j> for $struct $(<$lifetime>)? {
            fn read<S: $crate::json::Source<'j>>(&mut self, source: &mut S) -> Result<(), $crate::json::ReadError> {
                $(let mut $field = false;)+
                source.members(|name, value| match &**name {
                    $($member => {
                        $crate::json::once(&mut $field)?;
                        $crate::json::Read::read(&mut self.$field, value)
                    })+
                    _ => value.skip(),
                })
            }
        }
    };
}
pub(crate) use fields;
