#!/usr/bin/env bash
# Make or refresh a virtual environment: environment.sh FOLDER EXTRA CONSTRAINTS [PYTHON_VERSION]
#
# Without PYTHON_VERSION it is that of .python-version or, where that is missing, another that serves.
# FOLDER/.complete is written last. Without it FOLDER was interrupted half-way and is made afresh.
set -euo pipefail
folder=$1 extra=$2 constraints=$3

wanted=${4:-$(cut -d. -f1,2 .python-version)}
supported=${4:-3.12 3.13 3.14}  # PyMC's own range

# Two makes at once take turns, where there is flock; its lock ends with the process that holds it.
exec 9<pyproject.toml
if command -v flock >/dev/null; then flock 9; fi

# Print VERSION|NOTE|PATH. A name on PATH proves nothing (pyenv's python3.13 may refuse to run), so
# each one is run.
describe() {
    "$1" -c '
import sys
try:
    import ensurepip, venv
    note = ""
except ImportError:
    note = " (no venv or ensurepip: install your python3-venv package)"
print("%d.%d|%s|%s" % (sys.version_info[0], sys.version_info[1], note, sys.executable))' 2>/dev/null
}

# Set `python` to the wanted version, else to the first supported one; else say what there is.
find_python() {
    local candidates=(python3.13 python3.12 python3.14 python3 python
                      "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    local candidate version note path found=''
    python=''
    for candidate in "${candidates[@]}"; do
        IFS='|' read -r version note path < <(describe "$candidate") || continue
        found+="  $version  $path$note"$'\n'
        [ -z "$note" ] || continue
        if [ "$version" = "$wanted" ]; then python=$path; return; fi
        if [ -z "$python" ] && [[ " $supported " == *" $version "* ]]; then python=$path; fi
    done
    [ -z "$python" ] || return 0
    [ -n "$found" ] || found="  nothing that runs, of: ${candidates[*]}"$'\n'
    {
        echo "$folder wants Python $wanted (of ${supported// /, }) with venv. Found only:"
        printf '%s' "$found"
        echo "To name another one: PYTHON=/path/to/python$wanted make ..."
    } >&2
    exit 1
}

if ! { [ -e "$folder/.complete" ] && "$folder/bin/python" -c ''; } 2>/dev/null; then
    find_python
    echo "Making $folder with $python (a minute or two, once)"
    "$python" -m venv --clear "$folder"
fi
rm -f "$folder/.complete"

if uv --version >/dev/null 2>&1; then
    uv=uv
else
    "$folder/bin/python" -m pip install --quiet uv
    uv=$folder/bin/uv
fi
# Many processes import PyMC, which is three times as quick from bytecode; pip compiles by itself.
# uv is quick but does not read pip's settings (a mirror, a certificate): if it fails, pip may not.
# Strict: a folder of links, which type checkers and editors follow as they do not follow a hook.
rm -rf build/__editable__.tripos-*
install=(install --quiet -c "$constraints" --config-settings editable_mode=strict -e ".[$extra]")
"$uv" pip "${install[@]}" --compile-bytecode --python "$folder" ||
    "$folder/bin/python" -m pip "${install[@]}"
"$folder/bin/python" -m compileall -q build/__editable__.tripos-*
touch "$folder/.complete"
