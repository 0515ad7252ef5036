"""Faults planted into the ledger's scripts: each has to be noticed by a property."""

from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Final, Literal

from vram import scripts


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A change of one place in one script."""

    name: str
    #: Below vram/lua.
    file: str
    right: str
    wrong: str
    #: Who notices it soonest: the histories of the machine, or the comparison with the policy.
    noticed_by: Literal["machine", "policy"] = "machine"


class NotPlanted(Exception):
    """The place is not there, or not once: the fault has to be written anew."""


def planted(fault: Fault, folder: Path) -> Path:
    """A copy of the scripts with the fault in them.

    Raises:
        NotPlanted: the text to be changed is not there exactly once.
    """
    copy = folder / "lua"
    copytree(scripts.FOLDER, copy)
    path = copy / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.right) != 1:
        raise NotPlanted(f"{fault.name}: {text.count(fault.right)} places in {fault.file}")
    path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    return copy


_BOOK, _SWEEP, _VICTIMS = "shared/book.lua", "shared/sweep.lua", "shared/victims.lua"
_POLICY, _ROOM, _OVER = "shared/policy.lua", "shared/room.lua", "shared/over.lua"

FAULTS: Final = (
    Fault(
        name="what is draining is not on the device",
        file=_BOOK,
        right="local PHYSICAL = { loading = true, ready = true, draining = true,",
        wrong="local PHYSICAL = { loading = true, ready = true,",
    ),
    Fault(
        name="what is unloading is not on the device",
        file=_BOOK,
        right="draining = true, unloading = true, lost = true }",
        wrong="draining = true, lost = true }",
    ),
    Fault(
        name="what is lost is not planned",
        file=_BOOK,
        right="local PLANNED = { reserved = true, loading = true, ready = true, lost = true }",
        wrong="local PLANNED = { reserved = true, loading = true, ready = true }",
    ),
    Fault(
        name="any incarnation may speak",
        file=_BOOK,
        right="book.device.incarnation ~= tonumber(ARGV[2])",
        wrong="false",
    ),
    Fault(
        name="a change leaves the version",
        file=_BOOK,
        right="""and book.now + ms(seconds) or 0
  book.version = book.version + 1""",
        wrong="and book.now + ms(seconds) or 0",
    ),
    Fault(
        name="a load begins whatever the card says",
        file="begin.lua",
        right="elseif free_mib and free_mib < entry.vram_mib + book.device.headroom_mib then",
        wrong="elseif false then",
    ),
    Fault(
        name="a load begins whatever the book says",
        file="begin.lua",
        right="if sum_of(book, PHYSICAL) + entry.vram_mib > usable_of(book) then",
        wrong="if false then",
    ),
    Fault(
        name="what is pinned may be unloaded",
        file="unloading.lua",
        right="if is_pinned(entry) then return save(book, 'pinned') end",
        wrong="",
    ),
    Fault(
        name="what was lost is ready again",
        file="beat.lua",
        right="move(book, entry, 'draining')",
        wrong="move(book, entry, 'ready')",
    ),
    Fault(
        name="a load that was given up is ready in the end",
        file="loaded.lua",
        right="if not entry or entry.state ~= 'loading' then",
        wrong="if not entry or (entry.state ~= 'loading' and entry.state ~= 'unloading') then",
    ),
    Fault(
        name="a smaller size is free at once",
        file=_OVER,
        right="book.foreign = book.foreign + math.max(0, before_mib - vram_mib)",
        wrong="",
    ),
    Fault(
        name="a larger size is not booked",
        file=_OVER,
        right="entry.vram_mib = vram_mib",
        wrong="entry.vram_mib = math.min(entry.vram_mib, vram_mib)",
    ),
    Fault(
        name="a lease never ends",
        file=_SWEEP,
        right="local silent = entry.lease_ms <= book.now",
        wrong="local silent = false",
    ),
    Fault(
        name="what is written off is free",
        file=_SWEEP,
        right="book.foreign = book.foreign + entry.vram_mib",
        wrong="",
    ),
    Fault(
        name="a hung load is never given up",
        file=_SWEEP,
        right="return late, late and end_load(book, entry)",
        wrong="return false",
    ),
    Fault(
        name="a pin never ends",
        file=_SWEEP,
        right="if until_ms <= book.now then",
        wrong="if false then",
    ),
    Fault(
        name="a failed load is gone at once",
        file="fail.lua",
        right="if entry.state == 'reserved' then",
        wrong="if true then",
    ),
    Fault(
        name="what did not come back is free",
        file="unloaded.lua",
        right="missing_mib = math.max(0, entry.vram_mib - math.max(0, returned_mib))",
        wrong="",
    ),
    Fault(
        name="an old reading counts",
        file="observe.lua",
        right="if book.version == tonumber(ARGV[4]) then",
        wrong="if true then",
    ),
    Fault(
        name="a reading during a load lowers what is foreign",
        file="observe.lua",
        right="local moves = entry.state ~= 'ready' and entry.state ~= 'reserved'",
        wrong="local moves = false",
    ),
    Fault(
        name="gens begin anew after a loss",
        file="register.lua",
        right="book.gen, book.version, book.foreign = last_gen, book.micros, 0",
        wrong="book.gen, book.version, book.foreign = 0, book.micros, 0",
    ),
    Fault(
        name="what an old holder had is free",
        file="register.lua",
        right="book.foreign = book.foreign + entry.vram_mib",
        wrong="",
    ),
    Fault(
        name="an old holder may take the device back",
        file="register.lua",
        right="if book.device.incarnation > device.incarnation then return 'unknown_device' end",
        wrong="",
    ),
    Fault(
        name="a wish is told once only",
        file="beat.lua",
        right="return save(book, cjson.encode({ unload = unload,",
        wrong="redis.call('DEL', KEYS[4])\nreturn save(book, cjson.encode({ unload = unload,",
    ),
    Fault(
        name="keep changes what comes and not what is there",
        file="keep.lua",
        right="entry.keep = on",
        wrong="entry.keep = entry.keep",
    ),
    Fault(
        name="a loan becomes owned whatever the levels say",
        file=_ROOM,
        right="short_in_all(book, entry, gone) == 0 and short_in_levels(book, entry, gone) == 0",
        wrong="short_in_all(book, entry, gone) == 0",
    ),
    Fault(
        name="room beyond a level is owned",
        file=_POLICY,
        right="return { outcome = 'load', reason = 'direct_allocation', loan = true }",
        wrong="return { outcome = 'load', reason = 'direct_allocation' }",
    ),
    Fault(
        name="a critical model has to leave",
        file=_VICTIMS,
        right="return not entry.keep and entry.priority ~= 'critical'",
        wrong="return not entry.keep",
        noticed_by="policy",
    ),
    Fault(
        name="a kept model has to leave",
        file=_VICTIMS,
        right="return not entry.keep and entry.priority ~= 'critical'",
        noticed_by="policy",
        wrong="return entry.priority ~= 'critical'",
    ),
    Fault(
        name="who asks drains what it uses itself",
        file=_VICTIMS,
        right="and not entry.pins[ask.token]",
        wrong="",
        noticed_by="policy",
    ),
    Fault(
        name="a higher class has to leave",
        file=_VICTIMS,
        right="and RANK[entry.priority] <= RANK[ask.priority]",
        wrong="",
        noticed_by="policy",
    ),
    Fault(
        name="more have to leave than need to",
        file=_VICTIMS,
        right="if not enough(gens_of(chosen)) then table.insert(chosen, i, spared) end",
        wrong="table.insert(chosen, i, spared)",
        noticed_by="policy",
    ),
    Fault(
        name="a model is reserved twice",
        file=_POLICY,
        right="""  local entry = entry_with(book, ask.model)
  if not entry then return nil end""",
        wrong="""  local entry = entry_with(book, ask.model)
  if not entry or entry.state == 'reserved' then return nil end""",
    ),
    Fault(
        name="a model that just failed is loaded at once",
        file=_POLICY,
        right="if ask.by_name then return nil end",
        wrong="if true then return nil end",
        noticed_by="policy",
    ),
    Fault(
        name="nothing has to be earned",
        file=_POLICY,
        right="and not open and earned_ms < needed_ms then",
        wrong="and false then",
        noticed_by="policy",
    ),
    Fault(
        name="evictions have no rate",
        file=_POLICY,
        right="if late_ms > 0 then",
        wrong="if false then",
        noticed_by="policy",
    ),
    Fault(
        name="somebody in use leaves for one that has a choice",
        file=_VICTIMS,
        right="and (may_drain_busy or not is_pinned(entry))",
        wrong="",
        noticed_by="policy",
    ),
)
