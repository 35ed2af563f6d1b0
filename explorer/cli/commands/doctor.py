"""``doctor``: check what works on this machine.

Only modules without third-party libraries are imported at the top: this must run where a library is missing.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from explorer.cli.command import Command, Report
from explorer.cli.console import Console, images_text
from explorer.errors import exception_message
from explorer.paths import log_dir, resources_dir, settings_path, user_models_dir
from explorer.system_libraries import how_to_install, missing_libraries, qt_files

PYTHON_VERSIONS = ((3, 11), (3, 14))
"""The first version that is supported, and the first that is not."""

LIBRARIES = {
    "msgpack": "msgpack",
    "numpy": "numpy",
    "pillow": "PIL",
    "platformdirs": "platformdirs",
    "pooch": "pooch",
    "requests": "requests",
    "psygnal": "psygnal",
    "pydantic": "pydantic",
    "onnxruntime": "onnxruntime",
    "pyqtgraph": "pyqtgraph",
    "PySide6-Essentials": "PySide6",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "tifffile": "tifffile",
    "faiss-cpu": "faiss",
    "h5py": "h5py",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "tf_keras": "tf_keras",
    "onnx": "onnx",
    "tf2onnx": "tf2onnx",
}
"""Distributions that the program needs, and the import package of each."""

FAULTY_PYSIDE = {
    "6.12.0": "every signal leaks a reference until the process aborts",
    "6.11.0": "its docks and layouts are faulty",
    "6.11.1": "its docks and layouts are faulty",
}
_BUILDS = {"onnxruntime": ("onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")}
"""Distributions that contain the same package as the one in `LIBRARIES`."""

_GUARDS = {
    "memory": "memory limit",
    "cpu": "CPU time limit",
    "files": "no other files",
    "network": "no network",
    "processes": "no new processes",
}
"""Names of the restrictions of the reader process."""

_REINSTALL = "Reinstall the program: pip install --force-reinstall latent-explorer"


@dataclass(frozen=True)
class Check:
    """One check; `fix` says what to do when `ok` is false, and is empty otherwise."""

    check: str
    ok: bool
    detail: str
    fix: str = ""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--engine", action="store_true", help="also start the model process (takes a few seconds)")


def run(options: Namespace, console: Console) -> Report:
    """Run every check; one that raises is reported as failed."""
    plans = [
        _python,
        _libraries,
        _formats,
        _pyside,
        _qt_libraries,
        _display,
        _folders,
        _font,
        _reader,
        _providers,
        _images,
        _models,
    ]
    if options.engine:
        plans.append(_engine)
    checks = [check for plan in plans for check in _guarded(plan)]
    lines = []
    for check in checks:
        lines.append(f"{'ok     ' if check.ok else 'PROBLEM'} {check.check}: {check.detail}")
        if check.fix:
            lines.append(f"        {check.fix}")
    return Report([asdict(check) for check in checks], lines)


def _guarded(plan: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(plan())
    except Exception as error:  # a broken installation may raise anything
        return [Check(plan.__name__.strip("_").replace("_", " "), False, str(exception_message(error)), _REINSTALL)]


def _python() -> Iterator[Check]:
    first, end = PYTHON_VERSIONS
    good = first <= sys.version_info[:2] < end
    fix = "" if good else f"Use Python {first[0]}.{first[1]} to {end[0]}.{end[1] - 1}"
    yield Check("python", good, f"{platform.python_version()} at {sys.executable}", fix)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _libraries() -> Iterator[Check]:
    for distribution, package in LIBRARIES.items():
        found = next(filter(None, map(_version, (distribution, *_BUILDS.get(distribution, ())))), "")
        if not found:
            yield Check(distribution, False, "not installed", f"pip install {distribution}")
            continue
        good = importlib.util.find_spec(package) is not None
        fix = "" if good else f"pip install --force-reinstall {distribution}"
        yield Check(distribution, good, found if good else f"{found}, but its package {package} is missing", fix)


def _formats() -> Iterator[Check]:
    """List the optional formats; a missing one is no problem."""
    from explorer.data.extras import EXTRAS, install_command, installed

    for extra in EXTRAS:
        there = installed(extra)
        yield Check(f"format {extra}", True, "installed" if there else f"not installed; {install_command(extra)}")


def _pyside() -> Iterator[Check]:
    found = version("PySide6-Essentials")
    reason = FAULTY_PYSIDE.get(found)
    fix = 'pip install "PySide6-Essentials==6.11.3"' if reason else ""
    yield Check("PySide6 version", reason is None, f"{found}: {reason}" if reason else found, fix)


def _qt_libraries() -> Iterator[Check]:
    """Look for the system libraries of Qt's X11 plugin without loading it: loading aborts if one is missing."""
    files = qt_files("xcb") if sys.platform.startswith("linux") and shutil.which("ldd") else []
    if files:
        missing = missing_libraries(files)
        detail = f"missing: {', '.join(missing)}" if missing else "all found"
        yield Check("Qt's system libraries", not missing, detail, how_to_install(missing) if missing else "")


