//! Plain YAML, as kubectl and Helm print most of it, read in one pass.
//!
//! Plain is: keys and scalars that stand on one line, quoted or not, without escapes; block lists and mappings; lists and
//! mappings in brackets on one line; comments. Anchors, aliases, tags, escapes, block scalars, what goes on on the next
//! line and whatever else is unusual are not, and a whole YAML parser reads the document.

mod line;

use memchr::memchr2;

use self::line::{Line, Scalar};
use super::builder::{Builder, Extent, Read, Written};
use super::node::{Position, Style};

/// Reads a plain document; none if it is not plain, or is nothing or faulty.
pub(super) fn read(text: &str, head: usize) -> Option<Read> {
    if memchr2(b'\t', b'\r', text.as_bytes()).is_some()
        || (!text.is_ascii() && text.contains('\u{feff}'))
    {
        return None;
    }
    let mut reader = Reader {
        line: Line(""),
        start: 0,
        number: 0,
        blocks: Vec::new(),
        waiting: None,
        builder: Builder::default(),
    };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        reader.number += 1;
        reader.start = at;
        reader.line = Line(line.strip_suffix('\n').unwrap_or(line));
        if at >= head {
            reader.read_line()?;
        }
        at += line.len();
        // A byte order mark is cut off, too.
        if reader.start < head && at > head {
            return None;
        }
    }
    reader.finish()
}

struct Reader<'t> {
    /// The line that is read, without its end.
    line: Line<'t>,
    /// Its first byte in the text.
    start: usize,
    /// Its number, from 1.
    number: usize,
    /// The lists and mappings that are not closed yet.
    blocks: Vec<Block>,
    /// The colon of a key whose value is still to come.
    waiting: Option<Extent>,
    builder: Builder,
}

/// A list or mapping, and the column at which its items or keys begin, in bytes from 0.
#[derive(Clone, Copy)]
enum Block {
    List(usize),
    Mapping(usize),
}

// === impl Reader ===

impl<'t> Reader<'t> {
    fn read_line(&mut self) -> Option<()> {
        let indent = self.line.skip_spaces(0);
        if self.line.is_end(indent) {
            return Some(());
        }
        if indent == 0 && self.line.0.starts_with("---") {
            let begins = self.line.0 == "---" && self.blocks.is_empty() && self.number == 1;
            return begins.then_some(());
        }
        if indent == 0 && self.line.0.starts_with("...") {
            return None;
        }
        self.enter(indent)?;
        self.entry(indent)
    }

    fn finish(mut self) -> Option<Read> {
        if let Some(waiting) = self.waiting.take() {
            self.null(waiting)?;
        }
        if self.blocks.is_empty() {
            return None;
        }
        while !self.blocks.is_empty() {
            self.close()?;
        }
        Some(self.builder.finish())
    }

    /// Closes the blocks that end before this line, and opens the one that it begins as a key's value.
    fn enter(&mut self, indent: usize) -> Option<()> {
        let is_item = self.line.is_item(indent);
        if let Some(waiting) = self.waiting.take() {
            let parent = self.blocks.last().map(Block::column)?;
            if indent > parent {
                return self.open(indent, indent, is_item);
            }
            if is_item && indent == parent {
                // The whole parser sees such a list begin at its first value.
                return self.open(indent, self.line.skip_spaces(indent + 1), true);
            }
            self.null(waiting)?;
        }
        let Some(first) = self.blocks.first() else {
            // The document's own mapping.
            return if indent == 0 && !is_item {
                self.open(0, 0, false)
            } else {
                None
            };
        };
        (first.column() <= indent).then_some(())?;
        loop {
            match self.blocks.last()? {
                Block::List(column) if *column == indent && is_item => return Some(()),
                Block::Mapping(column) if *column == indent => return (!is_item).then_some(()),
                block if block.column() < indent => return None,
                Block::List(_) | Block::Mapping(_) => self.close()?,
            }
        }
    }

    /// Reads a list's item or a mapping's key that begins at this column.
    fn entry(&mut self, mut at: usize) -> Option<()> {
        while self.line.is_item(at) {
            at = self.line.skip_spaces(at + 1);
            // An item that begins on the next line.
            if self.line.is_end(at) {
                return None;
            }
            if self.line.is_item(at) {
                self.open(at, at, true)?;
            } else if self.line.key(at).is_some() {
                self.open(at, at, false)?;
            } else {
                let end = self.value(at)?;
                return self.line.is_end(end).then_some(());
            }
        }
        let (key, behind) = self.line.key(at)?;
        self.scalar(at, &key)?;
        let value = self.line.skip_spaces(behind);
        if self.line.is_end(value) {
            self.waiting = Some(self.extent(behind - 1, behind - 1));
            return Some(());
        }
        let end = self.value(value)?;
        self.line.is_end(end).then_some(())
    }

