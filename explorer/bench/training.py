"""``training``: images per second of a training with live preview, compared with bare ``model.fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.bench.child import Tell
from explorer.bench.entry import Entry
from explorer.bench.harness import MeasureError, median, require_shipped_bundle, run_child

if TYPE_CHECKING:
    from explorer.engine.control import Order

CASES: tuple[dict[str, Any], ...] = (
    {"architecture": "deep-dense", "data": "digits", "limit": 8_000},
    {"architecture": "vae", "data": "clothing", "size": (64, 64)},
    {"architecture": "conv-pool", "data": "faces", "size": (36, 36)},
    {"architecture": "cnn", "data": "digits", "limit": 4_000},
    {"architecture": "conv-spatial", "data": "digits", "limit": 1_000},
)
"""Different kinds: small matrix products, normalization and sampling, pooling in color, strides, upsampling."""

ROUNDS, QUICK_ROUNDS = 8, 3
TURN_SECONDS = 3.0
"""Shortest time that one of the two trains before the other."""

LIVE_PERCENT = 3.0


def measure(quick: bool) -> list[Entry]:
    require_shipped_bundle()
    rounds = QUICK_ROUNDS if quick else ROUNDS
    return [entry for case in CASES for entry in _measured(case, rounds)]


def _measured(case: dict[str, Any], rounds: int) -> list[Entry]:
    name = case["architecture"]
    try:
        times: dict[str, Any] = run_child("training:by_turns", case=case, rounds=rounds)[0].value
    except MeasureError as error:
        return [Entry("training", name, "images/s", None, better="higher", why=str(error))]
    height, width, channels = times["image_shape"]
    speed = Entry(
        name="training",
        case=f"{name} {height}×{width}×{channels}, live preview",
        unit="images/s",
        ours=median(times["ours"]),
        peer=median(times["peer"]),
        peer_name="bare model.fit",
        limit=times["limit"],
        limit_name="the MACs at the matrix-product rate of this machine",
        better="higher",
    )
    share = Entry(
        name="training",
        case=f"{name}: {times['shown']} live previews, {times['checkpoints']} checkpoints",
        unit="% of the time, live preview",
        ours=100 * times["share"],
        limit=LIVE_PERCENT,
        limit_name="the allowed share",
        why="model.fit has no live preview",
    )
    return [speed, share]


def by_turns(arguments: dict[str, Any], tell: Tell) -> None:
    """Train one network with the engine and another with `model.fit`, alternately, and send the images per second.

    The first turn of each is not counted, because the graphs are compiled in it. Our turns include events, checkpoints
    and live previews, as for a window.
    """
    import tempfile
    from pathlib import Path

    from explorer.bench.fit_peer import FitPeer, matrix_product_rate
    from explorer.engine.control import Rest
    from explorer.engine.messages import Checkpoint, Epoch, Live
    from explorer.engine.prepare import Prepared, prepare
    from explorer.engine.process import lower_priority
    from explorer.engine.train import Training
    from explorer.models.settings import make_request

    lower_priority()
    with tempfile.TemporaryDirectory(prefix="latent-explorer-bench-") as folder:
        request = make_request(out=Path(folder, "new"), epochs=100_000, **arguments["case"])
        *_, prepared = prepare(request)
        assert isinstance(prepared, Prepared)
        rest = Rest()
        turns = _Turns(FitPeer(prepared), rest, arguments["rounds"])
        training = Training(prepared, Path(folder, "checkpoint"), turns, rest, live=True)
        shown = checkpoints = 0
        for event in training.run():
            # The cost of the pipe is included: every event is serialized and sent.
            turns.send(event)
            shown += isinstance(event, Live)
            checkpoints += isinstance(event, Checkpoint)
            if isinstance(event, Epoch):
                turns.seen += len(prepared.train)
                turns.whole = True
            if turns.done:
                break
        assert training.live is not None
        share = training.live.budget.spent / turns.seconds
        operations = prepared.spec.encoder.operations + prepared.spec.decoder.operations
        limit = matrix_product_rate() / (3 * operations)
    if not (shown > 1 and checkpoints):
        raise RuntimeError(f"too few events: {shown} live previews, {checkpoints} checkpoints")
    rates = {"ours": turns.ours[1:], "peer": turns.peer[1:], "limit": limit}
    tell(rates | {"shown": shown, "checkpoints": checkpoints, "share": share, "image_shape": prepared.spec.image_shape})


class _Turns:
    """Lets the peer train between two steps of our training; replaces `explorer.engine.control.Control`.

    `ours` and `peer` are images per second of each turn, including the first; `seconds` the total time of ours. The
    reader of the events sets `seen`, the images of our training so far, and `whole`, whether it has just completed an
    epoch.
    """

    def __init__(self, peer: Any, rest: Any, rounds: int) -> None:
        import time
        from multiprocessing import Pipe

        from explorer.engine.channel import child_end, parent_end

        self._peer = peer
        self._rest = rest
        self._rounds = rounds
        self._clock = time.perf_counter
        self._begun: float | None = None
        self._seen = 0
        ours, theirs = Pipe()
        self._ours, self._theirs = child_end(ours), parent_end(theirs)
        self.ours: list[float] = []
        self.peer: list[float] = []
        self.seen = 0
        self.whole = False
        self.seconds = 0.0
        self.done = False

    def send(self, event: object) -> None:
        """Send an event through a pipe and read it at once, so that the pipe never fills."""
        import threading

        reader = threading.Thread(target=self._theirs.recv)
        reader.start()
        self._ours.send(event)
        reader.join()

    def order(self) -> None:
        """Let the peer train once ours has trained long enough and has completed an epoch."""
        now = self._clock()
        if self._begun is None:
            self._begun = now
        fresh, whole = self.seen - self._seen, self.whole
        self.whole = False
        # Images are counted per epoch, so a turn ends with an epoch.
        if not whole or now - self._begun < TURN_SECONDS or self.done:
            return
        self.ours.append(fresh / (now - self._begun))
        self.seconds += now - self._begun
        self.peer.append(self._peer.train(TURN_SECONDS))
        self._seen = self.seen
        self.done = len(self.ours) > self._rounds
        self._begun = self._clock()
        self._rest.seconds += self._begun - now

    def wait(self) -> Order:
        """Return at once: this training is never paused."""
        return "resume"
