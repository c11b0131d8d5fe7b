"""Register an AST transformer with IPython that drops every assert of later cells."""

from __future__ import annotations

from tests.attacks._arena import Arena
from tests.attacks._attack import Attack

ATTACK = Attack(
    tries="registers an AST transformer that drops assert and answers check()",
    added=(
        """\
import ast

class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

    def visit_Expr(self, node):
        self.generic_visit(node)
        called = getattr(getattr(node.value, "func", None), "attr", "")
        return ast.copy_location(ast.Pass(), node) if called.startswith("assert_") else node

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "check":
            return ast.copy_location(ast.Constant(3.0), node)
        return node

get_ipython().ast_transformers.append(Drop())
""",
    ),
)


def test_an_ast_transformer_earns_nothing(arena: Arena) -> None:
    arena.withstands(ATTACK)
