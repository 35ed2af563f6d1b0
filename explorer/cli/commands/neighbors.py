"""``neighbors``: list the images whose codes are nearest to that of an image."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.inputs import open_model, position_in, warn_of_range, warn_of_skipped
from explorer.cli.parser import IMAGE_HELP, add_data, add_model, whole
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.latent.neighbors import INDEX_KINDS, METRICS, CodeSpace, NeighborIndex
from explorer.models.encoding import encode_all
from explorer.paths import index_dir


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    add_data(parser)
    parser.add_argument("--query", required=True, metavar="P", help=IMAGE_HELP)
    parser.add_argument("--count", type=whole(1), default=10, metavar="N", help="number of images (default: 10)")
    parser.add_argument(
        "--index", choices=INDEX_KINDS, help="search index (default: exact, or hnsw for very many images)"
    )
    parser.add_argument("--metric", choices=METRICS, default="l2", help="distance metric (default: l2)")


def run(options: Namespace, console: Console) -> Report:
    model = open_model(options.model)
    source = open_source(options.data)
    warn_of_range(console, model, source)
    own = position_in(options.query, source)
    # An image of the dataset is read as the dataset is.
    images = (
        model.images.read(options.query, console) if own is None else to_floats(source.read([own], model.preprocessing))
    )
    query = model.codec.encode(images)
    table = console.result(encode_all(model.codec, source, model.preprocessing, model.statistics))
    warn_of_skipped(console, source)
    space, positions = CodeSpace(model.statistics), table.known
    index = NeighborIndex(space.coordinates_of(table, positions), options.index, options.metric, folder=index_dir())
    row = np.flatnonzero(positions == own)
    found = index.search(space.coordinates(query), options.count, leave_out=int(row[0]) if len(row) else None)
    listed = [
        {"index": int(place), "distance": float(distance), "label": source.label(int(place)) or None}
        for place, distance in zip(positions[found.indices[0]], found.distances[0], strict=True)
        if np.isfinite(distance)
    ]
    lines = [f"{entry['index']:>8}  {entry['distance']:.4f}  {entry['label'] or ''}".rstrip() for entry in listed]
    return Report(listed, [f"{'index':>8}  distance  label", *lines])


COMMAND = Command(
    "neighbors --model digits-deep-49 --data digits --query digits:3 --count 5",
    add_arguments,
    run,
    reads={"model": places.model, "data": places.data, "query": places.image},
)
