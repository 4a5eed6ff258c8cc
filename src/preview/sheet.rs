//! A sheet as data, and as one picture.

use super::text::{LETTER, LINE, wrap, write};
use crate::pixels::RgbImage;

/// Pictures in rows and columns, under a head.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Over all of it.
    pub title: String,
    /// One name for each column.
    pub columns: Vec<String>,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// One picture in all its columns.
#[derive(Clone, Debug)]
pub struct Row {
    /// The picture's name.
    pub name: String,
    /// One for each column.
    pub tiles: Vec<Tile>,
}

/// One picture with the words under it.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The picture.
    pub image: RgbImage,
    /// The values that were drawn; may be empty.
    pub caption: String,
}

const PAPER: u8 = 255;
const INK: [u8; 3] = [24, 24, 27];
const FAINT: [u8; 3] = [82, 82, 91];
/// Between tiles, in pixels.
const GAP: usize = 12;
/// The least width of a column: room for words.
const LEAST_COLUMN: usize = 20 * LETTER;
/// Lines of a caption.
const MOST_LINES: usize = 6;
/// Tiles below this side are enlarged by a whole factor.
const LEAST_TILE: usize = 128;

impl Sheet {
    /// The sheet as one picture. Small tiles are enlarged by a whole factor, each pixel a square, so that nothing is
    /// invented.
    pub fn paint(&self) -> RgbImage {
        let side = self.tiles().map(|tile| tile.image.width).max().unwrap_or(1).max(1);
        let factor = if side < LEAST_TILE { LEAST_TILE.div_ceil(side) } else { 1 };
        let column = self.tiles().map(|tile| tile.image.width * factor).max().unwrap_or(0).max(LEAST_COLUMN);
        let heads: Vec<_> = self.columns.iter().map(|name| wrap(name, column, 2)).collect();
        let head_lines = heads.iter().map(Vec::len).max().unwrap_or(0);

        let width = GAP + self.columns.len() * (column + GAP);
        let title = wrap(&self.title, width - 2 * GAP, 3);
        let head = GAP + (title.len() + head_lines) * LINE + GAP;
        let heights: Vec<usize> = self.rows.iter().map(|row| row.height(column, factor)).collect();
        let height = head + heights.iter().sum::<usize>();

        let mut page = RgbImage { width, height, data: vec![PAPER; width * height * 3] };
        for (i, line) in title.iter().enumerate() {
            write(&mut page, GAP, GAP / 2 + i * LINE, line, INK);
        }
        let left = |i: usize| GAP + i * (column + GAP);
        for (i, lines) in heads.iter().enumerate() {
            for (n, line) in lines.iter().enumerate() {
                let y = GAP + (title.len() + head_lines - lines.len() + n) * LINE;
                write(&mut page, left(i), y, line, INK);
            }
        }
        let mut top = head;
        for (row, height) in self.rows.iter().zip(&heights) {
            for (i, tile) in row.tiles.iter().enumerate() {
                paste(&mut page, &tile.image, factor, left(i), top);
                let words = if i == 0 { &row.name } else { &tile.caption };
                let below = top + tile.image.height * factor + 2;
                for (n, line) in wrap(words, column, MOST_LINES).iter().enumerate() {
                    write(&mut page, left(i), below + n * LINE, line, FAINT);
                }
            }
            top += height;
        }
        page
    }

    fn tiles(&self) -> impl Iterator<Item = &Tile> {
        self.rows.iter().flat_map(|row| &row.tiles)
    }
}

impl Row {
    fn height(&self, column: usize, factor: usize) -> usize {
        let image = self.tiles.iter().map(|tile| tile.image.height * factor).max().unwrap_or(0);
        let captions = self.tiles.iter().skip(1).map(|tile| tile.caption.as_str());
        let words = std::iter::once(self.name.as_str()).chain(captions);
        let lines = words.map(|text| wrap(text, column, MOST_LINES).len()).max().unwrap_or(0);
        image + lines * LINE + GAP
    }
}

fn paste(page: &mut RgbImage, image: &RgbImage, factor: usize, left: usize, top: usize) {
    for y in 0..image.height * factor {
        for x in 0..image.width * factor {
            page.set_pixel(left + x, top + y, image.pixel(x / factor, y / factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(side: usize, level: u8, caption: &str) -> Tile {
        let image = RgbImage { width: side, height: side, data: vec![level; side * side * 3] };
        Tile { image, caption: caption.to_owned() }
    }

    #[test]
    fn tiles_stand_in_rows_and_columns_with_words_below() {
        let row =
            |name: &str| Row { name: name.into(), tiles: vec![tile(200, 10, ""), tile(200, 90, "angle=+3")] };
        let sheet = Sheet {
            title: "study".into(),
            columns: vec!["original".into(), "rotate".into()],
            rows: vec![row("a.jpg"), row("b.jpg")],
        };
        let page = sheet.paint();
        assert_eq!(page.width, GAP + 2 * (200 + GAP));
        let head = GAP + 2 * LINE + GAP;
        assert_eq!(page.height, head + 2 * (200 + LINE + GAP));
        assert_eq!(page.pixel(GAP, head), [10; 3]);
        assert_eq!(page.pixel(GAP + 200 + GAP, head), [90; 3]);
        assert_eq!(page.pixel(GAP, head + 200 + LINE + GAP), [10; 3]);
        let inked = |x: usize, y: usize| {
            (y..y + LINE).any(|y| (x..x + 60).any(|x| page.pixel(x, y).iter().all(|&value| value < 160)))
        };
        assert!(inked(GAP, head + 202) && inked(2 * GAP + 200, head + 202), "captions");
    }

    #[test]
    fn small_tiles_are_enlarged_and_an_empty_sheet_is_a_head() {
        let sheet = Sheet {
            title: String::new(),
            columns: vec!["original".into()],
            rows: vec![Row { name: String::new(), tiles: vec![tile(32, 10, "")] }],
        };
        assert_eq!(sheet.paint().width, 2 * GAP + LEAST_COLUMN);
        assert_eq!(sheet.paint().pixel(GAP + 127, 2 * GAP + LINE + 127), [10; 3]);
        let empty = Sheet { title: "nothing".into(), ..Sheet::default() };
        assert!(empty.paint().height > 0);
    }
}
