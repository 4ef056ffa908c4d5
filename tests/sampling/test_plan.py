import pytest

from gpuaug.sampling.plan import make_plan

COUNTS = (4, 10, 7)


@pytest.mark.parametrize(
    ("target", "draws"),
    [
        ("majority", (10, 10, 10)),
        ("minority", (4, 4, 4)),
        (6, (6, 6, 6)),
        ({0: 9}, (9, 10, 7)),
        ({0: 1, 1: 2, 2: 30}, (1, 2, 30)),
        ({}, (4, 10, 7)),
    ],
)
def test_draws_of_each_target(target, draws):
    plan = make_plan((0, 1, 2), COUNTS, target)
    assert plan.draws == draws
    assert plan.samples == COUNTS
    assert plan.total == sum(draws)


def test_mapping_by_name():
    assert make_plan(("cat", "dog"), (3, 5), {"dog": 8}).draws == (3, 8)


def test_table_shows_what_a_sample_gets():
    assert str(make_plan(("a", "bb", "c"), (4, 10, 7), {"a": 10, "bb": 4, "c": 14})).splitlines() == [
        "class  samples  draws  copies per sample",
        "    a        4     10             1 to 2",
        "   bb       10      4                  0",
        "    c        7     14                  1",
        "total       21     28",
    ]


def test_long_table_is_cut_in_the_middle():
    lines = str(make_plan(tuple(range(100)), (5,) * 100, "majority")).splitlines()
    assert len(lines) == 23
    assert lines[11].strip() == "(80 more)"
    assert lines[12].split() == ["90", "5", "5", "0"]
