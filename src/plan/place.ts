/** Where a new VM goes: the server of its pool with most room that has what it needs. It then stays there. */
import { byText } from '../core/order.ts';
import { formatSize } from '../core/quantity.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import type { VmConfig } from '../kinds/vm/spec.ts';
import { lackOf } from './lacks.ts';
import type { Roof } from './parts.ts';

export interface Candidate {
  readonly server: string;
  readonly seen: ServerSeen;
  readonly roofs: readonly Roof[];
  /** KiB that no domain and no operation planned so far has claimed. */
  readonly room: number;
}

export type Placed =
  | { readonly ok: true; readonly server: string; readonly why: string }
  | { readonly ok: false; readonly why: string; readonly help: string };

/** What the server lacks for this VM, or null where it has all. */
const lacks = (c: Candidate, config: VmConfig, need: number): string | null => {
  const lack = lackOf(config, c.seen, c.roofs);
  if (lack) return lack.what;
  return c.room < need ? `lacks ${formatSize(Math.ceil((need - c.room) / 1024) * 1024)} of memory` : null;
};

/** `need` is the whole memory in KiB, the hypervisor's share included; 0 for a VM that is not to run. */
export const place = (config: VmConfig, need: number, candidates: readonly Candidate[]): Placed => {
  const judged = candidates.map((c) => ({ c, lack: lacks(c, config, need) }));
  const best = judged
    .filter((j) => j.lack === null)
    .sort((a, b) => b.c.room - a.c.room || byText(a.c.server, b.c.server))[0];
  if (best) {
    const why =
      candidates.length === 1
        ? 'the only server it may be on'
        : `most room: ${(best.c.room / 1024 ** 2).toFixed(1)}GiB free`;
    return { ok: true, server: best.c.server, why };
  }
  return {
    ok: false,
    why: judged.map((j) => `${j.c.server} ${j.lack}`).join('; ') || 'no server of the pool could be read',
    help: 'free some memory, take a smaller VM, or give it another server',
  };
};
