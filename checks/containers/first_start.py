"""Builds and starts the stack as docs/operations.md tells a newcomer, and looks at what runs."""

import json
from typing import Final

from packaging.utils import canonicalize_name

from checks.containers.stack import ROOT, TAG, ContainerStack, expect
from checks.containers.users import converse, photo
from checks.release.sbom import read_components
from samples.demo import render_samples

BUILT: Final = ("worker", "bot", "flower", "exporter", "simulator")
SERVICES: Final = ("ledger", "image-store", "worker", "bot", "flower", "simulator")

#: Bytes that an image may add to its base image, except the worker's, which is limited as a whole.
_MAX_ADDED_BYTES: Final = 300 * 10**6
_MAX_WORKER_BYTES: Final = 700 * 10**6


def prepare(stack: ContainerStack) -> str:
    """Copy the checkout. An engine that was started here gets substitutes for the images of registries."""
    stack.copy_checkout()
    stack.remove()  # What a run with --keep left.
    stack.run("deploy/make-secrets")
    if stack.uses_own_engine:
        return ", ".join(stack.run(str(ROOT / "checks/containers/base_images.sh"), timeout_s=1800).splitlines())
    stack.docker("pull", "--quiet", _base_image(stack))  # A build alone does not let the engine tell its size.
    return "images of registries"


def build_images(stack: ContainerStack) -> str:
    """Build each image. The build imports all modules that the image's commands can reach."""
    stack.compose("--profile", "*", "build", *BUILT, timeout_s=1800)
    base, added = stack.inspect(_base_image(stack))["Size"], {}
    for service, (image, _) in stack.built_images().items():
        described = stack.inspect(image)
        added[service] = described["Size"] - base
        limit = _MAX_WORKER_BYTES if service == "worker" else _MAX_ADDED_BYTES + base
        expect(
            described["Size"] <= limit,
            f"the image of {service} has {described['Size'] / 1e6:.0f} MB, at most {limit / 1e6:.0f} MB are allowed",
        )
        labels = described["Config"]["Labels"]
        for name, value in {"version": TAG, "revision": stack.revision, "licenses": "MIT"}.items():
            label = f"org.opencontainers.image.{name}"
            expect(labels.get(label) == value, f"the image of {service} has the label {label}={labels.get(label)}")
    sizes = ", ".join(f"{service} +{size / 1e6:.0f}" for service, size in added.items())
    return f"MB over the base image of {base / 1e6:.0f}: {sizes}"


def compare_bills_of_materials(stack: ContainerStack) -> str:
    """An image contains the packages that its bill of materials lists, pip and this project, and nothing else."""
    listing = (
        "import platform; from importlib.metadata import distributions;"
        "print(platform.python_version(), *(f'{item.name}=={item.version}' for item in distributions()))"
    )
    for service, (image, role) in stack.built_images().items():
        output = stack.docker("run", "--rm", "--network", "none", image, "python", "-c", listing)
        # A substitute of the base image has another patch release of Python than the bill of a release assumes.
        python, *installed = output.split()
        found = {f"{canonicalize_name(name)}=={version}" for name, _, version in (x.partition("==") for x in installed)}
        components = read_components(stack.checkout / f"deploy/requirements/{role}.txt", python)
        listed = {f"{canonicalize_name(item.name)}=={item.version}" for item in components}
        others = {item.partition("==")[0] for item in found - listed}
        expect(not listed - found, f"the image of {service} lacks {listed - found}")
        expect(others == {"melanoma-classification-service", "pip"}, f"the image of {service} has {found - listed}")
    return f"{len(BUILT)} images"


def _base_image(stack: ContainerStack) -> str:
    lines = (stack.checkout / "deploy/Dockerfile").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("FROM ")).split()[1]


def start_stack(stack: ContainerStack) -> str:
    """Start everything, and wait until each container is healthy."""
    stack.compose("up", "--detach", "--no-build")
    stack.wait_until_healthy(*SERVICES)
    return ", ".join(SERVICES)


