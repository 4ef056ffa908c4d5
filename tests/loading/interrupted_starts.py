"""Ctrl-C, as a terminal sends it, at random moments of iterations whose workers start anew: METHOD ROUNDS.

One round of each pair has a handler that takes note, as in docs/guides/resume.md; they must hand out every
batch. The others must end in a KeyboardInterrupt. The group of processes is this script's own. A round is as
long as one without an interrupt, so that moments fall anywhere in it, however slow the machine is. Prints
what went wrong.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import time

from shown_indices import expected, make


class Round:
    """One iteration, and one interrupt after ``delay`` seconds, at the latest when it has ended."""

    def __init__(self, loader, delay, handled):
        self.loader, self.delay, self.handled = loader, delay, handled
        self.seen, self.sent, self.noted = [], False, 0
        self.lost = False

    def send(self, *_):
        self.sent = True
        os.killpg(0, signal.SIGINT)

    def lose(self, unraisable):
        """Python cannot raise from a weak reference's callback or ``__del__``: an interrupt there is lost."""
        if unraisable.exc_type is KeyboardInterrupt:
            self.lost = True
        else:
            sys.__unraisablehook__(unraisable)

    def note(self, *_):
        self.noted += 1

    def iterate(self):
        for images, _ in self.loader:
            self.seen += images[:, 0, 0, 0].tolist()
        while not self.sent:
            time.sleep(0.005)

    def run(self):
        """What went wrong; "" for nothing."""
        signal.signal(signal.SIGINT, self.note if self.handled else signal.default_int_handler)
        signal.signal(signal.SIGALRM, self.send)
        sys.unraisablehook = self.lose
        signal.setitimer(signal.ITIMER_REAL, max(self.delay, 0.001))
        try:
            self.iterate()
            ended = "with all batches"
        except KeyboardInterrupt:
            ended = "by the interrupt"
        except BaseException as error:
            ended = repr(error)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return self.judge(ended)

    def judge(self, ended):
        whole = expected(self.loader)
        if ended != ("with all batches" if self.handled or self.lost else "by the interrupt"):
            return f"ended {ended}"
        if self.seen != whole[: len(self.seen)] or (self.handled and self.seen != whole):
            return f"was given {self.seen}"
        if self.handled and self.noted != 1:
            return f"the handler was called {self.noted} times"
        # The interrupt may come between the count of a batch and the loop's body.
        position = self.loader.state_dict()["position"]
        if position not in (len(self.seen), min(len(self.seen) + 4, 18)):
            return f"position {position} after {len(self.seen)} draws"
        if multiprocessing.active_children():
            return f"left {multiprocessing.active_children()}"
        return ""


def main(method, rounds):
    chance = random.Random(0)
    loader = make(num_workers=1, multiprocessing_context=method)
    begin = time.monotonic()
    assert len(list(loader)) == 5
    length, faults = time.monotonic() - begin, []
    pairs = int(rounds) // 2
    for number in range(2 * pairs):
        trial = Round(make(num_workers=1, multiprocessing_context=method), 0, handled=number % 2 == 0)
        # At random in the pair's own part of a round: the moments of all pairs are spread over a whole one.
        trial.delay = (number // 2 + chance.random()) / pairs * length
        fault = trial.run()
        if fault:
            faults.append(f"round {number}, {trial.delay:.3f} of {length:.3f} s: {fault}")
    print(json.dumps(faults))


if __name__ == "__main__":
    main(*sys.argv[1:])
