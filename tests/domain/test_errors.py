"""The tree of errors in the docstring is the tree of the classes."""

import inspect
import re

from crewgate.domain import errors


def test_the_drawn_tree_names_each_error_below_its_base() -> None:
    drawn: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines()[2:]:
        indent = len(line) - len(line.lstrip())
        for name in re.findall(r"\b[A-Z]\w+", line):
            parents = [(depth, parent) for depth, parent in parents if depth < indent]
            drawn[name] = parents[-1][1] if parents else "Exception"
        parents.append((indent, line.split()[0].rstrip(",")))
    classes = {
        name: kind.__mro__[1].__name__
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.CrewgateError)
    }
    assert drawn == classes
