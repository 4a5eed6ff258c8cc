"""Writes the corpus of bad inputs: a small project for each case, sound but for one defect.

    python3 tests/corpus/make.py FOLDER [ID...]

writes FOLDER/<id>/spec.toml and what it needs, for the cases named or for all. `cases.toml` beside this file says what
Ablatrix must make of each. Python 3.9 or later, its standard library alone; the pictures of rare kinds are those of
tests/golden/pixels/decode. The same bytes on every machine.
"""
import json
import os
import pathlib
import struct
import sys
import zipfile
import zlib

GOLDEN = pathlib.Path(__file__).parent.parent / "golden/pixels/decode"
IMAGES = 12
WIDTH, HEIGHT = 24, 18

SPEC = """name = "bad"
seeds = [1]

[dataset]
format = "csv"
annotations = "labels.csv"
images = "images"

[labels]
from = "columns"
min_positives = 0

[split]
near_duplicates = "off"
train = 0.5
val = 0.25
test = 0.25

[images]
size = 16

[train]
epochs = 2
optimizer = { name = "adam", lr = 0.001 }

[augment.ops]
flip = { op = "horizontal_flip", p = 0.5 }

[augment.grid]
design = "add_one"
"""
COCO_SPEC = SPEC.replace('"csv"', '"coco"').replace("labels.csv", "annotations.json").replace('"columns"', '"category"')
FOLDER_SPEC = SPEC.replace('"csv"\nannotations = "labels.csv"', '"folders"').replace('"columns"', '"folder"')

CASES = {}


def case(name, *arguments):
    """Registers a function that spoils the project of the case `name`; it is called with `arguments` behind the project."""

    def register(function):
        assert name not in CASES, name
        CASES[name] = lambda project: function(project, *arguments)
        return function

    return register


class Project:
    """A folder with a sound project; `write` replaces files of it."""

    def __init__(self, root):
        self.root = root
        (root / "images").mkdir(parents=True)
        for i in range(1, IMAGES + 1):
            self.write(f"images/img{i}.jpg", picture(i))
        self.write("labels.csv", csv())
        self.write("spec.toml", SPEC)

    def path(self, name):
        return self.root / name

    def write(self, name, content):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def spec(self, old, new):
        self.write("spec.toml", replaced(SPEC, old, new))

    def coco(self, data):
        self.write("spec.toml", COCO_SPEC)
        self.write("annotations.json", data if isinstance(data, (str, bytes)) else json.dumps(data))

    def image(self, content):
        self.write("images/img1.jpg", content)

    def instead_of_image(self):
        path = self.path("images/img1.jpg")
        path.unlink()
        return path


