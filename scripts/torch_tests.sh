#!/bin/sh
# Run the tests that need PyTorch, in an environment of its own: build/torch has the packages of .venv, and the extra.
#     scripts/torch_tests.sh
set -eu
folder=build/torch
python=$folder/bin/python
stamp=$folder/.installed

if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ constraints.txt -nt "$stamp" ]; then
    rm -rf "$folder"
    echo "Creating the environment $folder with PyTorch; this takes some minutes, and a gigabyte or more."
    .venv/bin/python -m venv "$folder"
    packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    echo "import site; site.addsitedir('$packages')" >"$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/venv.pth"
    if ! "$python" -m pip install --quiet --disable-pip-version-check --editable '.[torch]' --constraint constraints.txt; then
        rm -rf "$folder"
        echo "error: PyTorch cannot be installed here, so the tests of PyTorch programs did not run." >&2
        exit 1
    fi
    touch "$stamp"
fi
"$python" -c 'import onnxscript, torch; print("PyTorch", torch.__version__)'
QT_QPA_PLATFORM=offscreen "$python" -m pytest -q -p no:cacheprovider tests/engine/test_engine_torch.py
