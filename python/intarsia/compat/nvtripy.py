"""nvtripy's names: Intarsia has them all under the same spelling, or says what is missing."""

import intarsia

TripyException = intarsia.Error


def __getattr__(name):
    from . import missing

    try:
        return getattr(intarsia, name)
    except AttributeError:
        missing("nvtripy", name)
