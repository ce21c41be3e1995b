#!/bin/bash
# The AbstractCode command line (PyPI `abstractcode==0.3.8`), as its users use it: starts runs, follows them, answers on the terminal.
#
#     python3 -m venv venv && venv/bin/pip install abstractcode==0.3.8
#     PATH=$PWD/venv/bin:$PATH [PORT=18080] tests/clients/abstractcode.sh [FLOWGATE]      # by default `flowgate` of the path
set -euo pipefail
abstractcode=$(command -v abstractcode) || { echo "abstractcode is not on the path" >&2; exit 2; }
. "$(dirname "$0")/server.sh"
export ABSTRACTCODE_GATEWAY_URL=$address ABSTRACTCODE_GATEWAY_TOKEN=$token HOME=$work

said() { grep -qF -- "$1" "$work/out" || { echo "not said: $1" >&2; cat "$work/out" >&2; exit 1; }; }
follow() { timeout 120 "$abstractcode" gateway "$@" 2>&1 | tee "$work/out"; }

echo "== a run that asks nothing"
follow run hello:hello --input-json '{"name": "Ann"}' < /dev/null
# It reads the ledger and then the run's status, and ends when that is an end: of a run that ends in between it has not shown the last rows.
follow attach "$(sed -n 's/^run_id=//p' "$work/out")" < /dev/null
said "completed farewell"

echo "== a run that asks, and a child of it"
printf 'approve\n' | follow run approval:approve --input-json '{"title": "Road map"}'
said "May “Road map” by Robin be published?"
said "sub_run_id="
said "completed end_approved"

echo "== attached to a run that waits: a choice by its number, then free text"
run=$(curl -sSf -H "Authorization: Bearer $token" --json '{"bundle_id": "approval", "input_data": {"title": "Budget"}}' \
    "$address/api/gateway/runs/start" | sed -n 's/.*"run_id": *"\([^"]*\)".*/\1/p')
printf '2\ntoo long\n' | follow attach "$run"
said "What has to change?"
said "completed end_rejected"

echo "AbstractCode works."
