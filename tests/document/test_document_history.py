"""Whatever is done to a document can be undone to the first state, and done again to the last; a step is gone to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
from explorer_testing.builders import as_floats, make_model, make_source
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.data.corruption import Noise
from explorer.document.document import Document
from explorer.document.history import CODE_BYTES, LIMIT, History
from explorer.document.state import GridSettings, Jitter, NamedDirection, Sampling, State, Traversal
from explorer.document.views.image import IMAGE, ImageView
from explorer.latent.animation import AnimationSettings
from explorer.latent.directions import Direction
from explorer.messages import message

Edit = Callable[[Document], object]

MODELS = (make_model(name="two"), make_model(latent_dim=3, name="three"))
SOURCES = (make_source(), make_source(4, name="four"))
BLANK = np.zeros((12, 10, 1), np.float32)
GESTURES = st.sampled_from([None, "a", "b"])


def answer(document: Document) -> None:
    """What the codec thread puts in: a code that tells which image of which model it is of."""
    if document.model is not None and document.state.image_index is not None:
        code = np.full(
            document.model.latent_dim, document.state.image_index + document.model.latent_dim / 10, np.float32
        )
        IMAGE.put(document, ImageView(BLANK, BLANK, code, 0.1, 10.0, 0.5))


def choose(index: int, answered: bool) -> Edit:
    def edit(document: Document) -> None:
        assert document.source is not None
        document.choose_image(index % document.source.count)
        if answered:
            answer(document)

    return edit


def keyframe(number: int, to: int, what: str) -> Edit:
    def edit(document: Document) -> None:
        count = len(document.state.keyframes)
        if not count or what == "add":
            document.timeline.add()
        elif what == "remove":
            document.timeline.remove(number % count)
        elif what == "take":
            document.timeline.take(number % count)
        elif what == "move":
            document.timeline.move(number % count, to % count)
        else:
            document.timeline.clear()

    return edit


def open_some(model: int | None, source: int | None) -> Edit:
    return lambda document: document.open(
        None if model is None else MODELS[model], None if source is None else SOURCES[source]
    )


def bookmark(number: int, what: str) -> Edit:
    def edit(document: Document) -> None:
        bookmarks = document.bookmarks
        count = len(bookmarks.kept)
        if not count or what == "add":
            bookmarks.add()
        elif what == "remove":
            bookmarks.remove(number % count)
        elif what == "take":
            bookmarks.take(number % count)
        else:
            bookmarks.rename(number % count, f"{what} {number}")

    return edit


def direction(number: int, what: str) -> Edit:
    def edit(document: Document) -> None:
        assert document.model is not None
        if what == "keep":
            vector = np.full(document.model.latent_dim, number + 1, np.float32)
            found = Direction(vector, "means", (3, 4), 0.9, 1.0, (0.0, 0.1), 0.01)
            document.direction_search.keep([NamedDirection(f"d{number % 3}", found)])
        elif what == "drop":
            document.direction_search.drop([number % 3])
        elif document.state.directions and document.code is not None:
            document.set_along(number % len(document.state.directions), number / 3)

    return edit


def slot(number: int) -> Edit:
    def edit(document: Document) -> None:
        if document.code is not None:
            document.add_to_term(number % 3, document.code[None])

    return edit


def jump(place: int) -> Edit:
    return lambda document: document.go_to_step(place % (len(document.history) + 1))


def same(state: State, other: State) -> bool:
    """Compare all parts by identity; a step whose model was closed and reopened is a new object of the same parts."""
    return all(getattr(state, part.name) is getattr(other, part.name) for part in fields(State))


SMALL = st.integers(0, 9)
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(
        lambda dim, value, gesture: lambda document: document.set_dimension(dim, value, gesture),
        st.integers(0, 1),
        st.floats(-4, 4, width=32),
        GESTURES,
    ),
    st.builds(lambda seed: lambda document: document.shuffle_code(np.random.default_rng(seed)), SMALL),
    st.builds(choose, SMALL, st.booleans()),
    st.builds(keyframe, SMALL, SMALL, st.sampled_from(["add", "add", "remove", "take", "move", "clear"])),
    st.builds(bookmark, SMALL, st.sampled_from(["add", "add", "remove", "take", "rename"])),
    st.builds(jump, st.integers(0, 30)),
    st.builds(direction, SMALL, st.sampled_from(["keep", "drop", "along"])),
    st.builds(slot, SMALL),
    st.builds(lambda seed: lambda document: document.set_sampling(Sampling(seed=seed)), SMALL),
    st.builds(lambda seed: lambda document: document.set_jitter(Jitter(seed=seed)), SMALL),
    st.builds(lambda reach: lambda document: document.set_traversal(Traversal(reach=1 + reach)), SMALL),
    st.builds(
        lambda strength, gesture: lambda document: document.set_noises([Noise("gaussian", strength / 10)], gesture),
        SMALL,
        GESTURES,
    ),
    st.builds(lambda steps: lambda document: document.set_grid(GridSettings(steps=2 + steps)), SMALL),
    st.builds(
        lambda steps: lambda document: document.timeline.set_animation_settings(AnimationSettings(steps=2 + steps)),
        SMALL,
    ),
    st.builds(
        lambda frame, gesture: lambda document: document.timeline.set_playhead(frame * 20, gesture), SMALL, st.just("p")
    ),
    st.builds(open_some, st.none() | st.integers(0, 1), st.none() | st.integers(0, 1)),
    st.sampled_from([Document.undo, Document.redo, Document.reset_code, answer]),
)


@settings(max_examples=150)
@given(edits=st.lists(EDITS, max_size=25))
def test_all_undone_is_the_first_state_and_all_redone_the_last(edits: list[Edit]) -> None:
    document = Document()
    document.open(MODELS[0], SOURCES[0])
    answer(document)
    document.forget_history()
    first = document.state
    for edit in edits:
        edit(document)
        check_consistent(document)
    answer(document)
    last = document.state
    steps = 0
    while document.undo_label is not None:
        document.undo()
        steps += 1
        answer(document)
        check_consistent(document)
    assert same(document.state, first)
    for _ in range(steps):
        document.redo()
        check_consistent(document)
    assert same(document.state, last)
    # And at once, as a click in the list of steps does.
    assert document.history_place == steps
    document.go_to_step(0)
    assert same(document.state, first)
    document.go_to_step(steps)
    assert same(document.state, last)


def check_consistent(document: Document) -> None:
    state = document.state
    assert state.model is not None
    assert state.source is not None
    assert state.image_index is not None
    assert 0 <= state.image_index < state.source.count
    kept = [*(keyframe.code for keyframe in state.keyframes), *(bookmark.code for bookmark in state.bookmarks)]
    for code in (state.code, state.start_code, *kept):
        assert code is None or code.shape == (state.model.latent_dim,)
    assert 0 <= document.timeline.playhead <= max(0, document.timeline.frames - 1)
    if document.views[IMAGE] is not None:
        assert state.code is not None, "the encoder has answered, and there is no cursor"


def test_the_oldest_steps_are_forgotten() -> None:
    document = Document()
    document.open(MODELS[0], SOURCES[0])
    answer(document)
    for number in range(LIMIT + 7):
        document.set_code(as_floats(number, 0))
    for _ in range(LIMIT + 7):
        document.undo()
    assert document.undo_label is None
    assert document.code is not None
    assert document.code.tolist() == [6.0, 0.0]


def test_a_gesture_at_the_very_beginning_is_recorded() -> None:
    history = History()
    before, middle, after = State(image_index=0), State(image_index=1), State(image_index=2)
    history.record(before, message("Drag"), "gesture")
    history.record(middle, message("Drag"), "gesture")
    assert history.undo_label == message("Drag")
    assert history.jump(0, after) is before
    assert history.jump(-1, before) is None
    assert history.jump(1, before) is after


def test_long_codes_are_forgotten_before_they_fill_the_memory() -> None:
    history = History()
    codes = [np.zeros(CODE_BYTES // 4 // 10, np.float32) for _ in range(14)]
    for code in codes:
        history.record(State(code=code), message("Paint"), None)
    steps = []
    while (state := history.jump(history.place - 1, State())) is not None:
        steps.append(state.code)
    assert len(steps) == 10
    assert all(step is code for step, code in zip(steps, codes[::-1], strict=False))


def test_a_code_that_steps_share_counts_once() -> None:
    history = History()
    code = np.zeros(CODE_BYTES // 4 // 2 + 1, np.float32)
    for image in range(9):
        history.record(State(image_index=image, code=code), message("Noise"), None)
    count = 0
    while history.jump(history.place - 1, State()) is not None:
        count += 1
    assert count == 9


def test_even_a_code_too_long_to_keep_many_of_can_be_undone() -> None:
    history = History()
    code = np.zeros(CODE_BYTES // 4 + 1, np.float32)
    history.record(State(code=code), message("Paint"), None)
    history.record(State(code=code.copy()), message("Paint"), None)
    assert history.jump(history.place - 1, State()) is not None
    assert history.jump(history.place - 1, State()) is None
