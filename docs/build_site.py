"""Build the documentation as a site, in build/site: `make site`.

The pages are those of docs/ and, from elsewhere, README.md as the home page, SECURITY.md and
others. They are copied together first, so that their links hold: on GitHub to where a file is in
the repository, on the site to where it is there. docs/zensical.toml has the navigation.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pages import ROOT, links, pages, pictures, read

BUILD = ROOT / "build"
CONFIG = ROOT / "docs" / "zensical.toml"


def place_of(page: str) -> str:
    """Return where a page or a file of the repository stands on the site."""
    if page == "README.md":
        return "index.md"
    name = Path(page).name
    if name == "README.md":
        return f"{Path(page).parent.name}.md"
    return name.lower() if name.endswith(".md") else f"files/{name.removeprefix('.')}"


def gather(folder: Path) -> None:
    """Copy the pages, their pictures and the files to which they link into a folder.

    ValueError: a link leads to no file of the repository.
    """
    known = pages()
    for page in known:
        text = read(page)
        for link in links(page):
            place = place_of(link.name)
            if link.name not in known:
                if not link.file.is_file():
                    raise ValueError(f"{page}: the link to {link.target} leads nowhere")
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(link.file, folder / place)
            if not link.target.startswith("#"):
                anchor = f"#{link.anchor}" if link.anchor else ""
                text = text.replace(f"]({link.target})", f"]({place}{anchor})")
        for address, file in pictures(page).items():
            place = place_of(file.name)
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / place)
            text = text.replace(f'"{address}"', f'"{place}"')
        (folder / place_of(page)).write_text(text)


def build(folder: Path = BUILD) -> None:
    """Build the site in `folder/site`. CalledProcessError: with a warning, which it prints."""
    shutil.rmtree(folder / "docs", ignore_errors=True)
    shutil.rmtree(folder / "site", ignore_errors=True)
    (folder / "docs").mkdir(parents=True)
    shutil.copy(CONFIG, folder / CONFIG.name)
    gather(folder / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    subprocess.run([*command, "-f", str(folder / CONFIG.name)], check=True)


if __name__ == "__main__":
    try:
        build()
    except (ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"site: {error}")
    site = (BUILD / "site").relative_to(ROOT)
    print(f"the site is in {site}: open index.html, or python -m http.server -d {site}")
