//! Scalars in all the spellings that YAML 1.1 and go-yaml know.

use super::dice::Dice;

/// Plain scalars that are something else to some reader.
const PLAIN: [&str; 121] = [
    "0",
    "-0",
    "+0",
    "00",
    "1",
    "-1",
    "+12",
    "0444",
    "-0444",
    "+0444",
    "089",
    "08.5",
    "0o17",
    "0O17",
    "0o8",
    "0x1F",
    "0X1f",
    "-0x1f",
    "+0x1f",
    "0x",
    "0x_1",
    "0x1p4",
    "0b11",
    "-0b11",
    "+0b11",
    "0b",
    "0b2",
    "0b-1",
    "0b+1",
    "-0b-1",
    "0B1",
    "1_000",
    "1_",
    "1__0",
    "_1",
    "0_7",
    "1_000.5",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "0xffffffffffffffff",
    "0xffffffffffffffffff",
    "0777777777777777777777",
    "1777777777777777777777",
    "01777777777777777777777",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1e21",
    "1e20",
    "1e400",
    "-1e400",
    "1e-400",
    ".5",
    "-.5",
    "+.5",
    ".5e3",
    ".e3",
    ".",
    "-",
    "0.",
    "1.",
    "1.0",
    "-0.0",
    "3.0e2",
    "1.5e300",
    "0.1",
    "123456789.125",
    "1e6",
    "0.00001",
    "16777217.0",
    ".inf",
    "-.inf",
    "+.inf",
    ".Inf",
    ".nan",
    ".NaN",
    "inf",
    "nan",
    "NaN",
    "infinity",
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "y",
    "Y",
    "n",
    "N",
    "on",
    "On",
    "off",
    "OFF",
    "oN",
    "true",
    "True",
    "tRue",
    "false",
    "~",
    "null",
    "Null",
    "NULL",
    "nUll",
    "12:30",
    "190:20:30",
    "1:2",
    "2001-01-01",
    "2001-1-1",
    "2001-01-01T00:00:00Z",
    "2001-01-01 00:00:00",
    "=",
    "<<",
    "v2.17.0",
    "a b  c",
];

/// Plain scalars by their letters: indicators where they are none.
const ODD: [&str; 36] = [
    "a:b",
    "a#b",
    "a: ",
    "-a",
    "?a",
    ":a",
    "a-",
    "a?",
    "http://x.y/z?a=b&c#d",
    "a,b",
    "a[b]",
    "a{b}",
    "a]b",
    "%a",
    "@a",
    "`a",
    "!a",
    "&a b",
    "*a",
    "|a",
    ">a",
    "\"a",
    "'a",
    "a'b",
    "a\"b",
    "a\\nb",
    "ä",
    "日本",
    "\u{1f600}",
    "a\u{a0}b",
    "a\tb",
    "--",
    "---a",
    "...",
    "a ...",
    "\u{feff}a",
];

const BASE64: [&str; 14] = [
    "aGVsbG8=",
    "aGVsbG8",
    "aGVs bG8=",
    "",
    "TmFtZXNwYWNl",
    "4oI=",
    "/w==",
    "8J+YgA==",
    "8J+Y",
    "AAEC",
    "PDw=",
    "a",
    "aGVsbG9=",
    "NDQ0",
];

const TAGS: [&str; 22] = [
    "!!str",
    "!!int",
    "!!float",
    "!!bool",
    "!!null",
    "!!binary",
    "!!timestamp",
    "!",
    "!a",
    "!!a",
    "!!merge",
    "!!map",
    "!!seq",
    "!!set",
    "!!omap",
    "!<tag:yaml.org,2002:int>",
    "!<tag:yaml.org,2002:str>",
    "!<!a>",
    "!<tag:yaml.org,2002:binary>",
    "!!%73tr",
    "!<int>",
    "!a!b",
];

/// A plain scalar.
pub(super) fn plain(dice: &mut Dice) -> String {
    match dice.below(20) {
        0..=8 => dice.pick(&PLAIN).to_owned(),
        9 if dice.percent(30) => dice.pick(&ODD).to_owned(),
        10 => {
            let length = 1 + dice.below(6);
            dice.text("0123456789+-._eExXoObBaf:", length)
        }
        11 => {
            let length = 1 + dice.below(22);
            dice.text("0123456789", length)
        }
        12 => {
            let (whole, exponent) = (dice.below(100_000), dice.below(60));
            format!(
                "{whole}.{}e{}{exponent}",
                dice.below(1000),
                dice.pick(&["", "-", "+"])
            )
        }
        _ => word(dice),
    }
}