    /// Reads a scalar, or a list or mapping in brackets; gives the byte behind it.
    fn value(&mut self, at: usize) -> Option<usize> {
        match self.line.byte(at)? {
            b'[' | b'{' => self.brackets(at),
            quote @ (b'"' | b'\'') => {
                let scalar = self.line.quoted(at, quote)?;
                self.scalar(at, &scalar)?;
                Some(scalar.end)
            }
            _ => {
                let scalar = self.line.plain(at, self.line.0.len())?;
                self.scalar(at, &scalar)?;
                Some(scalar.end)
            }
        }
    }

    /// Reads a list or mapping in brackets.
    fn brackets(&mut self, at: usize) -> Option<usize> {
        let extent = self.extent(at, at + 1);
        let is_list = self.line.byte(at)? == b'[';
        let closing = if is_list {
            self.builder
                .open_list(Style::Flow, 0, extent)
                .ok()
                .map(|()| b']')?
        } else {
            self.builder
                .open_mapping(Style::Flow, 0, extent)
                .ok()
                .map(|()| b'}')?
        };
        let mut at = self.line.skip_spaces(at + 1);
        if self.line.byte(at)? != closing {
            loop {
                if !is_list {
                    at = self.key_in_brackets(at)?;
                }
                at = self.value_in_brackets(at)?;
                at = self.line.skip_spaces(at);
                match self.line.byte(at)? {
                    b',' => at = self.line.skip_spaces(at + 1),
                    byte if byte == closing => break,
                    _ => return None,
                }
            }
        }
        self.builder.close().ok()?;
        Some(at + 1)
    }

    fn key_in_brackets(&mut self, at: usize) -> Option<usize> {
        let scalar = match self.line.byte(at)? {
            quote @ (b'"' | b'\'') => self.line.quoted(at, quote)?,
            _ => self.line.plain(at, self.line.end_in_brackets(at)?)?,
        };
        let has_colon = self.line.byte(scalar.end) == Some(b':')
            && self.line.byte(scalar.end + 1) == Some(b' ')
            && scalar.is_short();
        has_colon.then_some(())?;
        self.scalar(at, &scalar)?;
        Some(self.line.skip_spaces(scalar.end + 1))
    }

    fn value_in_brackets(&mut self, at: usize) -> Option<usize> {
        match self.line.byte(at)? {
            b'[' | b'{' | b'"' | b'\'' => self.value(at),
            _ => {
                let scalar = self.line.plain(at, self.line.end_in_brackets(at)?)?;
                self.scalar(at, &scalar)?;
                Some(scalar.end)
            }
        }
    }

    fn scalar(&mut self, at: usize, scalar: &Scalar<'t>) -> Option<()> {
        let extent = self.extent(at, scalar.end);
        let written = Written {
            text: scalar.text.into(),
            plain: scalar.plain,
            tag: None,
        };
        // A merge is no plain YAML.
        (scalar.text != "<<").then_some(())?;
        self.builder.scalar(written, 0, extent).ok()
    }

    /// The null value of a key that has none.
    fn null(&mut self, extent: Extent) -> Option<()> {
        let written = Written {
            text: "".into(),
            plain: true,
            tag: None,
        };
        self.builder.scalar(written, 0, extent).ok()
    }

    fn open(&mut self, column: usize, start: usize, is_list: bool) -> Option<()> {
        let extent = self.extent(start, start);
        if is_list {
            self.blocks.push(Block::List(column));
            self.builder.open_list(Style::Block, 0, extent).ok()
        } else {
            self.blocks.push(Block::Mapping(column));
            self.builder.open_mapping(Style::Block, 0, extent).ok()
        }
    }

    fn close(&mut self) -> Option<()> {
        self.blocks.pop();
        self.builder.close().ok()
    }

    fn extent(&self, start: usize, end: usize) -> Extent {
        let before = self.line.0.get(..start).unwrap_or(self.line.0);
        Extent {
            place: Position {
                line: self.number,
                column: before.chars().count() + 1,
            },
            start: Some(self.start + start),
            end: Some(self.start + end),
        }
    }
}

// === impl Block ===

impl Block {
    fn column(&self) -> usize {
        match self {
            Self::List(column) | Self::Mapping(column) => *column,
        }
    }
}

#[cfg(test)]
mod tests;
