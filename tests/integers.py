"""The keyed order in Python's integers, one element at a time: the oracle of its tests."""

import math

WORD = 2**32


def philox(counter, key):
    """Philox4x32-10 as the paper states it."""
    c, k = list(counter), [key % WORD, key // WORD]
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], WORD)
        high1, low1 = divmod(0xCD9E8D57 * c[2], WORD)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % WORD, (k[1] + 0xBB67AE85) % WORD]
    return c


def finalise(x):
    """MurmurHash3's fmix32."""
    x ^= x >> 16
    x = x * 0x85EBCA6B % WORD
    x ^= x >> 13
    x = x * 0xC2B2AE35 % WORD
    return x ^ x >> 16


def _keys(number, seed, turn, purpose):
    return [w for block in range(4) for w in philox((4 * number + block, 0, purpose, 2**31 + turn), seed)]


def permuted(x, size, number, seed, turn, purpose):
    """One element through one bijection, as the docstring of ``Bijections`` describes it."""
    key = _keys(number, seed, turn, purpose)
    rows = math.isqrt(size - 1) + 1
    columns = -(-size // rows)
    while True:
        row, column = divmod(x, columns)
        for step in range(8):
            if step % 2 == 0:
                row = (row + (finalise(column ^ key[step]) * rows >> 32)) % rows
            else:
                column = (column + (finalise(row ^ key[step]) * columns >> 32)) % columns
        x = row * columns + column
        if x < size:
            break
    for high, low in zip(key[8:12], key[12:16], strict=True):
        partner = ((high * 2**30 + low // 4) - x) % size
        if finalise(max(x, partner) ^ high) >= 2**31:
            x = partner
    return x


def walkers(size, number, seed, turn, purpose):
    """The elements that a bijection takes to a cell outside its size at first."""
    key = _keys(number, seed, turn, purpose)
    rows = math.isqrt(size - 1) + 1
    columns = -(-size // rows)
    for outside in range(size, rows * columns):
        row, column = divmod(outside, columns)
        for step in reversed(range(8)):
            if step % 2 == 0:
                row = (row - (finalise(column ^ key[step]) * rows >> 32)) % rows
            else:
                column = (column - (finalise(row ^ key[step]) * columns >> 32)) % columns
        if row * columns + column < size:
            yield row * columns + column


def draw_at(position, labels, draws, seed, epoch):
    """(index, copy, key) at a position, where every epoch has the plan ``draws``, by class."""
    x = permuted(position, sum(draws.values()), 0, seed, epoch, 0)
    names, number = sorted(draws), 0
    while x >= draws[names[number]]:
        x -= draws[names[number]]
        number += 1
    name = names[number]
    members = [index for index, label in enumerate(labels) if label == name]
    copy, slot = divmod(x, len(members))
    index = members[rotated(len(members), draws[name], number, seed, epoch, slot)]
    low, high, _, _ = philox((index, 0, copy, epoch), seed)
    return index, copy, low + high * WORD


def rotated(n, draws, number, seed, epoch, slot):
    """The place that an epoch draws at a slot, counted from where its draws begin, of n."""
    width = min(draws % n, -draws % n)
    leaving = 2 * (draws % n) > n
    turn, begin = divmod(epoch * width, n)

    def keyed(turn):
        return [permuted(x, n, number, seed, turn, 1) for x in range(n)]

    def order(turn):
        """A round's: its keyed order, but for the head that must not meet the tail before it."""
        places = keyed(turn)
        tail = turn * n % width if width else 0
        if not tail:
            return places
        old, head = set(keyed(turn - 1)[n - tail :]), width - tail
        middle = n - width - head
        steps = [permuted(x, middle, number, seed, turn, 9) for x in range(middle)]
        free = (head + step for step in steps if places[head + step] not in old)
        for at in [at for at in range(head) if places[at] in old]:
            other = next(free)
            places[at], places[other] = places[other], places[at]
        return places

    places = order(turn)
    head = begin + width - n
    if leaving and width:
        begin = (begin + width) % n if head <= 0 else 0
    if head > 0:
        # The epoch has the tail of this round, and the head of the next in the place of as much of this one.
        new = order(turn + 1)[:head]
        first = n - width if leaving else 0
        here = places[first : first + head]
        pairs = zip([x for x in new if x not in here], [x for x in here if x not in new], strict=True)
        for one, other in pairs:
            at, there = places.index(one), places.index(other)
            places[at], places[there] = places[there], places[at]
    return places[(begin + slot) % n]
