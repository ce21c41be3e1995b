#!/bin/bash
# Does what the README tells a newcomer to do with curl, word for word, in a fresh directory, and fails where one of its commands does.
#
#     [PORT=18080] tests/clients/curl.sh [FLOWGATE]        # the binary; by default `flowgate` of the path
#
# Three things stand for a person with a machine of their own: the build is skipped, the port is another (8080 may be taken), and `run=...` becomes the id that the start answered. A command that follows a stream goes on in the background, as in another
# terminal, and must have seen its end when all is done.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
binary=$(realpath "${1:-$(command -v flowgate)}")
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
ln -s "$root/examples" "$work/examples"
mkdir "$work/bin"
ln -s "$binary" "$work/bin/flowgate"
export PATH="$work/bin:$PATH" FLOWGATE_PORT="${PORT:-18080}"
cd "$work"

# The indented lines of the section are its commands.
awk '/^## /{in_it = /Five minutes with curl/} in_it && /^    /{print substr($0, 5)}' "$root/README.md" > commands
grep -q 'runs/start' commands || { echo "the README has no commands" >&2; exit 1; }

cargo() { echo "(built already)"; }
curl() {
    local arguments=("${@//127.0.0.1:8080/127.0.0.1:$FLOWGATE_PORT}")
    if [ "${1:-}" = -sS ] && [[ " $* " == *" -N "* ]]; then
        command curl --fail-with-body "${arguments[@]}" >> stream &
        return
    fi
    command curl --fail-with-body "${arguments[@]}" | tee last
    local status=${PIPESTATUS[0]}
    echo
    # What waits for the run to get somewhere is a person's patience.
    sleep 0.3
    return "$status"
}
run_id() { sed -n 's/.*"run_id": *"\([^"]*\)".*/\1/p' last | head -n 1; }
listening() {
    for _ in $(seq 200); do
        command curl -sf "http://127.0.0.1:$FLOWGATE_PORT/api/health" > /dev/null && return
        sleep 0.05
    done
    echo "the server does not listen" >&2
    return 1
}

# One command may go over several lines: it is whole when bash can parse it.
command=
while IFS= read -r line; do
    command+=${command:+$'\n'}$line
    bash -n -c "$command" 2> /dev/null && [[ $command != *\\ ]] || continue
    echo "\$ $command"
    case $command in
    run=...*) command="run=$(run_id)"; echo "  ($command)" ;;
    esac
    eval "$command"
    case $command in
    *"flowgate serve"*) listening ;;
    esac
    command=
done < commands
[ -z "$command" ] || { echo "half a command at the end: $command" >&2; exit 1; }

for _ in $(seq 100); do
    grep -q '^event: done' stream && break
    sleep 0.1
done
grep -q '^event: done' stream || { echo "the stream did not end:" >&2; cat stream >&2; exit 1; }
grep -q '"decision": *"approve"' stream || { echo "the answer is not in the stream" >&2; exit 1; }
echo "All commands of the README worked."
