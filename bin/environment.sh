# shellcheck shell=sh
# Sourced by the scripts in bin/, after set -eu. It goes to the project's folder and offers
#
#   fail SENTENCE...      print the sentences, one a line, and end with 1
#   require_git           end with the exact fix unless git is there
#   prepare LAYER...      make $python a Python that has the locked packages of requirements/LAYER.txt
#   rookery_python ARG... run it
#
# ROOKERY_VENV chooses another folder for the environment, ROOKERY_PYTHON another Python to make it with.

rookery_caller=$PWD
CDPATH='' cd -- "$(dirname -- "$0")/.." || exit 1

# A relative path means a path from where the person stands, not from the project's folder.
rookery_absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$rookery_caller/$1" ;;
    esac
}

if [ -n "${ROOKERY_DATA-}" ]; then
    ROOKERY_DATA=$(rookery_absolute "$ROOKERY_DATA")
    export ROOKERY_DATA
fi
if [ -n "${ROOKERY_VENV-}" ]; then
    rookery_venv=$(rookery_absolute "$ROOKERY_VENV")
else
    rookery_venv=$PWD/.venv
fi
python=$rookery_venv/bin/python
# What the environment holds: one line per layer, written only after its installation has ended well.
rookery_stamp=$rookery_venv/rookery-layers

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

rookery_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        say "$*"
    else
        say "sudo $*"
    fi
}

require_git() {
    command -v git >/dev/null 2>&1 || fail "Rookery needs git, and there is no git on the PATH." \
        "On Debian: $(rookery_as_root apt install git)"
}

# Prints the first Python that is new enough. A name on the PATH may be a launcher that fails, so each is run.
rookery_find_python() {
    for candidate in ${ROOKERY_PYTHON:+"$ROOKERY_PYTHON"} python3.11 python3 python3.12 python3.13 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v -- "$candidate"
            return
        fi
    done
    fail "Rookery needs Python 3.11 or newer, and none is on the PATH." \
        "On Debian 12 or newer: $(rookery_as_root apt install python3 python3-venv)" \
        "If it is elsewhere, name it: ROOKERY_PYTHON=/path/to/python3"
}

# Prints what a layer's stamp must say: its name, its lock's hash and the Python it was installed for.
rookery_layer_stamp() {
    say "$1 $(git hash-object --no-filters "requirements/$1.txt") $rookery_version"
}

rookery_read_version() {
    rookery_version=$("$python" -c 'import sys; print(sys.implementation.cache_tag)' 2>/dev/null) || rookery_version=none
}

rookery_make_environment() {
    base=$(rookery_find_python)
    if command -v uv >/dev/null 2>&1; then
        if uv venv --quiet --clear --python "$base" "$rookery_venv"; then
            return
        fi
        say "uv could not make the environment; trying Python's own venv."
    fi
    # Debian's python3 comes without the module that puts pip into an environment.
    "$base" -c 'import ensurepip, venv' 2>/dev/null || fail \
        "$base cannot make an environment: its venv module is not complete." \
        "On Debian: $(rookery_as_root apt install python3-venv)"
    "$base" -m venv --clear "$rookery_venv" || fail "The environment in $rookery_venv could not be made; see above."
}

rookery_has_pip() {
    "$python" -c 'import pip' 2>/dev/null
}

# rookery_install LAYER...: exactly the locked files, checked by their hashes.
rookery_install() {
    for layer in "$@"; do
        set -- "$@" -r "requirements/$layer.txt"
        shift
    done
    if command -v uv >/dev/null 2>&1; then
        if uv pip install --quiet --python "$python" --require-hashes "$@"; then
            return
        fi
        say "uv could not install the packages; trying pip."
        rookery_has_pip || "$python" -m ensurepip >/dev/null 2>&1 || fail "This environment has no pip." \
            "Remove $rookery_venv and start again, or see uv's words above."
    fi
    "$python" -m pip install --disable-pip-version-check --no-input -qq --require-hashes "$@" || fail \
        "The packages could not be installed; pip's words are above." \
        "Is a package index reachable? Another try goes on where this one ended."
}

prepare() {
    require_git
    # Two scripts started at once take turns; where flock is missing (not on Debian) they do not.
    exec 9<requirements/runtime.txt
    if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
        say "Waiting for another script that prepares $rookery_venv …"
        flock 9
    fi
    rookery_read_version
    wanted=''
    for layer in "$@"; do
        if ! grep -qxF "$(rookery_layer_stamp "$layer")" "$rookery_stamp" 2>/dev/null; then
            wanted="$wanted $layer"
        fi
    done
    if [ -n "$wanted" ]; then
        for layer in $wanted; do
            # A lock that changed may have dropped packages: start clean. A layer never installed is only added.
            if [ "$rookery_version" = none ] || grep -q "^$layer " "$rookery_stamp" 2>/dev/null; then
                rookery_rebuild "$@"
                exec 9<&-
                return
            fi
        done
        if ! command -v uv >/dev/null 2>&1 && ! rookery_has_pip; then
            rookery_rebuild "$@"
        else
            # shellcheck disable=SC2086 # names of layers hold no space
            rookery_install_and_stamp $wanted
        fi
    fi
    exec 9<&-
}

rookery_rebuild() {
    say "Making an environment for Rookery in $rookery_venv …"
    # Through a link, somebody else's environment would be made anew.
    [ ! -L "$rookery_venv" ] || fail "$rookery_venv is a link, and what it names has not what is locked here." \
        "Remove the link, or choose another folder: ROOKERY_VENV=/path/to/folder"
    if [ -e "$rookery_venv" ] && [ ! -e "$rookery_venv/pyvenv.cfg" ]; then
        [ -z "$(ls -A -- "$rookery_venv")" ] || fail \
            "$rookery_venv is there already and is no Python environment; it is left alone." \
            "Move it away, or choose another folder: ROOKERY_VENV=/path/to/folder"
    fi
    rookery_make_environment
    rookery_read_version
    rookery_install_and_stamp "$@"
}

rookery_install_and_stamp() {
    say "Installing the locked packages ($*): about half a minute, once …"
    rookery_install "$@"
    for layer in "$@"; do
        rookery_layer_stamp "$layer" >>"$rookery_stamp"
    done
}
