# shellcheck shell=bash
# What the suites need that use other languages: sourced with `installed`, the folder to install into, and `require`, which is not empty
# where what is missing may be installed. Nothing here ends the script: each function says by its status whether it worked.

# Installs a Debian package, where that is wanted and possible.
apt_install() {
    [ -n "$require" ] && tests/apt-install "$@"
}

python_new_enough() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

node_new_enough() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# Makes the virtual environment $1, once.
virtual_environment() {
    [ ! -x "$1/bin/pip" ] || return 0
    python_new_enough || apt_install python3 python3-venv || return 1
    # Debian's python3 has no ensurepip without this package.
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv || return 1
    python_new_enough && python3 -m venv "$1"
}

# Installs the requirements $2 into the environment $1, unless that is done; every file is checked against its hash.
pip_install() {
    ! cmp -s "$2" "$1/installed.txt" || return 0
    "$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$2" &&
        cp "$2" "$1/installed.txt"
}

# Puts a Node that is new enough first in PATH: the machine's own, or the one that PyPI carries, since Debian's may be too old.
find_node() {
    ! node_new_enough || return 0
    virtual_environment "$installed/node-from-pypi" &&
        pip_install "$installed/node-from-pypi" tests/interop/python/requirements-node.txt || return 1
    PATH=$installed/node-from-pypi/bin:$PATH
    node_new_enough
}

# Installs the packages that are locked in the folder $1 below tests/, unless that is done, and puts them where its programs look for them.
npm_install() {
    local folder=tests/$1 packages=$installed/${1##*/}
    ln -sfn "$packages/node_modules" "$folder/node_modules"
    ! cmp -s "$folder/package-lock.json" "$packages/installed.json" || return 0
    mkdir -p "$packages"
    cp "$folder/package.json" "$folder/package-lock.json" "$packages/"
    (cd "$packages" && npm ci --silent --no-audit --no-fund --ignore-scripts) && cp "$packages/package-lock.json" "$packages/installed.json"
}
