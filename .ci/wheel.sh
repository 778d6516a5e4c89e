#!/usr/bin/env bash
# Build the sdist and the wheel into dist/, and try the wheel where there is nothing else of tripos.
set -eEuo pipefail
trap 'echo "$0: line $LINENO failed" >&2' ERR
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=$PWD/.venv/bin/python
export PATH="$PWD/.venv/bin:$PATH"  # its uv, where the machine has none

scratch=$(mktemp -d)
trap 'rm -rf "$scratch" build/lib build/bdist.*' EXIT

# As in environment.sh: uv is quick, and where it fails for want of pip's settings, pip may not.
build() {
    "$python" -m build --installer uv "$@" >"$scratch/log" 2>&1 ||
        "$python" -m build "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; return 1; }
}
rm -rf dist build/lib build/bdist.*  # a file that is gone since would be in the wheel
build --outdir dist  # the wheel from the sdist
build --outdir "$scratch" --wheel

"$python" - dist/*.whl "$scratch"/*.whl <<'END'
import sys
import zipfile
from pathlib import Path

folders = {"tripos": "", "models": "tripos/", "approximations": "tripos/", "comparisons": "tripos/"}
files = {
    f"{above}{path.as_posix()}"
    for folder, above in folders.items()
    for path in Path(folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
for wheel in sys.argv[1:]:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("tripos/")}
    if packed != files:
        sys.exit(f"{wheel} lacks {files - packed or 'nothing'}; too many: {packed - files}")
print(f"The wheels from the sdist and from the checkout hold all {len(files)} files.")
END

fresh=$scratch/fresh
"$python" -m venv --without-pip "$fresh"
install=(install --quiet -c constraints.txt dist/*.whl)
uv pip "${install[@]}" --python "$fresh" ||
    "$python" -m pip --python "$fresh/bin/python" "${install[@]}"

unset PYTHONDONTWRITEBYTECODE  # the first process there compiles for the others
version=$("$python" -c 'import tripos; print(tripos.__version__)')
(
    cd "$scratch"
    "$fresh/bin/python" -I -c "
import sys
from importlib.metadata import version
import tripos
assert tripos.__file__.startswith(sys.prefix), tripos.__file__
assert tripos.__version__ == version('tripos') == '$version'
assert callable(tripos.laplace)"
    "$fresh/bin/python" -I -m tripos --help >help
    grep -q '^usage: tripos' help
    "$fresh/bin/tripos" models >models
    grep -q bioassay models
    "$fresh/bin/tripos" compare globe --methods grid,laplace --no-pictures --report --output out >said
    grep -rq '</html>' out
)
TRIPOS_INSTALLED_IN="$fresh/bin/python" "$python" -m pytest -q tests/typing
