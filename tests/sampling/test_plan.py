from gpuaug.sampling.plan import make_plan


def test_samples_draws_and_total():
    plan = make_plan((0, 1, 2), (4, 10, 7), {0: 9})
    assert plan.samples == (4, 10, 7)
    assert plan.draws == (9, 10, 7)
    assert plan.total == 26


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
