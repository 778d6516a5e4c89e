"""What would not fit is refused before it is made."""

import pytest

from tripos.approximations import memory
from tripos.approximations.errors import MemoryLimitError, TriposError
from tripos.approximations.memory import available_memory, check_memory


def test_more_than_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    check_memory("An array", 2**26, "Ask for less.")
    sentence = r"^An array needs 512 MiB .* half of the 1 GiB that are free. Ask for less.$"
    with pytest.raises(MemoryLimitError, match=sentence) as raised:
        check_memory("An array", 2**26 + 1, "Ask for less.")
    assert isinstance(raised.value, TriposError)


def test_what_any_machine_has_is_not_asked_for(monkeypatch):
    def must_not_be_called():
        raise AssertionError

    monkeypatch.setattr(memory, "available_memory", must_not_be_called)
    check_memory("An array", 2**22, "Ask for less.")


def test_this_machine_has_memory_to_spare():
    assert 2**27 < available_memory() < 2**50
