//! A figure as pixels, from its SVG.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Options, Tree};

use super::font;

/// Pixels per point: 300 pixels per inch, what journals ask for.
const SCALE: f32 = 300.0 / 72.0;

/// Why a figure could not become pixels.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// The SVG is not one.
    #[error("cannot read the figure's SVG")]
    Svg(#[from] resvg::usvg::Error),
    /// There is no memory for so many pixels, or there are none.
    #[error("cannot draw a figure of `{width}` x `{height}` pixels")]
    Size {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The pixels could not be encoded.
    #[error("cannot encode the figure as PNG: {0}")]
    Encode(String),
}

/// The figure `svg` as PNG, with 300 pixels per inch.
///
/// Texts are set in the fonts that the program carries; only letters that these do not have are looked for among the fonts of the
/// machine, and left out where it has none either.
///
/// # Errors
/// Where `svg` is no SVG, or the pixels do not fit into memory.
pub fn png(svg: &str) -> Result<Vec<u8>, FigureError> {
    let tree = tree(svg)?;
    let side = |points: f32| (points * SCALE).ceil() as u32;
    // `tree` counts in CSS pixels, 96 per inch; the view box is in points.
    let scale = SCALE * 0.75;
    let (width, height) = (side(tree.size().width() * 0.75), side(tree.size().height() * 0.75));
    let mut pixels = Pixmap::new(width, height).ok_or(FigureError::Size { width, height })?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| FigureError::Encode(error.to_string()))
}

/// The figure with its texts set.
///
/// # Errors
/// Where `svg` is no SVG.
pub(super) fn tree(svg: &str) -> Result<Tree, FigureError> {
    let fonts = if font::has_all(svg) { &*OWN } else { &*WITH_SYSTEM };
    let options = Options { fontdb: fonts.clone(), font_family: "DejaVu Sans".into(), ..Options::default() };
    Ok(Tree::from_str(svg, &options)?)
}

static OWN: LazyLock<Arc<Database>> = LazyLock::new(|| Arc::new(own()));

static WITH_SYSTEM: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = own();
    fonts.load_system_fonts();
    Arc::new(fonts)
});

fn own() -> Database {
    let mut fonts = Database::new();
    for face in [font::REGULAR, font::BOLD] {
        fonts.load_font_source(Source::Binary(Arc::new(face)));
    }
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts
}
