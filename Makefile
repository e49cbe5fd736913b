# make report: fit the two trials and write the PDF.  make test: everything .ci/run checks.  make docs: the site, in build/site.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
MODEL  ?= hcc_trial
# Folder of the run; a new numbered one by default.
RUN    ?=
# More options for the fit, such as FIT="--patients 1024 --starts 5".
FIT    ?=

.PHONY: report test docs clean
.DELETE_ON_ERROR:

report: $(VENV)/installed
	@run="$(RUN)"; n=1; \
	if [ -z "$$run" ]; then while [ -e "runs/$(MODEL)-$$n" ]; do n=$$((n + 1)); done; run="runs/$(MODEL)-$$n"; fi; \
	code=0; $(BIN)/kinimmune fit $(MODEL) -o "$$run" --compare-rules $(FIT) || code=$$?; \
	if [ $$code -gt 1 ]; then exit $$code; fi; \
	$(BIN)/kinimmune report "$$run" || exit $$?; \
	exit $$code

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p build/types/kinimmune
	@ln -sfn "$(CURDIR)"/api/* build/types/kinimmune/
	@for package in models fitting reports cli data; do ln -sfn "$(CURDIR)/$$package" "build/types/kinimmune/$$package"; done
	PYTHONPATH=build/types $(BIN)/lint-imports --no-logo
	MYPYPATH=build/types $(BIN)/mypy -p kinimmune
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

docs: $(VENV)/installed-dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/site

# A change of what is installed makes the stamps older; the code itself is used in place.
$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build dist
