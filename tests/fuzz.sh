#!/bin/sh
# Runs every fuzz target of the project for a time each, 60s by default; with a second argument only those whose name or
# package contains it. Stops at the first crash.
set -eu
cd "$(dirname "$0")/.."
limit=${1:-60s}
only=${2:-}
grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
	grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r target; do
		case "$dir $target" in *"$only"*) ;; *) continue ;; esac
		echo "== $dir $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$limit" "$dir"
	done
done
