#!/bin/sh
# Stands for the flowgate binary where the checks are to go to the reference: FLOWGATE_BIN=tests/tests/contract/reference.sh.
# Takes the flags of `flowgate serve` that the tests use. ABSTRACTGATEWAY is the reference's command, if it is not on the path.
[ "$1" = serve ] || { echo "only serve is known, not $1" >&2; exit 2; }
shift
while [ $# -gt 0 ]; do
    case $1 in
    --host) host=$2; shift 2 ;;
    --port) port=$2; shift 2 ;;
    --data-dir) export ABSTRACTGATEWAY_DATA_DIR="$2"; shift 2 ;;
    --flows-dir) export ABSTRACTGATEWAY_FLOWS_DIR="$2"; shift 2 ;;
    *) echo "unknown to the reference: $1" >&2; exit 2 ;;
    esac
done
mkdir -p "$ABSTRACTGATEWAY_DATA_DIR" "$ABSTRACTGATEWAY_FLOWS_DIR"
export ABSTRACTGATEWAY_AUTH_TOKEN="$FLOWGATE_AUTH_TOKEN" ABSTRACTGATEWAY_STORE_BACKEND="${ABSTRACTGATEWAY_STORE_BACKEND:-sqlite}"
exec "${ABSTRACTGATEWAY:-abstractgateway}" serve --host "$host" --port "$port"
