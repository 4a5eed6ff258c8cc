"""Makes the golden files of `pixels`: small pictures of many kinds, and what Pillow reads in them.

Run with Pillow 13.0.0, NumPy 2.4.6: python tests/golden/pixels/make_pixels.py
`decode/<name>` are the pictures, `decode/<name>.rgb` Pillow's upright RGB of each (raw uint8, [h, w, 3]);
`resize/<fit>_<side>.rgb` are Pillow's antialiased BILINEAR squares of `decode/wide.png` and `decode/tall.png`.
`golden.json` lists sizes.
"""
import io
import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
(HERE / "decode").mkdir(exist_ok=True)
(HERE / "resize").mkdir(exist_ok=True)


def photo(width, height, seed):
    """Smooth colours with edges and a little noise: compressible, yet no flat test card."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [128 + 70 * np.sin(x / (5 + 3 * c) + c) + 50 * np.cos(y / (4 + 2 * c) - c) for c in range(3)]
    picture = np.stack(planes, -1)
    picture[height // 4 : height // 2, width // 3 : width // 2] = [230, 40, 60]
    picture += rng.normal(0, 4, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


listing = []


def keep(name, data):
    (HERE / "decode" / name).write_bytes(data)
    rgb = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if rgb.mode in ("RGBA", "LA", "PA") or "transparency" in rgb.info:
        rgba = rgb.convert("RGBA")
        rgb = Image.new("RGB", rgba.size)
        rgb.paste(rgba, mask=rgba.getchannel("A"))
    if rgb.mode.startswith("I;16"):
        rgb = Image.fromarray((np.asarray(rgb).astype(np.float64) / 257 + 0.5).astype(np.uint8))
    rgb = rgb.convert("RGB")
    (HERE / "decode" / (name + ".rgb")).write_bytes(rgb.tobytes())
    listing.append({"name": name, "width": rgb.width, "height": rgb.height})


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def main():
    base = photo(53, 37, 1)
    keep("rgb_444.jpg", saved(base, format="JPEG", quality=92, subsampling=0))
    keep("rgb_420.jpg", saved(base, format="JPEG", quality=92, subsampling=2))
    keep("rgb_422.jpg", saved(base, format="JPEG", quality=92, subsampling=1))
    keep("progressive.jpg", saved(base, format="JPEG", quality=92, progressive=True))
    keep("restarts.jpg", saved(base, format="JPEG", quality=92, restart_marker_blocks=2))
    keep("grey.jpg", saved(base.convert("L"), format="JPEG", quality=92))
    cmyk = saved(base.convert("CMYK"), format="JPEG", quality=92)
    keep("cmyk.jpg", cmyk)
    # The same samples read as YCCK: the transform flag of the Adobe segment says so.
    at = cmyk.index(b"Adobe") + 11
    keep("ycck.jpg", cmyk[:at] + b"\x02" + cmyk[at + 1 :])
    small = photo(19, 11, 2)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        keep(f"exif_{orientation}.jpg", saved(small, format="JPEG", quality=95, subsampling=0, exif=exif))
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("exif_6.png", saved(small, format="PNG", exif=exif))
    keep("rgb.png", saved(small, format="PNG"))
    keep("grey.png", saved(small.convert("L"), format="PNG"))
    keep("palette.png", saved(small.quantize(16), format="PNG"))
    alpha = Image.fromarray(np.linspace(0, 255, 19 * 11).reshape(11, 19).astype(np.uint8))
    rgba = small.copy()
    rgba.putalpha(alpha)
    keep("rgba.png", saved(rgba, format="PNG"))
    grey_alpha = small.convert("L").convert("LA")
    grey_alpha.putalpha(alpha)
    keep("grey_alpha.png", saved(grey_alpha, format="PNG"))
    deep = np.asarray(small.convert("L")).astype(np.uint16) * 257 + 31
    keep("grey_16.png", saved(Image.fromarray(deep), format="PNG"))
    (HERE / "decode" / "other.gif").write_bytes(saved(small, format="GIF"))
    (HERE / "decode" / "other.webp").write_bytes(saved(small, format="WEBP"))

    squares = []
    for name, source in [("wide", photo(211, 97, 3)), ("tall", photo(60, 143, 4))]:
        keep(f"{name}.png", saved(source, format="PNG"))
        for side in (24, 96):
            stretch = source.resize((side, side), Image.Resampling.BILINEAR)
            crop = ImageOps.fit(source, (side, side), Image.Resampling.BILINEAR)
            pad = ImageOps.pad(source, (side, side), Image.Resampling.BILINEAR, color=0)
            for fit, square in [("stretch", stretch), ("crop", crop), ("pad", pad)]:
                file = f"{name}_{fit}_{side}.rgb"
                (HERE / "resize" / file).write_bytes(square.tobytes())
                squares.append({"source": name, "fit": fit, "side": side, "file": file})
    golden = {"decode": listing, "resize": squares}
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


main()
