"""The docstrings below fields, for documents that are generated from the code. Python does not keep them."""

import ast
import inspect
import textwrap
from itertools import pairwise


def meanings(kind: type) -> dict[str, str]:
    """Field name to the docstring that stands below it in the source of `kind`, on one line."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    found = {}
    for field, text in pairwise(tree.body if isinstance(tree, ast.ClassDef) else []):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                found[name] = " ".join(meaning.split())
    return found
