/**
 * Room in lots: what is free at the start has no owner, and each departure leaves a lot behind. An arrival takes lots, and waits for
 * the owners of those alone. Every unit of room so belongs to exactly one arrival, and any interleaving is safe.
 */

interface Lot {
  amount: number;
  /** The step that left it; -1: it was free. */
  readonly owner: number;
  /** How many steps must follow each other until it is there. */
  readonly depth: number;
}

export class Lots {
  private readonly lots = new Map<number, Lot[]>();
  private readonly debts = new Map<number, number>();

  /** By place (a server and a dimension): what is free at the start; less than nothing where it is overfull. */
  constructor(free: Iterable<number> = []) {
    let place = 0;
    for (const amount of free) this.open(place++, amount);
  }

  open(place: number, amount: number): void {
    if (amount > 0) this.lots.set(place, [{ amount, owner: -1, depth: 0 }]);
    else if (amount < 0) this.debts.set(place, -amount);
  }

  give(place: number, amount: number, owner: number, depth: number): void {
    let rest = amount;
    const debt = this.debts.get(place) ?? 0;
    if (debt > 0) {
      const paid = Math.min(debt, rest);
      this.debts.set(place, debt - paid);
      rest -= paid;
    }
    if (rest <= 0) return;
    const lot = { amount: rest, owner, depth };
    const list = this.lots.get(place);
    if (list) list.push(lot);
    else this.lots.set(place, [lot]);
  }

  /** Takes from what is there soonest, adding owners to `needs`; what is missing comes back. */
  take(place: number, amount: number, needs: Set<number>, not = -2): number {
    const list = this.lots.get(place) ?? [];
    let missing = amount;
    while (missing > 0) {
      let best: Lot | undefined;
      for (const lot of list) {
        if (lot.amount <= 0 || lot.owner === not) continue;
        if (!best || rank(lot, needs) < rank(best, needs)) best = lot;
      }
      if (!best) return missing;
      const taken = Math.min(best.amount, missing);
      best.amount -= taken;
      missing -= taken;
      if (best.owner >= 0) needs.add(best.owner);
    }
    const kept = list.filter((l) => l.amount > 0);
    if (kept.length < list.length) this.lots.set(place, kept);
    return 0;
  }
}

/** What is waited for anyway costs nothing more. */
const rank = (lot: Lot, needs: ReadonlySet<number>): number => (needs.has(lot.owner) ? -1 : lot.depth);
