//! Writes SVG: shapes and texts in points, everything escaped.

use std::fmt::Write;

use super::font;
use super::ink::BLACK;

/// White around everything, in points.
const MARGIN: f64 = 2.0;
/// From one line of a paragraph to the next, in sizes of its letters.
const LINE: f64 = 1.3;

/// An SVG document in the making. The origin is its upper left corner.
#[derive(Debug)]
pub struct Canvas {
    width: f64,
    title: String,
    description: String,
    body: String,
}

/// How a text stands.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Points.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// `#rrggbb`
    pub colour: &'static str,
    /// Which part of it stands at its place.
    pub anchor: Anchor,
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

impl Type {
    /// Names and numbers.
    pub const BODY: Type = Type { size: 8.0, bold: false, colour: BLACK, anchor: Anchor::Start };
    /// Ticks and notes.
    pub const SMALL: Type = Type { size: 7.0, ..Type::BODY };
    /// Heads of columns.
    pub const HEAD: Type = Type { size: 7.0, bold: true, ..Type::BODY };

    /// The same, with this part of it at its place.
    pub const fn at(self, anchor: Anchor) -> Type {
        Type { anchor, ..self }
    }

    /// The same in this colour.
    pub const fn coloured(self, colour: &'static str) -> Type {
        Type { colour, ..self }
    }

    /// The width of `text` in points.
    pub fn width(self, text: &str) -> f64 {
        font::width(&clean(text), self.size, self.bold)
    }
}

/// How a shape is filled and drawn around.
#[derive(Clone, Copy, Debug)]
pub struct Paint<'a> {
    /// `#rrggbb` or `none`
    pub fill: &'a str,
    /// `#rrggbb` or `none`
    pub stroke: &'a str,
    /// Of the stroke, in points.
    pub width: f64,
    /// 0 to 1.
    pub opacity: f64,
}

impl<'a> Paint<'a> {
    /// Filled, without an outline.
    pub const fn fill(colour: &'a str) -> Self {
        Paint { fill: colour, stroke: "none", width: 0.0, opacity: 1.0 }
    }

    fn attributes(&self) -> String {
        let mut text = format!("fill=\"{}\"", self.fill);
        if self.stroke != "none" {
            let _ = write!(text, " stroke=\"{}\" stroke-width=\"{}\"", self.stroke, number(self.width));
        }
        if self.opacity < 1.0 {
            let _ = write!(text, " opacity=\"{}\"", number(self.opacity));
        }
        text
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Stroke<'a> {
    /// `#rrggbb`
    pub colour: &'a str,
    /// Points.
    pub width: f64,
    /// Lengths of dashes and gaps in points; empty: none.
    pub dash: &'a str,
}

impl<'a> Stroke<'a> {
    /// A line without dashes.
    pub const fn solid(colour: &'a str, width: f64) -> Self {
        Stroke { colour, width, dash: "" }
    }

    fn attributes(&self) -> String {
        let dash =
            if self.dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{}\"", self.dash) };
        format!("stroke=\"{}\" stroke-width=\"{}\"{dash}", self.colour, number(self.width))
    }
}

impl Canvas {
    /// An empty canvas, `width` points wide. Title and description are what screen readers say.
    pub fn new(width: f64, title: &str, description: &str) -> Self {
        Canvas { width, title: title.into(), description: description.into(), body: String::new() }
    }

    /// Writes a line of text; `y` is its baseline.
    pub fn text(&mut self, (x, y): (f64, f64), style: Type, text: &str) {
        self.write_text((x, y), style, text, None, "");
    }

    /// Writes a name in at most `room` points. Where it is longer, its middle gives way to an ellipsis, and the whole is its title.
    pub fn name(&mut self, at: (f64, f64), style: Type, room: f64, name: &str) {
        self.write_name(at, style, room, name, "");
    }

