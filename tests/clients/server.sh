# Sourced by the scripts beside it: a server of its own, with the examples installed, that ends with the script.
#
# Sets `address`, `token` and `work` (a directory that is removed at the end).
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$(realpath "${1:-$(command -v flowgate)}")
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port=${PORT:-18080}
address=http://127.0.0.1:$port
token=$(head -c 24 /dev/urandom | base64)
FLOWGATE_AUTH_TOKEN=$token "$binary" serve --data-dir "$work/data" --flows-dir "$root/examples" --port "$port" \
    > "$work/server.log" 2>&1 &
for _ in $(seq 600); do
    curl -sf "$address/api/health" > /dev/null && break
    sleep 0.1
done
curl -sf "$address/api/health" > /dev/null || { echo "the server does not listen" >&2; cat "$work/server.log" >&2; exit 1; }
