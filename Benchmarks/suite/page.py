"""The pages of docs that benchmarks write parts of."""

import re


def replace(page: str, name: str, lines: list[str]) -> str:
    """The page with other text between the two markers <!-- measured: NAME --> and <!-- end -->."""
    pattern = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text = "\n".join(lines).strip()
    page, count = pattern.subn(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page)
    if count != 1:
        raise SystemExit(f"there must be one <!-- measured: {name} --> … <!-- end --> in the page, not {count}")
    return page
