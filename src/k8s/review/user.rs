//! The user of a request.

use crate::json::{Read as _, ReadError, Reader, Source as _, read};
use crate::pod::Text;
use crate::policy::{People, Requester, is_controller};

/// The user of a request.
#[derive(Debug, Default)]
pub(super) struct User<'a> {
    pub(super) name: Text<'a>,
    /// A list of names as JSON, which is read only if a decision depends on the user.
    groups: Option<&'a str>,
}

impl<'a> User<'a> {
    /// Reads `userInfo`, or `null`.
    pub(super) fn read_from(&mut self, reader: &mut Reader<'a>) -> Result<(), ReadError> {
        reader.members(|name, value| match &**name {
            "username" => self.name.read(value),
            "groups" => {
                self.groups = Some(value.raw()?);
                Ok(())
            }
            _ => value.skip(),
        })
    }

    /// Whether this is one of the controllers that come with Kubernetes.
    pub(super) fn is_controller(&self) -> bool {
        is_controller(&self.name)
    }

    /// Whether this user may use break-glass.
    pub(super) fn may_break(&self, glass: &People) -> bool {
        *glass != People::default() && glass.include(&self.requester())
    }

    /// The user and the groups; no groups if they cannot be read.
    pub(super) fn requester(&self) -> Requester<'a> {
        let groups = self.groups.and_then(|json| {
            let mut groups = Vec::new();
            let read = Reader::new(json).elements(|group| {
                groups.push(read(group)?);
                Ok(())
            });
            read.is_ok().then_some(groups)
        });
        Requester {
            name: self.name.clone(),
            groups: groups.unwrap_or_default(),
        }
    }
}
