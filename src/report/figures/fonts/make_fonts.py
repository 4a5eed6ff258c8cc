"""Cuts DejaVu Sans down to what figures need, byte for byte the same each time.

    python make_fonts.py FOLDER

FOLDER has `DejaVuSans.ttf` and `DejaVuSans-Bold.ttf` of version 2.37, as in Debian's
`fonts-dejavu-core`. Needs fonttools 4.68. A new version: change the digests here, run, compare SHA256SUMS, look at figures.
"""

import hashlib
import pathlib
import sys

from fontTools import subset

LATIN = [(0x20, 0x7E), (0xA0, 0x24F), (0x2010, 0x2027), (0x2030, 0x2044), (0x2212, 0x2212)]
# Accents, Greek, Cyrillic, currency, letters as signs, arrows, mathematics, shapes.
SIGNS = [
    (0x300, 0x304), (0x306, 0x30C), (0x370, 0x3FF), (0x400, 0x45F), (0x1E80, 0x1E85), (0x1EF2, 0x1EF3),
    (0x2070, 0x2094), (0x20AC, 0x20AC), (0x2116, 0x2122), (0x2190, 0x2199), (0x21D0, 0x21D5), (0x2200, 0x222B),
    (0x2248, 0x2248), (0x2260, 0x2265), (0x22C5, 0x22C5), (0x25A0, 0x25CF), (0x2713, 0x2718), (0xFFFD, 0xFFFD),
]
# Each file with the SHA-256 of what it is cut from. Bold is for heads of columns and for numbers, never for names.
FONTS = {
    "DejaVuSans.ttf": ("abdc775b21b1bc470d50c97e790d276f2054b7504e56e5bd3e64f48d68582322", LATIN + SIGNS),
    "DejaVuSans-Bold.ttf": ("0d977336a6d5fba34eab8e3199eb218327161b5143749f802982c2bc34df0c96", LATIN),
}


def main(folder: pathlib.Path) -> None:
    here = pathlib.Path(__file__).parent
    sums = []
    for name, (digest, ranges) in FONTS.items():
        source = folder / name
        found = hashlib.sha256(source.read_bytes()).hexdigest()
        if found != digest:
            sys.exit(f"{source}: SHA-256 is {found}, expected {digest}: not the file of version 2.37")
        options = subset.Options()
        options.hinting = False
        # Without kerning a text is as wide as its letters, which is what figures count on.
        options.layout_features = []
        options.drop_tables += ["GPOS", "GSUB", "GDEF", "kern", "FFTM"]
        options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
        options.notdef_outline = True
        options.recalc_timestamp = False
        font = subset.load_font(str(source), options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=[c for first, last in ranges for c in range(first, last + 1)])
        cutter.subset(font)
        target = here / name
        subset.save_font(font, str(target), options)
        sums.append(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {name}\n")
    (here / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
