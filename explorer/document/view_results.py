"""The views derived from a document's state: results of the render thread, each in a slot with a signal."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal

from explorer.document.views import (
    AnimationView,
    BookmarksView,
    CloudView,
    CompareView,
    CursorView,
    FailedView,
    HalfView,
    HoverView,
    ImageView,
    KeyframesView,
    MeterView,
    NeighborsView,
    NoiseView,
    OverlayView,
    SamplesView,
    TermsView,
    ThumbnailsView,
    TilesView,
    TrainingProgressView,
    TraversalView,
    View,
)


class ViewResults:
    """The views of a document, and which of them are visible. Base class of `explorer.document.document.Document`.

    Signals
    -------
    watched_changed
        A view became visible or hidden: the name of its slot.
    image_view_changed, cursor_view_changed, noise_view_changed, cloud_view_changed, samples_view_changed,
    traversal_view_changed, neighbors_view_changed, nearest_view_changed, terms_view_changed, compare_view_changed,
    hover_view_changed, meter_view_changed, overlay_view_changed, points_view_changed, tiles_view_changed,
    keyframes_view_changed, bookmarks_view_changed, animation_view_changed, thumbnails_view_changed,
    training_progress_view_changed
        A view changed, or was removed.
    """

    watched_changed = Signal(str)

    image_view_changed = Signal()
    cursor_view_changed = Signal()
    noise_view_changed = Signal()
    cloud_view_changed = Signal()
    samples_view_changed = Signal()
    traversal_view_changed = Signal()
    neighbors_view_changed = Signal()
    nearest_view_changed = Signal()
    compare_view_changed = Signal()
    terms_view_changed = Signal()
    hover_view_changed = Signal()
    meter_view_changed = Signal()
    overlay_view_changed = Signal()
    points_view_changed = Signal()
    tiles_view_changed = Signal()
    keyframes_view_changed = Signal()
    bookmarks_view_changed = Signal()
    animation_view_changed = Signal()
    thumbnails_view_changed = Signal()
    training_progress_view_changed = Signal()

    def __init__(self) -> None:
        self._watched: set[str] = set()
        self._views: dict[str, View | None] = {}

    def watches(self, slot: str) -> bool:
        """Return whether a view is visible; some are only computed then."""
        return slot in self._watched

    def watch(self, slot: str, watched: bool) -> None:
        """Set whether the view of a slot is visible."""
        if watched != (slot in self._watched):
            self._watched ^= {slot}
            self.watched_changed.emit(slot)

    @property
    def image_view(self) -> ImageView | HalfView | FailedView | None:
        """The selected image and its reconstruction."""
        view = self._views.get("image")
        return view if isinstance(view, ImageView | HalfView | FailedView) else None

    @property
    def cursor_view(self) -> CursorView | FailedView | None:
        """The decoded latent cursor."""
        view = self._views.get("cursor")
        return view if isinstance(view, CursorView | FailedView) else None

    @property
    def noise_view(self) -> NoiseView | FailedView | None:
        """The corrupted image and its reconstruction."""
        view = self._views.get("noise")
        return view if isinstance(view, NoiseView | FailedView) else None

    @property
    def cloud_view(self) -> CloudView | FailedView | None:
        """Decoded random codes around the latent cursor."""
        view = self._views.get("cloud")
        return view if isinstance(view, CloudView | FailedView) else None

    @property
    def samples_view(self) -> SamplesView | FailedView | None:
        """Decoded random codes."""
        view = self._views.get("samples")
        return view if isinstance(view, SamplesView | FailedView) else None

    @property
    def traversal_view(self) -> TraversalView | FailedView | None:
        """Latent traversals around the current code."""
        view = self._views.get("traversal")
        return view if isinstance(view, TraversalView | FailedView) else None

    @property
    def neighbors_view(self) -> NeighborsView | FailedView | None:
        """The nearest neighbors of the current code or the selected image."""
        view = self._views.get("neighbors")
        return view if isinstance(view, NeighborsView | FailedView) else None

    @property
    def nearest_view(self) -> NeighborsView | FailedView | None:
        """The nearest neighbor of the current code."""
        view = self._views.get("nearest")
        return view if isinstance(view, NeighborsView | FailedView) else None

    @property
    def compare_view(self) -> CompareView | FailedView | None:
        """The selected image in the open model and in the second one."""
        view = self._views.get("compare")
        return view if isinstance(view, CompareView | FailedView) else None

    @property
    def terms_view(self) -> TermsView | FailedView | None:
        """The decoded terms of the arithmetic."""
        view = self._views.get("terms")
        return view if isinstance(view, TermsView | FailedView) else None

    @property
    def hover_view(self) -> HoverView | FailedView | None:
        """The decoded code under the mouse on the map."""
        view = self._views.get("hover")
        return view if isinstance(view, HoverView | FailedView) else None

    @property
    def meter_view(self) -> MeterView | None:
        """Distance of the current code from the data."""
        view = self._views.get("meter")
        return view if isinstance(view, MeterView) else None

    @property
    def overlay_view(self) -> OverlayView | FailedView | None:
        """The overlay of the map, as far as it is computed."""
        view = self._views.get("overlay")
        return view if isinstance(view, OverlayView | FailedView) else None

    @property
    def tiles_view(self) -> TilesView | FailedView | None:
        """The last decoded tiles of the map; `map` has all of them."""
        view = self._views.get("tiles")
        return view if isinstance(view, TilesView | FailedView) else None

    @property
    def keyframes_view(self) -> KeyframesView | FailedView | None:
        """The decoded keyframes."""
        view = self._views.get("keyframes")
        return view if isinstance(view, KeyframesView | FailedView) else None

    @property
    def bookmarks_view(self) -> BookmarksView | FailedView | None:
        """The decoded bookmarks."""
        view = self._views.get("bookmarks")
        return view if isinstance(view, BookmarksView | FailedView) else None

    @property
    def animation_view(self) -> AnimationView | FailedView | None:
        """Measurements of the animation."""
        view = self._views.get("animation")
        return view if isinstance(view, AnimationView | FailedView) else None

    @property
    def thumbnails_view(self) -> ThumbnailsView | FailedView | None:
        """The last thumbnails of the gallery."""
        view = self._views.get("thumbnails")
        return view if isinstance(view, ThumbnailsView | FailedView) else None

    @property
    def points_view(self) -> ThumbnailsView | FailedView | None:
        """The last thumbnails of points on the map."""
        view = self._views.get("points")
        return view if isinstance(view, ThumbnailsView | FailedView) else None

    @property
    def training_progress_view(self) -> TrainingProgressView | FailedView | None:
        """The last requested progress images of a training."""
        view = self._views.get("training_progress")
        return view if isinstance(view, TrainingProgressView | FailedView) else None

    def _take_away(self, slots: Iterable[str]) -> None:
        """Remove stale views; all of them before the first signal."""
        for slot in [slot for slot in slots if self._views.pop(slot, None) is not None]:
            self._view_signal(slot)

    def _view_signal(self, slot: str) -> None:
        getattr(self, f"{slot}_view_changed").emit()
