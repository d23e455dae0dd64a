"""Builds the C library and the command with the Swift toolchain of this checkout, and packs both.

What they link of Swift is inside them, so that a machine without Swift can use them. The library leaves SQLite
outside: in one process there must be only one (https://www.sqlite.org/howtocorrupt.html, section 2.2.1).
"""

import re
import shutil
import subprocess
from pathlib import Path

# setuptools first: it brings distutils where Python has none.
from setuptools import Distribution, setup  # isort: skip
from distutils.command.build_scripts import build_scripts

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

PACKAGE = Path(__file__).resolve().parent
REPOSITORY = PACKAGE.parent
BUILD = REPOSITORY / ".build-wheel"
LIBRARY = BUILD / "release" / "libgradlog-c.so"
COMMAND = BUILD / "release" / "gradlog"


def build(product: str, *linker: str) -> None:
    """Builds a product that needs no Swift where it runs."""
    if not shutil.which("swift"):
        raise SystemExit(
            "gradlog: swift is missing; install Swift 6.2 or later from https://swift.org/install, "
            "or install a wheel of gradlog-recorder"
        )
    # --static-swift-stdlib is for executables only; the compiler's own flag is for libraries too.
    flags = ["-Xswiftc", "-static-stdlib"] + [flag for option in linker for flag in ("-Xlinker", option)]
    command = ["swift", "build", "--package-path", REPOSITORY, "--scratch-path", BUILD, "-c", "release"]
    subprocess.run([*command, "--product", product, *flags], check=True)


def strip(source: Path, target: Path) -> None:
    """Copies a program or library without what only a debugger reads."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    subprocess.run(["strip", "--strip-unneeded", "-o", target, source], check=True)
    target.chmod(0o755)


def system_library(name: str) -> Path:
    """Where the linker finds a library."""
    found = subprocess.run(["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True)
    path = Path(found.stdout.strip())
    if not path.is_absolute():
        raise SystemExit(f"gradlog: {name} is missing; install it: apt-get install libsqlite3-dev")
    return path


class BuildPackage(build_py):
    """Adds the library and the questions to the modules."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            # The checkout is used as it is: scripts/python has put the library there.
            return
        target = Path(self.build_lib) / "gradlog"
        # Only the functions of gradlog.h are seen from outside: another Swift in the process stays apart.
        build("gradlog-c", f"--version-script={PACKAGE / 'exports.map'}", "--gc-sections")
        strip(LIBRARY, target / "_native" / LIBRARY.name)
        # For a machine where SQLite is no library that programs share.
        shutil.copy(system_library("libsqlite3.so.0"), target / "_native" / "libsqlite3.so.0")
        shutil.copytree(
            REPOSITORY / "queries",
            target / "queries",
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("*.swift", "*.md"),
        )


class BuildCommand(build_scripts):
    """Builds the command, which setuptools would otherwise take for a text."""

    def run(self) -> None:
        Path(self.build_dir).mkdir(parents=True, exist_ok=True)
        if self.get_finalized_command("build_py").editable_mode:
            return
        # A folder with nothing but the archive: the linker finds that before the shared library.
        archives = BUILD / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        shutil.copy(system_library("libsqlite3.a"), archives)
        build("gradlog", f"-L{archives}", "--gc-sections")
        strip(COMMAND, Path(self.build_dir) / COMMAND.name)


class BuildWheel(bdist_wheel):
    """Tags the wheel for every Python 3 on this processor, and the oldest C library that will do."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> tuple[str, str, str]:
        _, _, platform = super().get_tag()
        needed = [
            int(minor)
            for minor in re.findall(rb"GLIBC_2\.(\d+)\0", LIBRARY.read_bytes() + COMMAND.read_bytes())
        ]
        return "py3", "none", platform.replace("linux_", f"manylinux_2_{max(needed)}_", 1)


class BinaryDistribution(Distribution):
    """Says that the wheel is not for every machine, although no Python module is compiled."""

    def has_ext_modules(self) -> bool:
        return True


setup(
    distclass=BinaryDistribution,
    # Only says that there is a command; BuildCommand makes it.
    scripts=["gradlog-command"],
    cmdclass={"build_py": BuildPackage, "build_scripts": BuildCommand, "bdist_wheel": BuildWheel},
)