def _display() -> Iterator[Check]:
    if not sys.platform.startswith("linux"):
        return
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if display or chosen:
        yield Check("display", True, f"Qt platform {chosen}" if chosen else display or "")
    else:
        fix = "Start it in a desktop session, or take screenshots: latent-explorer tour --out DIR"
        yield Check("display", False, "none: no window can open", fix)


def _folders() -> Iterator[Check]:
    places = {"models folder": user_models_dir(), "settings": settings_path().parent, "log folder": log_dir()}
    for name, place in places.items():
        existing = next((folder for folder in (place, *place.parents) if folder.exists()), place)
        good = existing.is_dir() and os.access(existing, os.W_OK)
        fix = "" if good else f"Make {existing} writable, or set LATENT_EXPLORER_HOME to another folder"
        yield Check(name, good, str(place) if good else f"{place} is not writable", fix)


def _font() -> Iterator[Check]:
    fonts = sorted((resources_dir() / "fonts").glob("*.otf"))
    detail = ", ".join(font.name for font in fonts) or f"none in {resources_dir() / 'fonts'}"
    yield Check("interface font", bool(fonts), detail, "" if fonts else _REINSTALL)


def _reader() -> Iterator[Check]:
    """Check the restrictions of the process that reads third-party files."""
    from explorer import reader

    held = reader.guards()
    missing = [_GUARDS[guard] for guard in reader.GUARDS if guard not in held]
    if not missing:
        yield Check("reader process", True, f"sandboxed: {', '.join(_GUARDS.values())}")
        return
    detail = f"has a deadline, but this system cannot enforce: {', '.join(missing)}"
    fix = "Import only models that you trust" + (
        "; Linux 5.13 or newer enforces all" if sys.platform == "linux" else ""
    )
    # On other systems there is nothing to fix.
    yield Check("reader process", sys.platform != "linux", detail, fix)


def _providers() -> Iterator[Check]:
    """Check that decoders can run where the settings say."""
    from explorer.document.preferences import read_preferences
    from explorer.inference.providers import AUTOMATIC, offered, title
    from explorer.inference.sessions import CPU

    setting, available = read_preferences(settings_path()).provider, (*offered(), CPU)
    good = setting in (AUTOMATIC, *available)
    detail = f"available: {', '.join(map(title, available))}; decode on: {title(setting)}"
    fix = "" if good else f"Choose another device in Settings, or install an ONNX Runtime with {title(setting)}"
    yield Check("execution providers", good, detail, fix)


def _images() -> Iterator[Check]:
    from explorer.data.sources import known_sources, open_source
    from explorer.errors import ExplorerError

    for entry in known_sources():
        broken = entry.status == "missing" and "reinstall the program" in str(entry.how).lower()
        if entry.status != "embedded" and not broken:
            continue
        try:
            source = open_source(entry.name)
            source.pil_image(source.count - 1)
        except ExplorerError as error:
            yield Check(f"data {entry.name}", False, str(error), _REINSTALL)
        else:
            yield Check(f"data {entry.name}", True, images_text(source.count))


def _models() -> Iterator[Check]:
    from explorer.document.preferences import read_preferences
    from explorer.engine.codecs import open_codec
    from explorer.errors import ExplorerError
    from explorer.inference.providers import known_choice, offered, title
    from explorer.models.bundle import find_bundles, open_bundle

    setting = read_preferences(settings_path()).provider
    found = find_bundles()
    if not found:
        yield Check("models", False, "none installed", "Train one: latent-explorer train --help")
    for entry in found:
        try:
            bundle = open_bundle(entry.path)
            codec = open_codec(bundle)
            codes = len(bundle.sample.codes)
            where = known_choice(codec, setting, offered())
        except ExplorerError as error:
            yield Check(f"model {entry.path.name}", False, str(error), f"Delete {entry.path}, or retrain it")
        else:
            yield Check(
                f"model {entry.path.name}",
                True,
                f"intact and runs; {codes:,} sample codes" + (f"; decodes on {title(where)}" if where else ""),
            )


def _engine() -> Iterator[Check]:
    from explorer.engine.client import ModelProcess
    from explorer.engine.messages import Warm, Warmed
    from explorer.errors import EngineError

    process = ModelProcess()
    fix = f"See {process.log_path}"
    try:
        for event in process.run(Warm()):
            if isinstance(event, Warmed):
                versions = ", ".join(f"{name} {number}" for name, number in event.versions.items())
                yield Check("model process", True, versions)
            else:
                yield Check("model process", False, str(event), fix)
    except EngineError as error:
        yield Check("model process", False, str(error), fix)
    finally:
        process.close()


COMMAND = Command("doctor --json", add_arguments, run, notes="Always exits 0; each problem says how to fix it.")
