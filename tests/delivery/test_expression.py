"""JSONata within limits: what it answers, what it is refused, and that nothing it is given runs away.

What is said of `evaluate` holds for every library that is installed; mostly that is one.
"""

import json
import sys

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crosswalk.delivery.cell import BadValue
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.evaluator import MOST_BYTES, Evaluator, find_evaluator
from crosswalk.delivery.expression import compile_expression
from crosswalk.delivery.jsonata import LIBRARIES, choose, find_library, is_installed

ROW = {
    "first": "Ann",
    "last": "Lee",
    "amount": "12.5",
    "tags": ["a", "b"],
    "at": "2026-01-31",
    "below": {"x": 1},
    "none": None,
}


class Used:
    """One library: expressions are checked here and evaluated in a process of its own."""

    def __init__(self, library):
        self.library = find_library(library)
        self.evaluator = Evaluator(library)

    def __call__(self, text, row=None):
        """The value of an expression for a row. Raises `ValueError` where there is none."""
        self.library.check(text)
        return json.loads(self.evaluator.evaluate(text, json.dumps(ROW if row is None else row).encode()))


@pytest.fixture(scope="module", params=filter(is_installed, LIBRARIES))
def evaluate(request):
    """Evaluates by one library."""
    used = Used(request.param)
    yield used
    used.evaluator.close()


def test_choice():
    """The compiled library goes first, the other where there is no build of it; with neither the way out is said."""
    assert "jsonatapy" == choose(lambda _: True)
    assert "jsonata" == choose(lambda name: name == "jsonata")
    with pytest.raises(ModuleNotFoundError, match="Install jsonatapy"):
        choose(lambda _: False)


def test_a_column_is_named():
    """What an expression fails of, and where it cannot be read, is told with the column's name."""
    assert "Ann" == compile_expression("first", "FIELD").evaluate(ROW)
    with pytest.raises(BadValue, match="FIELD"):
        compile_expression("$error('no')", "FIELD").evaluate(ROW)
    for text in ("first &", "x" * 4001):
        with pytest.raises(PlanError, match="FIELD"):
            compile_expression(text, "FIELD")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first & ' ' & last", "Ann Lee"),
        ("$number(amount) * 2", 25),
        ("below.x", 1),
        ("nothing.at.all", None),
        ("tags", ["a", "b"]),
        ("$replace(first, /n/, 'm')", "Amm"),
        ("$replace(first, 'n', 'm', 1)", "Amn"),
        ("$pad('7', -3, '0')", "007"),
        ("$pad('7', 3)", "7  "),
        ("$formatNumber(1234.5, '#,##0.00')", "1,234.50"),
        ("$formatInteger(12, 'w')", "twelve"),
        ("$fromMillis($toMillis(at), '[D01]/[M01]/[Y0001]')", "31/01/2026"),
        ("($x := 3; $x * 2)", 6),
        ("{'a': first}", {"a": "Ann"}),
        ("$map([1, 2], function($v) { $v * 2 })", [2, 4]),
        ("$map(tags, $uppercase)", ["A", "B"]),
        ("first ~> $pad(5, '.')", "Ann.."),
        ("$exists(none) and none = null", True),
        ("$sum([0.1, 0.2]) > 0.3 ? 1 / 4 : 0", 0.25),
        ("($f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f(6))", 720),
        ("$replace(first, /(n)/, '[$1]')", "A[n][n]"),
        ("$substring(first, 1)", "nn"),
        ("$uppercase", ""),
        ("[]", []),
    ],
)
def test_what_it_answers(evaluate, text, expected):
    """An expression sees the row, and answers a value; what is not there is none."""
    made = evaluate(text)
    assert (expected, type(expected)) == (made, type(made))


@pytest.mark.parametrize("text", ["first &", "(", "a)(b", "first /* c", "$x := 3; 4", "((((" * 999])
def test_what_cannot_be_read(evaluate, text):
    """A slip is said when the plan is made, and changes nothing of the process that reads it."""
    deepest = sys.getrecursionlimit()
    with pytest.raises(ValueError):
        evaluate.library.check(text)
    assert deepest == sys.getrecursionlimit()


GROW = "($f := function($x, $n) {{ $n = 0 ? $x : $f({step}, $n - 1) }}; $f('aaaaaaaaaa', 99))"


BIG = "($d := function($x, $n) { $n = 0 ? $x : $d($x & $x, $n - 1) }; $b := $d('aaaaaaaaaa', 18)"


