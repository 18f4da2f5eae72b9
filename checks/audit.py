"""`make audit`: checks pinned requirements for known vulnerabilities with pip-audit.

If pip-audit cannot reach an advisory service, or the service knows none of our packages, it reports no vulnerability
and succeeds. Therefore each service is first asked about a package with known vulnerabilities, and only one that
reports them is used. If there is none, nothing is audited, and the output says so.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

#: A package whose sandbox escape (CVE-2019-10906) is known to every service since 2019.
_KNOWN_VULNERABLE: Final = "jinja2==2.10"

_SERVICES: Final = ("pypi", "osv")

_PIP_AUDIT: Final = (sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "-f", "json")


def main() -> int:
    """Audit files of pinned requirements.

    Returns:
        The exit code: 1 for a finding, a package that the service does not know, or a failed audit; 0 for none of
        these, or if no advisory service is usable.
    """
    parser = argparse.ArgumentParser(description="Check pinned requirements for known vulnerabilities.")
    parser.add_argument("files", nargs="+", type=Path, help="requirements, pinned with hashes")
    parser.add_argument("--ignore-vuln", action="append", default=[], help="id of an advisory that does not concern us")
    parser.add_argument("--osv-url", help="another address of OSV; no other service is used then")
    options = parser.parse_args()
    services = (
        [["-s", "osv", "--osv-url", options.osv_url]] if options.osv_url else [["-s", name] for name in _SERVICES]
    )
    service = next((candidate for candidate in services if _is_usable(candidate)), None)
    if service is None:
        print(
            "NOT AUDITED: no advisory service answers from here (none reported the known vulnerabilities of"
            f" {_KNOWN_VULNERABLE}). Requirements may be vulnerable; run `make audit` where PyPI or osv.dev can be"
            " reached."
        )
        return 0
    ignored = [part for id_ in options.ignore_vuln for part in ("--ignore-vuln", id_)]
    packages = _run_pip_audit([*service, *ignored], options.files)
    if packages is None:
        print("the audit failed, see above: run it again", file=sys.stderr)
        return 1
    return _report(packages)


def _report(packages: list[dict[str, Any]]) -> int:
    """Print each finding once, however many files require the package; returns the exit code."""
    vulnerable = {
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in"
        f" {', '.join(vulnerability['fix_versions']) or 'no release yet'}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    }
    skipped = {
        f"{package['name']}: not audited ({package['skip_reason']})" for package in packages if "skip_reason" in package
    }
    for line in sorted(vulnerable | skipped):
        print(line)
    names = {package["name"] for package in packages}
    print(f"{len(names)} packages audited, {len(vulnerable)} vulnerabilities, {len(skipped)} unknown packages")
    return int(bool(vulnerable | skipped))


def _is_usable(service: Sequence[str]) -> bool:
    """True if a service reports the vulnerabilities of a package that is known to have some."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "vulnerable.txt"
        file.write_text(_KNOWN_VULNERABLE + "\n")
        packages = _run_pip_audit([*service, "--no-deps"], [file], quiet=True)
    return any(package.get("vulns") for package in packages or ())


def _run_pip_audit(
    options: Sequence[str], files: Sequence[Path], *, quiet: bool = False
) -> list[dict[str, Any]] | None:
    """pip-audit's result for each package; None if it failed."""
    requirements = [part for file in files for part in ("-r", str(file))]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*_PIP_AUDIT, *options, *requirements],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=False,
    )
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return None


if __name__ == "__main__":
    sys.exit(main())
