//! Plain scalars that kubectl reads otherwise than YAML 1.2 says.

/// The text before and behind a plain scalar.
#[derive(Clone, Copy, Default)]
pub(super) struct Around<'a> {
    before: &'a str,
    behind: &'a str,
}

impl<'a> Around<'a> {
    /// What stands before and behind these bytes of a text.
    pub(super) fn of(text: &'a str, start: Option<usize>, end: Option<usize>) -> Self {
        let part = |at: Option<usize>| at.and_then(|at| text.split_at_checked(at));
        Self {
            before: part(start).map_or("", |(before, _)| before),
            behind: part(end).map_or("", |(_, behind)| behind),
        }
    }

    /// Refuses a plain scalar that means something else to kubectl, inside brackets or not.
    pub(super) fn check(self, text: &str, tagged: bool, in_flow: bool) -> Result<(), &'static str> {
        let Self { before, behind } = self;
        let bracket = |text: &str| text.starts_with([',', '[', ']', '{', '}']);
        if behind.strip_prefix(':').is_some_and(bracket) {
            return Err(
                "kubectl takes a colon before a comma or bracket for text; put a space behind it",
            );
        }
        let apart = before.ends_with([' ', '\t', '\r', '\n']);
        if tagged && text.is_empty() && bracket(behind) && !apart {
            return Err(
                "kubectl takes a comma or bracket behind a tag for a part of it; put a space between",
            );
        }
        if in_flow && text.starts_with([':', '?']) {
            return Err(
                "kubectl takes a colon or question mark inside brackets for the beginning of a value or key; quote \
                 the text",
            );
        }
        Ok(())
    }
}