def replaced(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


# Pictures

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, data, colour=2, bits=8):
    """A PNG around the compressed rows `data`; `colour` is the PNG's colour type."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def picture(seed, width=WIDTH, height=HEIGHT):
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes([(x * 9 + seed) % 256, (y * 11 + seed * 7) % 256, (seed * 20) % 256])
    return png(width, height, zlib.compress(bytes(rows)))


def bomb(side):
    """A black PNG of side x side pixels, whole, a thousandth of its pixels on disk: one block of rows, again and again."""
    rows = 50
    block = bytes((1 + 3 * side) * rows)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    total = len(block) * (side // rows)
    # Adler-32 of so many zeros.
    end = struct.pack(">I", (total % 65521) << 16 | 1)
    return png(side, side, b"\x78\x9c" + packed * (side // rows) + b"\x03\x00" + end)


def golden(name):
    return (GOLDEN / name).read_bytes()


# Tables

def csv(header="image,metal,glass", first=None, behind=""):
    lines = [f"img{i}.jpg,{i % 2},{(i + 1) % 2}" for i in range(1, IMAGES + 1)]
    if first is not None:
        lines[0] = first
    return "\n".join([header.replace("image", "file_name", 1), *lines]) + "\n" + behind


def coco():
    return {
        "images": [{"id": i, "width": WIDTH, "height": HEIGHT, "file_name": f"img{i}.jpg"} for i in range(1, IMAGES + 1)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1 + i % 2, "bbox": [1, 2, 8, 4], "area": 32, "iscrowd": 0,
             "segmentation": [[1, 2, 9, 2, 9, 6, 1, 6]]}
            for i in range(1, IMAGES + 1)
        ],
        "categories": [{"id": 1, "name": "plastic"}, {"id": 2, "name": "metal"}],
    }


# T: specs

for name, old, new in [
    ("T01", "epochs = 2", "epoch = 2"),
    ("T02", "epochs = 2", 'epochs = "ten"'),
    ("T03", "lr = 0.001", "lr = -0.1"),
    ("T04", "lr = 0.001", "lr = nan"),
    ("T05", "lr = 0.001", "lr = inf"),
    ("T06", "epochs = 2", "epochs = 99999999999999999999"),
    ("T07", "p = 0.5", "p = 1.5"),
    ("T08", "lr = 0.001", "lr = 0.001, lr = 0.002"),
    ("T09", "[augment.grid]", 'flip = { op = "vertical_flip" }\n\n[augment.grid]'),
    ("T11", 'design = "add_one"', 'design = "policies"\npolicies.one = ["flop"]'),
    ("T12", "labels.csv", "nope.csv"),
    ("T13", "labels.csv", "images"),
    ("T14", '"bad"', '"../../x"'),
    ("T15", '"bad"', '"a\\n\\u001b[31mb"'),
    ("T16", '"bad"', '"' + "x" * 300 + '"'),
    ("T17", "[augment.grid]", 'Flip = { op = "vertical_flip" }\n\n[augment.grid]'),
    ("T18", '"bad"', '"bad"\nversion = 99'),
    ("T19", "seeds = [1]", "seeds = []"),
    ("T21", "[augment.ops]", '[tracking]\nmlflow = "http://me:hunter2@127.0.0.1:9"\n\n[augment.ops]'),
    ("T22", "epochs = 2\noptimizer = { name = \"adam\", lr = 0.001 }",
     "epoch = 2\noptimizer = { name = \"adam\", lr = -1 }\nbatch_size = 0"),
    ("T27", '"bad"', '"bad'),
]:
    case(name, old, new)(lambda project, old, new: project.spec(old, new))


@case("T10")
def circle(project):
    project.write("spec.toml", 'extends = "base.toml"\n' + SPEC)
    project.write("base.toml", 'extends = "spec.toml"\n')


@case("T20")
def sweep(project):
    lists = {
        "train.optimizer.lr": [round(1e-5 * (i + 1), 6) for i in range(1000)],
        "train.epochs": list(range(1, 1001)),
        "train.batch_size": list(range(1, 1001)),
    }
    project.write("spec.toml", SPEC + "\n[matrix]\n" + "".join(f'"{key}" = {values}\n' for key, values in lists.items()))


for name, content in [
    ("T23", b""),
    ("T24", SPEC.encode() + b"# K\xf6ln\n"),
    ("T25", b"\xef\xbb\xbf" + SPEC.replace("\n", "\r\n").encode()),
    ("T26", SPEC.replace("seeds = [1]", "seeds = " + "[" * 20_000 + "]" * 20_000).encode()),
    ("T28", SPEC.encode() + b"# padding\n" * 2_000_000),
]:
    case(name, content)(lambda project, content: project.write("spec.toml", content))


# C: COCO

def changed(change):
    def make(project):
        data = coco()
        answer = change(data)
        project.coco(data if answer is None else answer)

    return make


def at(*path_and_value):
    *path, last, value = path_and_value

    def change(data):
        for step in path:
            data = data[step]
        data[last] = value

    return changed(change)


def text(change):
    return changed(lambda data: change(json.dumps(data)))


case("C01")(text(lambda text: text[: len(text) // 2]))
case("C02")(text(lambda text: replaced(text, "[1, 2, 8, 4]", "[NaN, 2, 8, 4]")))
case("C03")(text(lambda text: '{"images": ' + "[" * 100_000))
case("C04")(text(lambda text: replaced(text, '"annotations"', '"images": [], "annotations"')))
case("C05")(changed(lambda data: data.pop("annotations") and None))
case("C06")(at("images", 1, "id", 1))
case("C07")(at("annotations", 1, "id", 1))
case("C08")(at("annotations", 0, "image_id", 99))
case("C09")(at("annotations", 0, "category_id", 99))
case("C10")(at("categories", 1, "id", 1))
case("C11")(at("categories", 1, "name", "plastic"))
case("C12")(at("annotations", 0, "bbox", [1, 2, 3]))
case("C13")(at("annotations", 0, "bbox", [1, 2, 0, 4]))
case("C14")(at("annotations", 0, "bbox", [1, 2, 8, -4]))
case("C15")(at("annotations", 0, "bbox", [100, 100, 8, 4]))
case("C16")(at("annotations", 0, "bbox", [20, 2, 8, 4]))
case("C17")(at("annotations", 0, "bbox", [1e308, 2, 8, 4]))
case("C18")(at("images", 0, "id", "1"))
case("C19")(changed(lambda data: [data["images"][0].update(id=2**53 + 1), data["annotations"][0].update(image_id=2**53 + 1)] and None))
case("C20")(at("images", 0, "width", 640))
case("C21")(at("images", 0, "file_name", "../../etc/hostname"))
case("C22")(at("images", 0, "file_name", "/etc/hostname"))
case("C23")(at("images", 1, "file_name", "img1.jpg"))
case("C24")(at("images", 0, "file_name", "gone.jpg"))
case("C25")(at("annotations", []))
case("C26")(changed(lambda data: data["categories"].append({"id": 3, "name": "paper"})))
case("C27")(at("categories", 0, "name", "</script><script>alert(1)</script>"))
case("C28")(at("categories", 0, "name", "pla\x1b[31m\n\u202estic"))
case("C29")(at("annotations", 0, "segmentation", [[1, 2, 9, 2, 9]]))


def with_url(url):
    def change(data):
        data["images"][0].update(file_name="gone.jpg", coco_url=url)

    return changed(change)


case("C30")(with_url("http://169.254.169.254/latest/meta-data"))
case("C31")(with_url("file:///etc/passwd"))


# V: CSV

for name, content in [
    ("V01", b"\xef\xbb\xbf" + csv().rstrip("\n").replace("\n", "\r\n").encode()),
    ("V02", csv(first='"img1.jpg,1,0')),
    ("V03", csv().replace("file_name", "picture", 1)),
    ("V04", csv(first="img1.jpg,1,0,0", header="image,metal,glass")),
    ("V05", csv(header="image,metal,metal")),
    ("V06", csv(first="img1.jpg,1,0").encode() + b"K\xf6ln.jpg,1,0\n"),
    ("V07", csv(first="img1.jpg,yes,0")),
    ("V08", csv().replace(",", ";")),
    ("V09", csv(behind="img1.jpg,0,1\n")),
    ("V10", "file_name,metal,glass\n"),
    ("V11", csv(first="x" * 50_000_000 + ".jpg,1,0")),
]:
    case(name, content)(lambda project, content: project.write("labels.csv", content))


# I: pictures

def damaged():
    """The checksums of all chunks wrong, and the pixels with them."""
    content = bytearray(picture(1))
    content[29] ^= 0xFF
    content[-20] ^= 0xFF
    return bytes(content)


for name, content in [
    ("I01", lambda: golden("rgb_420.jpg")[: len(golden("rgb_420.jpg")) // 2]),
    ("I02", lambda: b""),
    ("I03", lambda: b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    ("I04", lambda: picture(1)),
    ("I05", lambda: golden("cmyk.jpg")),
    ("I06", lambda: golden("grey_16.png")),
    ("I07", lambda: golden("grey_alpha.png")),
    ("I08", lambda: golden("exif_6.jpg")),
    ("I09", lambda: golden("other.gif")),
    ("I10", lambda: picture(1, 1, 1)),
    ("I11", lambda: bomb(50_000)),
    ("I12", lambda: png(65535, 65535, b"")),
    ("I13", damaged),
    ("I14", lambda: png(0, 0, zlib.compress(b""))),
    ("I20", lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="18"/>'),
]:
    case(name, content)(lambda project, content: project.image(content()))


@case("I15")
def link_out(project):
    project.write("elsewhere.jpg", picture(1))
    project.instead_of_image().symlink_to("../elsewhere.jpg")


@case("I16")
def dangling(project):
    project.instead_of_image().symlink_to("nowhere.jpg")


@case("I17")
def pipe(project):
    os.mkfifo(project.instead_of_image())


@case("I18")
def folder(project):
    project.instead_of_image().mkdir()


@case("I19")
def unreadable(project):
    project.path("images/img1.jpg").chmod(0)


@case("I21")
def not_utf8(project):
    project.write("spec.toml", FOLDER_SPEC)
    for i in range(1, IMAGES + 1):
        place = project.path("images") / ["glass", "metal"][i % 2]
        place.mkdir(exist_ok=True)
        project.path(f"images/img{i}.jpg").rename(place / f"img{i}.jpg")
    strange = os.fsencode(project.path("images/glass")) + b"/K\xf6ln.jpg"
    with open(strange, "wb") as file:
        file.write(picture(99))


# M: weights

def safetensors(header, data=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def tensor(shape, begin, end):
    return {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}


def archive(names):
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), b"\x80\x02.")
    return buffer.getvalue()


for name, content in [
    ("M01", struct.pack("<Q", 1 << 63) + b"{}"),
    ("M02", safetensors({"fc.bias": tensor([4], 0, 16)}, bytes(16))[:20]),
    ("M03", safetensors({"fc.bias": tensor([4], 0, 16), "fc.weight": tensor([4], 8, 24)}, bytes(24))),
    ("M06", safetensors({"fc.bias": tensor([1 << 40, 1 << 40], 0, 16)}, bytes(16))),
    ("M09", b"\x80\x02}q\x00X\x02\x00\x00\x00fcq\x01K\x01s."),
    ("M10", archive(["net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"])),
]:

    @case(name, content)
    def weights(project, content):
        project.write("w.safetensors", content)
        project.spec("[train]", '[model]\nname = "resnet18"\nweights = "w.safetensors"\n\n[train]')


# K: surroundings

@case("K10")
def future(project):
    later = 4_000_000_000
    for path in sorted(project.root.rglob("*")):
        os.utime(path, (later, later))


def main():
    out, *names = sys.argv[1:]
    for name in names or CASES:
        CASES[name](Project(pathlib.Path(out) / name))


if __name__ == "__main__":
    main()