@pytest.mark.parametrize(
    "text",
    [
        "$now()",
        "$random()",
        "$eval('1')",
        "$pad('x', 20000000)",
        "($p := $pad; $p('x', -20000000))",
        "$map(['x'], function($v) { $pad($v, 20000000) })",
        "$formatInteger(1e12, 'I')",
        "$formatNumber(1, $join([1..1000]))",
        "$fromMillis(0, '[Y,1000000-1000000]')",
        "$replace($pad('', 10000, 'a'), 'a', $pad('', 10000, 'b'))",
        "[1..10000000]",
        "($f := function() { $f() }; $f())",
        "($f := function($n) { 1 + $f($n + 1) }; $f(0))",
        GROW.format(step="$x & $x"),
        GROW.format(step="$string([$x, $x])"),
        GROW.format(step="$append($x, $x)"),
        f"{BIG}; $join($map([1..1999], function($v) {{ $b }})))",
        f"{BIG}; [1..1999].$b)",
        f"{BIG}; $string($map([1..1999], function($v) {{ $b }})))",
        "$map([1..1999], function($a) { $map([1..1999], function($b) { $a }) })",
        "$error('no')",
        "$match(first, /(/)",
        "$number('x')",
        "$undefined()",
    ],
)
def test_what_is_refused(evaluate, text):
    """What would run away, differ on a repeat or fail ends in a refusal."""
    with pytest.raises(ValueError):
        evaluate(text)


def test_a_large_answer_is_refused(evaluate):
    """An answer is at most a megabyte."""
    assert evaluate("wide", {"wide": "x" * 1000})
    with pytest.raises(ValueError, match=f"at most {MOST_BYTES:,} fit"):
        evaluate("wide & wide", {"wide": "x" * MOST_BYTES})


def test_what_takes_too_much_is_given_up(evaluate):
    """After three rows that take too long the expression is refused at once; others go on."""
    endless = "($f := function() { $f() }; $f() & 'given up')"
    for _ in range(3):
        with pytest.raises(ValueError, match="timeout"):
            evaluate(endless)
    with pytest.raises(ValueError, match="given up, after 3 rows"):
        evaluate(endless)
    assert "Ann" == evaluate("first")


def test_a_child_that_ended_is_started_again():
    """When the process that evaluates was ended by somebody, the next row starts another."""
    evaluator = find_evaluator()
    assert '"Ann"' == evaluator.evaluate("first", b'{"first": "Ann"}')
    evaluator._child.kill()
    evaluator._child.wait()
    assert '"Lee"' == evaluator.evaluate("last", b'{"last": "Lee"}')


LEAVES = st.sampled_from(
    ["first", "tags", "below", "1", "'a'", "$", "$$", "null", "true", "[1..50]", "at", "-1", "1e9"]
)
FUNCTIONS = st.sampled_from(
    ("$pad", "$replace", "$join", "$split", "$map", "$reduce", "$string", "$number", "$formatNumber", "$formatInteger",
     "$fromMillis", "$toMillis", "$substring", "$append", "$merge", "$distinct", "$sort", "$zip", "$match", "$contains",
     "$base64encode", "$power", "$sqrt", "$each", "$spread", "$lookup", "$eval", "$clone", "$formatBase", "$shuffle",
     "$parseInteger", "$encodeUrl", "$sift", "$filter", "$single", "$type", "$sum", "$now")
)  # fmt: skip


def grow(inner):
    """Larger expressions of smaller ones."""
    return st.one_of(
        st.tuples(FUNCTIONS, st.lists(inner, max_size=4)).map(lambda made: f"{made[0]}({', '.join(made[1])})"),
        st.tuples(inner, st.sampled_from(["&", "+", "*", "/", "in", "=", "..", "~>", "."]), inner).map(" ".join),
        st.tuples(inner, inner).map(lambda made: f"{made[0]}[{made[1]}]"),
        st.tuples(inner, inner).map(lambda made: f"$map({made[0]}, function($v, $i) {{ {made[1]} }})"),
        st.tuples(inner, inner).map(lambda made: f"($x := {made[0]}; {made[1]} & $x)"),
        inner.map(lambda made: f"({made})"),
        inner.map(lambda made: f"[{made}]"),
    )


@settings(deadline=None)
@given(st.recursive(LEAVES, grow, max_leaves=12) | st.text(max_size=40))
@example("$fromMillis(0, '[Y,*-0]')")
@example("$substring('é', 1, 1e300)")
def test_anything_ends(evaluate, text):
    """Whatever is written, it is read and answers, or is refused in words; nothing else comes out of it."""
    try:
        said = evaluate(text)
    except ValueError as error:
        said = str(error)
    json.dumps(said, allow_nan=False)


ROWS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), ROWS, max_size=4))
def test_any_row_is_seen(evaluate, row):
    """No row can make a plain expression fail otherwise than in words."""
    try:
        made = json.loads(evaluate.evaluator.evaluate("$string($keys($))", msgspec.json.encode(row)))
    except ValueError as error:
        made = str(error)
    assert made is None or isinstance(made, str)
