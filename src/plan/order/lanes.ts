/**
 * Lanes: what a plan takes down and brings back in one pool, so many VMs at a time, never two of one `apart` group, the next when the
 * last is ready. A possible run is played in which each outage is as short and as lonely as can be; the order in which VMs went down
 * in it becomes edges, which can close no circle since that run keeps them all.
 */
import type { Reason } from '../../core/reason.ts';
import { restartsAtOnce, type Farm } from '../../kinds/farm.ts';
import type { PlanLane } from '../../kinds/plan.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Edge, Chain } from '../model/operation-graph.ts';
import { outageOf, type Outage } from './outages.ts';
import { Rehearsal } from './rehearsal.ts';

export interface Lanes {
  readonly lanes: readonly PlanLane[];
  /** Operation → its lane. */
  readonly of: ReadonlyMap<string, string>;
  readonly edges: readonly Edge[];
}

/** An operation that would take down one VM too many, in every order that was tried. */
export interface Crowded {
  readonly id: string;
  readonly reason: Reason;
}

interface Slot {
  /** What was down in it last. */
  last: string | null;
  taken: boolean;
}

/** One pool's. */
interface Lane {
  readonly id: string;
  readonly slots: Slot[];
  readonly began: Outage[];
  /** Each waits for the one before it. */
  single: boolean;
}

/** Who is down, and what whoever goes down next has to wait for. */
class Keeper {
  readonly edges: Edge[] = [];
  readonly lanes = new Map<string, Lane>();
  private readonly specs: ReadonlyMap<string, VmSpec>;
  private readonly slotOf = new Map<string, Slot>();
  /** By pool and group: the last that was down, and whether it still is. */
  private readonly latest = new Map<string, Outage>();

  constructor(farm: Farm, outages: readonly Outage[]) {
    this.specs = new Map(farm.vms.map((v) => [v.key, v] as const));
    const count = new Map<string, number>();
    for (const o of outages) count.set(this.poolOf(o), (count.get(this.poolOf(o)) ?? 0) + 1);
    for (const [pool, n] of count) {
      const slots = Array.from({ length: Math.min(n, restartsAtOnce(farm.policy)) }, () => ({
        last: null,
        taken: false,
      }));
      if (n > 1) this.lanes.set(pool, { id: `restarts of ${pool}`, slots, began: [], single: true });
    }
  }

  private poolOf({ vm }: Outage): string {
    return this.specs.get(vm)?.pool ?? '';
  }

  laneOf(o: Outage): Lane | undefined {
    return this.lanes.get(this.poolOf(o));
  }

  private groupsOf(o: Outage): readonly { readonly key: string; readonly group: string; readonly soft: boolean }[] {
    return (this.specs.get(o.vm)?.apart ?? []).map(({ group, soft }) => ({
      key: `${this.poolOf(o)}\n${group}`,
      group,
      soft,
    }));
  }

  /** Why it may not go down now; null: it goes down, and waits for those before it. */
  goesDown(o: Outage): Reason | null {
    const lane = this.laneOf(o);
    if (!lane) return null;
    const slot = lane.slots.find((s) => !s.taken);
    if (!slot) return tooMany(lane, this.down(lane));
    const before = new Set<string>();
    for (const { key, group, soft } of this.groupsOf(o)) {
      const mate = this.latest.get(key);
      if (mate && this.slotOf.has(mate.vm) && !soft) return together(mate, group);
      if (mate && !this.slotOf.has(mate.vm)) before.add(mate.last);
    }
    if (slot.last !== null) before.add(slot.last);
    const previous = lane.began.at(-1);
    lane.single &&= previous === undefined || before.has(previous.last);
    for (const id of before) this.edges.push([o.first, id]);
    for (const { key } of this.groupsOf(o)) this.latest.set(key, o);
    slot.taken = true;
    this.slotOf.set(o.vm, slot);
    lane.began.push(o);
    return null;
  }

  isBack(o: Outage): void {
    const [slot, lane] = [this.slotOf.get(o.vm), this.laneOf(o)];
    if (!slot || !lane) return;
    this.slotOf.delete(o.vm);
    slot.last = o.last;
    slot.taken = false;
    // The one that has been free for longest is taken next.
    lane.slots.push(...lane.slots.splice(lane.slots.indexOf(slot), 1));
  }

  private down(lane: Lane): readonly string[] {
    return lane.began.flatMap(({ vm }) => (this.slotOf.has(vm) ? [vm] : []));
  }
}

const tooMany = ({ slots }: Lane, down: readonly string[]): Reason => ({
  code: 'down-together',
  why: `it would be down together with ${down.join(' and ')}, for which it makes room, and policy.restarts.atOnce is ${slots.length}`,
  help: `set policy.restarts.atOnce to ${slots.length + 1}, or free some memory, so that one can move after the other`,
});

const together = ({ vm }: Outage, group: string): Reason => ({
  code: 'down-together',
  why: `it would be down together with ${vm}, for which it makes room, and both are of group ${group}`,
  help: 'free some memory, so that one can move after the other',
});

/** `needs`: what each operation waits for already. `order`: a possible one. */
export const lanesOf = (
  farm: Farm,
  chains: ReadonlyMap<string, Chain>,
  needs: ReadonlyMap<string, readonly string[]>,
  order: readonly string[],
): Lanes | Crowded => {
  const outages = [...chains.values()].flatMap((chain) => outageOf(chain) ?? []);
  if (outages.length < 2) return { lanes: [], of: new Map(), edges: [] };
  const keeper = new Keeper(farm, outages);
  const rehearsal = new Rehearsal(order, needs, outages);
  for (let next = rehearsal.next(); next; next = rehearsal.next()) {
    const no = keeper.goesDown(next);
    if (no) return { id: next.first, reason: no };
    keeper.edges.push(...rehearsal.takeDown(next).map((id): Edge => [next.first, id]));
    for (const back of rehearsal.goOn()) keeper.isBack(back);
  }
  const of = new Map(
    outages.flatMap((o) => {
      const lane = keeper.laneOf(o);
      return lane ? o.told.map((id) => [id, lane.id] as const) : [];
    }),
  );
  const lanes = [...keeper.lanes.values()].map(({ id, slots, began, single }): PlanLane => ({
    id,
    width: single ? 1 : slots.length,
    stopOnFailure: true,
    vms: began.map((o) => o.vm),
  }));
  return { lanes, of, edges: keeper.edges };
};
