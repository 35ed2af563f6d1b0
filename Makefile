# On a fresh machine: `make run` and `make test`. All paths are relative, so the folder may have any name.
SHELL := /bin/sh
PYTHON := .venv/bin/python
STAMP := .venv/.installed
# Tests often wait for a process or an event, so that three workers keep two cores busy.
WORKERS := $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ "$$cores" -gt 3 ] && echo 4 || echo 3)

# Containers often set it; hundreds of processes of the tests would each compile the program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check check-long screenshots pretrained clean environment

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "  %-18s %s\n", $$1, $$2 }'

$(STAMP): pyproject.toml constraints.txt scripts/environment.sh
	@sh scripts/environment.sh $(STAMP)

environment: $(STAMP) ## create the environment in .venv

run: $(STAMP) ## open the window (without a display: take screenshots)
	@sh scripts/run.sh

test: $(STAMP) ## run all tests, without a display
	@$(PYTHON) scripts/check_system.py --platform offscreen
	@QT_QPA_PLATFORM=offscreen $(PYTHON) -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(STAMP) ## check lint, formatting, types, imports, dead code and words
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/vulture
	@.venv/bin/vulture explorer scripts tests
	@.venv/bin/codespell explorer scripts tests docs README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md
	@$(PYTHON) scripts/check_words.py

check-long: $(STAMP) ## run the long checks (one hour): BLAS kernels, PyTorch, fuzzing, 100 kills, ten minutes in the real window
	@$(PYTHON) scripts/numeric_tests.py
	@sh scripts/torch_tests.sh
	@$(PYTHON) scripts/fuzz.py --minutes 20
	@QT_QPA_PLATFORM=offscreen $(PYTHON) scripts/kill_for_real.py --times 100 --seed 1
	@QT_QPA_PLATFORM=offscreen PYTHONPATH=. $(PYTHON) scripts/soak.py --cycles 6 --seed 1
	@QT_QPA_PLATFORM=offscreen PYTHONPATH=. $(PYTHON) scripts/soak.py --minutes 10

SCREEN := {"screens": [{"name": "", "x": 0, "y": 0, "width": 3840, "height": 2160, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}]}
screenshots: $(STAMP) ## take screenshots of every panel, light and dark, in three sizes, in build/screenshots
	@$(PYTHON) scripts/check_system.py --platform offscreen
	@mkdir -p build/screenshots && echo '$(SCREEN)' > build/screen.json  # the usual one is too small for 200 %
	@for scheme in light dark; do for look in 1280x800-1 1920x1080-1 1280x800-2; do \
	  out=build/screenshots/$$scheme-$$look; mkdir -p $$out; \
	  LATENT_EXPLORER_SCHEME=$$scheme QT_SCALE_FACTOR=$${look##*-} \
	    QT_QPA_PLATFORM=offscreen:configfile=build/screen.json \
	    $(PYTHON) -m explorer tour --size $${look%-*} --out $$out --force || exit 1; \
	done; done; echo "The screenshots are in build/screenshots"

ORIGINALS := ../shared/data
pretrained: $(STAMP) ## train missing bundled models, and resume started ones (one day): ORIGINALS=FOLDER
	@$(PYTHON) scripts/train_pretrained.py $(ORIGINALS)
	@$(PYTHON) scripts/pretrained_table.py

clean: ## remove all build outputs and the environment
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage .coverage.*
	find explorer tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
