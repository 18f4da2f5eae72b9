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

tags() { sed -nE 's/^ *image: *//p; s/^FROM +([^ ]+).*/\1/p' docker-compose.yml deploy/Dockerfile | grep -v '^melanoma-' | sort -u; }

# Debian with its Python, and with the settings by which this machine reaches its package index.
python_image() {
    local tag=$1 root suite version mirror index
    suite=${tag##*-}
    version=$(cut -d. -f1,2 <<<"${tag#*:}")
    # shellcheck disable=SC2016 # a variable of apt-get
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    root=$(mktemp -d /tmp/base.XXXXXX)
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv \
        "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; exit 1; }
    [ -x "$root/usr/bin/python$version" ] || { echo "base_images.sh: $suite has no Python $version" >&2; exit 1; }
    ln -s python3 "$root/usr/bin/python"
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    { echo "[global]"; echo "cert = /etc/ssl/certs/ca-certificates.crt"; } >"$root/etc/pip.conf"
    index=$(python3 -m pip config get global.index-url 2>/dev/null || true)
    [ -z "$index" ] || echo "index-url = $index" >>"$root/etc/pip.conf"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    tar -C "$root" -c . | "$docker" import --change 'CMD ["python3"]' - "$tag" >/dev/null
    rm -rf "$root" "$root.log"
}

# An image with packages of Debian and further instructions of a Dockerfile.
debian_image() {
    local tag=$1 packages=$2 instructions=$3 base
    base=$(tags | awk '/^python:/ && !found++')
    "$docker" build --quiet --network host --tag "$tag" - >/dev/null <<DOCKERFILE
FROM $base
RUN apt-get update -qq && { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    $packages >/tmp/log 2>&1 || { tail -n 5 /tmp/log; exit 1; }; } && rm -rf /tmp/log /var/lib/apt/lists/*
$instructions
DOCKERFILE
}

make_image() {
    case "$1" in
        python:*) python_image "$1" ;;
        valkey/valkey:*)
            debian_image "$1" "redis-server redis-tools" '
RUN ln -s redis-server /usr/bin/valkey-server && ln -s redis-cli /usr/bin/valkey-cli \
    && groupadd --gid 1000 valkey && useradd --uid 999 --gid 1000 --no-create-home valkey && install -d -o 999 -g 1000 /data
VOLUME /data
WORKDIR /data
CMD ["valkey-server"]' ;;
        caddy:*)
            # The real binary has this capability, too.
            debian_image "$1" "caddy libcap2-bin wget" '
RUN setcap cap_net_bind_service=+ep /usr/bin/caddy
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]' ;;
        prom/prometheus:*)
            debian_image "$1" "prometheus wget" '
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
    "$docker" image inspect "$tag" >/dev/null 2>&1 || make_image "$tag"
done
