"""`make audit`: has a pinned requirement a known vulnerability? Asked of pip-audit.

pip-audit takes silence for innocence: where an advisory service cannot be reached, or knows none of our packages, it
finds nothing and is content. So a package with known vulnerabilities is asked about first. Only a service that names
them is believed; without one nothing is audited, and that is said.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

#: Its hole out of the sandbox (CVE-2019-10906) is known to every service since 2019.
_KNOWN_VULNERABLE: Final = "jinja2==2.10"

_SERVICES: Final = ("pypi", "osv")

_PIP_AUDIT: Final = (sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off", "-f", "json")


def main() -> int:
    """Audit the files of pinned requirements; 0 for nothing found or nobody to ask, 1 for a finding."""
    parser = argparse.ArgumentParser(description="Ask whether pinned requirements have known vulnerabilities.")
    parser.add_argument("files", nargs="+", type=Path, help="requirements, pinned with hashes")
    parser.add_argument("--ignore-vuln", action="append", default=[], help="an advisory that does not concern us")
    parser.add_argument("--osv-url", help="another address of OSV; then no other service is asked")
    asked = parser.parse_args()
    services = [["-s", "osv", "--osv-url", asked.osv_url]] if asked.osv_url else [["-s", name] for name in _SERVICES]
    service = next((one for one in services if _is_usable(one)), None)
    if service is None:
        print(
            f"NOT AUDITED: no advisory service answers from here (asked about {_KNOWN_VULNERABLE}, which is known to be"
            " vulnerable, and heard nothing). Whether a requirement is vulnerable is not known; run `make audit` where"
            " PyPI or osv.dev can be reached."
        )
        return 0
    ignored = [part for id_ in asked.ignore_vuln for part in ("--ignore-vuln", id_)]
    audited = _audit([*service, *ignored], asked.files)
    if audited is None:
        print("the audit stopped half-way, see above: run it again", file=sys.stderr)
        return 1
    return _report(audited)


def _report(packages: list[dict[str, Any]]) -> int:
    """Say what was found, each once however many files ask for it."""
    found = {
        f"{one['name']} {one['version']}: {vulnerability['id']}, mended in"
        f" {', '.join(vulnerability['fix_versions']) or 'no release yet'}"
        for one in packages
        for vulnerability in one.get("vulns", ())
    }
    unknown = {f"{one['name']}: not audited ({one['skip_reason']})" for one in packages if "skip_reason" in one}
    for line in sorted(found | unknown):
        print(line)
    names = {one["name"] for one in packages}
    print(f"{len(names)} packages audited, {len(found)} vulnerabilities, {len(unknown)} packages that nobody knows")
    return int(bool(found | unknown))


def _is_usable(service: Sequence[str]) -> bool:
    """Whether a service names the vulnerabilities of a package that has some."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "vulnerable.txt"
        file.write_text(_KNOWN_VULNERABLE + "\n")
        audited = _audit([*service, "--no-deps"], [file], quiet=True)
    return any(one.get("vulns") for one in audited or ())


def _audit(options: Sequence[str], files: Sequence[Path], *, quiet: bool = False) -> list[dict[str, Any]] | None:
    """What pip-audit says of each package; None where it could not finish."""
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
