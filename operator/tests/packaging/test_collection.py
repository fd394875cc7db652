"""Every file of tests is one that runs: pytest passes over some folders by their name, without a word."""

from __future__ import annotations

from fnmatch import fnmatch

import pytest


def test_no_folder_of_tests_is_passed_over(pytestconfig: pytest.Config) -> None:
    patterns = pytestconfig.getini("norecursedirs")
    roots = [pytestconfig.rootpath / path for path in pytestconfig.getini("testpaths")]
    files = [(root, file) for root in roots for file in root.rglob("test_*.py")]
    assert len(files) > 100
    over = {
        str(file.relative_to(root))
        for root, file in files
        for folder in file.relative_to(root).parts[:-1]
        if any(fnmatch(folder, pattern) for pattern in patterns)
    }
    assert over == set()
