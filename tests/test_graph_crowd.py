"""How many batches are under way at once: more while the service bears it, fewer when it says that it does not."""

from __future__ import annotations

from provision.graph.crowd import FIRST, MOST, Crowd


def fly(crowd: Crowd, seconds: float = 1.0, requests: int = 20, overloaded: tuple[int, ...] = ()) -> None:
    """A whole crowd leaves and lands; `overloaded` are the places of those that were too much."""
    numbers = [crowd.leaves() for _ in range(crowd.size)]
    for place, number in enumerate(numbers):
        crowd.lands(number, requests, seconds, overloaded=place in overloaded)


def sizes(crowd: Crowd, seconds: list[float]) -> list[int]:
    found = []
    for each in seconds:
        fly(crowd, each)
        found.append(crowd.size)
    return found


def test_twice_as_many_as_long_as_none_gets_slower() -> None:
    assert sizes(Crowd(10), [1.0, 1.1, 1.2, 1.0]) == [8, 16, 16, 16]
    assert (FIRST, MOST) == (4, 16)


def test_no_more_where_more_makes_all_slower() -> None:
    crowd = Crowd(10)
    assert sizes(crowd, [1.0, 2.0, 2.0]) == [8, 8, 8]
    assert sizes(crowd, [1.0]) == [16], "the service has recovered"


def test_an_overload_halves_once_for_all_that_were_under_way() -> None:
    crowd = Crowd(10)
    fly(crowd)
    fly(crowd, overloaded=(0, 1, 5, 7))
    assert crowd.size == 4
    fly(crowd, overloaded=(3,))
    fly(crowd, overloaded=(1,))
    fly(crowd, overloaded=(0,))
    assert crowd.size == 1, "and never to nothing"
    assert sizes(crowd, [1.0] * 3) == [2, 3, 4], "afterwards one at a time"


def test_small_batches_say_little_about_the_time_for_one_request() -> None:
    crowd = Crowd(10)
    fly(crowd, 0.01, requests=1)
    assert crowd.size == FIRST
    assert sizes(crowd, [1.0]) == [8]