/// A word that is nothing else.
pub(super) fn word(dice: &mut Dice) -> String {
    let length = 1 + dice.below(4);
    dice.text("abcdefg", length)
}

/// A scalar with its tag where it has one, on one line if `key`, its further lines indented otherwise.
pub(super) fn inline(dice: &mut Dice, indent: usize, key: bool) -> String {
    if dice.percent(4) {
        let text = dice.pick(&BASE64);
        return match dice.below(3) {
            0 => format!("!!binary {text}"),
            1 => format!("!!binary \"{text}\""),
            _ => format!("!!binary '{text}'"),
        };
    }
    let tag = if dice.percent(5) {
        format!("{} ", dice.pick(&TAGS))
    } else {
        String::new()
    };
    let fold = (!key && dice.percent(15)).then_some(indent);
    let text = match dice.below(10) {
        0..=5 => folded(dice, plain, fold),
        6 | 7 => format!("\"{}\"", folded(dice, double, fold)),
        _ => format!("'{}'", folded(dice, single, fold)),
    };
    tag + &text
}

fn folded(dice: &mut Dice, piece: fn(&mut Dice) -> String, indent: Option<usize>) -> String {
    let mut text = piece(dice);
    if let Some(indent) = indent {
        for _ in 0..=dice.below(3) {
            let before = dice.pick(&["", "", "", " ", " "]);
            let breaks = dice.pick(&["\n", "\n", "\n", "\n\n", "\n \n"]);
            let further = indent + dice.below(3);
            text += &format!("{before}{breaks}{}{}", " ".repeat(further), piece(dice));
        }
    }
    text
}

fn double(dice: &mut Dice) -> String {
    let pieces = [
        "a",
        "b c",
        " d ",
        "\\n",
        "\\t",
        "\\\"",
        "\\\\",
        "\\/",
        "\\x41",
        "\\x85",
        "\\u263a",
        "\\U0001F600",
        "\\e",
        "\\0",
        "\\_",
        "\\N",
        "\\L",
        "\\P",
        "\\a",
        "\\ ",
        "'",
        "#",
        ": ",
        " #",
        "ä",
        "{}",
        "<<",
        "yes",
        "\\\n  ",
        "0444",
        "\t",
        "\u{feff}",
    ];
    // What no reader knows is a whole document lost.
    if dice.percent(2) {
        return dice
            .pick(&["\\ud83d", "\\q", "\\x4", "\\ud83d\\ude00"])
            .to_owned();
    }
    (0..dice.below(4)).map(|_| dice.pick(&pieces)).collect()
}

fn single(dice: &mut Dice) -> String {
    let pieces = [
        "a", "b c", " d ", "''", "\\n", "\"", "#", ": ", " #", "ä", "<<", "no", "1", "\t", "{",
    ];
    (0..dice.below(4)).map(|_| dice.pick(&pieces)).collect()
}

/// A literal or folded block with its header, each line indented deeper than `indent`.
pub(super) fn block(dice: &mut Dice, indent: usize) -> String {
    let deep = 1 + dice.below(4);
    let indicator = match dice.below(6) {
        0 => deep.to_string(),
        1 => (1 + dice.below(4)).to_string(),
        _ => String::new(),
    };
    let chomp = dice.pick(&["", "", "-", "+"]);
    let header = if dice.percent(50) {
        format!("{indicator}{chomp}")
    } else {
        format!("{chomp}{indicator}")
    };
    let mut text = format!(
        "{}{header}{}\n",
        dice.pick(&["|", "|", ">"]),
        dice.pick(&["", "", " # c", " ", "\t"])
    );
    let lines = [
        "a", "b: c", "# d", " e", "  f", "", " ", "   ", "\tg", "-", "- h", "'i", "%j", "--- k",
        "\u{e4}", "x  ", "y\t", "&z",
    ];
    for _ in 0..dice.below(5) {
        let line = dice.pick(&lines);
        if line.trim().is_empty() {
            text += line;
        } else {
            text += &format!("{}{line}", " ".repeat(indent + deep));
        }
        text.push('\n');
    }
    text
}

/// Something before a value: a tag that it may not have.
pub(super) fn tag(dice: &mut Dice) -> &'static str {
    dice.pick(&TAGS)
}
