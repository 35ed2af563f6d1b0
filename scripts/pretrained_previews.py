"""Write the missing previews of the bundled models: the reconstructions on their cards.

Usage: python scripts/pretrained_previews.py [--all]

With ``--all`` existing ones are written again. A training writes its own.
"""

from __future__ import annotations

import argparse
import sys

from explorer.engine.codecs import open_codec
from explorer.models.bundle import CARD, PREVIEW, open_bundle
from explorer.models.preview import write_preview
from explorer.paths import pretrained_dir


def main() -> int:
    """Write the missing previews, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="write existing ones again")
    options = parser.parse_args()
    for card in sorted(pretrained_dir().glob(f"*/{CARD}")):
        preview = card.with_name(PREVIEW)
        if options.all or not preview.exists():
            bundle = open_bundle(card.parent)
            write_preview(bundle.path, open_codec(bundle), bundle.sample)
            print(f"{bundle.name}: {preview.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
