"""Print, as pip constraints, the lowest version that pyproject.toml allows of each library that Lapel runs on."""

import tomllib
from pathlib import Path

EXTRAS = ("axis", "cluster", "evidence", "fleet", "s3")


def lowest_versions(pyproject: Path) -> list[str]:
    """One `name==version` for each `name>=version` among the requirements of the package and the extras it runs on."""
    project = tomllib.loads(pyproject.read_text())["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + [one for name in EXTRAS for one in extras[name]]
    return sorted({requirement.split(",")[0].replace(">=", "==") for requirement in requirements})


if __name__ == "__main__":
    print(*lowest_versions(Path(__file__).parents[1] / "pyproject.toml"), sep="\n")