    /// Likewise, from the bottom upwards; `at` is the lower end of the baseline.
    pub fn upright_name(&mut self, (x, y): (f64, f64), style: Type, room: f64, name: &str) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", number(x), number(y));
        self.write_name((x, y), style, room, name, &turn);
    }

    fn write_name(&mut self, at: (f64, f64), style: Type, room: f64, name: &str, turn: &str) {
        let whole = clean(name);
        let shown = font::elided(&whole, style.size, style.bold, room);
        let title = (shown != whole).then_some(whole.as_str());
        self.write_text(at, style, &shown, title, turn);
    }

    fn write_text(&mut self, (x, y): (f64, f64), style: Type, text: &str, title: Option<&str>, turn: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
        let fill = if style.colour == BLACK { String::new() } else { format!(" fill=\"{}\"", style.colour) };
        let title = title.map(|title| format!("<title>{}</title>", escaped(title))).unwrap_or_default();
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight}{anchor}{fill}{turn}>{title}{}</text>",
            number(x),
            number(y),
            number(style.size),
            escaped(text)
        );
    }

    /// Writes lines of at most `room` points, broken between words; `y` is the baseline of the first. Returns where they end.
    pub fn paragraph(&mut self, (x, y): (f64, f64), style: Type, room: f64, text: &str) -> f64 {
        let mut line = String::new();
        let mut baseline = y;
        for word in text.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if line.is_empty() || style.width(&longer) <= room {
                line = longer;
            } else {
                self.name((x, baseline), style, room, &line);
                baseline += LINE * style.size;
                word.clone_into(&mut line);
            }
        }
        self.name((x, baseline), style, room, &line);
        baseline + 0.4 * style.size
    }

    /// In points.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Draws a line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: Stroke<'_>) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(number);
        let _ = writeln!(
            self.body,
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" {}/>",
            stroke.attributes()
        );
    }

    /// Draws a line through points; nothing below two.
    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke<'_>) {
        if points.len() > 1 {
            let _ = writeln!(
                self.body,
                "<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {}/>",
                places(points),
                stroke.attributes()
            );
        }
    }

    /// Draws an area with these corners.
    pub fn polygon(&mut self, points: &[(f64, f64)], paint: Paint<'_>) {
        let _ = writeln!(self.body, "<polygon points=\"{}\" {}/>", places(points), paint.attributes());
    }

    /// Draws a rectangle from its upper left corner.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), paint: Paint<'_>) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {}/>",
            paint.attributes()
        );
    }

    /// Draws a circle around a point.
    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint<'_>) {
        let [x, y, radius] = [x, y, radius].map(number);
        let _ = writeln!(self.body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {}/>", paint.attributes());
    }

    /// The document, `height` points high, with its margin around it.
    pub fn finish(self, height: f64) -> String {
        let [width, height] = [self.width, height].map(|side| number(side + 2.0 * MARGIN));
        let origin = number(-MARGIN);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" \
             viewBox=\"{origin} {origin} {width} {height}\" \
             font-family=\"{}\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n\
             <rect x=\"{origin}\" y=\"{origin}\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            font::FAMILIES,
            escaped(&clean(&self.title)),
            escaped(&clean(&self.description)),
            self.body
        )
    }
}

/// A number with two decimals at most.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

fn places(points: &[(f64, f64)]) -> String {
    points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect::<Vec<_>>().join(" ")
}

/// `text` in one line, without what XML has no place for and what turns the direction of the rest.
fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|&c| !turns(c) && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    kept.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_text_and_nothing_else() {
        let mut canvas = Canvas::new(100.0, "</title><script>", "\"&'");
        canvas.name((0.0, 10.0), Type::BODY, 50.0, "<img onerror=alert(1)>\u{202e}\u{0}\n evil & more");
        let svg = canvas.finish(20.0);
        assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{202e}'), "{svg}");
        assert!(
            svg.contains("<title>&lt;img onerror=alert(1)&gt;   evil &amp; more</title>&lt;img"),
            "{svg}"
        );
        resvg::usvg::roxmltree::Document::parse(&svg).unwrap();
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([number(1.0), number(-0.001), number(2.345), number(-1.5)], ["1", "0", "2.35", "-1.5"]);
    }
}
