"""The views that are derived from a document's state: the codec thread's answers, each in a slot with a signal."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal

from explorer.document.views import (
    BookmarksView,
    CloudView,
    CompareView,
    CursorView,
    FailedView,
    FilmView,
    HalfView,
    HoverView,
    KeyframesView,
    MeterView,
    NeighboursView,
    NoiseView,
    OverlayView,
    PictureView,
    SamplesView,
    SlotsView,
    ThumbnailsView,
    TilesView,
    TrainingFilmView,
    TraversalView,
    View,
)


class Shown:
    """What is shown of a document, and which of it somebody looks at. The base of `explorer.document.document`.

    Signals
    -------
    watched_changed
        A view's slot is looked at now, or no longer: its name.
    picture_view_changed, cursor_view_changed, noise_view_changed, cloud_view_changed, samples_view_changed,
    traversal_view_changed, neighbours_view_changed, nearest_view_changed, slots_view_changed, compare_view_changed,
    hover_view_changed, meter_view_changed, overlay_view_changed, points_view_changed, tiles_view_changed,
    keyframes_view_changed, bookmarks_view_changed, film_view_changed, thumbnails_view_changed,
    training_film_view_changed
        A derived view is another, or was taken away.
    """

    watched_changed = Signal(str)

    picture_view_changed = Signal()
    cursor_view_changed = Signal()
    noise_view_changed = Signal()
    cloud_view_changed = Signal()
    samples_view_changed = Signal()
    traversal_view_changed = Signal()
    neighbours_view_changed = Signal()
    nearest_view_changed = Signal()
    compare_view_changed = Signal()
    slots_view_changed = Signal()
    hover_view_changed = Signal()
    meter_view_changed = Signal()
    overlay_view_changed = Signal()
    points_view_changed = Signal()
    tiles_view_changed = Signal()
    keyframes_view_changed = Signal()
    bookmarks_view_changed = Signal()
    film_view_changed = Signal()
    thumbnails_view_changed = Signal()
    training_film_view_changed = Signal()

    def __init__(self) -> None:
        self._watched: set[str] = set()
        self._views: dict[str, View | None] = {}

    def watches(self, slot: str) -> bool:
        """Say whether somebody looks at a view that is not computed otherwise: the noise lab's, say."""
        return slot in self._watched

    def watch(self, slot: str, watched: bool) -> None:
        """Say whether somebody looks at the view of a slot."""
        if watched != (slot in self._watched):
            self._watched ^= {slot}
            self.watched_changed.emit(slot)

    @property
    def picture_view(self) -> PictureView | HalfView | FailedView | None:
        """The chosen picture and its reconstruction."""
        view = self._views.get("picture")
        return view if isinstance(view, PictureView | HalfView | FailedView) else None

    @property
    def cursor_view(self) -> CursorView | FailedView | None:
        """The latent cursor, decoded."""
        view = self._views.get("cursor")
        return view if isinstance(view, CursorView | FailedView) else None

    @property
    def noise_view(self) -> NoiseView | FailedView | None:
        """The corrupted picture and its reconstruction."""
        view = self._views.get("noise")
        return view if isinstance(view, NoiseView | FailedView) else None

    @property
    def cloud_view(self) -> CloudView | FailedView | None:
        """The codes around the cursor, decoded."""
        view = self._views.get("cloud")
        return view if isinstance(view, CloudView | FailedView) else None

    @property
    def samples_view(self) -> SamplesView | FailedView | None:
        """Random codes, decoded."""
        view = self._views.get("samples")
        return view if isinstance(view, SamplesView | FailedView) else None

    @property
    def traversal_view(self) -> TraversalView | FailedView | None:
        """Rows of pictures around the cursor."""
        view = self._views.get("traversal")
        return view if isinstance(view, TraversalView | FailedView) else None

    @property
    def neighbours_view(self) -> NeighboursView | FailedView | None:
        """The pictures nearest to the cursor or the chosen picture."""
        view = self._views.get("neighbours")
        return view if isinstance(view, NeighboursView | FailedView) else None

    @property
    def nearest_view(self) -> NeighboursView | FailedView | None:
        """The one picture nearest to the cursor."""
        view = self._views.get("nearest")
        return view if isinstance(view, NeighboursView | FailedView) else None

    @property
    def compare_view(self) -> CompareView | FailedView | None:
        """The chosen picture through the open model and the one beside it."""
        view = self._views.get("compare")
        return view if isinstance(view, CompareView | FailedView) else None

    @property
    def slots_view(self) -> SlotsView | FailedView | None:
        """The codes in the slots, decoded."""
        view = self._views.get("slots")
        return view if isinstance(view, SlotsView | FailedView) else None

    @property
    def hover_view(self) -> HoverView | FailedView | None:
        """What was under the mouse on the map last."""
        view = self._views.get("hover")
        return view if isinstance(view, HoverView | FailedView) else None

    @property
    def meter_view(self) -> MeterView | None:
        """How far the cursor lies from the data's codes."""
        view = self._views.get("meter")
        return view if isinstance(view, MeterView) else None

    @property
    def overlay_view(self) -> OverlayView | FailedView | None:
        """What is laid over the map, as far as it is measured."""
        view = self._views.get("overlay")
        return view if isinstance(view, OverlayView | FailedView) else None

    @property
    def tiles_view(self) -> TilesView | FailedView | None:
        """The tiles of the map that were decoded last; `map` has all of them."""
        view = self._views.get("tiles")
        return view if isinstance(view, TilesView | FailedView) else None

    @property
    def keyframes_view(self) -> KeyframesView | FailedView | None:
        """The keyframes, decoded."""
        view = self._views.get("keyframes")
        return view if isinstance(view, KeyframesView | FailedView) else None

    @property
    def bookmarks_view(self) -> BookmarksView | FailedView | None:
        """The bookmarks, decoded."""
        view = self._views.get("bookmarks")
        return view if isinstance(view, BookmarksView | FailedView) else None

    @property
    def film_view(self) -> FilmView | FailedView | None:
        """The morph, measured."""
        view = self._views.get("film")
        return view if isinstance(view, FilmView | FailedView) else None

    @property
    def thumbnails_view(self) -> ThumbnailsView | FailedView | None:
        """The small pictures that were read last."""
        view = self._views.get("thumbnails")
        return view if isinstance(view, ThumbnailsView | FailedView) else None

    @property
    def points_view(self) -> ThumbnailsView | FailedView | None:
        """The small pictures of points of the map that were read last."""
        view = self._views.get("points")
        return view if isinstance(view, ThumbnailsView | FailedView) else None

    @property
    def training_film_view(self) -> TrainingFilmView | FailedView | None:
        """The frame of a training's film that was asked for last."""
        view = self._views.get("training_film")
        return view if isinstance(view, TrainingFilmView | FailedView) else None

    def _take_away(self, slots: Iterable[str]) -> None:
        """Take views away that no longer belong to the state; all of them go before the first is told."""
        for slot in [slot for slot in slots if self._views.pop(slot, None) is not None]:
            self._view_signal(slot)

    def _view_signal(self, slot: str) -> None:
        getattr(self, f"{slot}_view_changed").emit()
