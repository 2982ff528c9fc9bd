"""What a file really is, told by its first bytes: names lie, and people should hear what they gave."""

import re

EMPTY = "empty"
PART_OF_ZIP = "a zip archive that isn't whole"

_STARTS = (
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"PK\x07\x08", "a part of a zip archive of several files"),
    (b"PK", PART_OF_ZIP),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x1f\x9d", "a compress (.Z) file"),
    (b"MSCF", "a cabinet archive"),
    (b"!<arch>", "an ar archive"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"%PDF", "a PDF"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x80\x04\x95", "a pickle, which could run code"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself, which `git lfs pull` fetches"),
    (b"8BPS", "a Photoshop picture"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?", "a Radiance picture (HDR)"),
    (b"icns", "an icon"),
    (b"qoif", "a QOI picture"),
    (b"P7\n", "a PAM picture"),
    (b"FUJIFILMCCD-RAW", "a camera's raw picture"),
    (b"IIU\x00", "a camera's raw picture"),
    (b"IIRO", "a camera's raw picture"),
    (b"IIRS", "a camera's raw picture"),
    (b"\x1aE\xdf\xa3", "a film"),
    (b"data:image/", "a picture as text (base64)"),
    (b"DDS ", "a DDS picture"),
    (b"SIMPLE  =", "a FITS picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"RIFF", "a picture, sound or film (RIFF)"),
)
_BRANDS = (
    dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "a HEIC picture")
    | {b"mif1": "a HEIF picture", b"msf1": "a HEIF picture", b"crx ": "a camera's raw picture"}
    | {b"avif": "an AVIF picture", b"avis": "an AVIF picture"}
)
_COMMENT = re.compile(rb"\s*<!--.*?(-->|$)", re.DOTALL)


def what_is(start: bytes) -> str:
    """What a file is, for people, by its first 512 bytes or more: `a RAR archive`, `a web page`, `text`, `empty`."""
    for known, name in _STARTS:
        if start.startswith(known):
            return name
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "a film")
    if start[257:262] == b"ustar":
        return "a tar archive"
    if start[128:132] == b"DICM":
        return "a DICOM picture"
    if start and not any(start):
        return "zeros alone, as a download that broke off leaves them"
    words = _COMMENT.sub(b"", start.removeprefix(b"\xef\xbb\xbf").lower()).lstrip()
    if not words:
        return EMPTY
    if words.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page, as a download without signing in leaves it"
    if words.startswith((b"<svg", b"<!doctype svg")) or (words.startswith(b"<?xml") and b"<svg" in words):
        return "an SVG drawing"
    if words.startswith(b"<?xml"):
        return "XML"
    if words.startswith((b"{", b"[")):
        return "JSON, perhaps a server's error"
    if b"\0" in start or sum(byte < 32 and byte not in b"\t\r\n\f" for byte in start):
        return "of no kind known here"
    return "text"
