#!/usr/bin/env bash
# usage: [PYTHON=python3] run.sh OUT LIMIT JOBS [MORE]
# Rebuilds the budget that this archive was made for, without network, and leaves OUT/results.tgz for `ferlab bring`.
# LIMIT (such as 12m), JOBS and MORE are for `ferlab reproduce`, whose exit code this has. The same command goes on.
set -euo pipefail

fail() {
  echo "run.sh: $*" >&2
  exit 2
}

[ $# -ge 3 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
limit=$2 jobs=$3
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift 3
cd "$(dirname "${BASH_SOURCE[0]}")"
here=$PWD

# Is all of it here as it was packed, and is it for this machine?
python=$(command -v "${PYTHON:-python3}") || fail "there is no ${PYTHON:-python3}; PYTHON names another"
command -v git >/dev/null || fail "there is no git, without which no result names its commit"
manifest() { "$python" -c 'import json, sys; print(json.load(open("MANIFEST.json"))[sys.argv[1]])' "$1"; }
wanted=$(manifest python) budget=$(manifest budget) project=$here/project/$(manifest folder)
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$found" = "$wanted" ] || fail "this archive is for Python $wanted, and $python is $found.
  next: name another (PYTHON=python$wanted), or make an archive for this one (ferlab bundle --python $found)"
"$python" -c 'import json
for name, sha256 in json.load(open("MANIFEST.json"))["parts"].items():
    print(f"{sha256}  {name}")' | sha256sum --check --quiet --strict - ||
  fail "a part is not what was packed; bring the archive here again"

# The environment: what the node has, and before it what this archive has.
export PYTHONPATH=$here/site:$project/src${PYTHONPATH:+:$PYTHONPATH} PATH=$here/bin:$here/site/bin:$PATH
if [ ! -e site/.complete ]; then
  rm -rf site
  mkdir site
  wheels=$(find wheels -name '*.whl')
  if [ -n "$wheels" ]; then
    # shellcheck disable=SC2086 # names of wheels hold no blanks
    PIP_CONFIG_FILE=/dev/null "$python" -m pip --isolated --quiet --disable-pip-version-check install \
      --no-index --no-deps --no-compile --no-cache-dir --target site $wheels
  fi
  touch site/.complete
fi
lacks=$("$python" -c 'import importlib.metadata, json, re
here = {re.sub("[-_.]+", "-", str(one.metadata["Name"])).lower() for one in importlib.metadata.distributions()}
print(*(name for name in json.load(open("MANIFEST.json"))["left_out"] if name not in here), sep=", ")')
[ -z "$lacks" ] || fail "$python lacks $lacks, which --have named; make the list with this Python, and the archive anew"
mkdir -p bin
printf '#!/bin/sh\nexec "%s" -c "from ferlab.cli.main import main; main()" "$@"\n' "$python" >bin/ferlab
printf '#!/bin/sh\nexec "%s" -m dvc "$@"\n' "$python" >bin/dvc
chmod +x bin/ferlab bin/dvc

# The project, at its commit and clean, and its data.
if [ ! -e project ]; then
  rm -rf .project
  git clone --quiet project.git .project
  mv .project project
fi
cd "$project"
if [ ! -d "$here/data" ]; then
  ferlab data demo --if-missing # where the project asks for real faces, it says what is missing
elif [ ! -e data ]; then
  cp -R "$here/data" .data.part
  mv .data.part data
fi

# The run, and what it comes to: results, settings, what each stage printed last.
brought=$here/brought code=0
rm -rf "$brought"
mkdir -p "$brought/logs"
ferlab reproduce --budget "$budget" --time-limit "$limit" --jobs "$jobs" --bring "$brought" "$@" 2>&1 |
  tee "$brought/logs/run.log" || code=$?
[ -e "$brought/params.yaml" ] || exit "$code" # it was refused before it began
find .ferlab/logs -name '*.log' | while read -r log; do
  tail -c 20000 "$log" >"$brought/logs/${log##*/}"
done
cp "$here/MANIFEST.json" "$brought/"
tar -czf "$out/.results.tgz.part" -C "$brought" .
mv "$out/.results.tgz.part" "$out/results.tgz"
echo "$out/results.tgz: $(wc -c <"$out/results.tgz") bytes; where the project is: ferlab bring results.tgz"
exit "$code"
