"""The pages of docs/ → the website in site/: gathers the pages in build/docs, then runs Zensical, strictly.

    python docs/build.py

Links between pages stay as they are. Files outside docs/ that a page links to become pages too, so that the
site is complete without a network or a host for the code: Markdown as Markdown, other text as a listing. The
playground is included if `make vendor` has put it together. Two pages of the reference are made here, from
the JavaScript types and from the output of `nextword --help`; mkdocstrings makes the one for Python.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = Path("docs")
STAGED = Path("build/docs")
PLAYGROUND = ROOT / "playground"  # embedded in pages, if `make vendor` has put it together
CODE = "code"  # the folder of the site for files outside docs/

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^(```.*?^```|~~~.*?^~~~)", re.DOTALL | re.MULTILINE)
_EXPORT = re.compile(
    r"(?:/\*\*((?:(?!\*/).)*)\*/\n)?export (class|interface|function|type|const) (\w+)", re.DOTALL
)
# A member of a class or interface: its comment, and its declaration of one or more lines.
_MEMBER = re.compile(r"^  (?:/\*\*((?:(?!\*/).)*)\*/\n  )?(\w.*?;)\n", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(r"^::: (js/\w+\.d\.ts|nextword --help)$", re.MULTILINE)
_NO_PAGES = {"build.py", "README.md"}
_COURSE = DOCS / "learn"  # its pages and pictures go to the site, and the files that they link to
_PICTURES = {".png", ".svg"}
_LEXERS = {".d.ts": "typescript", ".js": "javascript", ".mjs": "javascript", ".py": "python", ".yaml": "yaml"}
_LEXERS |= {".lock": "yaml", ".html": "html", ".cpp": "cpp", ".toml": "toml"}


class BrokenLinkError(Exception):
    """A page links to a file that does not exist."""


def main() -> int:
    """Builds the site; the exit status is Zensical's."""
    shutil.rmtree(ROOT / STAGED, ignore_errors=True)
    try:
        gather()
    except BrokenLinkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if not status and (PLAYGROUND / "vendor/files.txt").is_file():
        hidden = shutil.ignore_patterns(".*", "*.py")
        shutil.copytree(PLAYGROUND, ROOT / "site" / PLAYGROUND.name, ignore=hidden)
    return status


def gather() -> None:
    """Writes the site's pages, and what they link to, into build/docs.

    **Raises:** `BrokenLinkError`.
    """
    waiting = [path.relative_to(ROOT) for path in sorted((ROOT / DOCS).rglob("*")) if path.is_file()]
    waiting = [path for path in waiting if path.name not in _NO_PAGES and "__pycache__" not in path.parts]
    waiting = [path for path in waiting if _COURSE not in path.parents or _is_page(path)]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        target = ROOT / STAGED / place_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text, linked = relinked((ROOT / path).read_text(encoding="utf-8"), path)
            target.write_text(_DIRECTIVE.sub(_made, text), encoding="utf-8")
            waiting += linked - seen
            seen |= linked
        elif path.suffix in _PICTURES or (DOCS in path.parents and _COURSE not in path.parents):
            shutil.copy(ROOT / path, target)
        else:
            target.write_text(listing(path), encoding="utf-8")


def place_of(path: Path) -> str:
    """The path of a file of the repository among the pages of the site."""
    if DOCS in path.parents and (_COURSE not in path.parents or _is_page(path)):
        return path.relative_to(DOCS).as_posix()
    return f"{CODE}/{path.as_posix()}" if _is_page(path) else f"{CODE}/{path.as_posix()}.md"


def _is_page(path: Path) -> bool:
    """Whether a file goes to the site unchanged: a page or a picture."""
    return path.suffix == ".md" or path.suffix in _PICTURES


