"""What a user may write, and that nothing else is executed."""

import pytest

from gpuaug.study.arms.expressions import evaluate, root_name, tidy

NAMES = {"pair": lambda a, b=2: (a, b), "one": lambda: 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("one", 1),
        ("one()", 1),
        (" pair(3) ", (3, 2)),
        ("pair(a=one, b='x')", (1, "x")),
        ("pair([one, -2.5], (True, None))", ([1, -2.5], (True, None))),
        ("7", 7),
    ],
)
def test_values_of_expressions(text, value):
    assert evaluate("target", text, NAMES) == value


def test_join_is_left_to_right():
    assert evaluate("chain", "one + (7 + 8)", NAMES, join=lambda a, b: (a, b)) == (1, (7, 8))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two", "target 'two': must be of one, pair; got two"),
        ("one.real", "one.real is not understood"),
        ("one().real()", "is not a name"),
        ("__import__('os').getcwd()", "is not a name"),
        ("eval('1')", "must be of one, pair; got eval"),
        ("[one for one in [1]]", "is not understood"),
        ("lambda: 1", "is not understood"),
        ("f'{one}'", "is not understood"),
        ("one + one", "is not understood"),
        ("one - 1", "is not understood"),
        ("pair(**{'a': 1})", "is not understood"),
        ("pair(*[1])", "is not understood"),
        ("pair()", "missing 1 required positional argument"),
        ("one one", "target must be names joined by"),
        ("", "target must be names joined by"),
    ],
)
def test_other_expressions_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        evaluate("target", text, NAMES)


def test_tidy_and_root():
    assert tidy("a+b( 1,c = 'x')") == tidy('(a + b(1, c="x"))')
    assert [root_name(text) for text in ("a", "a(1) + b", "3", "")] == ["a", "a", "", ""]