def check_containers_are_restricted(stack: ContainerStack) -> str:
    """No root, no writable root file system, no new privileges, a memory limit; workers reach nothing outside."""
    for service in SERVICES:
        (container, *_) = stack.containers(service)
        described = stack.inspect(container)
        host = described["HostConfig"]
        user = stack.docker("exec", container, "id", "-u").strip()
        expect(user != "0", f"{service} runs as root")
        expect(host["ReadonlyRootfs"], f"the root file system of {service} is writable")
        expect("no-new-privileges:true" in host["SecurityOpt"], f"{service} may gain privileges")
        expect(host["CapDrop"] == ["ALL"], f"{service} keeps capabilities")
        expect(host["Memory"] > 0, f"{service} has no memory limit")
    for service, expected in (("worker", False), ("ledger", False), ("image-store", False), ("bot", True)):
        (container, *_) = stack.containers(service)
        networks = stack.inspect(container)["NetworkSettings"]["Networks"]
        inspected = [json.loads(stack.docker("network", "inspect", network))[0] for network in networks]
        # The engine forwards nothing out of an internal network.
        reaches_out = any(not network["Internal"] for network in inspected)
        expect(reaches_out is expected, f"{service} {'can' if reaches_out else 'cannot'} reach out of its networks")
    return f"{len(SERVICES)} services"


def converse_with_the_bot(stack: ContainerStack) -> str:
    """A user starts the bot, agrees and sends a photograph."""
    answer = converse(stack)
    expect("%" in answer, f"the answer names no probability: {answer[:200]}")
    return answer.splitlines()[0]


def submit_a_folder(stack: ContainerStack) -> str:
    """Classify a folder with the command in the operator's image."""
    folder, results = stack.home / "photographs", stack.home / "results"
    render_samples(folder, count=12)
    (folder / "large.jpg").write_bytes(photo(7))
    results.mkdir()
    results.chmod(0o777)
    mounts = ("--volume", f"{folder}:/photographs:ro", "--volume", f"{results}:/results")
    command = ("melanoma-submit", "/photographs", "--out", "/results/run")
    stack.compose("--profile", "monitoring", "run", "--rm", *mounts, "exporter", *command)
    rows = (results / "run/results.jsonl").read_text(encoding="utf-8").splitlines()
    files = [path for path in folder.iterdir() if path.is_file()]
    expect(len(rows) == len(files), f"{len(files)} files gave {len(rows)} rows")
    return f"{len(rows)} rows"


def run_the_doctor(stack: ContainerStack) -> str:
    """The operator's first question is answered with yes."""
    output = stack.ops("doctor")
    return f"{len(output.strip().splitlines())} lines, exit code 0"


def read_help_of_each_command(stack: ContainerStack) -> str:
    """Each command of an image starts in it."""
    commands = {
        "worker": (("melanoma-worker",),),
        "bot": (("melanoma-bot",),),
        "flower": (("melanoma-local", "flower"),),
        "simulator": (("melanoma-simulator",),),
        "exporter": (("melanoma-ops",), ("melanoma-submit",)),
    }
    for service, names in commands.items():
        for name in names:
            stack.compose("--profile", "*", "run", "--rm", "--no-deps", service, *name, "--help")
    return f"{sum(map(len, commands.values()))} commands"


def look_at_the_worker_s_cores(stack: ContainerStack) -> str:
    """A worker uses the cores that its CPU quota allows."""
    cores, image = {}, stack.images()["worker"]
    for quota in ("0.5", "1", "2"):
        code = "from shared.config.usable_cores import usable_cores; print(usable_cores())"
        cores[quota] = int(stack.docker("run", "--rm", "--cpus", quota, image, "python", "-c", code))
    expect(cores["0.5"] == 1, f"with half a core the worker uses {cores['0.5']}")
    expect(cores["1"] == 1, f"with one core the worker uses {cores['1']}")
    expect(cores["2"] <= 2, f"with two cores the worker uses {cores['2']}")
    return ", ".join(f"--cpus {quota}: {count}" for quota, count in cores.items())
