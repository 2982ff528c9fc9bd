#!/usr/bin/env bash
# usage: gpu_sitting.sh OUT MINUTES [BUDGET]
# One sitting on a GPU, what is worth most first: the tests that need a card, what its speed is, then as much of a
# budget (default: design) as ends in the time that is left. Each leaves its words in OUT; none takes another with it.
# Run in a clone whose data are there and whose choice of budget is committed. The same command goes on another day.
set -uo pipefail

[ $# -ge 2 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd) end=$((SECONDS + $2 * 60)) budget=${3:-design}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || {
  echo "gpu_sitting.sh: torch sees no GPU here; \`ferlab doctor\` says why" >&2
  exit 2
}

# part NAME SECONDS COMMAND…: a part that is not over in its time is cut off
part() {
  local name=$1 limit=$2 code=0
  shift 2
  echo "$name: $*"
  timeout --signal INT --kill-after 30 "$limit" "$@" >"$out/$name.txt" 2>&1 || code=$?
  tail -n 3 "$out/$name.txt"
  echo "$name ended with $code, $(((end - SECONDS) / 60)) minutes are left"
  return "$code"
}

part tests 150 "$python" -m pytest tests/gpu -q --noconftest -p no:cacheprovider || apart=yes
part speed 120 "$python" benchmarks/gpu.py --steps 100 --packs 1 8 --only packs evaluation losses
left=$((end - SECONDS - 60)) # a minute for the page and for what has to be sent home
[ "$left" -gt 60 ] || { echo "no time is left for $budget" >&2; exit 3; }
mkdir -p "$out/results"
if [ "${apart:-}" ]; then # what is trained beside other things isn't above doubt: GANs one after the other, not in the pack
  ferlab budget use "$budget" && part gans "$left" dvc repro gan
  left=$((end - SECONDS - 60))
fi
part results "$((left + 45))" ferlab reproduce --budget "$budget" --pack 10 --jobs 8 --time-limit "${left}s" --bring "$out/results"
