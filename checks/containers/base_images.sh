#!/usr/bin/env bash
# Makes substitutes for the images that docker-compose.yml and deploy/Dockerfile take from a registry, under their tags,
# from Debian's packages. For machines that reach no registry. Images that the engine has already are kept. Run it in
# the root of the checkout, as root, on Debian, with DOCKER_HOST set.
#
# The substitutes differ from the real images: Debian's patch release of Python, its Redis 7.0 in the place of Valkey 8,
# its Caddy 2.6 and Prometheus 2.42. Grafana has no package in Debian and no substitute. Entry points, users and the tools
# of the real images stay untested.
set -euo pipefail

readonly docker=/usr/bin/docker
readonly servers=melanoma-check-servers

tags() { sed -nE 's/^ *image: *//p; s/^FROM +([^ ]+:[^ ]+).*/\1/p' docker-compose.yml deploy/Dockerfile | grep -v '^melanoma-' | sort -u; }

exists() { "$docker" image inspect "$1" >/dev/null 2>&1; }

# Debian with its Python, and with the settings by which this machine reaches its package index.
make_python_image() {
    local tag=$1 suite=${1##*-} version mirror log
    version=$(cut -d. -f1,2 <<<"${tag#*:}")
    # shellcheck disable=SC2016 # a variable of apt-get
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | head -n 1)
    log=$(mktemp)
    # shellcheck disable=SC2016 # a variable of the hook
    PIP_CONF=$(pip_settings) mmdebstrap --mode=root --variant=minbase --include=ca-certificates,python3-venv \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --customize-hook='ln -s python3 "$1/usr/bin/python"' \
        --customize-hook='cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"' \
        --customize-hook='printf "%s\n" "$PIP_CONF" >"$1/etc/pip.conf"' \
        "$suite" - ${mirror:+"$mirror"} 2>"$log" | "$docker" import --change 'CMD ["python3"]' - "$tag" >/dev/null \
        || { tail -n 5 "$log" >&2; exit 1; }
    rm "$log"
    "$docker" run --rm --network none "$tag" "python$version" --version >/dev/null \
        || { "$docker" image rm "$tag" >/dev/null; echo "base_images.sh: $suite has no Python $version" >&2; exit 1; }
}

pip_settings() {
    local index
    index=$(python3 -m pip config get global.index-url 2>/dev/null || true)
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n%s' "${index:+index-url = $index}"
}

# The packages of all servers, installed once.
make_servers_image() {
    "$docker" build --quiet --network host --tag "$servers" - >/dev/null <<DOCKERFILE
FROM $(tags | grep -m 1 '^python:')
RUN apt-get update -qq && { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    redis-server redis-tools caddy libcap2-bin prometheus wget >/tmp/log 2>&1 || { tail -n 5 /tmp/log; exit 1; }; } \
    && rm -rf /tmp/log /var/lib/apt/lists/*
DOCKERFILE
}

# An image of one server: its packages and further instructions of a Dockerfile.
make_server_image() {
    exists "$servers" || make_servers_image
    printf 'FROM %s\n%s\n' "$servers" "$2" | "$docker" build --quiet --tag "$1" - >/dev/null
}

make_image() {
    case "$1" in
        python:*) make_python_image "$1" ;;
        valkey/valkey:*)
            make_server_image "$1" '
RUN ln -s redis-server /usr/bin/valkey-server && ln -s redis-cli /usr/bin/valkey-cli \
    && groupadd --gid 1000 valkey && useradd --uid 999 --non-unique --gid 1000 --no-create-home valkey && install -d -o 999 -g 1000 /data
VOLUME /data
WORKDIR /data
CMD ["valkey-server"]' ;;
        caddy:*)
            # The real binary has this capability, too.
            make_server_image "$1" '
RUN setcap cap_net_bind_service=+ep /usr/bin/caddy
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]' ;;
        prom/prometheus:*)
            make_server_image "$1" '
RUN install -d -o nobody -g nogroup /prometheus
USER nobody
VOLUME /prometheus
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]' ;;
        *) echo "$1: no substitute"; return 0 ;;
    esac
    echo "$1: made"
}

# The others are built on the image of Python, so it comes first.
for tag in $(tags | grep '^python:') $(tags | grep -v '^python:'); do
    exists "$tag" || make_image "$tag"
done