def relinked(text: str, page: Path) -> tuple[str, set[Path]]:
    """A page with its links pointing to their targets on the site, and these targets.

    **Raises:** `BrokenLinkError`.
    """
    linked: set[Path] = set()

    def moved(link: re.Match[str]) -> str:
        target = Path(posixpath.normpath(page.parent / link[1]))
        if not (ROOT / target).is_file():
            raise BrokenLinkError(f"{page} links to {link[1]}, which is no file")
        linked.add(target)
        folder = posixpath.dirname(place_of(page))
        return posixpath.relpath(place_of(target), folder or ".") + (link[2] or "")

    parts = _FENCE.split(text)  # code is left unchanged
    parts[::2] = [_LINK.sub(moved, part) for part in parts[::2]]
    return "".join(parts), linked


def listing(path: Path) -> str:
    """A text file as a page."""
    text = (ROOT / path).read_text(encoding="utf-8")
    lexer = next((name for ending, name in _LEXERS.items() if path.name.endswith(ending)), "text")
    return (
        f"---\nsearch:\n  exclude: true\n---\n\n# {path.as_posix()}\n\n~~~~{lexer}\n{text.rstrip()}\n~~~~\n"
    )


def _made(directive: re.Match[str]) -> str:
    if directive[1] == "nextword --help":
        return command_reference()
    return javascript_reference((ROOT / directive[1]).read_text(encoding="utf-8"))


def command_reference() -> str:
    """The help texts of the command and its subcommands."""
    whole = _help()
    commands = re.findall(r"^    (\w+) ", whole, re.MULTILINE)
    parts = [("nextword", whole), *((f"nextword {name}", _help(name)) for name in commands)]
    return "\n".join(f"## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in parts)


def _help(*command: str) -> str:
    program = "import os; os.environ['COLUMNS'] = '84'; from nextword.command.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *command, "--help"], capture_output=True, text=True, check=True
    ).stdout


def javascript_reference(types: str) -> str:
    """The exported declarations of a TypeScript file, each with its comment and members."""
    found = list(_EXPORT.finditer(types))
    ends = [one.start() for one in found[1:]] + [len(types)]
    return "\n".join(_declaration(one, types[one.end() : end]) for one, end in zip(found, ends, strict=True))


def _declaration(export: re.Match[str], rest: str) -> str:
    comment, kind, name = export.groups()
    code = f"{kind} {name}{rest}".rstrip()
    heading = f"## {name}\n\n{_prose(comment)}\n"
    if kind == "class":
        parts = [f"```typescript\n{code.partition(' {')[0]}\n```\n"]
        for comment, member in _MEMBER.findall(code):
            title = f"### {name}.{_name(member)}"
            parts.append(f"{title}\n\n```typescript\n{_dedented(member)}\n```\n\n{_prose(comment)}")
        return heading + "\n".join(parts)
    commented = [(_name(member), _prose(comment)) for comment, member in _MEMBER.findall(code) if comment]
    members = [f"- `{member}`: {' '.join(text.split())}" for member, text in commented]
    code = re.sub(r"^  /\*\*.*?\*/\n", "", code, flags=re.DOTALL | re.MULTILINE)
    return heading + "\n".join([f"```typescript\n{code}\n```\n", *members, ""])


def _name(member: str) -> str:
    """The name of a member of a class or interface."""
    return re.sub(r"^((static|readonly|async|get) )*(\w+).*", r"\3", member, flags=re.DOTALL)


def _dedented(member: str) -> str:
    return re.sub(r"^  ", "", member, flags=re.MULTILINE)


def _prose(comment: str | None) -> str:
    """A JSDoc comment as Markdown."""
    text = re.sub(r"^[ \t]*\* ?", "", (comment or "").strip(), flags=re.MULTILINE)
    text = re.sub(r"^@param (\w+) ", r"- `\1`: ", text, flags=re.MULTILINE)
    text = re.sub(r"^@returns? ", "\n**Returns:** ", text, flags=re.MULTILINE)
    return re.sub(r"^@throws ", "\n**Throws:** ", text, flags=re.MULTILINE) + "\n"


if __name__ == "__main__":
    sys.exit(main())
