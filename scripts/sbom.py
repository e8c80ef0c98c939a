"""Write the bill of materials that the wheel carries: ``make sbom``."""

from scripts import tool


def main(arguments: list[str]) -> int:
    """Write it with the development packages; return 0 if that went well."""
    return tool.main(["-m", "scripts.bill", *arguments])
