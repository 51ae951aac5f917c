#!/bin/sh
# Runs every fuzz target of the project for a time each, 60s by default; with a second argument only those whose name or
# package contains it. FUZZ_JOBS targets run at once, 1 by default. It goes on after a crash, and fails at the end.
set -eu
cd "$(dirname "$0")/.."
limit=${1:-60s}
only=${2:-}
jobs=${FUZZ_JOBS:-1}
workers=$(($(nproc) / jobs))
[ "$workers" -gt 0 ] || workers=1

targets() {
	grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . |
		sed -E 's|^(.*)/[^/]*:func (.*)$|\1 \2|' | sort -u | grep -F -- "$only"
}

# Minimising what is merely interesting would take most of the time of the slow targets.
one='log="$4/$(echo "$1.$2" | tr / _)" # packages have targets of the same name
	go test -run "^$" -fuzz "^$2\$" -fuzztime "$0" -fuzzminimizetime 1x -parallel "$3" "$1" >"$log" 2>&1 &&
	echo "ok    $1 $2: $(grep -o "execs: [0-9]*" "$log" | tail -n 1)" || { echo "CRASH $1 $2"; cat "$log"; exit 1; }'

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
targets | while read -r dir target; do
	printf '%s\0%s\0%s\0%s\0' "$dir" "$target" "$workers" "$logs"
done | xargs -0 -n 4 -P "$jobs" sh -c "$one" "$limit"
