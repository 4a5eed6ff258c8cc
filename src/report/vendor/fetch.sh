#!/bin/sh
# Brings the drawing library that the report embeds into this folder. Needs npm, tar and sha256sum.
# A new version: change it here, run, compare SHA256SUMS, look at a report.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
take() { # take NAME VERSION: unpacks the package into NAME/
    npm pack --silent "$1@$2" >/dev/null
    mkdir "$1" && tar xzf "$1-$2.tgz" -C "$1" --strip-components=1
}
take vega 6.4.0
take vega-lite 6.4.3
take vega-interpreter 2.3.2

# The maps to the sources are not shipped, so the lines that point to them go.
sed '/^\/\/# sourceMappingURL=/d' vega/build/vega.min.js >"$here/vega.min.js"
sed '/^\/\/# sourceMappingURL=/d' vega-lite/build/vega-lite.min.js >"$here/vega-lite.min.js"
# The interpreter comes as a module only; here it becomes a classic script that adds itself to `vega`.
{
    echo '(() => {'
    sed -e '/^\/\/# sourceMappingURL=/d' \
        -e "s/^import { \(.*\) } from 'vega-util';\$/const { \1 } = vega;/" \
        -e 's/^export { expression as expressionInterpreter };$/vega.expressionInterpreter = expression;/' \
        vega-interpreter/build/vega-interpreter.js
    echo '})();'
} >"$here/vega-interpreter.js"

take d3 7.9.2; take d3-ease 3.0.2; take d3-geo 3.1.2; take d3-scale-chromatic 3.1.1
take topojson-client 3.1.0; take delaunator 5.1.0
{
    for package in vega vega-lite vega-interpreter; do
        echo "==== $package ===="; echo; cat "$package/LICENSE"; echo
    done
    echo 'vega.min.js also contains the following packages.'; echo
    for package in d3 d3-ease d3-geo d3-scale-chromatic topojson-client delaunator; do
        echo "==== $package ===="; echo; cat "$package/LICENSE"; echo
    done
} >"$here/LICENSE"
cd "$here" && sha256sum ./*.js >SHA256SUMS
