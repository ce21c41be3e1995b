#!/bin/bash
# schemathesis (PyPI) over the served description: thousands of requests made from it, good and bad. Fails on an answer of 500 and up,
# on one that the description does not have, and on a path that does without its token.
#
#     python3 -m venv venv && venv/bin/pip install schemathesis
#     PATH=$PWD/venv/bin:$PATH [PORT=18080] [SECONDS_TO_SPEND=120] tests/clients/schemathesis.sh [FLOWGATE]
set -euo pipefail
schemathesis=$(command -v schemathesis) || { echo "schemathesis is not on the path" >&2; exit 2; }
. "$(dirname "$0")/server.sh"
cd "$work"
# A run of each kind, so that there is something to read.
for bundle in hello approval; do
    curl -sSf -H "Authorization: Bearer $token" --json "{\"bundle_id\": \"$bundle\"}" "$address/api/gateway/runs/start" > /dev/null
done
# Good requests may be refused: that a name exists or that a path lies in the workspace is more than a schema can say. And bad ones
# may be taken: values are converted as freely as in the reference, where `false` is 0 and `" 5 "` is 5.
# The description has no links, and those that schemathesis infers from names of fields have parameters that their targets do not know: no
# stateful phase. `/semantics` answers 501 by the contract: this host has no such registry.
"$schemathesis" run "$address/openapi.json" -H "Authorization: Bearer $token" --max-time "${SECONDS_TO_SPEND:-120}" \
    --phases examples,coverage,fuzzing --exclude-path /api/gateway/semantics --continue-on-failure --exclude-checks positive_data_acceptance,negative_data_rejection
