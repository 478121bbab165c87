"""Reads the sources: rules that no page would show."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[1]
APPS = ("ewaste_portal", "coalition", "knowledge", "dialogue")
TEMPLATES = sorted(
    path for folder in (ROOT, *(ROOT / app for app in APPS)) for path in (folder / "templates").rglob("*.html")
)
STYLESHEETS = sorted((ROOT / "static").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js"))
MODULES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_with(pattern: str, paths: list[Path], *, clean: str = "") -> list[str]:
    """`path:line: text` of each line that matches; what `clean` matches is blanked before."""
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if clean:
            text = re.sub(clean, lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)
        for match in re.finditer(pattern, text, re.IGNORECASE | re.MULTILINE):
            number = text.count("\n", 0, match.start()) + 1
            found.append(f"{relative(path)}:{number}: {match.group().strip()}")
    return found


def test_the_sources_are_found() -> None:
    assert min(len(TEMPLATES), len(MODULES)) > 40
    assert min(len(STYLESHEETS), len(SCRIPTS)) >= 2


# Styles and scripts ------------------------------------------------------------------------------------------------

PHYSICAL = (
    r"^\s*(?:margin|padding|border)-(?:left|right)[\w-]*\s*:|^\s*border-(?:top|bottom)-(?:left|right)-radius\s*:"
    r"|(?:^|[;{])\s*(?:left|right)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)|scroll-(?:margin|padding)-(?:left|right)"
)
COMMENTS = r"/\*.*?\*/"


def test_stylesheets_know_no_left_and_right() -> None:
    assert lines_with(PHYSICAL, STYLESHEETS, clean=COMMENTS) == []


def test_stylesheets_import_nothing_and_overrule_nothing() -> None:
    own = [path for path in STYLESHEETS if path.name != "admin.css"]  # which overrules Django's own

    assert lines_with(r"@import", STYLESHEETS, clean=COMMENTS) == []
    assert (
        lines_with(
            r"!important",
            own,
            clean=COMMENTS + r"|@media print\s*\{.*?\n\}|@media \(prefers-reduced-motion.*?\n\s*\}\s*\n\s*\}",
        )
        == []
    )
    assert (
        lines_with(
            r"url\([^)]*\)", [path for path in STYLESHEETS if re.search(r"/\*[^*]*url\(", path.read_text("utf-8"))]
        )
        == []
    )


def test_stylesheets_and_scripts_name_no_foreign_host() -> None:
    foreign = r"(?:https?:)?//(?!www\.w3\.org/)[a-z0-9-]+\.[a-z]{2,}[^\s\"')]*"

    assert lines_with(foreign, [*STYLESHEETS, *SCRIPTS], clean=COMMENTS + r"|(?<!:)//[^\n]*$") == []


def test_scripts_make_no_code_from_text() -> None:
    assert (
        lines_with(
            r"\beval\(|new Function\(|\.innerHTML\s*\+?=(?!=)|document\.write|\.style\.cssText|setAttribute\(.style",
            SCRIPTS,
        )
        == []
    )


# Templates ---------------------------------------------------------------------------------------------------------


def test_every_blocktranslate_is_trimmed() -> None:
    assert lines_with(r"{%-?\s*blocktrans(?:late)?\b(?![^%]*\btrimmed\b)[^%]*%}", TEMPLATES) == []


def test_templates_have_no_style_script_or_handler_inside() -> None:
    data = r"<script\b[^>]*type=\"application/(?:ld\+)?json\"[^>]*>"

    assert lines_with(r"\sstyle\s*=|<style\b", TEMPLATES) == []
    assert lines_with(r"\son[a-z]+\s*=\s*[\"']", TEMPLATES) == []
    assert lines_with(r"=\s*[\"']?javascript:", TEMPLATES) == []
    assert lines_with(r"<script\b(?![^>]*\bsrc=)[^>]*>", TEMPLATES, clean=data) == []


def test_templates_load_nothing_from_a_foreign_host() -> None:
    assert (
        lines_with(
            r"<(?:script|img|iframe|source|video|audio|object|embed)\b[^>]*\bsrc=[\"'](?:https?:)?//[^\"']*", TEMPLATES
        )
        == []
    )
    assert (
        lines_with(
            r"<link\b[^>]*\brel=[\"']?(?:stylesheet|preload|icon|modulepreload)[^>]*href=[\"'](?:https?:)?//[^\"']*",
            TEMPLATES,
        )
        == []
    )


def test_templates_speak_every_word_through_gettext() -> None:
    """Catches the plain case: letters between two tags that no translation wraps."""
    wrapped = (
        r"{%\s*blocktrans.*?{%\s*endblocktrans.*?%}|{%\s*comment.*?{%\s*endcomment\s*%}|<!--.*?-->|{#.*?#}"
        r"|<(?:code|pre|kbd|svg|script)\b.*?</(?:code|pre|kbd|svg|script)>|{[{%].*?[}%]}|&\w+;"
    )

    assert lines_with(r">[^<>{}]*\b[A-Za-z]{3,}\s+[A-Za-z]{2,}\b[^<>{}]*<", TEMPLATES, clean=wrapped) == []


# Python --------------------------------------------------------------------------------------------------------------

# What stands at the top and may see every part: addresses, sitemaps, the pages of the portal as a whole, commands.
ABOVE = (
    "ewaste_portal/urls.py",
    "ewaste_portal/sitemaps.py",
    "ewaste_portal/views.py",
    "ewaste_portal/reference.py",
    "ewaste_portal/management/",
)
BELOW = {
    "ewaste_portal": {"ewaste_portal"},
    "coalition": {"coalition", "ewaste_portal"},
    "knowledge": {"knowledge", "coalition", "ewaste_portal"},
    "dialogue": {"dialogue", "knowledge", "coalition", "ewaste_portal"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, whole names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_imports_point_one_way_between_the_parts() -> None:
    wrong = [
        f"{relative(path)} imports {module}"
        for path in MODULES
        if not relative(path).startswith(ABOVE)
        for module in imports(path)
        if module.split(".")[0] in APPS and module.split(".")[0] not in BELOW[relative(path).split("/")[0]]
    ]

    assert wrong == []


LAYERS = ("querysets", "models", "permissions", "actions", "forms", "filters", "views", "admin", "urls")


@pytest.mark.parametrize("app", APPS)
def test_imports_point_one_way_within_a_part(app: str) -> None:
    """querysets <- models <- permissions, actions <- forms, filters <- views, admin; at the top of a file."""
    rank = {name: place for place, name in enumerate(LAYERS)}
    rank["actions"], rank["filters"], rank["admin"] = rank["permissions"], rank["forms"], rank["views"]
    wrong = []
    for name in LAYERS:
        path = ROOT / app / f"{name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
        for node in tree.body:  # what stands inside a function or under TYPE_CHECKING is no import at start
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module] if node.module != app else [f"{app}.{alias.name}" for alias in node.names]
                wrong += [
                    f"{name} imports {m}"
                    for m in modules
                    if m.startswith(f"{app}.") and rank.get(m.split(".")[1], -1) > rank[name]
                ]

    assert wrong == []


def test_nothing_is_called_common_or_utils() -> None:
    assert [relative(path) for path in MODULES if path.stem in {"utils", "common", "helpers", "misc"}] == []


def test_nothing_is_printed_and_nothing_is_left_to_do() -> None:
    own = [path for path in MODULES if "migrations" not in path.parts]

    assert lines_with(r"^\s*print\(", own) == []
    assert lines_with(r"\b(?:TODO|FIXME|XXX)\b", [*own, *TEMPLATES, *STYLESHEETS, *SCRIPTS]) == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_every_translated_field_has_a_column_in_every_language() -> None:
    columns = {field.name for field in apps.get_model("knowledge", "Resource")._meta.concrete_fields}

    assert {
        f"{name}_{code}"
        for name in ("title", "subtitle", "summary")
        for code in ("ar", "zh_hans", "en", "fr", "ru", "es")
    } <= columns


# Packages ------------------------------------------------------------------------------------------------------------

REGISTRY = re.compile(
    r"--(?:extra-)?index-url|--find-links|https?://[\w.-]*(?:pypi|pythonhosted|npmjs|artifactory|nexus)[\w.-]*",
    re.IGNORECASE,
)


def test_no_file_names_a_package_registry() -> None:
    kinds = {".txt", ".toml", ".cfg", ".ini", ".yaml", ".yml", ".md", ".py", ".html", ".json", ".css", ".js", ""}
    folders = (".ci", "requirements", "docs", "deploy", "static", "templates", "locale", *APPS)
    files = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in kinds
    ]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.suffix in kinds]
    assert len(files) > 100

    # what forbids the address, in the Makefile and in the recipe that pins, does not name one
    allowed = re.compile(r"--no-emit-(?:index-url|find-links)")
    found = [
        relative(path)
        for path in files
        if REGISTRY.search(allowed.sub("", path.read_text(encoding="utf-8", errors="replace")))
    ]

    assert found == []


def test_each_dependency_says_what_uses_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    declared = [
        *project["dependencies"],
        *(name for names in project["optional-dependencies"].values() for name in names),
    ]

    comments = dict(re.findall(r'^  "([^"]+)",[ \t]*#[ \t]*(\S.*)$', text, re.MULTILINE))

    assert len(declared) > 20
    assert [name for name in declared if name not in comments] == []


def test_each_dependency_is_pinned_with_its_hash() -> None:
    files = sorted((ROOT / "requirements").glob("*.txt"))
    if not files:
        pytest.skip("The requirements are not pinned yet: make requirements")
    names = {
        re.split(r"[\[~=<>]", name)[0].lower()
        for name in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    }

    pinned: set[str] = set()
    for path in files:
        for entry in re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8")):
            if match := re.match(r"([a-z0-9._-]+)(?:\[[^\]]*\])?==", entry):
                pinned.add(match[1])
                assert "--hash=sha256:" in entry, f"{relative(path)}: {match[1]} has no hash"

    assert names - pinned == set()


# Translations ----------------------------------------------------------------------------------------------------------

LANGUAGES = ("ar", "zh_Hans", "fr", "ru", "es")
PLACEHOLDER = re.compile(r"%\(\w+\)[#0 +-]*[\d.]*[a-zA-Z]|%[sd]|\{\w+\}")
PLURALS = {"ar": 6, "zh_Hans": 1, "fr": 2, "ru": 4, "es": 3}  # as in Django's own catalogues


def catalogues() -> list[Path]:
    return sorted((ROOT / "locale").rglob("*.po"))


needs_catalogues = pytest.mark.skipif(not catalogues(), reason="locale/ has no catalogue yet")


def test_the_five_languages_beside_english_are_those_of_the_settings() -> None:
    codes = {code for code, _name in settings.LANGUAGES} - {"en"}

    assert {code.lower().replace("_", "-") for code in LANGUAGES} == codes


@needs_catalogues
@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_is_complete(language: str) -> None:
    paths = [path for path in catalogues() if language in path.parts]
    assert paths

    entries = [entry for path in paths for entry in polib.pofile(str(path)) if not entry.obsolete]
    assert len(entries) > 100
    assert [entry.msgid for entry in entries if entry.fuzzy or not entry.translated()] == []


@needs_catalogues
@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language: str) -> None:
    wrong = []
    for path in catalogues():
        if language not in path.parts:
            continue
        for entry in polib.pofile(str(path)):
            if entry.obsolete or not entry.translated():
                continue
            single, plural = (
                sorted(set(PLACEHOLDER.findall(text))) for text in (entry.msgid, entry.msgid_plural or entry.msgid)
            )
            texts = [set(PLACEHOLDER.findall(text)) for text in (entry.msgstr_plural or {0: entry.msgstr}).values()]
            # a form for exactly one or two may say the number in a word; the last form never does
            if texts[-1] not in (set(single), set(plural)) or any(
                not text <= set(plural) | set(single) for text in texts
            ):
                wrong.append(entry.msgid)

    assert wrong == []


@needs_catalogues
@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_all_their_forms(language: str) -> None:
    entries = [
        entry
        for path in catalogues()
        if language in path.parts
        for entry in polib.pofile(str(path))
        if entry.msgid_plural and not entry.obsolete
    ]

    assert [
        entry.msgid
        for entry in entries
        if len(entry.msgstr_plural) != PLURALS[language] or not all(entry.msgstr_plural.values())
    ] == []


@needs_catalogues
@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_spaces_and_line_ends_at_both_ends(language: str) -> None:
    def ends(text: str) -> tuple[str, str]:
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]

    entries = [
        entry
        for path in catalogues()
        if language in path.parts
        for entry in polib.pofile(str(path))
        if entry.msgstr and not entry.obsolete and re.search("[a-z]", re.sub(r"%\(\w+\)s", "", entry.msgid))
    ]  # not marks alone, such as ", ": each language has its own

    assert [entry.msgid for entry in entries if ends(entry.msgid) != ends(entry.msgstr)] == []
