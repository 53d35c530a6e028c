/** Who may be where, in numbers: what placing and ordering work on, whatever a VM or a server is. All amounts are exact in a double. */

/** What it takes to move a VM that runs. */
export const moveBy = {
  /** It is down for a while anyway: it leaves before it arrives. */
  cold: 0,
  /** It runs on, and counts on both servers meanwhile. */
  live: 1,
  /** Only through a restart that it would not have otherwise. */
  restart: 2,
  /** Not at all. */
  never: 3,
} as const;

/** Some of the servers, sorted; `mask` (a 1 or 0 by server) where they are many. */
export interface ServerSet {
  readonly list: Int32Array;
  readonly mask: Uint8Array | null;
}

const few = 8;

export const serverSet = (servers: readonly number[], of: number): ServerSet => {
  const list = Int32Array.from(servers).sort();
  if (list.length <= few) return { list, mask: null };
  const mask = new Uint8Array(of);
  for (const s of list) mask[s] = 1;
  return { list, mask };
};

export interface Problem {
  readonly servers: number;
  readonly vms: number;
  readonly dims: number;
  /** servers × dims: what the VMs of a server may take together. */
  readonly room: Float64Array;
  /** By server: 1 where VMs may come. */
  readonly open: Uint8Array;
  /** By server: 1 where VMs may stay; those on the others must leave. */
  readonly keeps: Uint8Array;
  /** By VM: where it is; -1: it runs nowhere. */
  readonly at: Int32Array;
  /** By VM: 1 where it is to run in the end. */
  readonly runs: Uint8Array;
  /** vms × dims: what it takes where it is, and what it is to take. */
  readonly now: Float64Array;
  readonly next: Float64Array;
  /** By VM: the set of servers where it may be in the end; -1: any. */
  readonly wanted: Int32Array;
  /** By VM: the set of servers where it can run at all; -1: any. It may pass through those. */
  readonly able: Int32Array;
  readonly sets: readonly ServerSet[];
  /** By VM that starts: the server where it rather would, or -1. */
  readonly prefers: Int32Array;
  /** By VM, of `moveBy`. */
  readonly move: Uint8Array;
  /** By VM: 1 where it may be suspended on one server and resumed on another. */
  readonly suspend: Uint8Array;
  /** The groups of VM v are `groups[groupsFrom[v]]` up to `groups[groupsFrom[v + 1]]`: no two of one on one server. */
  readonly groupsFrom: Int32Array;
  readonly groups: Int32Array;
}

/** `move`: alive, or cold where `moveBy` says so. `hop`: a move that is not the VM's last. */
export type StepKind = 'shrink' | 'stop' | 'move' | 'hop' | 'suspend' | 'resume' | 'grow' | 'start';

export interface MoveStep {
  readonly kind: StepKind;
  readonly vm: number;
  /** Where it is before, and after; -1: nowhere. */
  readonly from: number;
  readonly to: number;
  /** Indices of the steps that must be done before, sorted, each once. */
  readonly needs: readonly number[];
}

/** `unverified`: what was found did not stand up to the verifier. */
export type UnmetWhy = 'no-room' | 'no-server' | 'stuck' | 'may-not-move' | 'unverified';

/** A wish that is not fulfilled: the VM stays as it is. */
export interface Unmet {
  readonly vm: number;
  readonly what: 'start' | 'move' | 'grow' | 'apart';
  readonly why: UnmetWhy;
}

const isIn = (p: Problem, set: number, server: number): boolean => {
  const x = set < 0 ? undefined : p.sets[set];
  return !x || (x.mask ? x.mask[server] === 1 : x.list.includes(server));
};

/** The servers that the VM may come to: all that are open of the smaller of its sets; the other is still to be asked. */
export const placesOf = (p: Problem, all: Int32Array): ((vm: number) => Int32Array) => {
  const listOf = (set: number): Int32Array => p.sets[set]?.list ?? all;
  return (vm) => {
    const a = listOf(p.wanted[vm] ?? -1);
    const b = listOf(p.able[vm] ?? -1);
    return a.length <= b.length ? a : b;
  };
};

export const openServers = (p: Problem): Int32Array => {
  const list: number[] = [];
  p.open.forEach((open, s) => open === 1 && list.push(s));
  return Int32Array.from(list);
};

/** vms × dims: what each takes while it moves. */
export const midsOf = (p: Problem): Float64Array =>
  Float64Array.from(p.now, (now, i) => {
    const next = p.next[i] ?? 0;
    return now < next ? now : next;
  });

/** Whether the VM may be there in the end. */
export const mayStay = (p: Problem, vm: number, server: number): boolean =>
  p.keeps[server] === 1 && isIn(p, p.wanted[vm] ?? -1, server);

/** Whether the VM may come there to stay. */
export const mayCome = (p: Problem, vm: number, server: number): boolean =>
  p.open[server] === 1 && isIn(p, p.wanted[vm] ?? -1, server) && isIn(p, p.able[vm] ?? -1, server);

/** Whether the VM may be there on its way. */
export const mayPass = (p: Problem, vm: number, server: number): boolean =>
  p.open[server] === 1 && isIn(p, p.able[vm] ?? -1, server);

export const groupsOf = (p: Problem, vm: number): Int32Array =>
  p.groups.subarray(p.groupsFrom[vm] ?? 0, p.groupsFrom[vm + 1] ?? 0);
