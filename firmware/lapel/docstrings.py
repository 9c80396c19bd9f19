"""Reads the docstrings below fields, for documents generated from the code: Python itself does not keep them."""

import ast
import inspect
import textwrap
from itertools import pairwise


def field_docstrings(kind: type) -> dict[str, str]:
    """Field name to the docstring below it in the source of `kind`, on one line."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    found = {}
    for field, text in pairwise(tree.body if isinstance(tree, ast.ClassDef) else []):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(docstring))):
                found[name] = " ".join(docstring.split())
    return found
