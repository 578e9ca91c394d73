"""The four packages are the ones this program was built from, or it does not run.

``ledger``, ``actors`` and ``transport`` are common words: another distribution may have put a package of the same name over
ours, or a directory of that name may lie where Python looks first.  So, before anything else is imported from them:

1. The distribution is the one named ``vienna-runtime`` that this very file belongs to.
2. Each package would be (or was) loaded from the directory where that distribution has it, and from there alone.
3. Where the distribution recorded digests (an installed wheel), each of its modules still has its own, and no module
   lies among them that it did not bring.

An editable install records no digests; there the location is all there is to check.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vienna_runtime.errors import IntruderError

DISTRIBUTION = "vienna-runtime"
PACKAGES = ("vienna_runtime", "actors", "ledger", "transport")


def check_provenance() -> None:
    """Raise ``IntruderError``, naming what is foreign and where it lies, unless all four packages are our own."""
    ours = Path(__file__).resolve()
    for distribution in importlib.metadata.distributions(name=DISTRIBUTION):
        root = _root(distribution)
        if root is not None and root / "vienna_runtime" / ours.name == ours:
            break
    else:
        raise IntruderError(
            f"{ours.parent} does not belong to an installed {DISTRIBUTION}; "
            f"install it into an environment of its own: python -m venv vienna && vienna/bin/pip install {DISTRIBUTION}"
        )
    for package in PACKAGES:
        _check_place(package, root / package)
    _check_content(distribution, root)


def _root(distribution: importlib.metadata.Distribution) -> Path | None:
    """The directory that holds the distribution's packages; ``None`` if it says nothing of them."""
    direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        return Path(unquote(urlsplit(direct["url"]).path)).resolve()
    mine = [file for file in distribution.files or () if file.as_posix() == "vienna_runtime/__init__.py"]
    return Path(str(distribution.locate_file(mine[0]))).resolve().parent.parent if mine else None


def _check_place(package: str, expected: Path) -> None:
    places = _places(package)
    if places != [expected]:
        where = ", ".join(str(place) for place in places) or "nowhere"
        raise IntruderError(
            f"the package {package} would come from {where}, not from {expected}: something else of that name"
            f"{_owner(places)} lies in the way; run {DISTRIBUTION} in an environment and a directory of its own"
        )


def _places(package: str) -> list[Path]:
    loaded = sys.modules.get(package)
    spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(package)
    if spec is None:
        return []
    if spec.submodule_search_locations is None or spec.origin is None:  # a module, or a namespace of scattered parts
        return [Path(place).resolve() for place in spec.submodule_search_locations or [spec.origin or package]]
    return list(dict.fromkeys([Path(spec.origin).resolve().parent, *(Path(place).resolve() for place in spec.submodule_search_locations)]))


def _check_content(distribution: importlib.metadata.Distribution, root: Path) -> None:
    files = [file for file in distribution.files or () if file.suffix == ".py" and file.parts[0] in PACKAGES]
    recorded = {file.as_posix(): file.hash for file in files if file.hash is not None}
    if not recorded:  # an editable install, whose modules are meant to change
        return
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            known = recorded.get(name)
            if known is None:
                raise IntruderError(f"{path} lies among the modules of {DISTRIBUTION} and is none of them{_owner([path])}; install it anew")
            if known.mode != "sha256" or known.value != _digest(path):
                raise IntruderError(f"{path} is not the file that {DISTRIBUTION} brought{_owner([path])}; install it anew, alone")


def _digest(path: Path) -> str:
    """As a wheel's RECORD writes it (PEP 427): base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")


def _owner(places: list[Path]) -> str:
    """Which other distribution brought one of these, for the sentence; looked for only when there is something to say."""
    names = sorted({name for name, file in _foreign_files() if any(file == place or place in file.parents for place in places)})
    return f" (from the distribution {', '.join(names)})" if names else ""


def _foreign_files() -> Iterator[tuple[str, Path]]:
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"] or "?"
        if name != DISTRIBUTION:
            for file in distribution.files or ():
                if file.parts and file.parts[0] in PACKAGES:
                    yield name, Path(str(distribution.locate_file(file))).resolve()
