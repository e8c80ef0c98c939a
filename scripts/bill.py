"""Write the bill of materials of the wheel, in CycloneDX: what it is, and what it asks for.

It is made of pyproject.toml alone and is the same each time. The wheel holds no code of others, so
what is listed beside the package is what an installer brings: named with the versions that will do,
not with one that happened to be there. Runs with the development packages (``make sbom``).
"""

import json
import re
import tomllib
import uuid
from pathlib import Path
from typing import Any

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.environment import ROOT

PATH = ROOT / "sbom" / "django-live-operations.cdx.json"

# Under what each package that a site may install is licensed, as its own metadata say.
LICENCES = {
    "celery": "BSD-3-Clause",
    "channels": "BSD-3-Clause",
    "channels-redis": "BSD-3-Clause",
    "daphne": "BSD-3-Clause",
    "django": "BSD-3-Clause",
    "django-htmx": "MIT",
    "django-tasks": "BSD-3-Clause",
    "opentelemetry-api": "Apache-2.0",
    "prometheus-client": "Apache-2.0 AND BSD-2-Clause",
    "reverse-argparse": "BSD-3-Clause",
    "rich": "MIT",
    "tenacity": "Apache-2.0",
}

# What only this repository needs is no part of what is shipped.
OWN_EXTRAS = {"dev", "docs", "example", "lint", "node", "test"}

_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def project(root: Path = ROOT) -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml, with the version."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    found = _VERSION.search((root / "liveops" / "__init__.py").read_text(encoding="utf-8"))
    assert found is not None  # noqa: S101  (the wheel could not be built either)
    return {**table, "version": found[1]}


def bill(table: dict[str, Any]) -> str:
    """Return the bill of a project, as JSON.

    Raises:
        KeyError: a requirement has no licence here.
    """
    name, version = table["name"], table["version"]
    root = Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        description=table["description"],
        licenses=[LicenseExpression(table["license"])],
        purl=PackageURL("pypi", name=name, version=version),
        bom_ref=name,
    )
    needed = [_component(text) for text in table["dependencies"]]
    optional = [
        _component(text, extra)
        for extra, texts in table["optional-dependencies"].items()
        if extra not in OWN_EXTRAS
        for text in texts
    ]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, str(root.purl))
    metadata = BomMetaData(component=root)
    parts = Bom(serial_number=serial, metadata=metadata, components=[*needed, *optional])
    parts.register_dependency(root, [*needed, *optional])
    written = make_outputter(parts, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    document: dict[str, Any] = json.loads(written)
    # When it was written says nothing of what is in it, and would differ each time.
    del document["metadata"]["timestamp"]
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _component(text: str, extra: str = "") -> Component:
    requirement = Requirement(text)
    name = canonicalize_name(requirement.name)
    asked = {"requirement": str(requirement), **({"extra": extra} if extra else {})}
    return Component(
        name=name,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.OPTIONAL if extra else ComponentScope.REQUIRED,
        licenses=[LicenseExpression(LICENCES[name])],
        purl=PackageURL("pypi", name=name),
        bom_ref=name,
        properties=[Property(name=f"python:{key}", value=value) for key, value in asked.items()],
    )


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(bill(project()), encoding="utf-8")
    print(f"Wrote {PATH.relative_to(ROOT)}")
