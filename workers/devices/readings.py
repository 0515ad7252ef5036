"""Comparing the ledger's book with what the device says."""

from collections.abc import Sequence

from vram.answers import Victim
from workers.devices.account import DeviceAccount
from workers.devices.memory import DeviceMemory

#: Readings that others' changes overtook, before the next occasion is waited for.
READINGS = 3


def observe(account: DeviceAccount, memory: DeviceMemory) -> Sequence[Victim]:
    """Have the ledger compare its book with the device; who has to leave because of it.

    Raises:
        VramError: the ledger or the device could not be asked.
    """
    if not memory.readable:
        return ()
    for _ in range(READINGS):
        version = account.version()
        found = account.observe(used_mib=memory.used_mib(), version=version)
        if found.verdict == "ok":
            return found.victims
    return ()
