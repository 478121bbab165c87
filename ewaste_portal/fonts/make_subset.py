"""Makes NotoSansSC-GB2312.ttf: Noto Sans SC (Regular) cut down to the characters of GB 2312 and ASCII.

    python ewaste_portal/fonts/make_subset.py NotoSansSC_400Regular.ttf

The source is Noto Sans SC Regular as one TrueType file, from the npm package @expo-google-fonts/noto-sans-sc 0.4; needs
the Python package fonttools, which the portal itself does not. LICENSE-NotoSansSC.txt (SIL Open Font Licence) covers both.
"""

import sys
from pathlib import Path

from fontTools import subset

TARGET = Path(__file__).with_name("NotoSansSC-GB2312.ttf")


def characters() -> set[int]:
    """Every character of GB 2312 (rows 1 to 87, 94 columns), ASCII, and punctuation of modern typography."""
    found = set(range(0x20, 0x7F)) | {ord(mark) for mark in "–—‘’“”…·«»№€"}
    for row in range(0xA1, 0xF8):
        for column in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes((row, column)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return found


def main(source: str) -> None:
    options = subset.Options(
        layout_features=["kern", "locl", "ccmp"],
        name_IDs=["*"],
        hinting=False,
        notdef_outline=True,
        recalc_timestamp=False,
    )
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    subset.save_font(font, str(TARGET), options)
    sys.stdout.write(f"{TARGET.name}: {len(font.getBestCmap())} characters, {TARGET.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1])
