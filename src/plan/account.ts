/** One VM explained: where it may be and why it is where it is, what waits for it, and what each change to it would cost now. */
import type { Way } from '../core/change.ts';
import type { PlanVm, Refusal } from '../kinds/plan.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import { fields } from '../kinds/vm/fields.ts';
import { resolve } from '../kinds/vm/resolve.ts';
import { waysOf } from '../kinds/vm/ways.ts';
import { lackOn, whyLeaves } from './explain.ts';
import type { Planned } from './planning.ts';

export interface Account {
  readonly key: string;
  readonly pool: string;
  /** Where it is; null: nowhere. */
  readonly server: string | null;
  readonly running: boolean;
  /** By which it was found: a given UUID, its marker, or its name. */
  readonly found: string | null;
  readonly cfg: string | null;
  /** Every server of its pool, and what keeps the VM from it; null: nothing does. */
  readonly servers: readonly { readonly name: string; readonly lacks: string | null }[];
  /** Why it cannot stay where it is, where that is so. */
  readonly leaves: string | null;
  /** Why it may not be moved, where that is so. */
  readonly stays: string | null;
  /** What this plan would do to it. */
  readonly planned: PlanVm | null;
  readonly refused: readonly Refusal[];
  /** What changing each field of the running VM costs, all ways, the cheapest first. */
  readonly costs: readonly { readonly field: string; readonly ways: readonly Way[] }[];
}

/** What people change, and one of each kind of device. */
const general = ['name', 'memory.target', 'memory.max', 'vcpus.count', 'vcpus.max', 'boot.kernel', 'boot.cmdline'];

export const accountOf = (
  { plan, pools, decisions, matched, factsOf }: Planned,
  observed: Observed,
  key: string,
): Account | null => {
  const match = matched.of.get(key);
  if (!match) return null;
  const found = match.is === 'matched' ? match : null;
  const pool = pools.find((p) => p.bodies.some((b) => b.spec?.key === key));
  const body = pool?.bodies.find((b) => b.spec?.key === key);
  const decision = decisions.find((x) => x.spec.key === key);
  const spec = decision?.spec ?? body?.spec ?? null;
  const server = found?.found.server ?? null;
  const live = found?.found.live ?? null;
  const why = pool && body?.server ? whyLeaves(pool, body) : null;
  const seen = server === null ? undefined : seenOn(observed, server);
  const want = spec && live && seen ? resolve(spec, live, factsOf(spec, seen)) : null;
  const costs =
    want && !('unresolved' in want) && live && seen && spec && live.domain
      ? [
          ...general,
          ...fields.filter((f) => f.types.includes(live.domain?.type ?? 'pvh')).map((f) => f.name),
          ...Object.keys(want.config.disks).map((vdev) => `disks.${vdev}`),
          ...Object.keys(want.config.cdroms).map((vdev) => `cdrom.${vdev}`),
          ...Object.keys(want.macs).map((nic) => `nics.${nic}`),
        ].map((field) => ({ field, ways: waysOf(field, live, want, factsOf(spec, seen), true) }))
      : [];
  return {
    key,
    pool: spec?.pool ?? found?.found.pool ?? '',
    server,
    running: live?.domain !== null && live !== null,
    found: found?.how ?? null,
    cfg: live?.record?.path ?? null,
    servers:
      pool && body ? pool.scene.pool.servers.map((s) => ({ name: s.name, lacks: lackOn(pool, body, s.name) })) : [],
    leaves: why && ['state', 'file', 'apart', 'full'].includes(why.is) ? why.text : null,
    stays: body?.stays?.why ?? null,
    planned: plan.vms.find((v) => v.subject.name === key) ?? null,
    refused: plan.refused.filter((r) => r.subject.kind === 'vm' && r.subject.name === key),
    costs,
  };
};
