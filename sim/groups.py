"""Group-buys: a starter asks contacts; who joins in time fills the group; a group that stays short is dissolved."""

import numpy as np

from sim import metrics as M
from sim.compile import compiled
from sim.share import ask_contacts
from sim.world import GROUP_FAILS, JOINS_GROUP, STARTS_GROUP, note


@compiled
def find_slot(w):
    """Return an empty slot of the table of open groups, which always has one; slots fill from a moving start."""
    n = len(w.groups)
    start = w.group_count[0]
    for k in range(1, n):
        slot = 1 + (start + k - 1) % (n - 1)
        if w.groups[slot].n == 0:
            w.group_count[0] = slot
            return slot
    return 0


@compiled
def enter(slot, i, intent, w):
    """Enter a user and his basket into a group."""
    group = w.groups[slot]
    k = group.n
    group.members[k] = i
    group.baskets[k] = intent.basket
    group.channels[k] = intent.channel
    group.touches[k] = intent.touch
    group.n = k + 1
    w.users[i].group = slot


@compiled
def wait_for_group(i, day, intent, m, c, w, o):
    """Join the group of the user who asked, or start one. Return its slot when this fills it, 0 when it waits.

    Someone whose own group still waits does not start another. A user who comes too late starts a group of his own while
    new groups may start.
    """
    row = c.groups[intent.group]
    u = w.users[i]
    if u.group > 0:
        return 0
    if intent.joins >= 0:
        slot = w.users[intent.joins].group
        if slot > 0 and w.groups[slot].row == intent.group and 0 < w.groups[slot].n < row.size:
            enter(slot, i, intent, w)
            note(o, u, i, day, intent.hour, JOINS_GROUP, row.lever, 0.0)
            if w.groups[slot].n == row.size:
                o.tally[M.GROUPS_FILLED, u.segment, intent.channel] += 1
                return slot
            return 0
    if not row.open:
        return 0
    slot = find_slot(w)
    group = w.groups[slot]
    group.n = 0
    group.row = intent.group
    group.goods = intent.goods
    group.deadline = day + row.days
    enter(slot, i, intent, w)
    o.tally[M.GROUPS_STARTED, u.segment, intent.channel] += 1
    note(o, u, i, day, intent.hour, STARTS_GROUP, row.lever, 0.0)
    ask_contacts(i, day, row.touch, row.invite / row.days, row.stream, m, c, w, o)
    return 0


@compiled
def close_groups(day, m, c, w, o):
    """Let starters of waiting groups ask again; dissolve groups whose time is up: their members' baskets are lost.

    A starter asks his contacts in equal parts on each day of the time limit; answers come a day later.
    """
    for slot in range(1, len(w.groups)):
        group = w.groups[slot]
        row = c.groups[group.row]
        if group.n > 0 and group.deadline - row.days < day < group.deadline:
            ask_contacts(np.int64(group.members[0]), day, row.touch, row.invite / row.days, row.stream, m, c, w, o)
        elif group.n > 0 and group.deadline <= day:
            starter = w.users[group.members[0]]
            o.tally[M.GROUPS_FAILED, starter.segment, group.channels[0]] += 1
            for n in range(group.n):
                member = group.members[n]
                w.users[member].group = -1
                note(o, w.users[member], member, day, -1, GROUP_FAILS, group.row, 0.0)
            group.n = 0
