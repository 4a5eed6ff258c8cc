#!/bin/sh
# Brings the accessibility checker of the browser tests into this folder. Needs npm, tar and sha256sum.
# A new version: change it here, run, compare SHA256SUMS, run the browser tests.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent axe-core@4.14.1 >/dev/null
tar xzf axe-core-4.14.1.tgz
cp package/axe.min.js "$here/axe.min.js"
{
    echo '==== axe-core ===='; echo; cat package/LICENSE; echo
    echo '==== packages that axe.min.js contains ===='; echo; cat package/LICENSE-3RD-PARTY.txt
} >"$here/LICENSE"
cd "$here" && sha256sum ./*.js >SHA256SUMS
