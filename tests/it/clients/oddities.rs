//! What stands around block YAML in a stream: JSON, lists, broken text and encodings.

use super::grammar::Writer;
use super::scalars::word;

impl Writer {
    /// An object in JSON.
    pub(super) fn json(&mut self) -> String {
        let values = [
            "1",
            "1.0",
            "-0",
            "1e3",
            "1E400",
            "9223372036854775808",
            "9999999999999999999",
            "0.1",
            "1.5e300",
            "true",
            "null",
            "\"0444\"",
            "\"\\u00e4\\/\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\u{2028}\"",
            "\"<<\"",
            "[]",
            "[1,\n2]",
            "{\"a\":1,\"a\":2}",
            "{\"<<\":{\"a\":1}}",
            "{\"1\":1}",
            "[[{}]]",
            "\"\\u0000\"",
            "\"a\tb\"",
        ];
        let space = self.dice.pick(&["", " ", "\n", "\n  ", "\t"]);
        let mut text = format!(
            "{{{space}\"apiVersion\":\"v1\",{space}\"kind\":\"Namespace\",{space}\"metadata\":{{\"name\":\"{}\"}}",
            word(&mut self.dice)
        );
        for _ in 0..self.dice.below(3) {
            text += &format!(
                ",{space}\"{}\":{space}{}",
                word(&mut self.dice),
                self.dice.pick(&values)
            );
        }
        text + self.dice.pick(&[
            "}\n",
            "}\n",
            "}\n",
            "}",
            "}\n{\"apiVersion\":\"v1\",\"kind\":\"Namespace\"}\n",
            "} a\n",
            ",}\n",
        ])
    }

    /// An object that looks like JSON and is YAML.
    pub(super) fn flow_object(&mut self) -> String {
        let more = self.flow_mapping(1);
        format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {}}}, x: {more}}}",
            word(&mut self.dice)
        )
    }

    /// A list of objects, as a list or in a kind that is none.
    pub(super) fn list(&mut self) -> String {
        let kind = self.dice.pick(&[
            "List",
            "List",
            "NamespaceList",
            "NamespaceList",
            "Namespace",
        ]);
        let key = self
            .dice
            .pick(&["items", "items", "items", "items", "items", "Items"]);
        let head = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{}}\n");
        let items = match self.dice.below(10) {
            0 => format!(
                "{key}: {}\n",
                self.dice
                    .pick(&["", "[]", "~", "{}", "a", "[a]", "[[]]", "[~]", "!!seq []"])
            ),
            1 => format!(
                "{key}:\n- metadata:\n    name: a\n- kind: Namespace\n  metadata: {{name: b}}\n"
            ),
            2 => format!(
                "{key}:\n- apiVersion: v1\n  kind: List\n  items:\n  - {{apiVersion: v1, kind: Namespace}}\n"
            ),
            3 => format!("{key}: [{}]\n", self.flow_object()),
            _ => {
                let items: String = (0..=self.dice.below(2))
                    .map(|_| format!("- {}", self.object(2).trim_start_matches(' ')))
                    .collect();
                format!("{key}:\n{items}")
            }
        };
        if self.dice.percent(70) {
            head + &items
        } else {
            items + &head
        }
    }

    /// One character more, less or twice.
    pub(super) fn mutate(&mut self, text: &mut String) {
        let pieces = [
            " ", "  ", "\t", "\n", ":", "-", "#", ",", "[", "]", "{", "}", "&", "*", "!", "|", ">",
            "'", "\"", "%", "@", "`", "?", "\\", ": ", " #", "\u{85}", "\u{2028}", "\u{feff}",
            "\r", "\0", "\u{7f}", "\u{a0}", "---", "...",
        ];
        let mut at = self.dice.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        match self.dice.below(4) {
            0 | 1 => text.insert_str(at, self.dice.pick(&pieces)),
            2 if at < text.len() => drop(text.remove(at)),
            _ => {
                let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
                let line = text[start..]
                    .split_inclusive('\n')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                text.insert_str(start, &line);
            }
        }
    }

    /// The bytes, with the ends of lines and the encoding of one system or another.
    pub(super) fn encode(&mut self, text: String) -> Vec<u8> {
        match self.dice.below(40) {
            0 | 1 => text.replace('\n', "\r\n").into_bytes(),
            2 => text.replace('\n', "\r").into_bytes(),
            3 => format!("\u{feff}{text}").into_bytes(),
            4 => [0xff, 0xfe]
                .into_iter()
                .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
                .collect(),
            5 => [0xfe, 0xff]
                .into_iter()
                .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
                .collect(),
            6 => {
                let mut bytes = text.into_bytes();
                let at = self.dice.below(bytes.len());
                bytes[at] = self.dice.pick(&[b"\x80", b"\xff", b"\xe2"])[0];
                bytes
            }
            7 => text.trim_end().to_owned().into_bytes(),
            _ => text.into_bytes(),
        }
    }
}
