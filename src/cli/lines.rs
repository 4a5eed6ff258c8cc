//! Lines as a terminal is to show them: none too long to be read, and nothing in them that drives it.

use std::ops::Range;

/// Bytes of a line of a spec that are shown at most, but for those up to a fault. With its number it stays below [`LINE_CHARS`].
const LINE_BYTES: usize = 180;

/// The text with the ends of long lines cut off, and where `ranges` have come to lie. Lines keep their numbers, and a fault
/// keeps its column.
pub(super) fn narrowed(text: &str, ranges: &[Range<usize>]) -> (String, Vec<Range<usize>>) {
    let mut shown = String::with_capacity(text.len());
    let mut moved: Vec<(usize, usize)> = ranges.iter().map(|range| (range.start, range.len())).collect();
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let end = begin + line.len();
        let held = ranges.iter().filter(|range| (begin..end).contains(&range.start));
        let kept = held.map(|range| (range.start - begin).saturating_add(LINE_BYTES / 2)).max().unwrap_or(0);
        let cut = line.floor_char_boundary(kept.max(LINE_BYTES));
        let is_cut = cut < line.trim_end_matches(['\r', '\n']).len();
        for (range, (start, longest)) in ranges.iter().zip(&mut moved) {
            if begin <= range.start {
                *start = shown.len() + (range.start - begin).min(cut);
            }
            if is_cut && (begin..end).contains(&range.start) {
                *longest = (*longest).min(begin + cut - range.start);
            }
        }
        if is_cut {
            shown.push_str(&line[..cut]);
            shown.push_str(if line.ends_with('\n') { "…\n" } else { "…" });
        } else {
            shown.push_str(line);
        }
        begin = end;
    }
    let whole = shown.len();
    (shown, moved.into_iter().map(|(start, longest)| start..(start + longest).min(whole)).collect())
}

/// A text in which nothing drives a terminal, with every other byte where it was.
pub(super) fn calm(text: &str) -> String {
    let stand_in = |c: char| match (c, c.len_utf8()) {
        ('\n' | '\t', _) => c,
        ('\r', _) => ' ',
        _ if !drives(c) => c,
        (_, 1) => '?',
        (_, 2) => '·',
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(stand_in).collect()
}

/// Without control characters and marks that turn the direction of writing, so that no name in a file or spec can drive the
/// terminal.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && drives(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Characters that a line has at most, where it has a space to be broken at.
const LINE_CHARS: usize = 200;

/// Beginnings of commands that are to be copied: their lines stay whole.
pub(super) const COMMANDS: [&str; 3] = ["`python -c ", "`hf download ", "`ablatrix "];

/// A text whose long lines go on, further in, in lines of their own. Words stay whole, so that paths and names can be copied.
pub fn wrapped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (nth, line) in text.split('\n').enumerate() {
        if nth > 0 {
            shown.push('\n');
        }
        if line.chars().count() <= LINE_CHARS || COMMANDS.iter().any(|command| line.contains(command)) {
            shown.push_str(line);
        } else {
            wrap(line, &mut shown);
        }
    }
    shown
}

fn wrap(line: &str, shown: &mut String) {
    let inner = line.trim_start_matches(' ');
    let indent = line.len() - inner.len();
    let mut width = indent;
    shown.push_str(&line[..indent]);
    for (nth, word) in inner.split(' ').enumerate() {
        let chars = word.chars().count();
        if nth == 0 {
            width += chars;
        } else if width + 1 + chars <= LINE_CHARS {
            width += 1 + chars;
            shown.push(' ');
        } else {
            width = indent + 4 + chars;
            shown.push('\n');
            shown.extend(std::iter::repeat_n(' ', indent + 4));
        }
        shown.push_str(word);
    }
}

/// Whether a terminal does something at this character: C0 and C1 controls, and Unicode's marks of direction (UAX #9).
fn drives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_further_in_and_words_stay_whole() {
        let names = vec!["`a name`"; 60].join(", ");
        let text = format!("error: short\n  images: {names}\n  help: short");
        let shown = wrapped(&text);
        assert!(shown.lines().all(|line| line.chars().count() <= LINE_CHARS), "{shown}");
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!((lines[0], lines[lines.len() - 1], lines.len()), ("error: short", "  help: short", 6));
        assert!(lines[1].starts_with("  images: `a") && lines[2].starts_with("      `a"), "{shown}");
        let path = "ä/".repeat(300);
        for whole in [path.clone(), format!("  {path}"), format!("run `ablatrix run a.toml` {path}")] {
            assert_eq!(wrapped(&whole), whole);
        }
        assert_eq!(wrapped(&format!("cannot read {path} now")), format!("cannot read\n    {path}\n    now"));
        assert_eq!(wrapped("\n a\n"), "\n a\n");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(plain("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(plain("a\u{202e}b\u{9b}c\td\ne"), "a\\u{202e}b\\u{9b}c\\td\ne");
    }

    #[test]
    fn nothing_in_a_line_of_a_spec_drives_the_terminal() {
        let text = "a = \"\x1b[31m\u{9b}\u{61c}\u{202e}\"\tb\r\n";
        let shown = calm(text);
        assert_eq!(shown, "a = \"?[31m··\u{fffd}\"\tb \n");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn a_long_line_is_shown_as_far_as_its_fault() {
        let place = |text: &str, what: &str| {
            let start = text.find(what).unwrap();
            let (shown, ranges) = narrowed(text, &[start..start + what.len(), 0..0]);
            assert_eq!(ranges[1], 0..0);
            (shown[ranges[0].clone()].to_owned(), ranges[0].start, shown)
        };
        let long = "ä".repeat(500);
        let text = format!("first = \"{long}\"\nsecond = 3\n{long}wrong{long}\nlast\n");
        let (found, _, shown) = place(&text, "second");
        assert_eq!(found, "second");
        assert_eq!(shown.lines().count(), text.lines().count());
        assert!(shown.lines().all(|line| line.len() <= LINE_BYTES + 3), "{shown}");
        let (found, at, shown) = place(&text, "wrong");
        assert_eq!(found, "wrong");
        let line = shown.lines().nth(2).unwrap();
        assert!(line.starts_with(&format!("{long}wrong")) && line.len() < 1000 + 200, "{line}");
        assert_eq!(&shown[at..at + 5], "wrong");
        // A fault as long as its line, and one behind the end.
        let (found, ..) = place(&text, &long);
        assert!(found.len() <= LINE_BYTES && found.starts_with('ä'), "{found}");
        assert_eq!(narrowed("short", &[5..5, 0..2]), ("short".to_owned(), vec![5..5, 0..2]));
        assert_eq!(narrowed("", &[0..1, 0..0]), (String::new(), vec![0..0, 0..0]));
    }
}
